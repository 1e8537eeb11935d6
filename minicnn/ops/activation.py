"""Activation functions and their gradients.

Each activation is a primitive or a fused function (`@fuse`). So it needs one pass over memory, like its gradient.
"""

from collections.abc import Callable
from functools import cache
from math import erf as exact_erf
from math import erfc as exact_erfc
from math import exp as math_exp
from math import pi, sqrt

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, float64
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.axes import axis_of, numpy_names
from minicnn.ops.comparison import clamp, ge, gt, le, logical_and, where
from minicnn.ops.elementwise import add, div, mul, neg, square, sub
from minicnn.ops.exponentials import exp, expm1, sigmoid, tanh
from minicnn.ops.fuse import fuse
from minicnn.ops.operands import FloatUnary, Unary
from minicnn.ops.reduce import sum as total
from minicnn.ops.shape import as_float, cast, reshape
from minicnn.runtime.devices import Array, xp

__all__ = [
    "elu",
    "erf",
    "gelu",
    "hardshrink",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "prelu",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
]

# --- relu -----------------------------------------------------------------------------------------------------


@Unary
def relu(x: Array) -> Array:
    """Return max(x, 0), element by element, with the element type of x. NaN stays NaN; the gradient at 0 is 0.

    Examples
    --------
    >>> import minicnn
    >>> relu(minicnn.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return xp(x).maximum(x, 0)


@primitive
def _relu_grad(g: Array, at: Array) -> Array:
    return xp(g).where(at <= 0, g.dtype.type(0), g)  # NaN passes, as in PyTorch


relu.gradient(x=lambda grad, y: _relu_grad(grad, y))
_relu_grad.gradient(g=lambda grad, at: _relu_grad(grad, at))


@fuse
def _leaky_relu(x: Tensor, *, negative_slope: float) -> Tensor:
    return where(gt(x, 0), x, mul(x, negative_slope))


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Return x where x > 0, and negative_slope · x elsewhere. Bools and integers become the default float type."""
    return _leaky_relu(x, negative_slope=float(negative_slope))


@fuse
def _prelu(x: Tensor, slope: Tensor) -> Tensor:
    return where(gt(x, 0), x, mul(x, slope))


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return x where x > 0, and weight · x elsewhere, with a trained weight (He et al., 2015).

    Parameters
    ----------
    input : Tensor, (N, C, ...), float
    weight : Tensor, (C,), or with a single element for all channels

    Raises
    ------
    ShapeError
        If the weight has more than one axis, or does not fit the channels.
    DTypeError
        If the input is not floating point, or the weight has another element type.
    """
    if input.dtype.kind != "f" or weight.dtype != input.dtype:
        raise DTypeError(
            f"prelu: input and weight must have the same floating-point type, got {input.dtype} and {weight.dtype}"
        )
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or (weight.shape not in ((), (1,)) and (not input.ndim or weight.shape != (channels,))):
        raise ShapeError(
            f"prelu: weight must have one number, or one for each of the {channels} channels, got {weight.shape} "
            f"for the input {input.shape}"
        )
    single = weight.shape in ((), (1,))
    return _prelu(input, reshape(weight, () if single else (channels, *(1,) * (input.ndim - 2))))


@fuse
def _hardshrink(x: Tensor, *, size: float) -> Tensor:
    return where(logical_and(ge(x, -size), le(x, size)), 0.0, x)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return 0 where |x| <= lambd, and x elsewhere.

    Raises
    ------
    DTypeError
        If the input is not floating point.
    """
    if input.dtype.kind != "f":
        raise DTypeError(f"hardshrink: the tensor holds {input.dtype}; convert it with .float() first")
    return _hardshrink(input, size=float(lambd))


# --- sigmoid and similar functions ----------------------------------------------------------------------------


@fuse
def silu(x: Tensor) -> Tensor:
    """Return x sigmoid(x) (Elfwing et al., 2018). Bools and integers become the default float type."""
    return mul(x, sigmoid(x))


