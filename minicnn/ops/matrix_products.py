"""Powers, exponentials and products of matrices, their diagonals, and least squares."""

from collections.abc import Sequence
from math import ceil, inf, log2
from typing import Any, NamedTuple

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.axes import axis_of
from minicnn.ops.comparison import where
from minicnn.ops.create import eye
from minicnn.ops.indexing import getitem, stack
from minicnn.ops.linalg import matmul
from minicnn.ops.matrices import _checked, inv, pinv, svdvals
from minicnn.ops.matrix_norms import matrix_rank
from minicnn.ops.ranges import arange
from minicnn.ops.reduce import amax, sum
from minicnn.ops.shape import permute, reshape, unsqueeze

__all__ = [
    "LstsqResult",
    "cross",
    "diagonal",
    "lstsq",
    "matrix_exp",
    "matrix_power",
    "multi_dot",
    "vecdot",
]


class LstsqResult(NamedTuple):
    """The result of `lstsq`."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def matrix_power(A: Tensor, n: int) -> Tensor:
    """Return the n-th power of square matrices, by repeated squares; for n < 0 of the inverse.

    Raises
    ------
    ShapeError, DTypeError
        If A is not square, or not floating point.
    LinAlgError
        If n < 0 and a matrix is singular.
    """
    _checked("matrix_power", A, square=True)
    if n < 0:
        return matrix_power(inv(A), -n)
    result, square = None, A
    while n:
        if n % 2:
            result = square if result is None else matmul(result, square)
        n //= 2
        square = matmul(square, square) if n else square
    unit = eye(A.shape[-1], dtype=A.dtype, device=A.device)
    return where(unit >= 0, unit, A) if result is None else result


def matrix_exp(input: Tensor) -> Tensor:
    """Return the exponential of square matrices: Σ Aⁱ / i!, of A / 2ˢ with the norm below 1/2, squared s times.

    Raises
    ------
    ShapeError, DTypeError
        If the input is not square, or not floating point.

    References
    ----------
    Moler and Van Loan, "Nineteen dubious ways to compute the exponential of a matrix", 2003, method 3.
    """
    _checked("matrix_exp", input, square=True)
    if not input.numel():
        return input.clone()
    largest = float(amax(sum(input.detach().abs(), -2)).item())
    squarings = max(0, ceil(log2(largest)) + 1) if 0 < largest < inf else 0
    x = input / 2**squarings
    unit = eye(input.shape[-1], dtype=input.dtype, device=input.device)
    terms = 14 if input.dtype.itemsize == 8 else 9
    result: Any = unit + x / terms
    for i in range(terms - 1, 0, -1):  # Horner's rule
        result = unit + matmul(x, result) / i
    for _ in range(squarings):
        result = matmul(result, result)
    y: Tensor = result
    return y


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """Return the product of several matrices, in the order with the fewest multiplications.

    The first and the last may be vectors.

    Raises
    ------
    ShapeError
        If there are fewer than two tensors, they are no matrices, or the sizes do not fit.
    """
    listed = list(tensors)
    ends, inner = listed[:1] + listed[1:][-1:], listed[1:-1]
    if len(ends) < 2 or any(t.ndim != 2 for t in inner) or any(t.ndim not in (1, 2) for t in ends):
        got = ", ".join(str(t.shape) for t in listed) or "none"
        raise ShapeError(f"multi_dot: expected at least two matrices (the first and last may be vectors), got {got}")
    parts = [t if t.ndim == 2 else unsqueeze(t, 1 if i else 0) for i, t in enumerate(listed)]
    sizes = [p.shape[0] for p in parts] + [parts[-1].shape[1]]
    y = _cheapest_product(parts, sizes, 0, len(parts) - 1, {})[1]()
    if listed[0].ndim == 1:
        y = y[0]
    result: Tensor = y[..., 0] if listed[-1].ndim == 1 else y
    return result


def _cheapest_product(parts: list[Tensor], sizes: list[int], first: int, last: int, known: dict[Any, Any]) -> Any:
    """Return (the number of multiplications, a function that computes) the product of the parts first, ..., last."""
    if first == last:
        return 0, lambda: parts[first]
    if (first, last) not in known:
        best = None
        for middle in range(first, last):
            left, right = (
                _cheapest_product(parts, sizes, a, b, known) for a, b in ((first, middle), (middle + 1, last))
            )
            cost = left[0] + right[0] + sizes[first] * sizes[middle + 1] * sizes[last + 1]
            if best is None or cost < best[0]:
                best = cost, lambda left=left, right=right: matmul(left[1](), right[1]())
        known[first, last] = best
    return known[first, last]


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Return the cross products of vectors of three elements along an axis.

    Raises
    ------
    ShapeError
        If the axis does not have the size 3, or the shapes do not broadcast.
    """
    if input.ndim != other.ndim:
        raise ShapeError(f"cross: both tensors need the same number of axes, got {input.shape} and {other.shape}")
    axis = axis_of("cross", dim, input.ndim)
    if input.ndim == 0 or input.shape[axis] != 3 or other.shape[axis] != 3:
        raise ShapeError(f"cross: dim={dim} must have the size 3, got {input.shape} and {other.shape}")
    (a1, a2, a3), (b1, b2, b3) = ([getitem(t, (*(slice(None),) * axis, i)) for i in range(3)] for t in (input, other))
    return stack([a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, a1 * b2 - a2 * b1], axis)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return the diagonals of matrices as the last axis; `offset` > 0 is above the main diagonal.

    Raises
    ------
    ShapeError
        If the two axes are the same, or do not exist.
    """
    rows, columns = axis_of("diagonal", dim1, A.ndim), axis_of("diagonal", dim2, A.ndim)
    if A.ndim < 2 or rows == columns:
        raise ShapeError(f"diagonal: dim1 and dim2 must be different axes, got {dim1} and {dim2} for {A.shape}")
    others = [a for a in range(A.ndim) if a not in (rows, columns)]
    moved = permute(A, (*others, rows, columns))
    top, left = max(-offset, 0), max(offset, 0)
    count = max(min(A.shape[rows] - top, A.shape[columns] - left), 0)
    index = arange(count, device=A.device)
    return getitem(moved, (..., index + top, index + left))


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Return the sums of the products conj(x) y along an axis; the shapes broadcast."""
    return sum(x.conj() * y, dim)


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> LstsqResult:
    """Return X with the smallest ‖A X - B‖ (the shortest such X), the squared residuals and the rank of A.

    Parameters
    ----------
    A : Tensor, (..., m, n)
    B : Tensor, (..., m, k), or (..., m) with the batch of A: vectors
    rcond : float, optional
        Singular values below rcond times the largest one count as 0. Default: the larger size times the precision.
    driver : "gelsy", "gels", "gelsd" or "gelss", optional
        Which of the results are computed; the others are empty.

    Returns
    -------
    LstsqResult
        solution (..., n, k), for vectors (..., n); residuals (..., k), not for "gelsy", and only if m > n and A has
        full rank; rank (...), not for "gels"; singular values, for "gelsd" and "gelss".

    Raises
    ------
    ShapeError, DTypeError
        If the shapes do not fit, or the types are not one floating-point type.
    ArgumentError
        If the driver is unknown.
    """
    if vectors := B.shape == A.shape[:-1]:
        B = unsqueeze(B, -1)
    _checked("lstsq", A, B)
    if driver not in (None, "gelsy", "gels", "gelsd", "gelss"):
        raise ArgumentError(f"lstsq: driver must be 'gelsy', 'gels', 'gelsd' or 'gelss', got {driver!r}")
    if A.shape[-2] != B.shape[-2] or A.ndim != B.ndim:
        raise ShapeError(f"lstsq: A and B need the same numbers of rows and of axes, got {A.shape} and {B.shape}")
    m, n = A.shape[-2:]
    solution = matmul(pinv(A, rtol=rcond), B)
    rank = matrix_rank(A, rtol=rcond)
    residuals, values = reshape(getitem(solution.real, (..., slice(0, 0))), (0,)), A.detach().real.new_zeros(0)
    if driver not in (None, "gelsy") and m > n and bool((rank.array == n).all()):
        residuals = sum((matmul(A, solution) - B).abs().square(), -2)
    if driver in ("gelsd", "gelss"):
        values = svdvals(A)
    solution = solution[..., 0] if vectors else solution
    return LstsqResult(solution, residuals, rank.new_zeros(0) if driver == "gels" else rank, values)
