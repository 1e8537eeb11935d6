"""Activations as primitives of one pass each, with gradient rules of every order."""

from collections.abc import Callable
from math import erf as exact_erf
from math import erfc as exact_erfc
from math import exp as math_exp
from math import pi, sqrt

import numpy as np

from minicnn.devices import Array, xp
from minicnn.dtypes import float64
from minicnn.errors import ArgumentError
from minicnn.ops.axes import axis_of
from minicnn.ops.comparison import where
from minicnn.ops.elementwise import add, exp, mul, neg, square, sub, tanh
from minicnn.ops.operands import FloatUnary, Unary
from minicnn.ops.reduce import sum as total
from minicnn.ops.shape import as_float
from minicnn.primitive import primitive
from minicnn.tensor import Tensor

__all__ = [
    "elu",
    "erf",
    "gelu",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
]

# --- relu -----------------------------------------------------------------------------------------------------


@Unary
def relu(x: Array) -> Array:
    """max(x, 0); NaN stays NaN, the gradient at 0 is 0."""
    return xp(x).maximum(x, 0)


@primitive
def _relu_grad(g: Array, at: Array) -> Array:
    return xp(g).where(at <= 0, g.dtype.type(0), g)  # NaN passes, as in PyTorch


@primitive
def _leaky_relu(x: Array, *, negative_slope: float) -> Array:
    return xp(x).where(x > 0, x, x * x.dtype.type(negative_slope))


@primitive
def _leaky_relu_grad(g: Array, x: Array, *, negative_slope: float) -> Array:
    return xp(x).where(x > 0, g, g * g.dtype.type(negative_slope))


relu.gradient(x=lambda h, y: _relu_grad(h, y))
_relu_grad.gradient(g=lambda h, at: _relu_grad(h, at))
_leaky_relu.gradient(x=lambda h, x, negative_slope: _leaky_relu_grad(h, x, negative_slope=negative_slope))
_leaky_relu_grad.gradient(g=lambda h, x, negative_slope: _leaky_relu_grad(h, x, negative_slope=negative_slope))


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, negative_slope x elsewhere."""
    return _leaky_relu(as_float(x), negative_slope=negative_slope)  # type: ignore[no-any-return]


# --- sigmoid and its kin --------------------------------------------------------------------------------------


@FloatUnary
def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ)."""
    return 1 / (1 + xp(x).exp(-x))  # exact to the last digits at both ends; far below 0 it is 1 / infinity


sigmoid.gradient(x=lambda h, y: mul(h, mul(y, sub(1, y))))


def silu(x: Tensor) -> Tensor:
    """x sigmoid(x) (Elfwing et al., 2018)."""
    x = as_float(x)
    return mul(x, sigmoid(x))


@primitive
def _softplus(x: Array) -> Array:
    return xp(x).logaddexp(x, x.dtype.type(0))


_softplus.gradient(x=lambda h, x: mul(h, sigmoid(x)))


def softplus(x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + e^(beta x)) / beta, and x itself where beta x > threshold."""
    x = as_float(x)
    scaled = x if beta == 1 else mul(x, beta)
    smooth = _softplus(scaled) if beta == 1 else _softplus(scaled) / beta
    return where(scaled.detach() > threshold, x, smooth)


def logsigmoid(x: Tensor) -> Tensor:
    """log sigmoid(x) without overflow."""
    return neg(_softplus(neg(as_float(x))))


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, alpha (eˣ - 1) elsewhere (Clevert et al., 2016)."""
    x = as_float(x)
    return where(x.detach() > 0, x, mul(x.clamp(max=0.0).expm1(), alpha))


# --- the error function and GELU ------------------------------------------------------------------------------
# NumPy has no erf. Two Chebyshev interpolants, through values of the standard library's made at import, give it to the
# last digits of float64: erf(x) / x as a function of x² up to 1, where 1 - erfc would cancel, and erfc(x) e^(x²) from
# there to 6.5, beyond which erf is 1.

