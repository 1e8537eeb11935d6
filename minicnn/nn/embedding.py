"""Embedding, a table of trained vectors, one for each number: for labels, words or steps of time."""

from typing import Any

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ShapeError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.arguments import check_positive
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.create import empty
from minicnn.runtime.devices import Device

__all__ = ["Embedding"]


class Embedding(Module):
    """A table of vectors: (...) of integers -> (..., embedding_dim).

    Parameters
    ----------
    num_embeddings : int
        The number of vectors. An input is from 0 to num_embeddings - 1.
    embedding_dim : int
        The length of a vector.
    padding_idx : int, optional
        The number of a vector that begins as zeros and is not trained; a negative number counts from the end.
    device, dtype
        Of the parameter.

    Attributes
    ----------
    weight : Parameter, (num_embeddings, embedding_dim)
        Begins as normal random numbers.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1, or padding_idx is out of range.

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
        *,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_positive("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ShapeError(
                    f"Embedding: padding_idx must be from {-num_embeddings} to {num_embeddings - 1}, got {padding_idx}"
                )
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.weight = Parameter(empty(num_embeddings, embedding_dim, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table from the normal distribution, and set the vector of the padding to 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
