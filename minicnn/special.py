"""Special functions with PyTorch's names, under its address `special`; most are functions of minicnn too.

The Bessel functions, the incomplete gamma functions and the zeta function are not there.
"""

from math import log as ln
from math import pi, sqrt

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.ops.activation import erf, log_softmax, softmax
from minicnn.ops.comparison import eq, isnan, le, logical_and, logical_or, where
from minicnn.ops.elementary import exp2
from minicnn.ops.elementwise import add, mul, neg, round
from minicnn.ops.exponentials import expm1, log1p
from minicnn.ops.exponentials import sigmoid as expit
from minicnn.ops.normal_quantile import normal_quantile as ndtri
from minicnn.ops.operands import Value, float_operands
from minicnn.ops.reduce import logsumexp
from minicnn.ops.shape import as_float
from minicnn.ops.special import digamma, erfc, erfinv, logit, polygamma, sinc, xlogy
from minicnn.ops.special import lgamma as gammaln

__all__ = [
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammaln",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
]

psi = digamma


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


def multigammaln(input: Tensor, p: int) -> Tensor:
    """Return log Γₚ(x) = p(p - 1)/4 log π + Σⱼ log Γ(x + (1 - j)/2), with j from 1 to p.

    Raises
    ------
    ArgumentError
        If p is below 1.
    """
    if p < 1:
        raise ArgumentError(f"multigammaln: p must be at least 1, got {p}")
    total = gammaln(as_float(input))
    for j in range(1, p):
        total = add(total, gammaln(add(as_float(input), -j / 2)))
    return add(total, p * (p - 1) / 4 * ln(pi))
