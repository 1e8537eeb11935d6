"""Layers of maximum, average and adaptive average pooling, for signals, images and volumes.

Each layer keeps the arguments and calls a function of `functional`, which checks them.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.nn import functional as F
from minicnn.nn.module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
]

Ints = int | Sequence[int]


class _MaxPool(Module):
    _function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        dilation: Ints = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    @property
    def window(self) -> tuple[Ints, Ints, Ints, Ints, bool]:
        """kernel_size, stride, padding, dilation and ceil_mode, as `pool_spec` takes them."""
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode

    def forward(self, input: Tensor) -> Any:
        return type(self)._function(input, *self.window, self.return_indices)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The maximum of each window of a signal (N, C, L); see `functional.max_pool2d`."""

    _function = F.max_pool1d


class MaxPool2d(_MaxPool):
    """The maximum of each window of an image (N, C, H, W); see `functional.max_pool2d`.

    Parameters
    ----------
    kernel_size : int or pair of int
    stride : int or pair of int, optional
        Default: the kernel size.
    padding, dilation : int or pair of int
    return_indices, ceil_mode : bool

    Examples
    --------
    >>> import minicnn
    >>> MaxPool2d(2)(minicnn.zeros(8, 3, 32, 32)).shape
    (8, 3, 16, 16)
    """

    _function = F.max_pool2d


class MaxPool3d(_MaxPool):
    """The maximum of each window of a volume (N, C, D, H, W); see `functional.max_pool2d`."""

    _function = F.max_pool3d


class _AvgPool(Module):
    _function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        pool = type(self)._function
        return pool(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _DividedAvgPool(_AvgPool):
    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        pool = type(self)._function
        window = (self.kernel_size, self.stride, self.padding)
        return pool(input, *window, self.ceil_mode, self.count_include_pad, self.divisor_override)


class AvgPool1d(_AvgPool):
    """The mean of each window of a signal (N, C, L); see `functional.avg_pool2d`."""

    _function = F.avg_pool1d


class AvgPool2d(_DividedAvgPool):
    """The mean of each window of an image (N, C, H, W); see `functional.avg_pool2d`.

    Parameters
    ----------
    kernel_size : int or pair of int
    stride : int or pair of int, optional
        Default: the kernel size.
    padding : int or pair of int
    ceil_mode, count_include_pad : bool
    divisor_override : int, optional
    """

    _function = F.avg_pool2d


class AvgPool3d(_DividedAvgPool):
    """The mean of each window of a volume (N, C, D, H, W); see `functional.avg_pool2d`."""

    _function = F.avg_pool3d


class _AdaptiveAvgPool(Module):
    _function: ClassVar[Callable[..., Tensor]]

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return type(self)._function(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of windows that cover a signal (N, C, L); see `functional.adaptive_avg_pool2d`."""

    _function = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of OH × OW windows that cover an image (N, C, H, W); see `functional.adaptive_avg_pool2d`.

    Parameters
    ----------
    output_size : int or pair of int or None
        (OH, OW). None keeps the input's size; 1 is global average pooling.
    """

    _function = F.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of windows that cover a volume (N, C, D, H, W); see `functional.adaptive_avg_pool2d`."""

    _function = F.adaptive_avg_pool3d
