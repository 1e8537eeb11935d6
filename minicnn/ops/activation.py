"""Activations, each one pass over memory, and so its gradients: primitives, and chains of these."""

from collections.abc import Callable
from math import erf as exact_erf
from math import erfc as exact_erfc
from math import exp as math_exp
from math import pi, sqrt

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float64
from minicnn.errors import ArgumentError
from minicnn.ops.axes import axis_of
from minicnn.ops.comparison import clamp, gt, where
from minicnn.ops.elementwise import add, div, exp, expm1, mul, neg, square, sub, tanh
from minicnn.ops.fuse import fuse
from minicnn.ops.operands import FloatUnary, Unary
from minicnn.ops.reduce import sum as total
from minicnn.ops.shape import as_float
from minicnn.runtime.devices import Array, xp

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


relu.gradient(x=lambda grad, y: _relu_grad(grad, y))
_relu_grad.gradient(g=lambda grad, at: _relu_grad(grad, at))


@fuse
def _leaky_relu(x: Tensor, *, negative_slope: float) -> Tensor:
    return where(gt(x, 0), x, mul(x, negative_slope))


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, negative_slope x elsewhere."""
    return _leaky_relu(x, negative_slope=float(negative_slope))


# --- sigmoid and its kin --------------------------------------------------------------------------------------


@FloatUnary
def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ)."""
    return 1 / (1 + xp(x).exp(-x))  # exact to the last digits at both ends; far below 0 it is 1 / infinity


@fuse
def _sigmoid_grad(grad: Tensor, y: Tensor) -> Tensor:
    return mul(grad, mul(y, sub(1, y)))


sigmoid.gradient(x=lambda grad, y: _sigmoid_grad(grad, y))


@fuse
def silu(x: Tensor) -> Tensor:
    """x sigmoid(x) (Elfwing et al., 2018)."""
    return mul(x, sigmoid(x))


@primitive
def _softplus(x: Array) -> Array:
    return xp(x).logaddexp(x, x.dtype.type(0))


@fuse
def _softplus_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, sigmoid(x))


_softplus.gradient(x=lambda grad, x: _softplus_grad(grad, x))


@fuse
def _limited_softplus(x: Tensor, *, beta: float, threshold: float) -> Tensor:
    scaled = mul(x, beta)
    return where(gt(scaled, threshold), x, div(_softplus(scaled), beta))


def softplus(x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + e^(beta x)) / beta, and x itself where beta x > threshold."""
    return _limited_softplus(x, beta=float(beta), threshold=float(threshold))


@fuse
def logsigmoid(x: Tensor) -> Tensor:
    """log sigmoid(x) without overflow."""
    return neg(_softplus(neg(x)))


@fuse
def _elu(x: Tensor, *, alpha: float) -> Tensor:
    return where(gt(x, 0), x, mul(expm1(clamp(x, max=0)), alpha))


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, alpha (eˣ - 1) elsewhere (Clevert et al., 2016)."""
    return _elu(x, alpha=float(alpha))


# --- the error function and GELU ------------------------------------------------------------------------------
# NumPy has no erf. Two Chebyshev interpolants, through values of the standard library's made at import, give it to the
# last digits of float64: erf(x) / x as a function of x² up to 1, where 1 - erfc would cancel, and erfc(x) e^(x²) from
# there to 6.5, beyond which erf is 1.

_NEAR, _FAR = 1.0, 6.5


def _interpolate(f: Callable[[float], float], degree: int) -> list[float]:
    """The coefficients of the polynomial through f at the Chebyshev points of [-1, 1]."""
    return list(map(float, np.polynomial.chebyshev.chebinterpolate(np.vectorize(f), degree)))


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


def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """x Φ(x), Φ the normal distribution function; `approximate="tanh"` uses its tanh form (Hendrycks and Gimpel, 2016).

    Raises
    ------
    ArgumentError
        If `approximate` is neither "none" nor "tanh".
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    return _gelu(x) if approximate == "none" else _tanh_gelu(x)


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


def softmax(x: Tensor, dim: int) -> Tensor:
    """eˣ / Σ eˣ along an axis."""
    return _softmax(as_float(x), axis=axis_of("softmax", dim, x.ndim))


def log_softmax(x: Tensor, dim: int) -> Tensor:
    """x - log Σ eˣ along an axis, without overflow."""
    return _log_softmax(as_float(x), axis=axis_of("log_softmax", dim, x.ndim))
