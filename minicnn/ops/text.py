"""The text of a tensor, as PyTorch writes it, and `set_printoptions`.

All numbers of a tensor have the same format: whole numbers with a point, `1.`; a fixed number of digits behind the
point; or powers of ten, if the largest number is above 10⁸ or 1000 times the smallest, or the smallest below 10⁻⁴.
"""

from collections.abc import Callable
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import bool_, complex64, default_dtype, int64
from minicnn.errors import ArgumentError
from minicnn.runtime.devices import CPU, to_host

__all__ = ["set_printoptions", "text_of"]


class _Format(NamedTuple):
    """A function that writes an element, and the width of the longest one in columns."""

    write: Callable[[Any], str]
    width: int


PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": inf, "edgeitems": 3, "linewidth": 80},
}
print_options: dict[str, Any] = {**PROFILES["default"], "sci_mode": None}


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed.

    Parameters
    ----------
    precision : int
        The number of digits behind the point.
    threshold : int
        With more elements, only the first and last ones of each axis are shown.
    edgeitems : int
        How many of these.
    linewidth : int
    profile : "default", "short" or "full"
        Values for all of these.
    sci_mode : bool, optional
        Write numbers with powers of ten, or never do; each call sets it. Default: where they are shorter.

    Raises
    ------
    ArgumentError
        If there is no such profile.
    """
    if profile is not None and profile not in PROFILES:
        raise ArgumentError(f"set_printoptions: profile must be one of {', '.join(PROFILES)}, got {profile!r}")
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    print_options.update(PROFILES[profile] if profile else {})
    print_options.update({name: value for name, value in given.items() if value is not None})
    print_options["sci_mode"] = sci_mode


def text_of(tensor: Tensor) -> str:
    """Return the text of a tensor: its numbers, and what is not the default of its type, device and gradient."""
    array, start = to_host(tensor.array), "tensor("
    notes = [] if tensor.device is CPU else [f"device={tensor.device.name!r}"]
    if array.size:
        usual = tensor.dtype in (default_dtype, complex64, int64, bool_)
        few = array.size <= print_options["threshold"]
        body = _body(array, _format_of(array if few else _edges(array)), few, len(start))
    else:
        usual, body = tensor.dtype == default_dtype, "[]"
        notes += [f"size={tuple(array.shape)}"] if array.ndim != 1 else []
    notes += [] if usual else [f"dtype={tensor.dtype}"]
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn=<{_backward_name(tensor.grad_fn.name())}>")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    text, column = start + body, len(body) - body.rfind("\n") + 1
    for note in notes:
        if column + len(note) + 2 > print_options["linewidth"]:
            text, column = f"{text},\n{' ' * len(start)}{note}", len(start) + len(note)
        else:
            text, column = f"{text}, {note}", column + len(note) + 2
    return text + ")"


def _backward_name(operation: str) -> str:
    """Return PyTorch's kind of name: MulBackward0 for mul, and SquareBackward for a user's Function `Square`."""
    if operation[:1].isupper():
        return f"{operation}Backward"
    return "".join(part.capitalize() for part in operation.split("_")) + "Backward0"


# --- numbers ----------------------------------------------------------------------------------------------------------


def _format_of(array: Any) -> _Format:
    """Return the format of all elements of an array."""
    if array.dtype.kind == "c":
        real, imaginary = (_format_of(part) for part in (array.real, array.imag))

        def write(value: complex) -> str:
            second = imaginary.write(value.imag).lstrip()
            return f"{real.write(value.real)}{'' if second[0] in '+-' else '+'}{second}j"

        return _Format(write, real.width + imaginary.width + 1)
    values = array.ravel().tolist()
    if array.dtype.kind != "f":
        return _aligned(str, values)
    values = [v for v in values if v and isfinite(v)]
    digits, power = print_options["precision"], print_options["sci_mode"]
    whole = all(v == int(v) for v in values)
    if power is None:
        sizes = [abs(v) for v in values] or [1.0]
        power = max(sizes) / min(sizes) > 1000 or max(sizes) > 1e8 or (not whole and min(sizes) < 1e-4)
    if power:
        return _aligned(lambda v: f"{v:.{digits}e}", values)
    if whole:
        return _aligned(lambda v: f"{v:.0f}." if isfinite(v) else f"{v:.0f}", values)
    return _aligned(lambda v: f"{v:.{digits}f}", values)


def _aligned(write: Callable[[Any], str], values: list[Any]) -> _Format:
    """Return a function that fills numbers up to the width of the longest one."""
    width = max(map(len, map(write, values)), default=1)
    return _Format(lambda value: write(value).rjust(width), width)


# --- axes -------------------------------------------------------------------------------------------------------------


def _ends(array: Any) -> list[Any]:
    """Return the first and the last parts of the first axis."""
    edge = print_options["edgeitems"]
    return [*array[:edge], *array[len(array) - edge :]]


def _edges(array: Any) -> Any:
    """Return the elements that are shown of a large array."""
    parts = array if array.ndim == 0 or len(array) <= 2 * print_options["edgeitems"] else _ends(array)
    return np.stack([_edges(p) for p in parts]) if array.ndim > 1 and len(parts) else np.asarray(parts)


def _body(array: Any, form: _Format, few: bool, indent: int) -> str:
    """Return the text of the numbers; `indent` columns are to the left of it."""
    if not array.ndim:
        return form.write(array.item())
    edge = print_options["edgeitems"]
    shown, dots = (array, False) if few or len(array) <= 2 * edge else (_ends(array), True)
    if array.ndim == 1:
        parts = [form.write(v.item()) for v in shown]
        if dots:
            parts.insert(edge, " ...")
        in_line = max(1, (print_options["linewidth"] - indent) // (form.width + 2))
        lines = [", ".join(parts[i : i + in_line]) for i in range(0, len(parts), in_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    parts = [_body(part, form, few, indent + 1) for part in shown]
    if dots:
        parts.insert(edge, "...")
    lines_between: str = "\n" * (array.ndim - 1)
    return "[" + ("," + lines_between + " " * (indent + 1)).join(parts) + "]"
