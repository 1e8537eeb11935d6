"""Orthogonal polynomials of Chebyshev, Hermite, Laguerre and Legendre.

Each is computed by its recurrence: the polynomial of degree k + 1 comes from those of degree k and k - 1. So they have
gradients of any order. A degree below 0 gives 0. The degree is a number, or a tensor that broadcasts; it is cut off to
an integer (Abramowitz and Stegun, "Handbook of mathematical functions", chapter 22).
"""

from collections.abc import Callable

from minicnn.autograd.tensor import Tensor
from minicnn.ops.comparison import eq, where
from minicnn.ops.create import ones_like, zeros_like
from minicnn.ops.elementwise import trunc
from minicnn.ops.operands import Value, float_operands

__all__ = [
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]

Step = Callable[[int, Tensor, Tensor, Tensor], Tensor]


def _polynomial(call: str, input: Value, n: Value, first: Callable[[Tensor], Tensor], step: Step) -> Tensor:
    """Return the polynomial of degree n, from that of degree 1 and the step (k, x, pₖ, pₖ₋₁) to pₖ₊₁."""
    x, degrees = float_operands(call, input, n)
    degrees = trunc(degrees.detach())
    before, now = zeros_like(x), ones_like(x)
    found = where(eq(degrees, 0), now, zeros_like(now))
    last = int(degrees.max().item()) if degrees.numel() else 0
    for k in range(last):
        before, now = now, step(k, x, now, before) if k else first(x)
        found = where(eq(degrees, k + 1), now, found)
    return found


def _chebyshev(call: str, input: Value, n: Value, first: Callable[[Tensor], Tensor], shifted: bool = False) -> Tensor:
    x, degrees = float_operands(call, input, n)
    return _polynomial(call, 2 * x - 1 if shifted else x, degrees, first, lambda k, x, p, q: 2 * x * p - q)


def chebyshev_polynomial_t(input: Value, n: Value) -> Tensor:
    """Return Tₙ(x), of the first kind: Tₙ(cos θ) = cos nθ.

    Examples
    --------
    >>> import minicnn
    >>> chebyshev_polynomial_t(minicnn.tensor([2.0, 3.0]), 2).tolist()  # 2x² - 1
    [7.0, 17.0]
    """
    return _chebyshev("chebyshev_polynomial_t", input, n, lambda x: x)


def chebyshev_polynomial_u(input: Value, n: Value) -> Tensor:
    """Return Uₙ(x), of the second kind: Uₙ(cos θ) = sin (n + 1)θ / sin θ."""
    return _chebyshev("chebyshev_polynomial_u", input, n, lambda x: 2 * x)


def chebyshev_polynomial_v(input: Value, n: Value) -> Tensor:
    """Return Vₙ(x), of the third kind: Vₙ(cos θ) = cos (n + 1/2)θ / cos θ/2."""
    return _chebyshev("chebyshev_polynomial_v", input, n, lambda x: 2 * x - 1)


def chebyshev_polynomial_w(input: Value, n: Value) -> Tensor:
    """Return Wₙ(x), of the fourth kind: Wₙ(cos θ) = sin (n + 1/2)θ / sin θ/2."""
    return _chebyshev("chebyshev_polynomial_w", input, n, lambda x: 2 * x + 1)


def shifted_chebyshev_polynomial_t(input: Value, n: Value) -> Tensor:
    """Return Tₙ(2x - 1); see `chebyshev_polynomial_t`."""
    return _chebyshev("shifted_chebyshev_polynomial_t", input, n, lambda x: x, True)


def shifted_chebyshev_polynomial_u(input: Value, n: Value) -> Tensor:
    """Return Uₙ(2x - 1); see `chebyshev_polynomial_u`."""
    return _chebyshev("shifted_chebyshev_polynomial_u", input, n, lambda x: 2 * x, True)


def shifted_chebyshev_polynomial_v(input: Value, n: Value) -> Tensor:
    """Return Vₙ(2x - 1); see `chebyshev_polynomial_v`."""
    return _chebyshev("shifted_chebyshev_polynomial_v", input, n, lambda x: 2 * x - 1, True)


def shifted_chebyshev_polynomial_w(input: Value, n: Value) -> Tensor:
    """Return Wₙ(2x - 1); see `chebyshev_polynomial_w`."""
    return _chebyshev("shifted_chebyshev_polynomial_w", input, n, lambda x: 2 * x + 1, True)


def hermite_polynomial_h(input: Value, n: Value) -> Tensor:
    """Return Hₙ(x), as physicists define it: (-1)ⁿ e^(x²) times the n-th derivative of e^(-x²)."""
    return _polynomial("hermite_polynomial_h", input, n, lambda x: 2 * x, lambda k, x, p, q: 2 * (x * p - k * q))


def hermite_polynomial_he(input: Value, n: Value) -> Tensor:
    """Return Heₙ(x), as statisticians define it: (-1)ⁿ e^(x²/2) times the n-th derivative of e^(-x²/2)."""
    return _polynomial("hermite_polynomial_he", input, n, lambda x: x, lambda k, x, p, q: x * p - k * q)


def laguerre_polynomial_l(input: Value, n: Value) -> Tensor:
    """Return Lₙ(x): eˣ / n! times the n-th derivative of xⁿ e⁻ˣ."""
    return _polynomial(
        "laguerre_polynomial_l", input, n, lambda x: 1 - x, lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1)
    )


def legendre_polynomial_p(input: Value, n: Value) -> Tensor:
    """Return Pₙ(x): 1 / (2ⁿ n!) times the n-th derivative of (x² - 1)ⁿ."""
    return _polynomial(
        "legendre_polynomial_p", input, n, lambda x: x, lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1)
    )
