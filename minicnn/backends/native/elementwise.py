"""Element-wise kernels, where NumPy is slower than a call and two threads: kernels/cpu/elementwise.cpp."""

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

# Elements from which a call pays, measured in float32 on 2 cores: NumPy is slow at choices and several steps, and at
# short rows with a number each; its other sums and products are as fast as memory.
SLOW, SHORT_ROWS, FAST = 1 << 13, 1 << 13, 1 << 16
SHORT = 256
FLOATS = "floats"
ROWS = f"{FAST} numbers and more, {SHORT_ROWS} in short rows with one number each"
# Of `combine`, in its order:
OPERATIONS = ("add", "sub", "mul", "div", "sub turned", "div turned", "relu", "sigmoid", "tanh")


# --- two arrays -----------------------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    """How an operand repeats along another."""

    view: tuple[int, int, int]  # the other as (outer, channels, inner), with one number a channel
    part: tuple[slice, ...]  # of the operand, what is left of it without repetitions
    least: int  # elements that are worth a call


@lru_cache(maxsize=1024)
def _plan(shape: tuple[int, ...], operand: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> _Plan | None:
    """Return how an operand of this memory layout is repeated to the shape, if it is in a way that kernels know."""
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
    return _plan_of((view[0], view[1], view[2]), index)


def _plan_of(view: tuple[int, int, int], index: tuple[slice, ...]) -> _Plan:
    outer, channels, inner = view
    short = outer * channels > 1 and (inner if inner > 1 else channels) < SHORT
    return _Plan(view, index, SHORT_ROWS if short else FAST)


def _order(a: Array, b: Array) -> tuple[Array, Array, _Plan, bool] | None:
    """Return the contiguous operand, the other, how that repeats, and whether they change places."""
    for x, other, turned in ((a, b, False), (b, a, True)):
        if x.flags.c_contiguous:
            plan = _plan(x.shape, other.shape, other.strides, x.itemsize)
            if plan is not None:
                return x, other, plan, turned
    return None


def _combine(operation: str, x: Array, b: Array, plan: _Plan) -> Array:
    y = np.empty(x.shape, x.dtype)
    source.call("combine", x, b[(*plan.part, ...)], y, *plan.view, OPERATIONS.index(operation))
    return y


def _binary(operation: str) -> None:
    turned_operation = f"{operation} turned" if operation in ("sub", "div") else operation

    def supports(a: Array, b: Array) -> bool:
        return floats(a, b) and a.size > 0 and _order(a, b) is not None and source.works(a.dtype)

    def profitable(a: Array, b: Array) -> bool:
        size = max(a.size, b.size)
        order = _order(a, b) if size >= SHORT_ROWS else None
        return order is not None and size >= order[2].least

    def run(a: Array, b: Array) -> Array:
        order = _order(a, b)
        assert order is not None
        x, other, plan, turned = order
        return _combine(turned_operation if turned else operation, x, other, plan)

    requires = "contiguous floats, those of one repeated along some blocks of axes at most"
    kernel(
        operation, "native", name="one_pass", supports=supports, requires=requires, profitable=profitable, best_for=ROWS
    )(run)


for _operation in ("add", "sub", "mul", "div"):
    _binary(_operation)


@lru_cache(maxsize=1024)
def _bias(shape: tuple[int, ...]) -> _Plan:
    return _plan_of((shape[0], shape[1], prod(shape[2:])), (slice(None),))


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
    profitable=lambda x, b: x.size >= _bias(x.shape).least,
    best_for=ROWS,
)
def bias_add(x: Array, b: Array) -> Array:
    """x (N, C, ...) + b (C,) along axis 1."""
    return _combine("add", contiguous(x), contiguous(b), _bias(x.shape))


@kernel(
    "bias_act",
    "native",
    name="one_pass",
    supports=_bias_act_supports,
    requires=FLOATS,
    profitable=lambda x, b, activation: x.size >= SLOW,
    best_for=f"{SLOW} numbers and more",
)
def bias_act(x: Array, b: Array, *, activation: str) -> Array:
    """act(x + b)."""
    return _combine(activation, contiguous(x), contiguous(b), _bias(x.shape))


def _normalize_with_supports(x: Array, *others: Array, eps: float) -> bool:
    return floats(x, *others) and source.works(x.dtype)


@kernel(
    "normalize_with",
    "native",
    name="one_pass",
    supports=_normalize_with_supports,
    requires=FLOATS,
    profitable=lambda x, *others, eps: x.size >= SLOW,
    best_for=f"{SLOW} numbers and more",
)
def normalize_with(x: Array, mean: Array, variance: Array, w: Array, b: Array, *, eps: float) -> Array:
    """x (N, C, ...), the others (C,) -> w (x - mean) / √(variance + eps) + b."""
    y = np.empty(x.shape, x.dtype)
    operands = [contiguous(a) for a in (x, mean, variance, w, b)]
    source.call("normalize_with", *operands, y, x.shape[0], x.shape[1], prod(x.shape[2:]), eps)
    return y


# --- a condition ----------------------------------------------------------------------------------------------------


def _single(v: Array) -> bool:
    """Whether it is one number, repeated without a copy."""
    return all(size == 1 or stride == 0 for size, stride in zip(v.shape, v.strides, strict=True))


def _within(v: Array, shape: tuple[int, ...]) -> bool:
    """Whether it broadcasts to the shape."""
    return v.ndim <= len(shape) and all(n in (1, m) for n, m in zip(v.shape[::-1], shape[::-1], strict=False))


def _choice(condition: Array, a: Array, b: Array) -> bool:
    if not condition.size or condition.dtype != np.bool_ or not floats(a, b) or not condition.flags.c_contiguous:
        return False
    shape = condition.shape
    fits = all((v.shape == shape and v.flags.c_contiguous) or (_single(v) and _within(v, shape)) for v in (a, b))
    return fits and source.works(a.dtype)


@kernel(
    "where",
    "native",
    name="one_pass",
    supports=_choice,
    requires="contiguous floats of the condition's shape, or one for all",
    profitable=lambda condition, a, b: condition.size >= SLOW,
    best_for=f"{SLOW} numbers and more",
)
def where(condition: Array, a: Array, b: Array) -> Array:
    """a where the condition holds, b elsewhere."""
    y = np.empty(condition.shape, a.dtype)
    singles = [_single(v) for v in (a, b)]
    first, second = (
        v[(*(slice(0, 1),) * v.ndim, ...)] if single else v for v, single in zip((a, b), singles, strict=True)
    )
    source.call("choose", condition.view(np.uint8), first, second, y, y.size, *map(int, singles))
    return y
