"""Element-wise kernels: wrappers for kernels/cpu/elementwise.cpp.

Each kernel computes its result in one pass over memory, with several threads. For small arrays NumPy is faster, because
a call of a C++ function from Python costs some microseconds.
"""

from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.backends.native.reduce import axis_blocks
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["bias_act", "bias_add", "normalize_with", "where"]

source = Source("elementwise.cpp")

# Number of elements from which a kernel is faster than NumPy, measured in float32 on 2 cores. NumPy is slow at `where`,
# at several steps, and where each short row is combined with one number; otherwise it is as fast as memory.
MIN_MULTISTEP, MIN_SHORT_ROWS, MIN_ELEMENTS = 1 << 13, 1 << 13, 1 << 16
SHORT_ROW = 256  # elements
FLOATS = "float32 or float64"
ROWS = f"at least {MIN_ELEMENTS} elements, or {MIN_SHORT_ROWS} in short rows with one number for each row"
# The operations of `combine` in elementwise.cpp: the position is the number of the case.
OPERATIONS = ("add", "sub", "mul", "div", "sub swapped", "div swapped", "relu", "sigmoid", "tanh")


# --- two arrays -----------------------------------------------------------------------------------------------------


class _Broadcast(NamedTuple):
    """How an operand is broadcast to the shape of the other operand."""

    view: tuple[int, int, int]  # the shape as (outer, channels, inner): the operand has one element for each channel
    distinct: tuple[slice, ...]  # selects the elements of the operand that are not repetitions
    min_elements: int  # of the result: from there on the kernel is faster than NumPy


@lru_cache(maxsize=1024)
def _broadcast(
    shape: tuple[int, ...], operand: tuple[int, ...], strides: tuple[int, ...], itemsize: int
) -> _Broadcast | None:
    """Return how an operand with this shape and these strides is broadcast to `shape`; None if no kernel can do it."""
    missing = len(shape) - len(operand)
    if missing < 0:
        return None
    repeated, stride = list(range(missing)), itemsize
    for axis in reversed(range(missing, len(shape))):
        size, step = operand[axis - missing], strides[axis - missing]
        if size == 1 or (step == 0 and size == shape[axis]):
            repeated.append(axis)
        elif size != shape[axis] or step != stride:
            return None
        else:
            stride *= size
    batch, *view = axis_blocks(shape, tuple(repeated)) or (0,)
    if batch != 1:
        return None
    index = tuple(slice(0, 1) if missing + i in repeated else slice(None) for i in range(len(operand)))
    return _make_broadcast((view[0], view[1], view[2]), index)


def _make_broadcast(view: tuple[int, int, int], index: tuple[slice, ...]) -> _Broadcast:
    """Return the broadcast with the number of elements that makes it profitable."""
    outer, channels, inner = view
    short = outer * channels > 1 and (inner if inner > 1 else channels) < SHORT_ROW
    return _Broadcast(view, index, MIN_SHORT_ROWS if short else MIN_ELEMENTS)


def _match_operands(a: Array, b: Array) -> tuple[Array, Array, _Broadcast, bool] | None:
    """Return the contiguous operand, the other operand, its broadcast, and whether the two are swapped."""
    for x, other, swapped in ((a, b, False), (b, a, True)):
        if x.flags.c_contiguous:
            broadcast = _broadcast(x.shape, other.shape, other.strides, x.itemsize)
            if broadcast is not None:
                return x, other, broadcast, swapped
    return None


def _combine(operation: str, x: Array, b: Array, broadcast: _Broadcast) -> Array:
    y = np.empty(x.shape, x.dtype)
    source.call("combine", x, b[(*broadcast.distinct, ...)], y, *broadcast.view, OPERATIONS.index(operation))
    return y


def _register_binary(operation: str) -> None:
    swapped_operation = f"{operation} swapped" if operation in ("sub", "div") else operation

    def supports(a: Array, b: Array) -> bool:
        return floats(a, b) and a.size > 0 and _match_operands(a, b) is not None and source.works(a.dtype)

    def profitable(a: Array, b: Array) -> bool:
        size = max(a.size, b.size)
        match = _match_operands(a, b) if size >= MIN_SHORT_ROWS else None
        return match is not None and size >= match[2].min_elements

    def run(a: Array, b: Array) -> Array:
        match = _match_operands(a, b)
        assert match is not None
        x, other, broadcast, swapped = match
        return _combine(swapped_operation if swapped else operation, x, other, broadcast)

    requires = "contiguous arrays of float32 or float64; at most one is broadcast, along its first or last axes"
    kernel(
        operation, "native", name="one_pass", supports=supports, requires=requires, profitable=profitable, best_for=ROWS
    )(run)


