"""Layers of convolution and transposed convolution, for signals, images and volumes.

`_ConvBase` holds the arguments and parameters of both directions. `convolve` computes the layer, and the batch norm,
ReLU and maximum pooling after it where `nn/fusion.py` asks for them.
"""

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.geometry import PadArgument, _pads, _per_axis
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.arguments import check_groups
from minicnn.nn.functional.conv import Window, _convolve, _convolve_transposed
from minicnn.nn.module import Module
from minicnn.nn.norm import _BatchNorm
from minicnn.nn.parameter import Parameter
from minicnn.ops.create import empty
from minicnn.runtime.devices import Device

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

Ints = int | Sequence[int]
_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvBase(Module):
    """The base class of both directions; the weight is (weight_channels[0], weight_channels[1] / groups, *kernel)."""

    _axes: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints,
        dilation: Ints,
        groups: int,
        bias: bool,
        padding_mode: str,
        weight_channels: tuple[int, int],
        device: str | Device | None,
        dtype: Any,
    ) -> None:
        super().__init__()
        call, n = type(self).__name__, self._axes
        check_groups(call, groups, in_channels=in_channels, out_channels=out_channels)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = _per_axis(call, "kernel_size", kernel_size, n, 1)
        self.stride = _per_axis(call, "stride", stride, n, 1)
        self.dilation = _per_axis(call, "dilation", dilation, n, 1)
        self.output_padding = (0,) * n
        self.padding_mode = padding_mode
        first, second = weight_channels
        self.weight = Parameter(empty(first, second // groups, *self.kernel_size, device=device, dtype=dtype))
        self.bias = Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias from the uniform distribution on ±1/√fan_in, PyTorch's default."""
        init.kaiming_uniform_(self.weight, a=sqrt(5))
        if self.bias is not None:
            bound = 1 / sqrt(prod(self.weight.shape[1:]))
            init.uniform_(self.bias, -bound, bound)

    def _weight_and_bias(self, norm: _BatchNorm | None, axis: int) -> tuple[Tensor, Tensor | None]:
        """Return weight and bias, with batch norm folded in. `axis` is the axis of output channels of the weight."""
        return (self.weight, self.bias) if norm is None else norm.folded(self.weight, self.bias, axis)

    def extra_repr(self) -> str:
        n = self._axes
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        settings = {
            "padding": (self.padding, (0,) * n),
            "dilation": (self.dilation, (1,) * n),
            "output_padding": (self.output_padding, (0,) * n),
            "groups": (self.groups, 1),
            "bias": (self.bias is not None, True),
            "padding_mode": (self.padding_mode, "zeros"),
        }
        return text + "".join(f", {name}={value}" for name, (value, default) in settings.items() if value != default)


class _Conv(_ConvBase):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: PadArgument = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        settings = (kernel_size, stride, dilation, groups, bias, padding_mode)
        super().__init__(in_channels, out_channels, *settings, (out_channels, in_channels), device, dtype)
        call = type(self).__name__
        if padding_mode not in _PADDING_MODES:
            raise ArgumentError(
                f"{call}: padding_mode must be one of {', '.join(_PADDING_MODES)}, got {padding_mode!r}"
            )
        spans = tuple(d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True))
        pairs = _pads(call, padding, self.stride, spans)
        symmetric = all(before == after for before, after in pairs)
        self.padding = padding if isinstance(padding, str) or not symmetric else tuple(p for p, _ in pairs)
        self._border = tuple(p for pair in reversed(pairs) for p in pair)  # last axis first, as in F.pad

    def forward(self, input: Tensor) -> Tensor:
        return self.convolve(input)

    def convolve(
        self, input: Tensor, relu: bool = False, pool: Window | None = None, norm: _BatchNorm | None = None
    ) -> Tensor:
        """Compute the convolution and, if given, the layers after it: batch norm in eval mode, ReLU, maximum pooling.

        Batch norm is folded into weight and bias. `pool` holds the pooling's arguments, `_MaxPool.window`.
        """
        weight, bias = self._weight_and_bias(norm, 0)
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._border, mode=self.padding_mode), 0
        settings = (self.stride, padding, self.dilation, self.groups, relu, pool)
        return _convolve(self._axes, input, weight, bias, *settings)


class Conv1d(_Conv):
    """Convolution of signals (N, C, L); see `Conv2d`."""

    _axes = 1


