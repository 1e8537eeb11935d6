"""Single steps of recurrent networks: RNNCell, LSTMCell, GRUCell. Programs call them in a loop of their own."""

from math import sqrt
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.arguments import check_positive
from minicnn.nn.functional.recurrent import MODES
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.create import empty, zeros
from minicnn.runtime.devices import Device

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


class RNNCellBase(Module):
    """The base class of the cells; `num_chunks` is the number of gates, 1, 3 or 4.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_positive(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size

        def parameter(*shape: int) -> Parameter:
            return Parameter(empty(shape, device=device, dtype=dtype))

        self.weight_ih = parameter(rows, input_size)
        self.weight_hh = parameter(rows, hidden_size)
        self.bias_ih = parameter(rows) if bias else None
        self.bias_hh = parameter(rows) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters from the uniform distribution on ±1/√hidden_size."""
        for parameter in self.parameters():
            init.uniform_(parameter, -1 / sqrt(self.hidden_size), 1 / sqrt(self.hidden_size))

    def _step(self, mode: str, input: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, ...]:
        """Return the state after a step. Vectors without a batch are (size,)."""
        call, (_, parts, step) = type(self).__name__, MODES[mode]
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise ShapeError(f"{call}: input must be (N, {self.input_size}) or ({self.input_size},), got {input.shape}")
        if input.dtype != self.weight_ih.dtype:
            raise DTypeError(f"{call}: the input is {input.dtype}, the weight {self.weight_ih.dtype}; convert one")
        shape = (*input.shape[:-1], self.hidden_size)
        if state is None:
            state = (zeros(shape, dtype=input.dtype, device=input.device),) * parts
        if len(state) != parts or any(s.shape != shape for s in state):
            raise ShapeError(f"{call}: the state must be {parts} × {shape}, got {[tuple(s.shape) for s in state]}")
        project = F.linear(input, self.weight_ih, self.bias_ih)
        return step(project, state, (self.weight_hh, self.bias_hh, None))

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or ReLU instead of tanh.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    nonlinearity : "tanh" or "relu"
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight_ih : Parameter, (hidden_size, input_size)
    weight_hh : Parameter, (hidden_size, hidden_size)
    bias_ih, bias_hh : Parameter, (hidden_size,), or None

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1.
    ArgumentError
        If the nonlinearity is unknown.

    References
    ----------
    Elman, "Finding structure in time", 1990.

    Examples
    --------
    >>> import minicnn
    >>> cell = RNNCell(3, 5)
    >>> cell(minicnn.zeros(2, 3), minicnn.zeros(2, 5)).shape
    (2, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"RNNCell: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return h' for x (N, input_size) and h (N, hidden_size); no h means zeros.

        Raises
        ------
        ShapeError
            If the shapes do not fit.
        DTypeError
            If the element types of the input and the parameters differ.
        """
        (h,) = self._step(f"RNN_{self.nonlinearity.upper()}", input, None if hx is None else (hx,))
        return h


class LSTMCell(RNNCellBase):
    """A step of a network with a memory c, which three gates guard.

    i, f, o = σ(W x + V h + b) for the input, forget and output gate, g = tanh(W x + V h + b),
    c' = f c + i g, h' = o tanh(c'). The rows of the parameters are those of i, f, g, o.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight_ih : Parameter, (4 hidden_size, input_size)
    weight_hh : Parameter, (4 hidden_size, hidden_size)
    bias_ih, bias_hh : Parameter, (4 hidden_size,), or None

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1.

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory", 1997; Gers et al., "Learning to forget", 2000.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Return h' and c' for x (N, input_size) and (h, c), each (N, hidden_size); without them they are zeros.

        Raises
        ------
        ShapeError
            If the shapes do not fit.
        DTypeError
            If the element types of the input and the parameters differ.
        """
        h, c = self._step("LSTM", input, None if hx is None else tuple(hx))
        return h, c


class GRUCell(RNNCellBase):
    """A step of a network with two gates.

    r, z = σ(W x + b + V h + d) for the reset and update gate, n = tanh(W x + b + r (V h + d)),
    h' = (1 - z) n + z h. The rows of the parameters are those of r, z, n.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight_ih : Parameter, (3 hidden_size, input_size)
    weight_hh : Parameter, (3 hidden_size, hidden_size)
    bias_ih, bias_hh : Parameter, (3 hidden_size,), or None

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return h' for x (N, input_size) and h (N, hidden_size); no h means zeros.

        Raises
        ------
        ShapeError
            If the shapes do not fit.
        DTypeError
            If the element types of the input and the parameters differ.
        """
        (h,) = self._step("GRU", input, None if hx is None else (hx,))
        return h
