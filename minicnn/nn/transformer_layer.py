"""Layers of transformers: blocks of attention, and a small network for each position.

Every block is x + dropout(f(x)), with a layer norm after it, or with `norm_first` before f. Length comes first,
(length, N, d_model), or with `batch_first` second; a single sequence is (length, d_model).
"""

from collections.abc import Callable
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn import functional as F
from minicnn.nn.attention import MultiheadAttention
from minicnn.nn.dropout import Dropout
from minicnn.nn.linear import Linear
from minicnn.nn.module import Module
from minicnn.nn.norm import LayerNorm
from minicnn.runtime.devices import Device

__all__ = ["TransformerDecoderLayer", "TransformerEncoderLayer"]

Activation = str | Callable[[Tensor], Tensor]


class _Layer(Module):
    """The base class of both layers: `attentions` names its blocks of attention."""

    def __init__(
        self,
        attentions: tuple[str, ...],
        d_model: int,
        nhead: int,
        dim_feedforward: int,
        dropout: float,
        activation: Activation,
        layer_norm_eps: float,
        batch_first: bool,
        norm_first: bool,
        bias: bool,
        device: str | Device | None,
        dtype: Any,
    ) -> None:
        super().__init__()
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        for name in attentions:
            attention = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **place)
        self.norm_first = norm_first
        numbers = range(1, len(attentions) + 2)
        for i in numbers:
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, **place))
        for i in numbers:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = _activation(activation)

    def _apply_block(self, x: Tensor, norm: Module, block: Callable[[Tensor], Tensor]) -> Tensor:
        """Return x + block(x), with a norm after the sum, or with `norm_first` before the block."""
        y: Tensor = x + block(norm(x)) if self.norm_first else norm(x + block(x))
        return y

    def _network(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return y


def _activation(activation: Activation) -> Callable[[Tensor], Tensor]:
    if callable(activation):
        return activation
    known: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}
    if activation not in known:
        raise ArgumentError(
            f"Transformer: activation must be 'relu', 'gelu' or a function of a tensor, got {activation!r}"
        )
    return known[activation]


class TransformerEncoderLayer(_Layer):
    """Self-attention, then a network for each position: x + attention(x, x, x), then x + W2 activation(W1 x).

    Parameters
    ----------
    d_model : int
        The width of the vectors.
    nhead : int
        Number of heads of the attention.
    dim_feedforward : int
        The width inside the network.
    dropout : float
        The probability of a zero, after each block, in the network, and in the weights of the attention.
    activation : "relu", "gelu" or callable
    layer_norm_eps : float
    batch_first : bool
        Inputs are (N, length, d_model) instead of (length, N, d_model).
    norm_first : bool
        The layer norms stand before the blocks instead of after the sums.
    bias : bool
        Linear layers and norms add a bias.
    device, dtype
        Of the parameters.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1, or `d_model` is not a multiple of `nhead`.
    ArgumentError
        If the activation is unknown, or `dropout` is not a probability.

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017. With `norm_first`: Xiong et al., "On layer normalization in the
    transformer architecture", 2020.

    Examples
    --------
    >>> import minicnn
    >>> layer = TransformerEncoderLayer(16, nhead=4, dim_feedforward=32, batch_first=True)
    >>> layer(minicnn.zeros(2, 5, 16)).shape
    (2, 5, 16)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        settings = (dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype)
        super().__init__(("self_attn",), d_model, nhead, *settings)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Return the vectors after both blocks; see `functional.multi_head_attention_forward` for the masks."""
        x = self._apply_block(
            src, self.norm1, lambda t: self._sa_block(t, src_mask, src_key_padding_mask, is_causal=is_causal)
        )
        return self._apply_block(x, self.norm2, self._ff_block)

    def _sa_block(
        self, x: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool = False
    ) -> Tensor:
        y, _ = self.self_attn(x, x, x, key_padding_mask, False, attn_mask, is_causal=is_causal)
        dropped: Tensor = self.dropout1(y)
        return dropped

    def _ff_block(self, x: Tensor) -> Tensor:
        y: Tensor = self.dropout2(self._network(x))
        return y


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the memory of an encoder, then a network for each position.

    Parameters and errors are as in `TransformerEncoderLayer`.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        settings = (dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype)
        super().__init__(("self_attn", "multihead_attn"), d_model, nhead, *settings)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return the vectors after the three blocks. `memory_mask` is (length of tgt, length of memory)."""
        x = self._apply_block(
            tgt, self.norm1, lambda t: self._sa_block(t, tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        )
        x = self._apply_block(
            x,
            self.norm2,
            lambda t: self._mha_block(t, memory, memory_mask, memory_key_padding_mask, memory_is_causal),
        )
        return self._apply_block(x, self.norm3, self._ff_block)

    def _sa_block(
        self, x: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool = False
    ) -> Tensor:
        y, _ = self.self_attn(x, x, x, key_padding_mask, False, attn_mask, is_causal=is_causal)
        dropped: Tensor = self.dropout1(y)
        return dropped

    def _mha_block(
        self,
        x: Tensor,
        mem: Tensor,
        attn_mask: Tensor | None,
        key_padding_mask: Tensor | None,
        is_causal: bool = False,
    ) -> Tensor:
        y, _ = self.multihead_attn(x, mem, mem, key_padding_mask, False, attn_mask, is_causal=is_causal)
        dropped: Tensor = self.dropout2(y)
        return dropped

    def _ff_block(self, x: Tensor) -> Tensor:
        y: Tensor = self.dropout3(self._network(x))
        return y