for _operation in ("add", "sub", "mul", "div"):
    _register_binary(_operation)


@lru_cache(maxsize=1024)
def _bias_broadcast(shape: tuple[int, ...]) -> _Broadcast:
    return _make_broadcast((shape[0], shape[1], prod(shape[2:])), (slice(None),))


def _bias_add_supports(x: Array, b: Array) -> bool:
    return x.size > 0 and floats(x, b) and source.works(x.dtype)


def _bias_act_supports(x: Array, b: Array, *, activation: str) -> bool:
    return _bias_add_supports(x, b)


@kernel(
    "bias_add",
    "native",
    name="one_pass",
    supports=_bias_add_supports,
    requires=FLOATS,
    profitable=lambda x, b: x.size >= _bias_broadcast(x.shape).min_elements,
    best_for=ROWS,
)
def bias_add(x: Array, b: Array) -> Array:
    """Return x (N, C, ...) plus b (C,) along axis 1."""
    return _combine("add", contiguous(x), contiguous(b), _bias_broadcast(x.shape))


@kernel(
    "bias_act",
    "native",
    name="one_pass",
    supports=_bias_act_supports,
    requires=FLOATS,
    profitable=lambda x, b, activation: x.size >= MIN_MULTISTEP,
    best_for=f"at least {MIN_MULTISTEP} elements",
)
def bias_act(x: Array, b: Array, *, activation: str) -> Array:
    """Return act(x + b) for x (N, C, ...) and b (C,)."""
    return _combine(activation, contiguous(x), contiguous(b), _bias_broadcast(x.shape))


def _normalize_with_supports(x: Array, *others: Array, eps: float) -> bool:
    return floats(x, *others) and source.works(x.dtype)


@kernel(
    "normalize_with",
    "native",
    name="one_pass",
    supports=_normalize_with_supports,
    requires=FLOATS,
    profitable=lambda x, *others, eps: x.size >= MIN_MULTISTEP,
    best_for=f"at least {MIN_MULTISTEP} elements",
)
def normalize_with(x: Array, mean: Array, variance: Array, w: Array, b: Array, *, eps: float) -> Array:
    """Return w (x - mean) / √(variance + eps) + b for x (N, C, ...); the other arrays are (C,)."""
    y = np.empty(x.shape, x.dtype)
    operands = [contiguous(a) for a in (x, mean, variance, w, b)]
    source.call("normalize_with", *operands, y, x.shape[0], x.shape[1], prod(x.shape[2:]), eps)
    return y


# --- where ----------------------------------------------------------------------------------------------------------


def _is_one_number(v: Array) -> bool:
    """Return whether the array is one number, broadcast without a copy."""
    return all(size == 1 or stride == 0 for size, stride in zip(v.shape, v.strides, strict=True))


def _broadcasts(v: Array, shape: tuple[int, ...]) -> bool:
    """Return whether the array broadcasts to the shape."""
    return v.ndim <= len(shape) and all(n in (1, m) for n, m in zip(v.shape[::-1], shape[::-1], strict=False))


def _where_supports(condition: Array, a: Array, b: Array) -> bool:
    if not condition.size or condition.dtype != np.bool_ or not floats(a, b) or not condition.flags.c_contiguous:
        return False
    shape = condition.shape
    fits = all(
        (v.shape == shape and v.flags.c_contiguous) or (_is_one_number(v) and _broadcasts(v, shape)) for v in (a, b)
    )
    return fits and source.works(a.dtype)


@kernel(
    "where",
    "native",
    name="one_pass",
    supports=_where_supports,
    requires="contiguous arrays of float32 or float64 with the condition's shape, or one number instead",
    profitable=lambda condition, a, b: condition.size >= MIN_MULTISTEP,
    best_for=f"at least {MIN_MULTISTEP} elements",
)
def where(condition: Array, a: Array, b: Array) -> Array:
    """Return a where the condition is true, and b elsewhere."""
    y = np.empty(condition.shape, a.dtype)
    singles = [_is_one_number(v) for v in (a, b)]
    first, second = (
        v[(*(slice(0, 1),) * v.ndim, ...)] if single else v for v, single in zip((a, b), singles, strict=True)
    )
    source.call("choose", condition.view(np.uint8), first, second, y, y.size, *map(int, singles))
    return y
