"""Special functions with PyTorch's names, under its address `special`; some are functions of minicnn too.

All of them have gradients, of any order, but the incomplete gamma functions and the zeta function only in their second
argument. In PyTorch the Bessel functions other than `i0`, `i0e`, `i1` and `i1e` have none, and the polynomials neither.
"""

from math import sqrt

from minicnn.autograd.tensor import Tensor
from minicnn.ops.activation import erf, log_softmax, softmax
from minicnn.ops.airy import airy_ai
from minicnn.ops.bessel import (
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    i0,
    i0e,
    i1,
    i1e,
    modified_bessel_k0,
    modified_bessel_k1,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
)
from minicnn.ops.closeness import isinf
from minicnn.ops.comparison import eq, isnan, le, logical_and, logical_or, where
from minicnn.ops.elementary import exp2
from minicnn.ops.elementwise import mul, neg, round, square, sub
from minicnn.ops.exponentials import expm1, log, log1p
from minicnn.ops.exponentials import sigmoid as expit
from minicnn.ops.incomplete_gamma import gammainc, gammaincc
from minicnn.ops.normal_quantile import normal_quantile as ndtri
from minicnn.ops.operands import Value, float_operands
from minicnn.ops.polynomials import *  # noqa: F403
from minicnn.ops.polynomials import __all__ as _polynomials
from minicnn.ops.reduce import logsumexp
from minicnn.ops.shape import as_float
from minicnn.ops.special import _sine_quotient, digamma, erfc, erfcx, erfinv, logit, polygamma, sinc, xlogy
from minicnn.ops.special import lgamma as gammaln
from minicnn.ops.special import mvlgamma as multigammaln
from minicnn.ops.zeta import zeta

__all__ = [
    "airy_ai",
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "log1p",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "round",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "sinc",
    "softmax",
    "spherical_bessel_j0",
    "xlog1py",
    "xlogy",
    "zeta",
]
__all__ += _polynomials

psi = digamma
modified_bessel_i0, modified_bessel_i1 = i0, i1


def entr(input: Tensor) -> Tensor:
    """Return the entropy -x log x of each element; 0 for 0, and -infinity for numbers below 0."""
    return neg(xlogy(input, where(input.detach() < 0, 0.0, input)))


def ndtr(input: Tensor) -> Tensor:
    """Return the standard normal distribution function Φ(x) = erfc(-x / √2) / 2, accurate in its lower tail too."""
    return mul(erfc(mul(as_float(input), -1 / sqrt(2))), 0.5)


def xlog1py(input: Value, other: Value) -> Tensor:
    """Return x log(1 + y), and 0 where x is 0, unless y is NaN; errors as in `xlogy`."""
    x, y = float_operands("xlog1py", input, other)
    hole = logical_and(eq(x, 0), logical_or(le(y, -1), eq(y, float("inf"))))
    return where(isnan(y), y, mul(x, log1p(where(hole, 0.0, y))))


def log_ndtr(input: Tensor) -> Tensor:
    """Return log Φ(x), the logarithm of `ndtr`, accurate in both tails.

    For x < -1 it is log(erfcx(-x / √2) / 2) - x² / 2.
    """
    x = as_float(input)
    low = x.detach() < -1
    tail = mul(where(low, x, -1.0), -1 / sqrt(2))
    below = sub(log(mul(erfcx(tail), 0.5)), square(tail))
    return where(low, below, log1p(mul(erfc(mul(where(low, 0.0, x), 1 / sqrt(2))), -0.5)))


def spherical_bessel_j0(x: Tensor) -> Tensor:
    """Return sin(x) / x, the spherical Bessel function of the first kind of order 0; 1 at 0, 0 at infinity."""
    size = as_float(x)
    far = isinf(size)
    return where(far, 0.0, _sine_quotient(where(far, 0.0, size)))
