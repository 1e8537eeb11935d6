"""Statistics that are composed of other reductions, and integrals and derivatives of sampled functions."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.axes import axis_of, named_axes, numpy_names
from minicnn.ops.comparison import clamp, gt, isnan, logical_not, ne, where
from minicnn.ops.elementwise import abs, add, div, mul, sub
from minicnn.ops.exponentials import sqrt
from minicnn.ops.indexing import _index, cat
from minicnn.ops.linalg import matmul
from minicnn.ops.masks import masked_fill
from minicnn.ops.operands import require_kind
from minicnn.ops.reduce import Dims, MaxResult, amax, amin, mean, norm, std, sum, var
from minicnn.ops.scans import _running_extremum, cumsum
from minicnn.ops.shape import as_float, reshape

__all__ = [
    "aminmax",
    "corrcoef",
    "count_nonzero",
    "cov",
    "cummax",
    "cummin",
    "cumulative_trapezoid",
    "dist",
    "gradient",
    "nanmean",
    "nansum",
    "renorm",
    "std_mean",
    "trapezoid",
    "trapz",
    "var_mean",
]


class _Extrema(NamedTuple):
    """The result of `aminmax`."""

    min: Tensor
    max: Tensor


@numpy_names
def cummax(input: Tensor, dim: int) -> MaxResult:
    """Return the largest of each element and the ones before it along an axis, and its index, the last of equal ones.

    Examples
    --------
    >>> import minicnn
    >>> cummax(minicnn.tensor([1, 3, 2, 3]), 0).indices.tolist()
    [0, 1, 1, 3]
    """
    return MaxResult(*_running_extremum(input, axis_of("cummax", dim, input.ndim), largest=True))


@numpy_names
def cummin(input: Tensor, dim: int) -> MaxResult:
    """Return the smallest of each element and the ones before it along an axis, and its index, as `cummax` does."""
    return MaxResult(*_running_extremum(input, axis_of("cummin", dim, input.ndim), largest=False))


@numpy_names
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> _Extrema:
    """Return the smallest and the largest element along an axis, or of all elements; errors as in `amax`."""
    return _Extrema(amin(input, dim, keepdim), amax(input, dim, keepdim))


@numpy_names
def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """Return the sum along axes; NaN counts as 0. With `dtype`, the elements are converted first."""
    x = masked_fill(input, isnan(input), 0) if input.dtype.kind == "f" else input
    return sum(x, dim, keepdim, dtype=dtype)


@numpy_names
def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """Return the mean along axes of the elements that are not NaN. With `dtype`, the elements are converted first.

    Raises
    ------
    DTypeError
        If the tensor does not hold floats.
    """
    require_kind("nanmean", input.dtype, "f", "floats")
    count = sum(logical_not(isnan(input)), dim, keepdim)
    return div(nansum(input, dim, keepdim, dtype=dtype), count)


def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """Return the number of elements that are not 0, along one axis or several, or of all elements."""
    axes = named_axes("count_nonzero", dim, input.ndim)
    return sum(ne(input, 0), axes) if axes or not input.ndim else ne(input, 0).long()


def _with_mean(call: str, spread: Any, input: Tensor, dim: Any, unbiased: bool, keepdim: bool, correction: Any) -> Any:
    if input.dtype.kind not in "fc":
        raise DTypeError(f"{call}: the tensor holds {input.dtype}; convert it with .float() first")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return spread(input, dim, unbiased, keepdim, correction=correction), mean(input, dim, keepdim)


@numpy_names
def std_mean(
    input: Tensor,
    dim: bool | Dims = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the standard deviation and the mean along axes; the arguments are those of `std`.

    Raises
    ------
    DTypeError
        If the tensor does not hold floats.
    """
    spread, centre = _with_mean("std_mean", std, input, dim, unbiased, keepdim, correction)
    return spread, centre


