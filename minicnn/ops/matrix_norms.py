"""Norms of vectors and matrices, condition and rank."""

from collections.abc import Sequence
from math import inf

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType
from minicnn.errors import ArgumentError, DTypeError, LinAlgError, ShapeError
from minicnn.ops.axes import axes_of, axis_of
from minicnn.ops.comparison import eq, where
from minicnn.ops.create import full_like, ones_like, zeros_like
from minicnn.ops.elementwise import sign
from minicnn.ops.indexing import getitem
from minicnn.ops.matrices import _checked, eigvalsh, inv, svdvals
from minicnn.ops.operands import operands
from minicnn.ops.reduce import amax, amin, sum
from minicnn.ops.reduce import norm as plain_norm
from minicnn.ops.shape import cast, permute, reshape, unsqueeze

__all__ = ["cond", "matrix_norm", "matrix_rank", "norm", "vector_norm"]

Dims = int | Sequence[int] | None


def _converted(call: str, x: Tensor, dtype: DType | None) -> Tensor:
    if x.dtype.kind not in "fc" or (dtype is not None and DType(dtype).kind not in "fc"):
        raise DTypeError(f"{call}: norms are of floating-point tensors, got {x.dtype if dtype is None else dtype}")
    if dtype is not None and not np.can_cast(x.dtype, dtype):
        raise DTypeError(f"{call}: dtype={DType(dtype)} is narrower than the tensor's {x.dtype}; convert with .to()")
    return x if dtype is None else cast(x, DType(dtype))


