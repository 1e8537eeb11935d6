"""Layers of convolution and transposed convolution."""

from collections.abc import Sequence
from math import prod, sqrt
from typing import ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.geometry import PadArgument, _pads, _per_axis
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.arguments import check_groups
from minicnn.nn.functional.conv import Window, _convolve, _convolve_transposed
from minicnn.nn.module import Module, Parameter
from minicnn.nn.norm import _BatchNorm
from minicnn.ops.create import empty

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

Ints = int | Sequence[int]
_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvBase(Module):
    """What both directions share: arguments, weights of shape (first, second / groups, *kernel), text."""

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
        self.weight = Parameter(empty(first, second // groups, *self.kernel_size))
        self.bias = Parameter(empty(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias from ±1/√fan_in, PyTorch's default."""
        init.kaiming_uniform_(self.weight, a=sqrt(5))
        if self.bias is not None:
            bound = 1 / sqrt(prod(self.weight.shape[1:]))
            init.uniform_(self.bias, -bound, bound)

    def _with(self, norm: _BatchNorm | None, axis: int) -> tuple[Tensor, Tensor | None]:
        """Weight, its output channels along this axis, and bias, with the work of batch norm in them."""
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
    ) -> None:
        channels = (out_channels, in_channels)
        super().__init__(in_channels, out_channels, kernel_size, stride, dilation, groups, bias, padding_mode, channels)
        call = type(self).__name__
        if padding_mode not in _PADDING_MODES:
            raise ArgumentError(
                f"{call}: padding_mode must be one of {', '.join(_PADDING_MODES)}, got {padding_mode!r}"
            )
        reach = tuple(d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True))
        pairs = _pads(call, padding, self.stride, reach)
        symmetric = all(before == after for before, after in pairs)
        self.padding = padding if isinstance(padding, str) or not symmetric else tuple(p for p, _ in pairs)
        self._border = tuple(p for pair in reversed(pairs) for p in pair)  # the last axis first, as F.pad takes it

    def forward(self, input: Tensor) -> Tensor:
        return self.convolve(input)

    def convolve(
        self, input: Tensor, relu: bool = False, pool: Window | None = None, norm: _BatchNorm | None = None
    ) -> Tensor:
        """Compute the output and, if asked to, what batch norm, ReLU and maximum pooling make of it.

        Of the batch norm weight and bias take in what it does in evaluation; `pool` is the pooling's window.
        """
        weight, bias = self._with(norm, 0)
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
        Both channel axes are cut into so many parts that do not see each other; groups=C is a depthwise convolution.
    bias : bool
        Whether a number is added to each filter's output.
    padding_mode : "zeros", "reflect", "replicate" or "circular"

    Attributes
    ----------
    weight : Parameter, (F, C/groups, KH, KW)
    bias : Parameter, (F,), or None

    Raises
    ------
    ShapeError
        If arguments are out of their range.

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
    ) -> None:
        channels = (in_channels, out_channels)
        super().__init__(in_channels, out_channels, kernel_size, stride, dilation, groups, bias, padding_mode, channels)
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
        """Compute the output; `output_size` (OH, OW) chooses the output padding."""
        return self.convolve(input, output_size)

    def convolve(
        self,
        input: Tensor,
        output_size: Sequence[int] | None = None,
        relu: bool = False,
        norm: _BatchNorm | None = None,
    ) -> Tensor:
        """Compute the output and, if asked to, what batch norm, in evaluation, and ReLU make of it."""
        weight, bias = self._with(norm, 1)
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        settings = (self.stride, self.padding, extra, self.groups, self.dilation, relu)
        return _convolve_transposed(self._axes, input, weight, bias, *settings)

    def _extra(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """Return the output padding that gives the wanted size."""
        n = self._axes
        wanted = tuple(output_size)[-n:]
        axes = zip(input.shape[-n:], self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        least = tuple((i - 1) * s - 2 * p + d * (k - 1) + 1 for i, s, p, d, k in axes)
        most = tuple(low + s - 1 for low, s in zip(least, self.stride, strict=True))
        if len(wanted) != n or not all(low <= w <= high for low, w, high in zip(least, wanted, most, strict=True)):
            raise ShapeError(
                f"{type(self).__name__}: output_size must be from {least} to {most} for input {input.shape}, "
                f"got {tuple(output_size)}"
            )
        return tuple(w - low for w, low in zip(wanted, least, strict=True))


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of signals (N, C, L); see `ConvTranspose2d`."""

    _axes = 1


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of images, a layer that enlarges; see `functional.conv_transpose2d` for sizes.

    Parameters
    ----------
    in_channels, out_channels : int
        C and F.
    kernel_size, stride, padding, dilation : int or pair of int
        Those of the convolution whose gradient this is.
    output_padding : int or pair of int
        Rows and columns added at one side.
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
        If arguments are out of their range.

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
