"""Checks of gradients against finite differences: `gradcheck` and `gradgradcheck`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from minicnn.autograd.engine import grad
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float64
from minicnn.errors import AutogradError

__all__ = ["gradcheck", "gradgradcheck"]

Function = Callable[..., Tensor | Sequence[Tensor]]
Matrix = np.ndarray[Any, np.dtype[np.float64]]


def gradcheck(
    func: Function, inputs: Tensor | Sequence[Tensor], eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3
) -> bool:
    """Compare the gradients of a function with central differences, (f(x + eps) - f(x - eps)) / (2 eps).

    Parameters
    ----------
    func : callable
        Takes the inputs; returns a tensor or a sequence of them.
    inputs : Tensor or sequence of Tensor
        Those that require a gradient are checked; they must be float64, for float32 has too few digits.
    eps : float
        The step.
    atol, rtol : float
        How far apart the two may be: atol + rtol |numerical|.

    Returns
    -------
    bool
        True.

    Raises
    ------
    AutogradError
        If no input requires a gradient, one is not float64, or a gradient is wrong: with the worst element.

    Notes
    -----
    One walk back for each element of the outputs and two calls for each element of the inputs: keep them small, and
    away from kinks.

    Examples
    --------
    >>> x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    >>> gradcheck(lambda x: x * x, x)
    True
    """
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = [i for i, t in enumerate(inputs) if t.requires_grad]
    if not checked:
        raise AutogradError("gradcheck: no input requires a gradient; set requires_grad=True on one")
    for i in checked:
        if inputs[i].dtype != float64:
            raise AutogradError(f"gradcheck: input {i} is {inputs[i].dtype}; finite differences need float64")
    outputs = _floats(func(*inputs))
    analytical = [_jacobian(y, [inputs[i] for i in checked]) for y in outputs]
    for column, i in enumerate(checked):
        numerical = _differences(func, inputs, i, [y.array.size for y in outputs], eps)
        for k, y in enumerate(outputs):
            _compare(k, y.shape, i, inputs[i].shape, analytical[k][column], numerical[k], atol, rtol)
    return True


def gradgradcheck(
    func: Function,
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
) -> bool:
    """Compare the gradients of a function's gradients with central differences, also in the direction they are taken.

    Parameters
    ----------
    func, inputs, eps, atol, rtol
        As for `gradcheck`.
    grad_outputs : Tensor or sequence of Tensor, optional
        The gradients that arrive at the outputs, float64; drawn at random, if left out.

    Returns
    -------
    bool
        True.

    Raises
    ------
    AutogradError
        As `gradcheck`.

    Examples
    --------
    >>> x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    >>> gradgradcheck(lambda x: x * x * x, x)
    True
    """
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    n, wanted = len(inputs), [i for i, t in enumerate(inputs) if t.requires_grad]
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        grad_outputs = [Tensor(rng.standard_normal(y.shape), device=y.device) for y in _floats(func(*inputs))]
    given = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    directions = [t.detach().requires_grad_() for t in given]

    def gradients(*values: Tensor) -> list[Tensor]:
        pairs = [(y, v) for y, v in zip(_floats(func(*values[:n])), values[n:], strict=True) if y.requires_grad]
        if not pairs:
            return []
        found = grad(
            [y for y, _ in pairs],
            [values[i] for i in wanted],
            [v for _, v in pairs],
            create_graph=True,
            allow_unused=True,
        )
        return [g for g in found if g is not None]

    return gradcheck(gradients, [*inputs, *directions], eps, atol, rtol)


def _floats(result: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """The outputs that can have a gradient."""
    return [y for y in ([result] if isinstance(result, Tensor) else result) if y.dtype.kind == "f"]


def _jacobian(y: Tensor, inputs: list[Tensor]) -> list[Matrix]:
    """For each input the matrix of ∂y/∂x, elements of y down, of x across: a walk back for each element of y."""
    matrices = [np.zeros((y.array.size, x.array.size)) for x in inputs]
    for row, place in enumerate(product(*map(range, y.shape)) if y.requires_grad else ()):
        one = np.zeros(y.shape)
        one[place] = 1
        for x, matrix, g in zip(
            inputs,
            matrices,
            grad(y, inputs, Tensor(one, device=y.device), retain_graph=True, allow_unused=True),
            strict=True,
        ):
            if g is not None:
                if g.shape != x.shape or g.dtype != x.dtype:
                    raise AutogradError(
                        f"gradcheck: the gradient is {g.dtype} of {g.shape} for an input of {x.dtype}, {x.shape}"
                    )
                matrix[row] = g.device.to_numpy(g.array).ravel()
    return matrices


def _differences(func: Function, inputs: list[Tensor], i: int, sizes: list[int], eps: float) -> list[Matrix]:
    """For each output the matrix of its central differences in the elements of one input."""
    x = inputs[i]
    matrices = [np.zeros((size, x.array.size)) for size in sizes]
    for column, place in enumerate(product(*map(range, x.shape))):
        for step in (eps, -eps):
            moved = x.device.to_numpy(x.array).copy()
            moved[place] += step
            t = Tensor(x.device.array(moved), requires_grad=True, device=x.device)
            for matrix, y in zip(matrices, _floats(func(*inputs[:i], t, *inputs[i + 1 :])), strict=True):
                matrix[:, column] += y.device.to_numpy(y.array).ravel() / (2 * step)
    return matrices


def _compare(
    k: int, y_shape: tuple[int, ...], i: int, x_shape: tuple[int, ...], a: Matrix, n: Matrix, atol: float, rtol: float
) -> None:
    """Raise unless the analytical and the numerical matrix agree everywhere; NaN never does."""
    excess = np.abs(a - n) - (atol + rtol * np.abs(n))
    if (excess <= 0).all():
        return
    row, column = np.unravel_index(np.argmax(np.where(np.isnan(excess), np.inf, excess)), excess.shape)
    y_place, x_place = (
        tuple(int(p) for p in np.unravel_index(flat, shape)) for flat, shape in ((row, y_shape), (column, x_shape))
    )
    raise AutogradError(
        f"gradcheck: the gradient of output {k} {y_shape} with respect to input {i} {x_shape} is wrong; worst at "
        f"output element {y_place}, input element {x_place}: analytical {a[row, column]:.9g}, "
        f"numerical {n[row, column]:.9g}"
    )
