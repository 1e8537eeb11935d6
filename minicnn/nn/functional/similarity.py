"""cosine_similarity and normalize: the angle between vectors, and vectors scaled to length 1."""

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError
from minicnn.ops.elementwise import mul, square
from minicnn.ops.exponentials import sqrt
from minicnn.ops.reduce import norm
from minicnn.ops.reduce import sum as total

__all__ = ["cosine_similarity", "normalize"]


def _length(call: str, x: Tensor, dim: int, eps: float) -> Tensor:
    """Return max(√Σx², eps) along an axis. The clamp comes before the root, so the gradient at 0 is 0 and not NaN."""
    if x.dtype.kind != "f":
        raise DTypeError(f"{call}: the tensor holds {x.dtype}; convert it with .float() first")
    return sqrt(total(square(x), dim, keepdim=True).clamp(min=eps * eps))


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosine of the angle between vectors, x1·x2 / (max(‖x1‖, eps) max(‖x2‖, eps)).

    Parameters
    ----------
    x1, x2 : Tensor, float; they broadcast
    dim : int
        The axis of the vectors. The result lacks this axis.
    eps : float

    Raises
    ------
    DTypeError
        If an input is not floating point.

    Examples
    --------
    >>> import minicnn
    >>> cosine_similarity(minicnn.tensor([3.0, 4.0]), minicnn.tensor([6.0, 8.0]), dim=0).item()
    1.0
    """
    call = "cosine_similarity"
    return total(mul(x1 / _length(call, x1, dim, eps), x2 / _length(call, x2, dim, eps)), dim)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Return x / max(‖x‖ₚ, eps) along an axis: vectors of p-norm 1.

    Parameters
    ----------
    input : Tensor, float
    p : float
    dim : int
        The axis of the vectors.
    eps : float

    Returns
    -------
    Tensor, the shape and dtype of the input

    Raises
    ------
    DTypeError
        If p = 2 and the input is not floating point.
    ArgumentError
        If p is not positive.

    Examples
    --------
    >>> import minicnn
    >>> normalize(minicnn.tensor([[3.0, 1.0]]), p=1).tolist()
    [[0.75, 0.25]]
    """
    if p == 2:
        return input / _length("normalize", input, dim, eps)
    return input / norm(input, p, dim, keepdim=True).clamp(min=eps)
