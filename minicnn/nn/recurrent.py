"""Recurrent networks over whole sequences: RNN, LSTM, GRU, in several layers and both directions.

All steps of a layer get their share of the input in one matrix product, and then run one after another
(`functional/recurrent.py`). A batch of equal lengths is the packed batch whose steps all have the same size, so there
is one way to run both.
"""

import warnings
from math import sqrt
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.arguments import check_positive, check_probability
from minicnn.nn.functional.recurrent import MODES, scan
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.nn.utils.rnn import PackedSequence
from minicnn.ops.create import empty, zeros
from minicnn.ops.indexing import cat, stack
from minicnn.ops.slices import index_select
from minicnn.runtime.devices import Device

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]

State = tuple[Tensor, ...]


class RNNBase(Module):
    """The base class of `RNN`, `LSTM` and `GRU`.

    Parameters
    ----------
    mode : "RNN_TANH", "RNN_RELU", "LSTM" or "GRU"
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype
        As in `LSTM`.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1, or `proj_size` is not smaller than `hidden_size`.
    ArgumentError
        If the mode is unknown, `dropout` is not a probability, or `proj_size` is given for another mode than LSTM.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        call = type(self).__name__
        if mode not in MODES:
            raise ArgumentError(f"{call}: mode must be one of {', '.join(MODES)}, got {mode!r}")
        check_positive(call, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        check_probability(call, dropout)
        if dropout and num_layers == 1:
            warnings.warn(f"{call}: dropout={dropout} has no effect, because it acts between layers", stacklevel=3)
        if proj_size and mode != "LSTM":
            raise ArgumentError(f"{call}: only LSTM has proj_size")
        if not 0 <= proj_size < hidden_size:
            raise ShapeError(f"{call}: proj_size must be from 0 to {hidden_size - 1}, got {proj_size}")
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        width, rows = proj_size or hidden_size, MODES[mode][0] * hidden_size
        for end in self._ends():
            columns = input_size if end in ("_l0", "_l0_reverse") else width * (1 + bidirectional)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, columns), "weight_hh": (rows, width)}
            shapes |= dict.fromkeys(("bias_ih", "bias_hh"), (rows,)) if bias else {}
            shapes |= {"weight_hr": (proj_size, hidden_size)} if proj_size else {}
            for name, shape in shapes.items():
                setattr(self, name + end, Parameter(empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    def _ends(self) -> list[str]:
        """Return the ends of the names of the parameters, for each layer and direction."""
        directions = ("", "_reverse") if self.bidirectional else ("",)
        return [f"_l{layer}{direction}" for layer in range(self.num_layers) for direction in directions]

    def _weights(self, end: str) -> dict[str, Tensor | None]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        return {name: getattr(self, name + end, None) for name in names}

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        return [[w for w in self._weights(end).values() if w is not None] for end in self._ends()]

    def reset_parameters(self) -> None:
        """Draw all parameters from the uniform distribution on ±1/√hidden_size."""
        for parameter in self.parameters():
            init.uniform_(parameter, -1 / sqrt(self.hidden_size), 1 / sqrt(self.hidden_size))

    def flatten_parameters(self) -> None:
        """Do nothing: PyTorch moves the parameters into one block for its kernels."""

    def forward(self, input: Tensor | PackedSequence, hx: Any = None) -> tuple[Any, Any]:
        """Return the outputs of the last layer, and the last state of all layers.

        Parameters
        ----------
        input : Tensor or PackedSequence
            (L, N, input_size), or (N, L, input_size) with `batch_first`, or one sequence (L, input_size).
        hx : Tensor, or for LSTM a pair (h, c), optional
            The state before the first step, (num_layers × directions, N, width), zeros by default.

        Returns
        -------
        output : Tensor or PackedSequence, (L, N, directions × width)
            `width` is `proj_size` if it is not 0, and `hidden_size` otherwise. It has the layout of the input.
        hx : Tensor, or for LSTM a pair

        Raises
        ------
        ShapeError
            If the shapes do not fit.
        DTypeError
            If the element types of the input and the parameters differ.
        """
        call, states = type(self).__name__, MODES[self.mode][1]
        hx = (hx,) if isinstance(hx, Tensor) and states == 1 else hx
        if isinstance(input, PackedSequence):
            data, sizes, order, back = input
            y, state = self._run(
                data, [int(n) for n in sizes.tolist()], self._first_state(data, int(sizes[0]), hx, order)
            )
            state = state if back is None else tuple(index_select(s, 1, back) for s in state)
            return PackedSequence(y, sizes, order, back), state[0] if states == 1 else state
        if input.ndim not in (2, 3):
            raise ShapeError(f"{call}: input must have 2 or 3 axes, got {input.shape}")
        single = input.ndim == 2
        if single and hx is not None:
            if any(s.ndim != 2 for s in hx):
                raise ShapeError(f"{call}: the state of one sequence must have 2 axes, got {[s.ndim for s in hx]}")
            hx = tuple(s.unsqueeze(1) for s in hx)
        batch = input.unsqueeze(1) if single else input.transpose(0, 1) if self.batch_first else input
        length, count = batch.shape[:2]
        if not length:
            raise ShapeError(f"{call}: there must be at least one step, got {input.shape}")
        data = batch.reshape(length * count, batch.shape[2])
        y, state = self._run(data, [count] * length, self._first_state(data, count, hx, None))
        y = y.reshape(length, count, y.shape[1])
        if single:
            y, state = y.squeeze(1), tuple(s.squeeze(1) for s in state)
        elif self.batch_first:
            y = y.transpose(0, 1)
        return y, state[0] if states == 1 else state

    def _first_state(self, data: Tensor, count: int, hx: Any, order: Tensor | None) -> State:
        """Return the state before the first step, in the order of the sequences in the packed batch."""
        call, (_, states, _) = type(self).__name__, MODES[self.mode]
        if data.ndim != 2 or data.shape[1] != self.input_size:
            raise ShapeError(f"{call}: input must have {self.input_size} features, got {data.shape[-1]}")
        if data.dtype != self.weight_ih_l0.dtype:
            raise DTypeError(f"{call}: the input is {data.dtype}, the weight {self.weight_ih_l0.dtype}; convert one")
        widths = (self.proj_size or self.hidden_size, self.hidden_size)[:states]
        shapes = [(len(self._ends()), count, width) for width in widths]
        if hx is None:
            return tuple(zeros(shape, dtype=data.dtype, device=data.device) for shape in shapes)
        if len(hx) != states or any(s.shape != shape for s, shape in zip(hx, shapes, strict=True)):
            raise ShapeError(f"{call}: the state must be {shapes}, got {[tuple(s.shape) for s in hx]}")
        return tuple(s if order is None else index_select(s, 1, order) for s in hx)

    def _run(self, data: Tensor, batch_sizes: list[int], state: State) -> tuple[Tensor, State]:
        """Return the outputs of the last layer for all rows, and the last states."""
        directions = 1 + self.bidirectional
        last: list[State] = []
        for i, end in enumerate(self._ends()):
            if i % directions == 0:  # a new layer
                outputs: list[Tensor] = []
            w = self._weights(end)
            assert w["weight_ih"] is not None
            project = F.linear(data, w["weight_ih"], w["bias_ih"])
            weights = (w["weight_hh"], w["bias_hh"], w["weight_hr"])
            y, new = scan(self.mode, project, batch_sizes, tuple(s[i] for s in state), weights, i % directions == 1)
            outputs.append(y)
            last.append(new)
            if len(outputs) == directions:
                data = cat(outputs, 1) if directions == 2 else y
                if self.dropout and i + 1 < len(self._ends()):
                    data = F.dropout(data, self.dropout, self.training)
        return data, tuple(stack(list(parts), 0) for parts in zip(*last, strict=True))

    def extra_repr(self) -> str:
        settings: dict[str, tuple[Any, Any]] = {
            "proj_size": (self.proj_size, 0),
            "num_layers": (self.num_layers, 1),
            "bias": (self.bias, True),
            "batch_first": (self.batch_first, False),
            "dropout": (self.dropout, 0),
            "bidirectional": (self.bidirectional, False),
        }
        text = "".join(f", {name}={value}" for name, (value, default) in settings.items() if value != default)
        return f"{self.input_size}, {self.hidden_size}{text}"


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh) for each step of a sequence, or ReLU instead of tanh.

    Parameters
    ----------
    nonlinearity : "tanh" or "relu"
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        As in `LSTM`.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1.
    ArgumentError
        If the nonlinearity is unknown, or `dropout` is not a probability.

    References
    ----------
    Elman, "Finding structure in time", 1990.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"RNN: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        settings = (input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)
        super().__init__(f"RNN_{nonlinearity.upper()}", *settings, 0, device, dtype)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory: a network with a memory for each sequence; see `LSTMCell` for the equation of a step.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int
        Layers one above the other; each reads the outputs of the one below.
    bias : bool
    batch_first : bool
        Input and output are (N, L, size) instead of (L, N, size). The state keeps its layout.
    dropout : float
        The probability of a zero in the outputs of all layers but the last, in training.
    bidirectional : bool
        Each layer also runs from the last step to the first; the outputs of both stand side by side.
    proj_size : int
        If not 0, h is a matrix times h of the equation, and has this width.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_hr_l0 : Parameter
        Of the first layer, as in `LSTMCell`; `weight_hr_l0` is the projection, (proj_size, hidden_size). The next
        layer's end with ``_l1``, those of the second direction with ``_reverse``.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1, or `proj_size` is not smaller than `hidden_size`.
    ArgumentError
        If `dropout` is not a probability.

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory", 1997; with proj_size: Sak et al., 2014.

    Examples
    --------
    >>> import minicnn
    >>> lstm = LSTM(3, 8, num_layers=2, batch_first=True, bidirectional=True)
    >>> y, (h, c) = lstm(minicnn.zeros(4, 7, 3))
    >>> y.shape, h.shape, c.shape
    ((4, 7, 16), (4, 4, 8), (4, 4, 8))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        settings = (input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)
        super().__init__("LSTM", *settings, proj_size, device, dtype)


class GRU(RNNBase):
    """A gated recurrent network; see `GRUCell` for the equation of a step.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        As in `LSTM`.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1.
    ArgumentError
        If `dropout` is not a probability.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        settings = (input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)
        super().__init__("GRU", *settings, 0, device, dtype)