_NEAR, _FAR = 1.0, 6.5


def _interpolate(f: Callable[[float], float], degree: int) -> list[float]:
    """The coefficients of the polynomial through f at the Chebyshev points of [-1, 1]."""
    return np.polynomial.chebyshev.chebinterpolate(np.vectorize(f), degree).tolist()  # type: ignore[no-any-return]


def _chebyshev(coefficients: list[float], u: Array) -> Array:
    """Σ cₖ Tₖ(u), by Clenshaw's recurrence: bₖ = cₖ + 2u bₖ₊₁ - bₖ₊₂."""
    after, last = 0.0, 0.0
    for c in reversed(coefficients[1:]):
        after, last = c + 2 * u * after - last, after
    return coefficients[0] + u * after - last


_erf_over_x = _interpolate(lambda u: exact_erf(z := sqrt((u + 1) / 2) * _NEAR) / z, 12)
_scaled_erfc = _interpolate(lambda u: exact_erfc(z := _NEAR + (u + 1) / 2 * (_FAR - _NEAR)) * math_exp(z * z), 28)


@FloatUnary
def erf(x: Array) -> Array:
    """2/√π ∫₀ˣ e^(-t²) dt."""
    m, t = xp(x), x.astype(float64)
    size = m.minimum(m.abs(t), _FAR)
    near = t * _chebyshev(_erf_over_x, 2 * m.square(m.minimum(size, _NEAR)) / _NEAR**2 - 1)
    middle = m.maximum(size, _NEAR)
    far = 1 - _chebyshev(_scaled_erfc, 2 * (middle - _NEAR) / (_FAR - _NEAR) - 1) * m.exp(-middle * middle)
    return m.where(size < _NEAR, near, m.copysign(far, t)).astype(x.dtype)


erf.gradient(x=lambda h, x: mul(h, mul(exp(neg(square(x))), 2 / sqrt(pi))))


def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """x Φ(x), Φ the normal distribution function; `approximate="tanh"` uses its tanh form (Hendrycks and Gimpel, 2016).

    Raises
    ------
    ArgumentError
        If `approximate` is neither "none" nor "tanh".
    """
    x = as_float(x)
    if approximate == "tanh":
        inner = mul(add(x, mul(mul(square(x), x), 0.044715)), sqrt(2 / pi))
        return mul(mul(x, 0.5), add(tanh(inner), 1))
    if approximate != "none":
        raise ArgumentError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    return mul(mul(x, 0.5), add(erf(mul(x, 1 / sqrt(2))), 1))


# --- softmax --------------------------------------------------------------------------------------------------


def _shifted(x: Array, axis: int) -> Array:
    """Move the largest element along the axis to 0."""
    return x - x.max(axis=axis, keepdims=True) if x.size else x


@primitive
def _softmax(x: Array, *, axis: int) -> Array:
    e = xp(x).exp(_shifted(x, axis))
    return e / e.sum(axis=axis, keepdims=True)


@primitive
def _log_softmax(x: Array, *, axis: int) -> Array:
    shifted = _shifted(x, axis)
    return shifted - xp(x).log(xp(x).exp(shifted).sum(axis=axis, keepdims=True))


_softmax.gradient(x=lambda h, y, axis: mul(y, sub(h, total(mul(h, y), axis, keepdim=True))))
_log_softmax.gradient(x=lambda h, y, axis: sub(h, mul(exp(y), total(h, axis, keepdim=True))))


def softmax(x: Tensor, dim: int) -> Tensor:
    """eˣ / Σ eˣ along an axis."""
    return _softmax(as_float(x), axis=axis_of("softmax", dim, x.ndim))  # type: ignore[no-any-return]


def log_softmax(x: Tensor, dim: int) -> Tensor:
    """x - log Σ eˣ along an axis, without overflow."""
    return _log_softmax(as_float(x), axis=axis_of("log_softmax", dim, x.ndim))  # type: ignore[no-any-return]
