"""Identities that layers and functions satisfy. Each returns its largest error, and raises if it is too large.

They need no second implementation, so they find faults that no comparison finds. Write ⟨a, b⟩ for the sum of a b.

    adjoint(nn.Conv2d(3, 4, 3, bias=False), minicnn.randn(2, 3, 8, 8))
"""

from collections.abc import Callable

import numpy as np

from minicnn.autograd.engine import grad
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AutogradError
from minicnn.ops.create import as_tensor, ones_like
from minicnn.ops.indexing import roll
from minicnn.ops.sampling import randn_like
from minicnn.runtime.random import Generator

__all__ = [
    "adjoint",
    "equivariance",
    "homogeneity",
    "invariance",
    "linearity",
    "partition_of_unity",
    "shift_equivariance",
]

Function = Callable[[Tensor], Tensor]


def _error(name: str, a: Tensor, b: Tensor, tolerance: float) -> float:
    """Return the largest difference, relative to the largest value.

    Raises
    ------
    AutogradError
        If it is larger than the tolerance, or NaN, or the shapes differ.
    """
    x, y = (t.detach().cpu().numpy().astype(np.float64) for t in (a, b))
    if x.shape != y.shape:
        raise AutogradError(f"{name}: the two sides have shapes {x.shape} and {y.shape}")
    if not x.size:
        return 0.0
    with np.errstate(invalid="ignore"):
        differences = np.abs(x - y)
    place = np.unravel_index(np.argmax(np.where(np.isnan(differences), np.inf, differences)), x.shape)
    error = float(differences[place] / max(1.0, float(np.abs(y).max())))
    if not error <= tolerance:
        where = tuple(int(i) for i in place)
        raise AutogradError(f"{name} does not hold: at {where} the sides are {x[place]:.9g} and {y[place]:.9g}")
    return error


def _other(x: Tensor, seed: int) -> Tensor:
    return randn_like(x.detach(), generator=Generator().manual_seed(seed))


def linearity(function: Function, x: Tensor, tolerance: float = 1e-4) -> float:
    """Check f(2 x - 3 y) = 2 f(x) - 3 f(y), for a random y of the shape of x.

    Raises
    ------
    AutogradError
        If it does not hold.
    """
    with no_grad():
        y = _other(x, 1)
        return _error("linearity", function(2 * x - 3 * y), 2 * function(x) - 3 * function(y), tolerance)


def adjoint(function: Function, x: Tensor, tolerance: float = 1e-4) -> float:
    """Check ⟨f(x), g⟩ = ⟨x, fᵀ(g)⟩ for a linear f and a random g, where fᵀ(g) is the gradient of ⟨f(x), g⟩ for x.

    Raises
    ------
    AutogradError
        If it does not hold.
    """
    x = x.detach().requires_grad_()
    y = function(x)
    g = _other(y, 2)
    (back,) = grad(y, x, g)
    size = float((y.detach() ** 2).sum() * (g**2).sum()) ** 0.5
    left, right = ((a * b).sum() / max(size, 1e-30) for a, b in ((y.detach(), g), (x.detach(), back)))
    return _error("adjoint", left, right, tolerance)


def homogeneity(function: Function, x: Tensor, degree: float = 1.0, tolerance: float = 1e-4) -> float:
    """Check f(c x) = c^degree f(x) for c = 2.5.

    Raises
    ------
    AutogradError
        If it does not hold.
    """
    with no_grad():
        return _error("homogeneity", function(2.5 * x), function(x) * 2.5**degree, tolerance)


def invariance(function: Function, x: Tensor, change: Function, tolerance: float = 1e-4) -> float:
    """Check f(change(x)) = f(x), for example ``lambda x: 3 * x + 1`` and an instance norm.

    Raises
    ------
    AutogradError
        If it does not hold.
    """
    with no_grad():
        return _error("invariance", function(change(x)), function(x), tolerance)


def equivariance(
    function: Function, x: Tensor, change: Function, changed: Function | None = None, tolerance: float = 1e-4
) -> float:
    """Check f(change(x)) = changed(f(x)), for example a flip and a pooling; by default `changed` is `change`.

    Raises
    ------
    AutogradError
        If it does not hold.
    """
    with no_grad():
        return _error("equivariance", function(change(x)), (changed or change)(function(x)), tolerance)


def shift_equivariance(
    function: Function, x: Tensor, step: int = 1, border: int = 0, stride: int = 1, tolerance: float = 1e-4
) -> float:
    """Check that shifting the input by `step` · `stride` along the last axis shifts the output by `step`.

    Parameters
    ----------
    function : callable
    x : Tensor, (..., W)
    step : int
    border : int
        The number of output elements at both ends that may differ, because padding reaches them.
    stride : int
        The stride of the function along this axis.
    tolerance : float

    Raises
    ------
    AutogradError
        If it does not hold.
    """
    with no_grad():
        moved, y = function(roll(x, step * stride, -1)), roll(function(x), step, -1)
        edge = border + abs(step)
        inner = (..., slice(edge, y.shape[-1] - edge))
        return _error("shift equivariance", as_tensor(moved[inner]), as_tensor(y[inner]), tolerance)


def partition_of_unity(function: Function, x: Tensor, tolerance: float = 1e-4) -> float:
    """Check f(1) = 1: the weights of a mean or an interpolation have the sum 1. Only the shape of x counts.

    Raises
    ------
    AutogradError
        If it does not hold.
    """
    with no_grad():
        y = function(ones_like(x))
        return _error("partition of unity", y, ones_like(y), tolerance)