@numpy_names
def var_mean(
    input: Tensor,
    dim: bool | Dims = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the variance and the mean along axes; the arguments are those of `var`.

    Raises
    ------
    DTypeError
        If the tensor does not hold floats.
    """
    spread, centre = _with_mean("var_mean", var, input, dim, unbiased, keepdim, correction)
    return spread, centre


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """Return the p-norm of input - other; with p = 0, the number of elements that differ.

    Raises
    ------
    DTypeError
        If the tensors hold no floats.
    """
    difference = sub(input, other)
    require_kind("dist", difference.dtype, "fc", "floats")
    if p == 0:
        return sum(ne(difference, 0)).to(difference.dtype)
    if p == float("-inf"):
        return amin(abs(difference))
    return norm(difference, float(p))


@numpy_names
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Return input with each slice along `dim` scaled down, if its p-norm is above `maxnorm`, to this norm.

    Raises
    ------
    ShapeError
        If input has fewer than 2 axes.
    ArgumentError
        If p is not above 0, or maxnorm is negative.
    """
    axis = axis_of("renorm", dim, input.ndim)
    if input.ndim < 2:
        raise ShapeError(f"renorm: expected at least 2 axes, got {input.shape}")
    if not p > 0 or maxnorm < 0:
        raise ArgumentError(f"renorm: p must be above 0 and maxnorm at least 0, got {p} and {maxnorm}")
    norms = norm(input, float(p), [i for i in range(input.ndim) if i != axis], keepdim=True)
    return mul(input, where(gt(norms, maxnorm), div(maxnorm, add(norms, 1e-7)), 1.0))


# --- sampled functions ------------------------------------------------------------------------------------------------


def _steps(call: str, y: Tensor, x: Tensor | None, dx: float, axis: int) -> Any:
    """Return the widths of the intervals between samples, so that they broadcast."""
    if x is None:
        return dx
    if x.shape[-1 if x.ndim == 1 else axis] != y.shape[axis]:
        raise ShapeError(f"{call}: x {x.shape} needs a place for each sample along dim={axis} of {y.shape}")
    if x.ndim == 1:
        return reshape(sub(x[1:], x[:-1]), (-1, *(1,) * (y.ndim - 1 - axis)))
    return sub(_part(x, axis, slice(1, None)), _part(x, axis, slice(0, -1)))


def _part(x: Tensor, axis: int, part: slice) -> Tensor:
    return _index(x, index=(slice(None),) * axis + (part,))


def _areas(call: str, y: Tensor, x: Tensor | None, dx: float, dim: int) -> tuple[Tensor, int]:
    """Return the areas of the trapezoids between neighbours along an axis, and the axis."""
    if not y.ndim:
        raise ShapeError(f"{call}: a tensor without axes has no samples")
    axis = axis_of(call, dim, y.ndim)
    height = add(_part(y, axis, slice(1, None)), _part(y, axis, slice(0, -1)))
    return mul(div(height, 2), _steps(call, y, x, dx, axis)), axis


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """Return the integral of a sampled function along an axis by the trapezoidal rule.

    Parameters
    ----------
    y : Tensor
    x : Tensor, optional
        The places of the samples: a vector, or a tensor like y.
    dx : float
        The distance of samples, without x.
    dim : int

    Raises
    ------
    ShapeError
        If y has no axes, or x does not fit.

    Examples
    --------
    >>> import minicnn
    >>> trapezoid(minicnn.tensor([1.0, 2.0, 4.0])).item()
    4.5
    """
    areas, axis = _areas("trapezoid", y, x, dx, dim)
    return sum(areas, axis)


def trapz(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """Return the integral by the trapezoidal rule, as `trapezoid`; see `trapezoid`."""
    return trapezoid(y, x, dx=dx, dim=dim)


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """Return the integrals from the first sample to each later one by the trapezoidal rule; see `trapezoid`.

    Raises
    ------
    ShapeError
        If y has no axes, or x does not fit.
    """
    areas, axis = _areas("cumulative_trapezoid", y, x, dx, dim)
    return cumsum(areas, axis)


def gradient(input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Return the derivatives of a sampled function along axes, by differences of second order.

    Parameters
    ----------
    input : Tensor
    spacing : number, sequence of numbers, or sequence of vectors, optional
        The distance of samples, one for each axis, or their places. Default: 1.
    dim : int or sequence of int, optional
        Default: all axes.
    edge_order : {1, 2}
        The order of the differences at the first and the last sample.

    Returns
    -------
    tuple of Tensor
        One for each axis.

    Raises
    ------
    ArgumentError
        If `edge_order` is neither 1 nor 2, or the number of spacings is not that of the axes.
    ShapeError
        If an axis has too few samples.

    Examples
    --------
    >>> import minicnn
    >>> [d.tolist() for d in gradient(minicnn.tensor([1.0, 2.0, 4.0, 8.0]))]
    [[1.0, 1.5, 3.0, 4.0]]
    """
    if edge_order not in (1, 2):
        raise ArgumentError(f"gradient: edge_order must be 1 or 2, got {edge_order}")
    axes = [axis_of("gradient", d, input.ndim) for d in ([dim] if isinstance(dim, int) else dim or range(input.ndim))]
    spacings = list(spacing) if isinstance(spacing, Sequence) else [1.0 if spacing is None else spacing] * len(axes)
    if len(spacings) != len(axes):
        raise ArgumentError(f"gradient: {len(axes)} axes need as many spacings, got {len(spacings)}")
    x = as_float(input)
    for axis in axes:
        if not x.ndim or x.shape[axis] <= edge_order:
            raise ShapeError(f"gradient: {input.shape} needs at least {edge_order + 1} samples along each axis")
    return tuple(_derivative(x, axis, step, edge_order) for axis, step in zip(axes, spacings, strict=True))


def _derivative(x: Tensor, axis: int, spacing: Any, edge_order: int) -> Tensor:
    """Return the derivative along one axis.

    Between the intervals h and k, it is (h/k Δ₂ + k/h Δ₁) / (h + k) with the differences Δ₁ and Δ₂ of the neighbours.
    """
    if isinstance(spacing, Tensor) and spacing.ndim:
        widths = reshape(sub(spacing[1:], spacing[:-1]), (-1, *(1,) * (x.ndim - 1 - axis)))
    else:
        widths = reshape(x.new_ones(x.shape[axis] - 1) * spacing, (-1, *(1,) * (x.ndim - 1 - axis)))
    slopes = div(sub(_part(x, axis, slice(1, None)), _part(x, axis, slice(0, -1))), widths)
    h, k = widths[:-1], widths[1:]
    left, right = _part(slopes, axis, slice(0, -1)), _part(slopes, axis, slice(1, None))
    middle = div(add(mul(right, h), mul(left, k)), add(h, k))
    first, last = _part(slopes, axis, slice(0, 1)), _part(slopes, axis, slice(-1, None))
    if edge_order == 2:
        bend = div(sub(right, left), add(h, k))
        first = sub(first, mul(_part(bend, axis, slice(0, 1)), widths[:1]))
        last = add(last, mul(_part(bend, axis, slice(-1, None)), widths[-1:]))
    return cat([first, middle, last], axis)


# --- covariance -------------------------------------------------------------------------------------------------------


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """Return the covariance matrix of variables: row i of (V, N) holds the N observations of variable i.

    Parameters
    ----------
    input : Tensor, (V, N), or (N,) for one variable, whose variance is the result
    correction : int
        The divisor is the sum of the weights minus this.
    fweights : Tensor of integers, (N,), optional
        How often each observation was made.
    aweights : Tensor of floats, (N,), optional
        How much each observation counts. The divisor subtracts correction Σ w a / Σ w, with all weights w.

    Raises
    ------
    ShapeError
        If there are more than 2 axes, or not a weight for each observation.
    DTypeError
        If `fweights` holds no integers, or `aweights` no floats.
    ArgumentError
        If a weight is negative.

    Examples
    --------
    >>> import minicnn
    >>> cov(minicnn.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    if input.ndim > 2:
        raise ShapeError(f"cov: expected at most 2 axes, got {input.shape}")
    x = as_float(input) if input.ndim == 2 else as_float(input).reshape(1, -1)
    for name, w, kinds in (("fweights", fweights, "iu"), ("aweights", aweights, "f")):
        if w is None:
            continue
        if w.shape != x.shape[1:]:
            raise ShapeError(f"cov: {name} must have the shape {x.shape[1:]}, got {w.shape}")
        require_kind("cov", w.dtype, kinds, f"{'integers' if kinds == 'iu' else 'floats'} as {name}")
        if bool((w < 0).any()):
            raise ArgumentError(f"cov: {name} must not be negative")
    given = [w.to(x.dtype) for w in (fweights, aweights) if w is not None]
    w = mul(*given) if len(given) == 2 else given[0] if given else x.real.new_ones(x.shape[1:])
    total = w.sum()
    centred = sub(x, div((x * w).sum(1, keepdim=True), total))
    share = div((w * aweights).sum(), total) if aweights is not None else 1
    divisor = sub(total, mul(share, correction)) if aweights is not None else sub(total, correction)
    return div(matmul(mul(centred, w), centred.mT.conj()), divisor.clamp(min=0)).squeeze()


def corrcoef(input: Tensor) -> Tensor:
    """Return the correlation coefficients of variables, from -1 to 1: cov(i, j) / √(cov(i, i) cov(j, j)); see `cov`.

    Raises
    ------
    ShapeError
        If there are more than 2 axes.

    Examples
    --------
    >>> import minicnn
    >>> corrcoef(minicnn.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    c = cov(input)
    if not c.ndim:
        return div(c, c)
    spread = sqrt(c.diagonal().real)
    c = div(div(c, spread[:, None]), spread)
    return c if c.dtype.kind == "c" else clamp(c, -1, 1)