def vector_norm(
    x: Tensor, ord: float = 2, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """Return the p-norm (Σ |x|ᵖ)^(1/p) along axes, or over all elements.

    Parameters
    ----------
    x : Tensor
    ord : float
        p. inf and -inf are the largest and the smallest |x|; 0 is the number of elements that are not 0.
    dim : int or sequence of int, optional
    keepdim : bool
    dtype : optional
        Convert the elements first.

    Raises
    ------
    DTypeError
        If the elements are not floating point.
    ShapeError
        If a reduced axis has size 0, and the norm of nothing has no value.

    Notes
    -----
    The gradient at 0 is 0.
    """
    x = _converted("vector_norm", x, dtype)
    x = x.abs() if x.dtype.kind == "c" else x
    axes = axes_of("vector_norm", dim if dim is None or isinstance(dim, int) or len(dim) else None, x.ndim)
    if (ord < 0 or ord == inf) and any(x.shape[a] == 0 for a in axes):
        raise ShapeError(f"vector_norm: ord={ord} has no value for a reduced axis of size 0, the tensor is {x.shape}")
    if ord == 2:
        return plain_norm(x, 2, axes or None, keepdim)
    size = x.abs()
    if ord == inf:
        return amax(size, axes, keepdim)
    if ord == -inf:
        return amin(size, axes, keepdim)
    if ord == 0:
        return sum(where(eq(x, x), sign(x).abs(), 1.0), axes or None, keepdim)  # NaN counts as well
    if ord == 1:
        return sum(size, axes or None, keepdim)
    zero = eq(size, 0)
    powers = where(zero, full_like(size, 0.0 if ord > 0 else inf), where(zero, ones_like(size), size) ** ord)
    total = sum(powers, axes or None, keepdim)
    nothing = eq(total, 0)
    root = where(nothing, 1.0, total) ** (1 / ord)
    return where(nothing, zeros_like(total) if ord > 0 else full_like(total, inf), root)


def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """Return a norm of matrices.

    Parameters
    ----------
    A : Tensor, (..., m, n)
    ord : "fro", "nuc", inf, -inf, 1, -1, 2 or -2
        "fro": the root of the sum of squares. "nuc": the sum of the singular values. 2 and -2: the largest and smallest
        singular value. 1 and -1: the largest and smallest sum of a column's |a|; inf and -inf: of a row's.
    dim : pair of int
        The axes of rows and columns.
    keepdim : bool
    dtype : optional
        Convert the elements first.

    Raises
    ------
    DTypeError
        If the elements are not floating point.
    ShapeError
        If `dim` is not a pair of axes.
    ArgumentError
        If there is no such norm.
    """
    A = _converted("matrix_norm", A, dtype)
    pair = tuple(dim) if not isinstance(dim, int) else (dim,)
    if A.ndim < 2 or len(pair) != 2 or len({axis_of("matrix_norm", d, A.ndim) for d in pair}) < 2:
        raise ShapeError(f"matrix_norm: dim must be two axes, got {dim} for a tensor of {A.shape}")
    row, column = (axis_of("matrix_norm", d, A.ndim) for d in pair)
    if ord == "fro":
        return vector_norm(A, 2, (row, column), keepdim)
    if ord not in ("nuc", inf, -inf, 1, -1, 2, -2):
        raise ArgumentError(f"matrix_norm: ord must be 'fro', 'nuc', inf, -inf, 1, -1, 2 or -2, got {ord!r}")
    others = [a for a in range(A.ndim) if a not in (row, column)]
    moved = permute(A, (*others, row, column))
    if ord in ("nuc", 2, -2):
        values = svdvals(moved)
    else:
        values = sum(moved.abs(), -2 if abs(float(ord)) == 1 else -1)
    if ord == "nuc" or (float(ord) > 0 and not values.shape[-1]):  # the largest of nothing counts as 0
        found = sum(values if ord == "nuc" else values.detach(), -1)
    else:
        found = amax(values, -1) if float(ord) > 0 else amin(values, -1)
    return reshape(found, tuple(1 if a in (row, column) else s for a, s in enumerate(A.shape))) if keepdim else found


def norm(
    input: Tensor,
    ord: float | str | None = None,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """Return a vector norm or a matrix norm.

    With one axis, or without `dim` for a tensor of one axis, it is `vector_norm`; with two it is `matrix_norm`. Without
    `ord` it is the root of the sum of squares over all axes of `dim`.

    Raises
    ------
    DTypeError, ShapeError, ArgumentError
        As in `vector_norm` and `matrix_norm`.
    """
    axes = None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if ord is None and (axes is None or len(axes) in (1, 2)):
        return vector_norm(input, 2, axes, keepdim, dtype=dtype)
    count = input.ndim if axes is None else len(axes)
    if ord is None or count not in (1, 2):
        raise ShapeError(f"norm: ord={ord!r} needs one or two axes, got dim={dim} for a tensor of {input.shape}")
    if count == 2 or isinstance(ord, str):
        return matrix_norm(input, ord, (-2, -1) if axes is None else axes, keepdim, dtype=dtype)
    return vector_norm(input, ord, axes, keepdim, dtype=dtype)


def cond(A: Tensor, p: float | str | None = None) -> Tensor:
    """Return the condition numbers of matrices: norm(A) norm(A⁻¹); for p=None the ratio of singular values.

    Raises
    ------
    ShapeError, DTypeError
        If A is no matrix (for most p square), or not floating point.
    ArgumentError
        If there is no such norm.
    """
    _checked("cond", A, square=p not in (None, 2, -2))
    if 0 in A.shape[-2:]:
        return A.detach().abs().new_zeros(A.shape[:-2])
    if p in (None, 2, -2):
        values = svdvals(A)
        first, last = getitem(values, (..., 0)), getitem(values, (..., -1))
        return last / first if p == -2 else first / last
    assert p is not None
    try:
        return matrix_norm(A, p) * matrix_norm(inv(A), p)
    except LinAlgError:
        if A.ndim > 2:
            raise
        return full_like(getitem(A, (0, 0)).abs(), inf)


def matrix_rank(
    input: Tensor,
    tol: float | None = None,
    hermitian: bool = False,
    *,
    atol: float | Tensor | None = None,
    rtol: float | Tensor | None = None,
) -> Tensor:
    """Return the number of singular values above a tolerance, as int64.

    Parameters
    ----------
    input : Tensor, (..., m, n)
    tol : float, optional
        An older name of `atol`, with rtol = 0.
    hermitian : bool
        The matrices are Hermitian.
    atol, rtol : float or Tensor, optional
        The tolerance is the larger of atol and rtol times the largest singular value. Default: rtol is the larger size
        times the precision of the type, or 0 if atol is given.

    Raises
    ------
    ShapeError, DTypeError
        If the input is no matrix, or not floating point.
    """
    _checked("matrix_rank", input, square=hermitian)
    x = input.detach()
    values = eigvalsh(x).abs() if hermitian else svdvals(x)
    atol = tol if atol is None else atol
    if rtol is None:
        rtol = 0.0 if atol is not None else max(input.shape[-2:]) * float(np.finfo(input.dtype).eps)
    if not values.shape[-1]:
        return values.sum(-1).long()
    largest = amax(values, -1)
    relative, absolute = operands("matrix_rank", largest * rtol, 0.0 if atol is None else atol)
    limit = where(relative > absolute, relative, absolute)
    return sum(values > unsqueeze(limit, -1), -1)
