"""Checks of gradients against finite differences: `gradcheck` and `gradgradcheck`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from minicnn.autograd.engine import grad
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float64
from minicnn.errors import ArgumentError, AutogradError

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

Function = Callable[..., Tensor | Sequence[Tensor]]
Matrix = np.ndarray[Any, np.dtype[np.float64]]


class GradcheckError(AutogradError):
    """A gradient is wrong."""


def gradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of a function with central differences, (f(x + eps) - f(x - eps)) / (2 eps).

    Parameters
    ----------
    func : callable
        Takes the inputs; returns a tensor or a sequence of tensors.
    inputs : Tensor or sequence
        Tensors that require a gradient are checked. They must be float64 or complex128: float32 has too few digits.
    eps : float
        The step of the finite differences.
    atol, rtol : float
        The two gradients may differ by atol + rtol |numerical|.
    raise_exception : bool
        Raise the error for a wrong gradient; without it, return False.
    nondet_tol : float
        A second backward pass may give another gradient, by this much.
    check_undefined_grad, check_grad_dtypes, check_batched_grad, masked
        No effect. Each output is always checked without gradients of the others, and each gradient has the type of its
        input. `vmap` calls functions example by example, and all tensors are dense.
    check_forward_ad, check_batched_forward_grad, check_backward_ad : bool
        Only the backward pass can be checked; there is no other.
    fast_mode : bool
        Check one random direction of each input and output first, and all elements only if it is wrong.

    Returns
    -------
    bool
        True, or False if a gradient is wrong and `raise_exception` is False.

    Raises
    ------
    ArgumentError
        If forward derivatives shall be checked, or nothing.
    AutogradError
        If no input requires a gradient, a checked input is not float64, or a gradient is wrong (a `GradcheckError`).
        The message shows the element with the largest error.

    Notes
    -----
    The check needs a backward pass for each element of the outputs, and two calls for each element of the inputs. Use
    small inputs, and values at which the function is differentiable. Of complex numbers, the real and the imaginary
    part are checked: a complex input (...) is a real one (..., 2), and a complex output is two.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.tensor(np.array([1.0, 2.0]), requires_grad=True)
    >>> gradcheck(lambda x: x * x, x)
    True
    """
    if check_forward_ad or check_batched_forward_grad or not check_backward_ad:
        raise ArgumentError("gradcheck: only gradients of the backward pass exist here; leave check_..._ad out")
    func, inputs = _of_parts(func, inputs)
    checked = [i for i, t in enumerate(inputs) if t.requires_grad]
    if not checked:
        raise AutogradError("gradcheck: no input requires a gradient; set requires_grad=True on an input")
    for i in checked:
        if inputs[i].dtype != float64:
            raise AutogradError(f"gradcheck: input {i} is {inputs[i].dtype}; finite differences need float64")
    try:
        outputs = _floats(func(*inputs))
        _check_repeated(outputs, [inputs[i] for i in checked], nondet_tol)
        if not fast_mode or not all(_right_in_a_direction(func, inputs, i, outputs, eps, atol, rtol) for i in checked):
            _check_all(func, inputs, checked, outputs, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Compare the second derivatives of a function with central differences of its gradients.

    The gradients are functions of the inputs and of `grad_outputs`; both derivatives are checked.

    Parameters
    ----------
    func, inputs, eps, atol, rtol, raise_exception, nondet_tol, fast_mode and the others
        See `gradcheck`.
    grad_outputs : Tensor or sequence of Tensor, optional
        The gradients of the outputs, float64; of a complex output, two: of its parts. Default: random numbers.
    gen_non_contig_grad_outputs : bool
        The random numbers are not neighbours in memory.
    check_fwd_over_rev, check_rev_over_rev : bool
        Only the backward pass of a backward pass can be checked.

    Returns
    -------
    bool
        True, or False if a gradient is wrong and `raise_exception` is False.

    Raises
    ------
    ArgumentError, AutogradError
        See `gradcheck`.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.tensor(np.array([1.0, 2.0]), requires_grad=True)
    >>> gradgradcheck(lambda x: x * x * x, x)
    True
    """
    if check_fwd_over_rev or not check_rev_over_rev:
        raise ArgumentError("gradgradcheck: only gradients of the backward pass exist here; leave check_..._rev out")
    func, inputs = _of_parts(func, inputs)
    n, wanted = len(inputs), [i for i, t in enumerate(inputs) if t.requires_grad]
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        grad_outputs = [
            Tensor._of(rng.standard_normal((*y.shape, 1 + gen_non_contig_grad_outputs))[..., 0], device=y.device)
            for y in _floats(func(*inputs))
        ]
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

    return gradcheck(
        gradients,
        [*inputs, *directions],
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        fast_mode=fast_mode,
    )


def _of_parts(func: Function, given: Tensor | Sequence[Any]) -> tuple[Function, list[Tensor]]:
    """Return a function of real tensors, and its inputs: pairs (..., 2) instead of complex ones, no other objects."""
    everything = [given] if isinstance(given, Tensor) else list(given)
    places = [i for i, t in enumerate(everything) if isinstance(t, Tensor)]
    inputs: list[Tensor] = [everything[i] for i in places]
    pairs = [i for i, t in enumerate(inputs) if t.dtype.kind == "c"]

    def parts(*values: Tensor) -> list[Tensor]:
        numbers = [v[..., 0] + v[..., 1] * 1j if i in pairs else v for i, v in enumerate(values)]
        put = dict(zip(places, numbers, strict=True))
        result = func(*[put.get(i, other) for i, other in enumerate(everything)])
        outputs = [result] if isinstance(result, Tensor) else result
        return [p for y in outputs for p in ((y.real, y.imag) if y.dtype.kind == "c" else (y,))]

    def pair(t: Tensor) -> Tensor:
        z = t.detach()
        both = np.stack([z.device.to_numpy(z.real.array), z.device.to_numpy(z.imag.array)], -1)
        return Tensor._of(t.device.array(both), requires_grad=t.requires_grad, device=t.device)

    return parts, [pair(t) if i in pairs else t for i, t in enumerate(inputs)]


def _floats(result: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """Return the floating-point outputs: only these can have a gradient."""
    return [y for y in ([result] if isinstance(result, Tensor) else result) if y.dtype.kind == "f"]


def _vjp(y: Tensor, inputs: list[Tensor], u: Matrix) -> list[Matrix]:
    """Return Jᵀ u for the Jacobian of y with respect to each input."""
    if not y.requires_grad:
        return [np.zeros(x.shape) for x in inputs]
    found = grad(y, inputs, Tensor._of(y.device.array(u), device=y.device), retain_graph=True, allow_unused=True)
    pairs = zip(inputs, found, strict=True)
    return [np.zeros(x.shape) if g is None else g.device.to_numpy(g.array) for x, g in pairs]


def _check_repeated(outputs: list[Tensor], inputs: list[Tensor], tolerance: float) -> None:
    """Raise GradcheckError if a second backward pass gives other gradients."""
    for k, y in enumerate(outputs):
        first, second = (_vjp(y, inputs, np.ones(y.shape)) for _ in range(2))
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            with np.errstate(invalid="ignore"):
                difference = float(np.max(np.abs(a - b), initial=0))
            if difference > tolerance:
                raise GradcheckError(
                    f"gradcheck: a second backward pass gives another gradient of output {k} for input {i}, "
                    f"by {difference:.3g}: random numbers in the rule? nondet_tol= allows it"
                )


def _right_in_a_direction(
    func: Function, inputs: list[Tensor], i: int, outputs: list[Tensor], eps: float, atol: float, rtol: float
) -> bool:
    """Return whether uᵀ J v is right for the Jacobians J of input i, with random directions u and v of length 1."""
    rng = np.random.default_rng(0)

    def direction(t: Tensor) -> Matrix:
        v = rng.random(t.shape)
        return v / max(float(np.linalg.norm(v)), eps)

    x, v = inputs[i], direction(inputs[i])
    host = x.device.to_numpy(x.array)
    ends = [
        _floats(func(*inputs[:i], Tensor._of(x.device.array(host + step * v), True, x.device), *inputs[i + 1 :]))
        for step in (eps, -eps)
    ]
    for y, after, before in zip(outputs, *ends, strict=True):
        u = direction(y)
        change = after.device.to_numpy(after.array) - before.device.to_numpy(before.array)
        numerical = float((u * change).sum()) / (2 * eps)
        analytical = float((_vjp(y, [x], u)[0] * v).sum())
        if not abs(analytical - numerical) <= atol * u.sum() * v.sum() + rtol * abs(numerical):
            return False
    return True


def _check_all(
    func: Function,
    inputs: list[Tensor],
    checked: list[int],
    outputs: list[Tensor],
    eps: float,
    atol: float,
    rtol: float,
) -> None:
    """Compare all elements of the Jacobians."""
    analytical = [_jacobian(y, [inputs[i] for i in checked]) for y in outputs]
    for column, i in enumerate(checked):
        numerical = _differences(func, inputs, i, [y.array.size for y in outputs], eps)
        for k, y in enumerate(outputs):
            _compare(k, y.shape, i, inputs[i].shape, analytical[k][column], numerical[k], atol, rtol)


def _jacobian(y: Tensor, inputs: list[Tensor]) -> list[Matrix]:
    """Return the Jacobian ∂y/∂x for each input, with a row for each element of y: a backward pass gives one row."""
    matrices = [np.zeros((y.array.size, x.array.size)) for x in inputs]
    for row, place in enumerate(product(*map(range, y.shape)) if y.requires_grad else ()):
        unit = np.zeros(y.shape)
        unit[place] = 1
        for x, matrix, g in zip(
            inputs,
            matrices,
            grad(y, inputs, Tensor._of(unit, device=y.device), retain_graph=True, allow_unused=True),
            strict=True,
        ):
            if g is not None:
                if g.shape != x.shape or g.dtype != x.dtype:
                    raise GradcheckError(
                        f"gradcheck: the gradient is {g.dtype} of {g.shape} for an input of {x.dtype}, {x.shape}"
                    )
                matrix[row] = g.device.to_numpy(g.array).ravel()
    return matrices


def _differences(func: Function, inputs: list[Tensor], i: int, sizes: list[int], eps: float) -> list[Matrix]:
    """Return for each output the Jacobian for input i, from central differences: two calls give one column."""
    x = inputs[i]
    matrices = [np.zeros((size, x.array.size)) for size in sizes]
    for column, place in enumerate(product(*map(range, x.shape))):
        for step in (eps, -eps):
            moved = x.device.to_numpy(x.array).copy()
            moved[place] += step
            t = Tensor._of(x.device.array(moved), requires_grad=True, device=x.device)
            for matrix, y in zip(matrices, _floats(func(*inputs[:i], t, *inputs[i + 1 :])), strict=True):
                with np.errstate(invalid="ignore"):  # the comparison reports NaN and infinity
                    matrix[:, column] += y.device.to_numpy(y.array).ravel() / (2 * step)
    return matrices


def _compare(
    k: int, y_shape: tuple[int, ...], i: int, x_shape: tuple[int, ...], a: Matrix, n: Matrix, atol: float, rtol: float
) -> None:
    """Raise AutogradError if the analytical and the numerical Jacobian differ; NaN counts as a difference."""
    with np.errstate(invalid="ignore"):
        excess = np.abs(a - n) - (atol + rtol * np.abs(n))
    if (excess <= 0).all():
        return
    row, column = np.unravel_index(np.argmax(np.where(np.isnan(excess), np.inf, excess)), excess.shape)
    y_place, x_place = (
        tuple(int(p) for p in np.unravel_index(flat, shape)) for flat, shape in ((row, y_shape), (column, x_shape))
    )
    raise GradcheckError(
        f"gradcheck: the gradient of output {k} {y_shape} with respect to input {i} {x_shape} is wrong; worst at "
        f"output element {y_place}, input element {x_place}: analytical {a[row, column]:.9g}, "
        f"numerical {n[row, column]:.9g}{_likely_cause(a, n, atol, rtol)}"
    )


def _likely_cause(a: Matrix, n: Matrix, atol: float, rtol: float) -> str:
    """Return what a rule may have done wrong, by the way in which the two Jacobians differ; "" if nothing is likely."""

    def same(b: Matrix) -> bool:
        return b.shape == n.shape and bool((np.abs(b - n) <= atol + rtol * np.abs(n)).all())

    if np.isnan(a).any():
        return "; the gradient is NaN: 0 / 0, or infinity times 0, in the rule?"
    if not a.any():
        return "; the gradient is 0 everywhere: a detach(), or an integer, on the way?"
    if not n.any():
        return "; the function does not depend on this input here"
    if same(-a):
        return "; the sign is wrong"
    if same(a.T):
        return "; it is the transposed matrix: two axes swapped in the rule?"
    large = np.abs(n) > 1e-3 * np.abs(n).max()
    ratios = a[large] / n[large]
    if np.ptp(ratios) < 1e-3 * abs(ratios[0]):
        return f"; it is {ratios[0]:.4g} times the right one everywhere: a factor in the rule?"
    wrong = int((np.abs(a - n) > atol + rtol * np.abs(n)).any(axis=0).sum())
    if 2 * wrong <= a.shape[1]:
        return f"; {wrong} of {a.shape[1]} input elements are wrong: a kink, a tie or an edge there?"
    return ""