@primitive
def _softplus(x: Array) -> Array:
    return xp(x).logaddexp(x, x.dtype.type(0))


@fuse
def _softplus_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, sigmoid(x))


_softplus.gradient(x=lambda grad, x: _softplus_grad(grad, x))


@fuse
def _softplus_with_threshold(x: Tensor, *, beta: float, threshold: float) -> Tensor:
    scaled = mul(x, beta)
    return where(gt(scaled, threshold), x, div(_softplus(scaled), beta))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return log(1 + e^(beta x)) / beta, and x where beta x > threshold, for x = input.

    Bools and integers become floats.
    """
    return _softplus_with_threshold(input, beta=float(beta), threshold=float(threshold))


@fuse
def logsigmoid(x: Tensor) -> Tensor:
    """Return log(sigmoid(x)), without overflow. Bools and integers become the default float type."""
    return neg(_softplus(neg(x)))


@fuse
def _elu(x: Tensor, *, alpha: float) -> Tensor:
    return where(le(x, 0), mul(expm1(clamp(x, max=0)), alpha), x)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Return x where x > 0, and alpha (eˣ - 1) elsewhere (Clevert et al., 2016). Bools and integers become floats."""
    return _elu(x, alpha=float(alpha))


# --- the error function and GELU ------------------------------------------------------------------------------
# NumPy has no erf. Two polynomials interpolate values of the standard library's erf and erfc at Chebyshev points, with
# the accuracy of float64. For |x| < 1 the polynomial is erf(x) / x as a function of x²: 1 - erfc(x) would lose digits
# there. For 1 <= |x| < 6.5 it is erfc(x) e^(x²). From 6.5 on, erf(x) is 1.

_NEAR, _FAR = 1.0, 6.5


def _interpolate(f: Callable[[float], float], degree: int) -> list[float]:
    """Return the Chebyshev coefficients of the polynomial that interpolates f on [-1, 1]."""
    return list(map(float, np.polynomial.chebyshev.chebinterpolate(np.vectorize(f), degree)))


def _chebyshev(coefficients: list[float], u: Array) -> Array:
    """Return Σ cₖ Tₖ(u), by Clenshaw's recurrence: bₖ = cₖ + 2u bₖ₊₁ - bₖ₊₂."""
    b1, b2 = 0.0, 0.0
    for c in reversed(coefficients[1:]):
        b1, b2 = c + 2 * u * b1 - b2, b1
    return coefficients[0] + u * b1 - b2


@cache  # not on import, which would take NumPy's polynomials along
def _erf_over_x() -> list[float]:
    return _interpolate(lambda u: exact_erf(z := sqrt((u + 1) / 2) * _NEAR) / z, 12)


@cache
def _scaled_erfc() -> list[float]:
    return _interpolate(lambda u: exact_erfc(z := _NEAR + (u + 1) / 2 * (_FAR - _NEAR)) * math_exp(z * z), 28)


@FloatUnary
def erf(x: Array) -> Array:
    """Return the error function 2/√π ∫₀ˣ e^(-t²) dt. Bools and integers become the default float type."""
    m, t = xp(x), x.astype(float64)
    size = m.minimum(m.abs(t), _FAR)
    near = t * _chebyshev(_erf_over_x(), 2 * m.square(m.minimum(size, _NEAR)) / _NEAR**2 - 1)
    middle = m.maximum(size, _NEAR)
    far = 1 - _chebyshev(_scaled_erfc(), 2 * (middle - _NEAR) / (_FAR - _NEAR) - 1) * m.exp(-middle * middle)
    return m.where(size < _NEAR, near, m.copysign(far, t)).astype(x.dtype)


@fuse
def _erf_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, mul(exp(neg(square(x))), 2 / sqrt(pi)))


erf.gradient(x=lambda grad, x: _erf_grad(grad, x))


