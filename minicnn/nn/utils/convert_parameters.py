"""Parameters as one vector, and back."""

from collections.abc import Iterable

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ShapeError
from minicnn.ops.indexing import cat

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Concatenate all parameters, flattened, to a vector."""
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy a vector, as `parameters_to_vector` returns it, into the parameters.

    Raises
    ------
    ShapeError
        If the vector and the parameters have different numbers of elements.
    """
    listed = list(parameters)
    count = sum(p.numel() for p in listed)
    if vec.shape != (count,):
        raise ShapeError(f"vector_to_parameters: the parameters hold {count} numbers, the vector is {vec.shape}")
    start = 0
    with no_grad():
        for p in listed:
            p.copy_(vec[start : start + p.numel()].reshape(p.shape))
            start += p.numel()
