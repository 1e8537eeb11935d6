"""Tables of trained vectors, one for each number: for labels, words or steps of time; alone or summed in bags."""

from typing import Any

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.arguments import check_positive
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.create import empty
from minicnn.runtime.devices import Device

__all__ = ["Embedding", "EmbeddingBag"]


class _Table(Module):
    """The base class of both layers: the table and its settings."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        weight: Tensor | None,
        freeze: bool,
        device: str | Device | None,
        dtype: Any,
    ) -> None:
        super().__init__()
        call = type(self).__name__
        if sparse:
            raise ArgumentError(f"{call}: sparse must be False, because all gradients are dense tensors")
        check_positive(call, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ShapeError(
                    f"{call}: padding_idx must be from {-num_embeddings} to {num_embeddings - 1}, got {padding_idx}"
                )
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.sparse = sparse
        if weight is None:
            self.weight = Parameter(empty(num_embeddings, embedding_dim, device=device, dtype=dtype), not freeze)
            self.reset_parameters()
            return
        if weight.shape != (num_embeddings, embedding_dim):
            raise ShapeError(f"{call}: _weight must be {(num_embeddings, embedding_dim)}, got {weight.shape}")
        self.weight = Parameter(weight, not freeze)

    def reset_parameters(self) -> None:
        """Draw the table from the normal distribution, and set the vector of the padding to 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    def _settings_text(self, **shown: Any) -> str:
        """Return the sizes, and the settings that are not the usual ones."""
        others = [f", {name}={getattr(self, name)!r}" for name, usual in shown.items() if getattr(self, name) != usual]
        return f"{self.num_embeddings}, {self.embedding_dim}" + "".join(others)


class Embedding(_Table):
    """A table of vectors: (...) of integers -> (..., embedding_dim).

    Parameters
    ----------
    num_embeddings : int
        The number of vectors. An input is from 0 to num_embeddings - 1.
    embedding_dim : int
        The length of a vector.
    padding_idx : int, optional
        The number of a vector that begins as zeros and is not trained; a negative number counts from the end.
    max_norm : float, optional
        Vectors that are used and have a larger norm are scaled to this norm, in the table itself.
    norm_type : float
        The p of this norm.
    scale_grad_by_freq : bool
        Divide the gradient of a vector by the number of times that it is used.
    sparse : bool
        Must be False: gradients are dense.
    _weight : Tensor, (num_embeddings, embedding_dim), optional
        The table.
    _freeze : bool
        Do not train the table.
    device, dtype
        Of the parameter.

    Attributes
    ----------
    weight : Parameter, (num_embeddings, embedding_dim)
        Begins as normal random numbers.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1, padding_idx is out of range, or `_weight` has another shape.
    ArgumentError
        If `sparse` is True.

    Examples
    --------
    >>> import minicnn
    >>> Embedding(10, 4)(minicnn.tensor([[1, 2, 9]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        settings = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight, _freeze, device, dtype)
        super().__init__(num_embeddings, embedding_dim, *settings)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> "Embedding":
        """Return a layer with a given table (num_embeddings, embedding_dim), which it shares.

        With `freeze`, the table is not trained. The other arguments are as in the layer.

        Raises
        ------
        ShapeError
            If the table does not have 2 axes.
        """
        if embeddings.ndim != 2:
            raise ShapeError(f"from_pretrained: the table must have 2 axes, got {embeddings.shape}")
        rows, width = embeddings.shape
        arguments = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        return cls(rows, width, *arguments, _weight=embeddings, _freeze=freeze)

    def forward(self, input: Tensor) -> Tensor:
        limits = self.max_norm, self.norm_type
        return F.embedding(input, self.weight, self.padding_idx, *limits, self.scale_grad_by_freq)

    def extra_repr(self) -> str:
        return self._settings_text(padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False)


class EmbeddingBag(_Table):
    """A table of vectors, and the sum, mean or maximum of those in each bag of numbers; see `functional.embedding_bag`.

    Parameters
    ----------
    num_embeddings, embedding_dim, max_norm, norm_type, scale_grad_by_freq, sparse, _weight, device, dtype
        As in `Embedding`.
    mode : "sum", "mean" or "max"
    include_last_offset : bool
        The last offset is the end of the last bag.
    padding_idx : int, optional
        This number does not count. Its vector begins as zeros.

    Attributes
    ----------
    weight : Parameter, (num_embeddings, embedding_dim)
        Begins as normal random numbers.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1, padding_idx is out of range, or `_weight` has another shape.
    ArgumentError
        If `sparse` is True.

    Examples
    --------
    >>> import minicnn
    >>> EmbeddingBag(10, 4)(minicnn.tensor([1, 2, 9]), offsets=minicnn.tensor([0, 2])).shape
    (2, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        settings = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight, False, device, dtype)
        super().__init__(num_embeddings, embedding_dim, *settings)
        self.mode, self.include_last_offset = mode, include_last_offset

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> "EmbeddingBag":
        """Return a layer with a given table (num_embeddings, embedding_dim), which it shares.

        With `freeze`, the table is not trained. The other arguments are as in the layer.

        Raises
        ------
        ShapeError
            If the table does not have 2 axes.
        """
        if embeddings.ndim != 2:
            raise ShapeError(f"from_pretrained: the table must have 2 axes, got {embeddings.shape}")
        settings = (max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset, padding_idx)
        rows, width = embeddings.shape
        made = cls(rows, width, *settings)
        made.weight.requires_grad = not freeze
        return made

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        shown: dict[str, Any] = {"max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False}
        return self._settings_text(**shown, mode=None, padding_idx=None)