@fuse
def _gelu(x: Tensor) -> Tensor:
    return mul(mul(x, 0.5), add(erf(mul(x, 1 / sqrt(2))), 1))


@fuse
def _tanh_gelu(x: Tensor) -> Tensor:
    inner = mul(add(x, mul(mul(square(x), x), 0.044715)), sqrt(2 / pi))
    return mul(mul(x, 0.5), add(tanh(inner), 1))


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Return input Φ(input), where Φ is the normal distribution function (Hendrycks and Gimpel, 2016).

    Bools and integers become the default float type.

    Parameters
    ----------
    input : Tensor
    approximate : {"none", "tanh"}
        "tanh" approximates Φ(input) by (1 + tanh(√(2/π) (input + 0.044715 x³))) / 2.

    Raises
    ------
    ArgumentError
        If `approximate` is neither "none" nor "tanh".
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    return _gelu(input) if approximate == "none" else _tanh_gelu(input)


# --- softmax --------------------------------------------------------------------------------------------------


def _subtract_max(x: Array, axis: int) -> Array:
    """Return x minus its maximum along the axis, so that eˣ cannot overflow."""
    return x - x.max(axis=axis, keepdims=True) if x.size else x


@primitive
def _softmax(x: Array, *, axis: int) -> Array:
    e = xp(x).exp(_subtract_max(x, axis))
    return e / e.sum(axis=axis, keepdims=True)


@primitive
def _log_softmax(x: Array, *, axis: int) -> Array:
    shifted = _subtract_max(x, axis)
    return shifted - xp(x).log(xp(x).exp(shifted).sum(axis=axis, keepdims=True))


@primitive
def _softmax_grad(g: Array, p: Array, *, axis: int) -> Array:
    return p * (g - (g * p).sum(axis=axis, keepdims=True))


@primitive
def _log_softmax_grad(g: Array, log_p: Array, *, axis: int) -> Array:
    return g - xp(g).exp(log_p) * g.sum(axis=axis, keepdims=True)


def _dot(a: Tensor, b: Tensor, axis: int) -> Tensor:
    return total(mul(a, b), axis, keepdim=True)


_softmax.gradient(x=lambda grad, y, axis: _softmax_grad(grad, y, axis=axis))
_log_softmax.gradient(x=lambda grad, y, axis: _log_softmax_grad(grad, y, axis=axis))
_softmax_grad.gradient(
    g=lambda grad, p, axis: _softmax_grad(grad, p, axis=axis),  # diag p - p pᵀ is its own transpose
    p=lambda grad, g, p, axis: sub(mul(grad, sub(g, _dot(g, p, axis))), mul(g, _dot(grad, p, axis))),
)
_log_softmax_grad.gradient(
    scaled=lambda grad, log_p: mul(grad, exp(log_p)),
    g=lambda grad, scaled, axis: sub(grad, total(scaled, axis, keepdim=True)),
    log_p=lambda scaled, g, axis: neg(mul(scaled, total(g, axis, keepdim=True))),
)


@numpy_names
def softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """Return eˣ / Σ eˣ along an axis, without overflow. Bools and integers become the default float type.

    With `dtype`, the elements are converted first.

    Examples
    --------
    >>> import minicnn
    >>> softmax(minicnn.tensor([[1.0, 1.0]]), dim=1).tolist()
    [[0.5, 0.5]]
    """
    return _softmax(_floats(input, dtype), axis=axis_of("softmax", dim, input.ndim))


@numpy_names
def log_softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """Return x - log Σ eˣ along an axis, without overflow. Bools and integers become the default float type.

    With `dtype`, the elements are converted first.
    """
    return _log_softmax(_floats(input, dtype), axis=axis_of("log_softmax", dim, input.ndim))


def _floats(x: Tensor, dtype: DType | None) -> Tensor:
    return as_float(x) if dtype is None else cast(x, DType(dtype))