class Conv2d(_Conv):
    """Convolution of images (N, C, H, W) -> (N, F, OH, OW); see `functional.conv2d` for the equation and sizes.

    Parameters
    ----------
    in_channels, out_channels : int
        C and F.
    kernel_size, stride, dilation : int or pair of int
    padding : int, pair of int, 'same' or 'valid'
    groups : int
        Number of groups. Each group of output channels reads only its own group of input channels. groups=C is a
        depthwise convolution.
    bias : bool
        Add a learned number to each output channel.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight : Parameter, (F, C/groups, KH, KW)
    bias : Parameter, (F,), or None

    Raises
    ------
    ShapeError
        If a size is out of range, or the channels cannot be split into groups.
    ArgumentError
        If `padding_mode` is unknown.

    Examples
    --------
    >>> import minicnn
    >>> Conv2d(3, 16, kernel_size=3, padding="same")(minicnn.zeros(8, 3, 32, 32)).shape
    (8, 16, 32, 32)
    """

    _axes = 2


class Conv3d(_Conv):
    """Convolution of volumes (N, C, D, H, W); see `Conv2d`."""

    _axes = 3


class _ConvTranspose(_ConvBase):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Ints = 1,
        padding_mode: str = "zeros",
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        settings = (kernel_size, stride, dilation, groups, bias, padding_mode)
        super().__init__(in_channels, out_channels, *settings, (in_channels, out_channels), device, dtype)
        call = type(self).__name__
        if padding_mode != "zeros":
            raise ArgumentError(f"{call}: padding_mode must be 'zeros', got {padding_mode!r}; use F.pad on the input")
        self.padding = _per_axis(call, "padding", padding, self._axes, 0)
        self.output_padding = _per_axis(call, "output_padding", output_padding, self._axes, 0)
        if any(o >= max(s, d) for o, s, d in zip(self.output_padding, self.stride, self.dilation, strict=True)):
            raise ShapeError(
                f"{call}: output_padding must be smaller than stride or dilation, got "
                f"output_padding={self.output_padding}, stride={self.stride}, dilation={self.dilation}"
            )

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Compute the output. `output_size`, for example (OH, OW), replaces `output_padding`.

        Raises
        ------
        ShapeError
            If no output padding gives this size.
        """
        return self.convolve(input, output_size)

    def convolve(
        self,
        input: Tensor,
        output_size: Sequence[int] | None = None,
        relu: bool = False,
        norm: _BatchNorm | None = None,
    ) -> Tensor:
        """Compute the transposed convolution and, if given, batch norm in eval mode and ReLU after it.

        Raises
        ------
        ShapeError
            If no output padding gives `output_size`.
        """
        weight, bias = self._weight_and_bias(norm, 1)
        extra = self.output_padding if output_size is None else self._find_output_padding(input, output_size)
        settings = (self.stride, self.padding, extra, self.groups, self.dilation, relu)
        return _convolve_transposed(self._axes, input, weight, bias, *settings)

    def _find_output_padding(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """Return the output padding that gives this output size."""
        n = self._axes
        target_size = tuple(output_size)[-n:]
        axes = zip(input.shape[-n:], self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        lowest = tuple((i - 1) * s - 2 * p + d * (k - 1) + 1 for i, s, p, d, k in axes)
        highest = tuple(low + s - 1 for low, s in zip(lowest, self.stride, strict=True))
        if len(target_size) != n or not all(
            low <= w <= high for low, w, high in zip(lowest, target_size, highest, strict=True)
        ):
            raise ShapeError(
                f"{type(self).__name__}: output_size must be from {lowest} to {highest} for input {input.shape}, "
                f"got {tuple(output_size)}"
            )
        return tuple(w - low for w, low in zip(target_size, lowest, strict=True))


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of signals (N, C, L); see `ConvTranspose2d`."""

    _axes = 1


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of images (N, C, H, W) -> (N, F, OH, OW), usually to enlarge them.

    `functional.conv_transpose2d` has the equation and the sizes.

    Parameters
    ----------
    in_channels, out_channels : int
        C and F.
    kernel_size, stride, padding, dilation : int or pair of int
        The arguments of the convolution whose input gradient this layer computes.
    output_padding : int or pair of int
        Rows added at the bottom and columns added at the right.
    groups : int
    bias : bool
    padding_mode : "zeros"

    Attributes
    ----------
    weight : Parameter, (C, F/groups, KH, KW)
    bias : Parameter, (F,), or None

    Raises
    ------
    ShapeError
        If a size is out of range, or the channels cannot be split into groups.
    ArgumentError
        If `padding_mode` is not "zeros".

    Examples
    --------
    >>> import minicnn
    >>> ConvTranspose2d(16, 3, 3, stride=2, padding=1)(minicnn.zeros(1, 16, 8, 8), output_size=(16, 16)).shape
    (1, 3, 16, 16)
    """

    _axes = 2


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of volumes (N, C, D, H, W); see `ConvTranspose2d`."""

    _axes = 3
