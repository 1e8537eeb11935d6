"""Recurrent networks: RNN, GRU and LSTM, for each direction a loop over time.

A cell computes the next state from the state before and from the projections W x_t of the input. The weights of its
gates are stacked. After the end of a sequence (`sequence_lens`) its state stays and its outputs are 0.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.onnx.registry import operator
from minicnn.ops.comparison import where
from minicnn.ops.create import zeros, zeros_like
from minicnn.ops.indexing import stack
from minicnn.ops.linalg import matmul

__all__: list[str] = []

Direction = Literal["forward", "reverse", "bidirectional"]
Activation = Callable[[Tensor], Tensor]
State = tuple[Tensor, ...]
# From the projection of the input, the hidden weights, the biases of both and the state to the next state.
Cell = Callable[[int, Tensor, Tensor, Tensor, Tensor, State], State]

ACTIVATIONS: dict[str, Activation] = {
    "relu": F.relu,
    "sigmoid": F.sigmoid,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "tanh": F.tanh,
}


def _activations(names: Sequence[str] | None, default: Sequence[str], directions: int) -> list[list[Activation]]:
    """Return the activations of each direction."""
    if names is not None and len(names) != len(default) * directions:
        raise ArgumentError(f"recurrent network: expected {len(default) * directions} activations, got {list(names)}")
    wanted = [name.lower() for name in names or list(default) * directions]
    if unknown := sorted(set(wanted) - ACTIVATIONS.keys()):
        raise ArgumentError(f"recurrent network: activations must be of {', '.join(ACTIVATIONS)}, got {unknown}")
    count = len(default)
    return [[ACTIVATIONS[name] for name in wanted[count * d : count * (d + 1)]] for d in range(directions)]


def _clipped(x: Tensor, clip: float | None) -> Tensor:
    return x if clip is None else x.clamp(-clip, clip)


def _run(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None,
    lengths: Tensor | None,
    initial: Sequence[Tensor | None],
    direction: Direction,
    hidden_size: int | None,
    layout: int,
    cell: Cell,
) -> tuple[Tensor, ...]:
    """Run the cell in each direction; return the outputs of all times, and the last states."""
    directions = 2 if direction == "bidirectional" else 1
    if w.shape[0] != directions or r.shape[0] != directions or (hidden_size or r.shape[2]) != r.shape[2]:
        raise ArgumentError(
            f"recurrent network: weights {tuple(w.shape)} and {tuple(r.shape)} do not fit to direction={direction!r} "
            f"and hidden_size={hidden_size}"
        )
    if layout:  # the batch comes first
        x, initial = x.transpose(0, 1), [None if state is None else state.transpose(0, 1) for state in initial]
    hidden = r.shape[2]
    outputs, last = [], []
    for d in range(w.shape[0]):
        none = zeros(x.shape[1], hidden, dtype=x.dtype, device=x.device)
        state: State = tuple(none if given is None else given[d] for given in initial)
        biases = zeros(2 * w.shape[1], dtype=x.dtype, device=x.device) if b is None else b[d]
        of_input, of_state = biases.split(w.shape[1])
        projected = matmul(x, w[d].T)
        backward = direction == "reverse" or d == 1
        found = []
        for t in range(x.shape[0])[:: -1 if backward else 1]:
            new = cell(d, projected[t], r[d], of_input, of_state, state)
            output = new[0]
            if lengths is not None:
                goes_on = (lengths > t).unsqueeze(1)
                new = tuple(where(goes_on, after, before) for after, before in zip(new, state, strict=True))
                output = where(goes_on, output, zeros_like(output))
            state = new
            found.append(output)
        outputs.append(stack(found[:: -1 if backward else 1]))
        last.append(state)
    y, states = stack(outputs, 1), [stack(list(values)) for values in zip(*last, strict=True)]
    if layout:
        return (y.permute(2, 0, 1, 3), *(state.transpose(0, 1) for state in states))
    return (y, *states)


@operator("RNN", settings=(4,))
def _rnn(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    *,
    activations: tuple[str, ...] | None = None,
    clip: float | None = None,
    direction: Direction = "forward",
    hidden_size: int | None = None,
    layout: Literal[0, 1] = 0,
) -> tuple[Tensor, ...]:
    """h_t = f(W x_t + R h_{t-1} + b)."""
    of_direction = _activations(activations, ["tanh"], w.shape[0])

    def cell(d: int, p: Tensor, r: Tensor, wb: Tensor, rb: Tensor, state: State) -> State:
        (f,) = of_direction[d]
        return (f(_clipped(p + wb + matmul(state[0], r.T) + rb, clip)),)

    return _run(x, w, r, b, sequence_lens, [initial_h], direction, hidden_size, layout, cell)


@operator("GRU", settings=(4,))
def _gru(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    *,
    activations: tuple[str, ...] | None = None,
    clip: float | None = None,
    direction: Direction = "forward",
    hidden_size: int | None = None,
    layout: Literal[0, 1] = 0,
    linear_before_reset: int = 0,
) -> tuple[Tensor, ...]:
    """Cho et al., 2014: gates z (update) and r (reset), h_t = (1 - z) g(...) + z h_{t-1}."""
    of_direction = _activations(activations, ["sigmoid", "tanh"], w.shape[0])

    def cell(d: int, p: Tensor, r: Tensor, wb: Tensor, rb: Tensor, state: State) -> State:
        (f, g), (h,), n = of_direction[d], state, r.shape[1]
        both = f(_clipped((p + wb)[:, : 2 * n] + matmul(h, r[: 2 * n].T) + rb[: 2 * n], clip))
        update, reset = both[:, :n], both[:, n:]
        if linear_before_reset:
            inner = reset * (matmul(h, r[2 * n :].T) + rb[2 * n :])
        else:
            inner = matmul(reset * h, r[2 * n :].T) + rb[2 * n :]
        new = g(_clipped((p + wb)[:, 2 * n :] + inner, clip))
        return ((1 - update) * new + update * h,)

    return _run(x, w, r, b, sequence_lens, [initial_h], direction, hidden_size, layout, cell)


@operator("LSTM", settings=(4,))
def _lstm(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    initial_c: Tensor | None = None,
    peepholes: Tensor | None = None,
    *,
    activations: tuple[str, ...] | None = None,
    clip: float | None = None,
    direction: Direction = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
    layout: Literal[0, 1] = 0,
) -> tuple[Tensor, ...]:
    """Hochreiter and Schmidhuber, 1997: gates i, o and f, c_t = f c_{t-1} + i g(...), h_t = o h(c_t)."""
    of_direction = _activations(activations, ["sigmoid", "tanh", "tanh"], w.shape[0])

    def cell(d: int, p: Tensor, r: Tensor, wb: Tensor, rb: Tensor, state: State) -> State:
        (f, g, last), (h, c) = of_direction[d], state
        i, o, forget, new = (p + wb + matmul(h, r.T) + rb).split(r.shape[1], 1)
        if peepholes is not None:
            of_i, of_o, of_forget = peepholes[d].split(r.shape[1])
            i, forget = i + of_i * c, forget + of_forget * c
        i = f(_clipped(i, clip))
        forget = 1 - i if input_forget else f(_clipped(forget, clip))
        c = forget * c + i * g(_clipped(new, clip))
        o = f(_clipped(o if peepholes is None else o + of_o * c, clip))
        return o * last(c), c

    return _run(x, w, r, b, sequence_lens, [initial_h, initial_c], direction, hidden_size, layout, cell)
