"""`check`: everything that is tested of a primitive, for a function of your own, in a notebook or a test.

print(check(lambda x, w: F.conv2d(x, w, padding=1), minicnn.randn(2, 3, 5, 5), minicnn.randn(4, 3, 3, 3)))
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minicnn.autograd.gradcheck import gradcheck, gradgradcheck
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float32, float64
from minicnn.errors import ArgumentError, AutogradError
from minicnn.ops.create import as_tensor
from minicnn.runtime.devices import Device
from minicnn.tables import html_table, text_table

__all__ = ["Check", "Report", "check"]

Function = Callable[..., Tensor | Sequence[Tensor]]
Arrays = list[np.ndarray[Any, Any]]


class Check(NamedTuple):
    """A row of the table: what was checked, whether it is right (None: it does not apply), and what was found."""

    name: str
    right: bool | None
    found: str


class Report(list[Check]):
    """The rows of the table. It is true if nothing is wrong; `print` and notebooks show it."""

    def __bool__(self) -> bool:
        return all(row.right is not False for row in self)

    def __str__(self) -> str:
        return text_table(self._table())

    def _repr_html_(self) -> str:
        return html_table([("result", "check", "found"), *self._table()])

    def _table(self) -> list[tuple[str, str, str]]:
        return [(_mark(row), row.name, row.found) for row in self]


def _mark(row: Check) -> str:
    return {True: "right", False: "WRONG", None: "-"}[row.right]


def check(function: Function, *inputs: Any, tolerance: float = 1e-4) -> Report:
    """Check a function of tensors: values, gradients, memory layouts, empty inputs, types, repeatability, devices.

    Parameters
    ----------
    function : callable
        Takes the inputs; returns a tensor, or a sequence of tensors. It must not keep random state.
    *inputs : tensors or arrays
        Small ones: the check of gradients calls the function twice for each element. Floating-point inputs get
        gradients; integers stay as they are.
    tolerance : float
        The largest difference of float32 and of other devices, relative to the largest value.

    Returns
    -------
    Report
        A row for each check, with what was found. ``assert check(...)`` is a test.

    Raises
    ------
    ArgumentError
        If there is no input.

    Examples
    --------
    >>> import minicnn
    >>> report = check(minicnn.tanh, minicnn.tensor([[0.5, -1.0]]))
    >>> bool(report)
    True
    """
    if not inputs:
        raise ArgumentError("check: there is no input; pass tensors after the function")
    arrays = [np.array(as_tensor(x).detach().cpu().numpy()) for x in inputs]
    wide = [x.astype(float64) if x.dtype.kind == "f" else x for x in arrays]
    return Report(_rows(function, wide, tolerance))


def _rows(function: Function, arrays: Arrays, tolerance: float) -> Iterator[Check]:
    expected = _run(function, arrays)
    shapes = ", ".join(f"{y.dtype} of {y.shape}" for y in expected)
    finite = all(np.isfinite(y).all() for y in expected)
    yield Check("value", finite, shapes if finite else f"{shapes}, with NaN or infinity")
    yield _attempt("gradient", lambda: _gradient(gradcheck, function, arrays))
    yield _attempt("second gradient", lambda: _gradient(gradgradcheck, function, arrays))
    before = [x.copy() for x in arrays]
    again = _run(function, arrays)
    same = all(a.tobytes() == b.tobytes() for a, b in zip(expected, again, strict=True))
    yield Check("repeatability", same, "the same bits" if same else "a second call gives other values")
    kept = all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(arrays, before, strict=True))
    yield Check("inputs unchanged", kept, "" if kept else "the function writes into an input")
    for name, layout in LAYOUTS.items():
        yield _compared(f"{name} inputs", function, [layout(x) for x in arrays], expected, 1e-10)
    yield _compared("float32", function, [_narrow(x) for x in arrays], expected, tolerance)
    yield _empty(function, arrays)
    for device, reason in Device.reasons().items():
        if device == "cpu":
            continue
        if reason:
            yield Check(device, None, reason)
        else:
            narrow = [_narrow(x) for x in arrays]
            yield _compared(device, function, narrow, expected, tolerance, Device.named(device))


def _gradient(checked: Callable[..., bool], function: Function, arrays: Arrays) -> Check:
    tensors = [as_tensor(x.copy()) for x in arrays]
    name = "gradient" if checked is gradcheck else "second gradient"
    floats = [t.requires_grad_() for t in tensors if t.dtype.kind == "f"]
    with_graph = [y for y in _outputs(function(*tensors)) if y.requires_grad]
    if not floats or not with_graph:
        return Check(name, None, "no output depends on a floating-point input")
    checked(function, tensors)
    return Check(name, True, f"agrees with finite differences for {sum(t.numel() for t in floats)} elements")


def _attempt(name: str, run: Callable[[], Check]) -> Check:
    try:
        return run()
    except AutogradError as error:
        return Check(name, False, str(error))


def _strided(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a view with gaps between the elements of the last axis."""
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype) if x.ndim else x
    if not x.ndim:
        return x
    wide[..., ::2] = x
    return wide[..., ::2]


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "strided": _strided,
    "transposed": lambda x: np.array(x.T, order="C").T,
    "reversed": lambda x: np.ascontiguousarray(x[::-1])[::-1] if x.ndim else x,
}


def _compared(
    name: str, function: Function, arrays: Arrays, expected: Arrays, tolerance: float, device: Device | None = None
) -> Check:
    try:
        found = _run(function, arrays, device)
    except Exception as error:  # whatever a user's function raises belongs into the table
        return Check(name, False, f"{type(error).__name__}: {error}")
    if [y.shape for y in found] != [y.shape for y in expected]:
        return Check(name, False, f"shapes {[y.shape for y in found]}, not {[y.shape for y in expected]}")
    worst = 0.0
    for y, z in zip(found, expected, strict=True):
        if y.size:
            scale = max(1.0, float(np.abs(np.nan_to_num(z.astype(float64), posinf=0, neginf=0)).max()))
            with np.errstate(invalid="ignore"):
                difference = np.abs(y.astype(float64) - z) / scale
            worst = max(worst, float(np.where(np.isnan(difference), np.isnan(y) != np.isnan(z), difference).max()))
    return Check(name, worst <= tolerance, f"largest difference {worst:.1e}")


def _narrow(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return x.astype(float32) if x.dtype.kind == "f" else x


def _empty(function: Function, arrays: Arrays) -> Check:
    """Call the function with a first input that has no samples, and the other inputs as they are."""
    name = "empty batch"
    if not arrays[0].ndim:
        return Check(name, None, "the first input has no axis")
    try:
        found = _run(function, [arrays[0][:0], *arrays[1:]])
    except Exception as error:
        return Check(name, None, f"{type(error).__name__}: {error}")
    return Check(name, True, f"shapes {', '.join(str(y.shape) for y in found)}")


def _run(function: Function, arrays: Arrays, device: Device | None = None) -> Arrays:
    with no_grad():
        tensors = [as_tensor(x, device=device) for x in arrays]
        return [np.array(y.cpu().numpy()) for y in _outputs(function(*tensors))]


def _outputs(result: Tensor | Sequence[Tensor]) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)
