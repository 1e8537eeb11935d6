"""Lazy layers: the first input tells how many features or channels it has, and then the parameters get their shapes."""

from collections.abc import Sequence
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ShapeError
from minicnn.geometry import PadArgument
from minicnn.nn.arguments import check_groups
from minicnn.nn.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, _ConvBase
from minicnn.nn.lazy_module import LazyModuleMixin
from minicnn.nn.linear import Linear
from minicnn.nn.norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    _StatisticsNorm,
)
from minicnn.nn.parameter import Parameter, UninitializedBuffer, UninitializedParameter, is_lazy
from minicnn.runtime.devices import Device

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
]

Ints = int | Sequence[int]


class _LazyLayer(LazyModuleMixin):
    """The base class of the lazy layers: `_count` names the attribute that the first input decides."""

    _count: ClassVar[str]

    def _forget(self) -> None:
        """Make the parameters and the running statistics uninitialized, and the count 0."""
        for name, parameter in list(self._own(Parameter)):
            setattr(self, name, UninitializedParameter(device=parameter.device, dtype=parameter.dtype))
        for name, buffer in list(self._own(Tensor)):
            if buffer.ndim:
                setattr(self, name, UninitializedBuffer(device=buffer.device, dtype=buffer.dtype))
        setattr(self, self._count, 0)

    def reset_parameters(self) -> None:
        """Draw the parameters as the layer does that this one becomes. Before the first input it does nothing."""
        if getattr(self, self._count) and not self.has_uninitialized_params() and "_initialize_hook" in vars(self):
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *args: Any) -> None:
        """Take the number of features or channels from the first input, and give shapes to what has none."""
        count = self._counted(input)
        new = self.has_uninitialized_params()
        for name, shape in self._shapes(count).items():
            if is_lazy(getattr(self, name)):
                getattr(self, name).materialize(shape)
        setattr(self, self._count, getattr(self, self._count) or count)
        if new:
            self.reset_parameters()

    def _counted(self, input: Tensor) -> int:
        raise NotImplementedError

    def _shapes(self, count: int) -> dict[str, tuple[int, ...]]:
        raise NotImplementedError


class LazyLinear(_LazyLayer, Linear):
    """`Linear`, which takes `in_features` from the first input.

    Parameters
    ----------
    out_features : int
    bias : bool
    device, dtype
        Of the parameters.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1.

    Examples
    --------
    >>> import minicnn
    >>> layer = LazyLinear(10)
    >>> layer
    LazyLinear(in_features=0, out_features=10, bias=True)
    >>> layer(minicnn.zeros(8, 64)).shape
    (8, 10)
    >>> layer
    Linear(in_features=64, out_features=10, bias=True)
    """

    cls_to_become = Linear
    _count = "in_features"

    def __init__(
        self, out_features: int, bias: bool = True, device: str | Device | None = None, dtype: Any = None
    ) -> None:
        super().__init__(1, out_features, bias, device, dtype)
        self._forget()

    def _counted(self, input: Tensor) -> int:
        return input.shape[-1]

    def _shapes(self, count: int) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.out_features, count), "bias": (self.out_features,)}


class _LazyConvBase(_LazyLayer, _ConvBase):
    _count = "in_channels"

    def _counted(self, input: Tensor) -> int:
        call, n = type(self).__name__, self._axes
        if input.ndim not in (n + 1, n + 2):
            raise ShapeError(f"{call}: input must have {n + 1} or {n + 2} axes, got {input.shape}")
        count = input.shape[-n - 1]
        check_groups(call, self.groups, in_channels=count)
        return count


class _LazyConv(_LazyConvBase):
    """The base class of lazy convolutions."""

    def __init__(
        self,
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
        settings = (kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype)
        super().__init__(groups, out_channels, *settings)
        self._forget()

    def _shapes(self, count: int) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.out_channels, count // self.groups, *self.kernel_size), "bias": (self.out_channels,)}


class LazyConv1d(_LazyConv, Conv1d):
    """`Conv1d`, which takes `in_channels` from the first input; errors as in `Conv1d`."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """`Conv2d`, which takes `in_channels` from the first input; errors as in `Conv2d`.

    Examples
    --------
    >>> import minicnn
    >>> layer = LazyConv2d(16, kernel_size=3)
    >>> dict(layer.state_dict())
    {'weight': <UninitializedParameter>, 'bias': <UninitializedParameter>}
    >>> layer(minicnn.zeros(8, 3, 32, 32)).shape
    (8, 16, 30, 30)
    >>> layer
    Conv2d(3, 16, kernel_size=(3, 3), stride=(1, 1))
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """`Conv3d`, which takes `in_channels` from the first input; errors as in `Conv3d`."""

    cls_to_become = Conv3d


class _LazyConvTranspose(_LazyConvBase):
    """The base class of lazy transposed convolutions."""

    def __init__(
        self,
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
        settings = (kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode, device, dtype)
        super().__init__(groups, out_channels, *settings)
        self._forget()

    def _shapes(self, count: int) -> dict[str, tuple[int, ...]]:
        return {"weight": (count, self.out_channels // self.groups, *self.kernel_size), "bias": (self.out_channels,)}


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """`ConvTranspose1d`, which takes `in_channels` from the first input; errors as in `ConvTranspose1d`."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """`ConvTranspose2d`, which takes `in_channels` from the first input; errors as in `ConvTranspose2d`."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """`ConvTranspose3d`, which takes `in_channels` from the first input; errors as in `ConvTranspose3d`."""

    cls_to_become = ConvTranspose3d


class _LazyNorm(_LazyLayer, _StatisticsNorm):
    """The base class of lazy batch and instance norm."""

    _count = "num_features"

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(1, eps, momentum, affine, track_running_stats, device=device, dtype=dtype, bias=bias)
        self._forget()

    def _counted(self, input: Tensor) -> int:
        self._check_input_dim(input)
        return input.shape[self._channel_axis(input)]

    def _shapes(self, count: int) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (count,))


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """`BatchNorm1d`, which takes `num_features` from the first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """`BatchNorm2d`, which takes `num_features` from the first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """`BatchNorm3d`, which takes `num_features` from the first input."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """`InstanceNorm1d`, which takes `num_features` from the first input, and learns and tracks by default."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """`InstanceNorm2d`, which takes `num_features` from the first input, and learns and tracks by default."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """`InstanceNorm3d`, which takes `num_features` from the first input, and learns and tracks by default."""

    cls_to_become = InstanceNorm3d
