"""Control flow: the attributes of these operators are graphs, which are called as functions here."""

from collections.abc import Callable
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import bool_, int64
from minicnn.errors import ArgumentError
from minicnn.onnx.registry import operator
from minicnn.onnx.values import number
from minicnn.ops.create import tensor
from minicnn.ops.indexing import stack

__all__: list[str] = []

Body = Callable[..., tuple[Any, ...]]


@operator("If")
def _if(condition: Tensor, *, then_branch: Body, else_branch: Body) -> tuple[Any, ...]:
    return then_branch() if number(condition) else else_branch()


@operator("Loop")
def _loop(count: Tensor | None, condition: Tensor | None, *state: Any, body: Body) -> tuple[Any, ...]:
    """Call body(number, condition, *state) until its condition is false; it returns these, and results of each turn.

    The outputs are the last state, and the results of all turns, stacked.
    """
    turns = None if count is None else number(count)
    go_on = tensor(True) if condition is None else condition
    collected: list[tuple[Any, ...]] = []
    turn = 0
    while (turns is None or turn < turns) and number(go_on):
        go_on, *results = body(tensor(turn, int64), go_on.to(bool_), *state)
        state = tuple(results[: len(state)])
        collected.append(tuple(results[len(state) :]))
        turn += 1
    return (*state, *(stack(list(values)) for values in zip(*collected, strict=True)))


@operator("Scan", since=9)
def _scan(
    *values: Tensor,
    body: Body,
    num_scan_inputs: int,
    scan_input_axes: tuple[int, ...] | None = None,
    scan_input_directions: tuple[int, ...] | None = None,
    scan_output_axes: tuple[int, ...] | None = None,
    scan_output_directions: tuple[int, ...] | None = None,
) -> tuple[Tensor, ...]:
    """Call body(*state, *slices) for each slice of the scanned inputs, along an axis; stack its further results."""
    states = len(values) - num_scan_inputs
    state, inputs = values[:states], values[states:]
    axes = scan_input_axes or (0,) * num_scan_inputs
    backwards = scan_input_directions or (0,) * num_scan_inputs
    if len({x.shape[axis] for x, axis in zip(inputs, axes, strict=True)}) != 1:
        raise ArgumentError("Scan: the scanned inputs must have the same number of slices")
    steps = inputs[0].shape[axes[0]]
    collected: list[tuple[Tensor, ...]] = []
    for step in range(steps):
        places = [steps - 1 - step if back else step for back in backwards]
        slices = [x.select(axis, place) for x, axis, place in zip(inputs, axes, places, strict=True)]
        results = body(*state, *slices)
        state = results[:states]
        collected.append(results[states:])
    outputs = [list(results) for results in zip(*collected, strict=True)]
    axes = scan_output_axes or (0,) * len(outputs)
    backwards = scan_output_directions or (0,) * len(outputs)
    stacked = (
        stack(results[:: -1 if back else 1], axis) for results, axis, back in zip(outputs, axes, backwards, strict=True)
    )
    return (*state, *stacked)
