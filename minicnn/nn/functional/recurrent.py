"""Steps of recurrent networks, and a run over the steps of a batch of sequences.

`project` is W_ih x + b_ih, for all steps at once; W_hh h + b_hh is added in each step. The rows of both hold the parts
of the step one after another: the gates of LSTM (input, forget, new, output) and of GRU (reset, update, new).
"""

from collections.abc import Callable, Sequence

from minicnn.autograd.tensor import Tensor
from minicnn.nn.functional.activation import relu
from minicnn.nn.functional.halves import split_by_halves
from minicnn.ops.activation import sigmoid
from minicnn.ops.exponentials import tanh
from minicnn.ops.fuse import fuse
from minicnn.ops.indexing import cat
from minicnn.ops.linalg import linear

__all__ = ["MODES", "scan"]

State = tuple[Tensor, ...]
Weights = Sequence[Tensor | None]  # weight_hh, bias_hh (or None), and for LSTM weight_hr (or None)


@fuse
def _lstm_memory(i: Tensor, f: Tensor, g: Tensor, c: Tensor) -> Tensor:
    return sigmoid(f) * c + sigmoid(i) * tanh(g)


@fuse
def _lstm_output(o: Tensor, c: Tensor) -> Tensor:
    return sigmoid(o) * tanh(c)


@fuse
def _gru_output(xr: Tensor, xz: Tensor, xn: Tensor, hr: Tensor, hz: Tensor, hn: Tensor, h: Tensor) -> Tensor:
    z = sigmoid(xz + hz)
    return (1 - z) * tanh(xn + sigmoid(xr + hr) * hn) + z * h


def _hidden(state: State, weights: Weights) -> Tensor:
    weight, bias = weights[:2]
    assert weight is not None
    return linear(state[0], weight, bias)


def _rnn_tanh(project: Tensor, state: State, weights: Weights) -> State:
    return (tanh(project + _hidden(state, weights)),)


def _rnn_relu(project: Tensor, state: State, weights: Weights) -> State:
    return (relu(project + _hidden(state, weights)),)


def _lstm(project: Tensor, state: State, weights: Weights) -> State:
    i, f, g, o = (project + _hidden(state, weights)).chunk(4, -1)
    c = _lstm_memory(i, f, g, state[1])
    h = _lstm_output(o, c)
    return (h if weights[2] is None else linear(h, weights[2])), c


def _gru(project: Tensor, state: State, weights: Weights) -> State:
    return (_gru_output(*project.chunk(3, -1), *_hidden(state, weights).chunk(3, -1), state[0]),)


# name -> (number of parts of the projections, number of tensors in the state, step)
MODES: dict[str, tuple[int, int, Callable[[Tensor, State, Weights], State]]] = {
    "RNN_TANH": (1, 1, _rnn_tanh),
    "RNN_RELU": (1, 1, _rnn_relu),
    "LSTM": (4, 2, _lstm),
    "GRU": (3, 1, _gru),
}


def scan(
    mode: str, project: Tensor, batch_sizes: Sequence[int], state: State, weights: Weights, reverse: bool
) -> tuple[Tensor, State]:
    """Run the steps one after another, and return the outputs of all steps and the last state of each sequence.

    Parameters
    ----------
    mode : str
        A key of `MODES`.
    project : Tensor, (sum of batch_sizes, parts)
        The projections of the first step of all sequences, then of the second step, and so on.
    batch_sizes : sequence of int
        How many sequences are in each step. They are sorted by length, the longest first, so the numbers fall.
    state : tuple of Tensor, (number of sequences, width)
        Before the first step.
    weights : sequence of Tensor or None
    reverse : bool
        Begin with the last step of each sequence.
    """
    step = MODES[mode][2]
    projects = split_by_halves(project, batch_sizes)
    outputs: list[Tensor] = []
    if reverse:
        now = tuple(s[:0] for s in state)
        for part, size in zip(reversed(projects), reversed(batch_sizes), strict=True):
            if size > len(now[0]):  # these sequences begin here
                now = tuple(cat([t, s[len(t) : size]], 0) for t, s in zip(now, state, strict=True))
            now = step(part, now, weights)
            outputs.append(now[0])
        return cat(outputs[::-1], 0), now
    ended: list[State] = []
    now = state
    for part, size in zip(projects, batch_sizes, strict=True):
        if size < len(now[0]):  # the other sequences have ended
            ended.append(tuple(t[size:] for t in now))
            now = tuple(t[:size] for t in now)
        now = step(part, now, weights)
        outputs.append(now[0])
    ended.append(now)
    return cat(outputs, 0), tuple(cat(list(parts[::-1]), 0) for parts in zip(*ended, strict=True))
