"""MultiheadAttention: for each query means of values, weighted by similarity to keys, for several projections."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.arguments import check_positive
from minicnn.nn.linear import Linear
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.create import empty, zeros
from minicnn.runtime.devices import Device

__all__ = ["MultiheadAttention", "SDPBackend", "sdpa_kernel"]


class SDPBackend(IntEnum):
    """PyTorch's names of its kernels of `scaled_dot_product_attention`."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends: Sequence[SDPBackend] | SDPBackend, set_priority: bool = False) -> Iterator[None]:
    """Choose kernels of attention in a `with` block; no effect, because minicnn has one way to compute it.

    Raises
    ------
    DTypeError
        If an argument is no SDPBackend.
    """
    several = [backends] if isinstance(backends, SDPBackend) else backends
    if not isinstance(several, Sequence) or not all(isinstance(b, SDPBackend) for b in several):
        raise DTypeError(f"sdpa_kernel: expected SDPBackend, or a list of them, got {backends!r}")
    yield


class MultiheadAttention(Module):
    """Attention of several heads: y = concat(head_1, ..., head_h) W_Oᵀ with head_i = attention(q W_Qᵀ, k W_Kᵀ, v W_Vᵀ).

    Parameters
    ----------
    embed_dim : int
        E, the width of the query and of the output. Each head has E / num_heads of it.
    num_heads : int
    dropout : float
        The probability with which a weight becomes 0 in training.
    bias : bool
        Add a bias to the projections.
    add_bias_kv : bool
        Append a trained key and value.
    add_zero_attn : bool
        Append a key and a value of zeros.
    kdim, vdim : int, optional
        The widths of key and value; E by default.
    batch_first : bool
        Inputs are (N, length, width) instead of (length, N, width).
    device, dtype
        Of the parameters.

    Attributes
    ----------
    in_proj_weight : Parameter, (3 E, E), or None
        The projections of query, key and value, if all widths are E.
    q_proj_weight, k_proj_weight, v_proj_weight : Parameter, (E, width), or None
        The projections otherwise.
    in_proj_bias : Parameter, (3 E,), or None
    out_proj : Linear
    bias_k, bias_v : Parameter, (1, 1, E), or None

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1, or `embed_dim` is not a multiple of `num_heads`.

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017, section 3.2.2.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.zeros(2, 5, 8)
    >>> y, weights = MultiheadAttention(8, num_heads=2, batch_first=True)(x, x, x)
    >>> y.shape, weights.shape
    ((2, 5, 8), (2, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_positive("MultiheadAttention", embed_dim=embed_dim, num_heads=num_heads)
        if embed_dim % num_heads:
            raise ShapeError(f"MultiheadAttention: embed_dim={embed_dim} must be a multiple of num_heads={num_heads}")
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim

        def weight(*shape: int) -> Parameter:
            return Parameter(empty(shape, device=device, dtype=dtype))

        if self._qkv_same_embed_dim:
            self.in_proj_weight: Parameter | None = weight(3 * embed_dim, embed_dim)
            for name in ("q", "k", "v"):
                self.register_parameter(f"{name}_proj_weight", None)
        else:
            for name, width in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
                self.register_parameter(f"{name}_proj_weight", weight(embed_dim, width))
            self.in_proj_weight = None
        self.in_proj_bias = Parameter(zeros(3 * embed_dim, device=device, dtype=dtype)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, device, dtype)
        self.bias_k = weight(1, 1, embed_dim) if add_bias_kv else None
        self.bias_v = weight(1, 1, embed_dim) if add_bias_kv else None
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw the projections by Glorot's rule; set the biases to 0."""
        for projection in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if projection is not None:
                init.xavier_uniform_(projection)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)
        for appended in (self.bias_k, self.bias_v):
            if appended is not None:
                init.xavier_normal_(appended)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the output and the weights; see `functional.multi_head_attention_forward` for the arguments."""
        swap = self.batch_first and query.ndim == 3
        if swap:
            query, key, value = (t.transpose(0, 1) if t.ndim == 3 else t for t in (query, key, value))
        y, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            self.training,
            key_padding_mask,
            need_weights,
            attn_mask,
            not self._qkv_same_embed_dim,
            self.q_proj_weight,
            self.k_proj_weight,
            self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (y.transpose(0, 1) if swap else y), weights
