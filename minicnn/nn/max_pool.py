"""Layers of adaptive and fractional maximum pooling, unpooling, and pooling with a power mean.

Each layer keeps the arguments and calls a function of `functional`, which checks them.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn import functional as F
from minicnn.nn.module import Module

__all__ = [
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]

Ints = int | Sequence[int]


class _AdaptiveMaxPool(Module):
    _function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Any:
        return type(self)._function(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The maxima of windows that cover a signal (N, C, L); see `functional.adaptive_max_pool2d`."""

    _function = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The maxima of OH × OW windows that cover an image (N, C, H, W); see `functional.adaptive_max_pool2d`."""

    _function = F.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The maxima of windows that cover a volume (N, C, D, H, W); see `functional.adaptive_max_pool2d`."""

    _function = F.adaptive_max_pool3d


class _FractionalMaxPool(Module):
    _function: ClassVar[Callable[..., Any]]
    _axes: ClassVar[int]

    def __init__(
        self,
        kernel_size: Ints,
        output_size: Ints | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if (output_size is None) == (output_ratio is None):
            raise ArgumentError(
                f"{name}: give either output_size or output_ratio, got {output_size} and {output_ratio}"
            )
        ratios = output_ratio if isinstance(output_ratio, Sequence) else (output_ratio,) * self._axes
        if output_ratio is not None and not all(r is not None and 0 < r < 1 for r in ratios):
            raise ArgumentError(f"{name}: output_ratio must be between 0 and 1, got {output_ratio}")
        self.kernel_size, self.return_indices = kernel_size, return_indices
        self.output_size, self.output_ratio = output_size, None if output_ratio is None else ratios
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: Tensor) -> Any:
        return type(self)._function(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """The maxima of windows with random steps; see `functional.fractional_max_pool2d`.

    Raises
    ------
    ArgumentError
        If both or neither of `output_size` and `output_ratio` are given, or a ratio is not between 0 and 1.
    """

    _function = F.fractional_max_pool2d
    _axes = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """The maxima of windows with random steps in volumes; arguments and errors as in `FractionalMaxPool2d`."""

    _function = F.fractional_max_pool3d
    _axes = 3


class _MaxUnpool(Module):
    _function: ClassVar[Callable[..., Tensor]]
    _axes: ClassVar[int]

    def __init__(self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0) -> None:
        super().__init__()
        self.kernel_size = self._each(kernel_size)
        self.stride = self._each(kernel_size if stride is None else stride)
        self.padding = self._each(padding)

    def _each(self, value: Ints) -> tuple[int, ...]:
        return (value,) * self._axes if isinstance(value, int) else tuple(value)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return type(self)._function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Put maxima of a signal back to their places; see `functional.max_unpool2d`."""

    _function = F.max_unpool1d
    _axes = 1


class MaxUnpool2d(_MaxUnpool):
    """Put maxima of an image back to their places; see `functional.max_unpool2d`.

    Examples
    --------
    >>> import minicnn
    >>> pool, unpool = minicnn.nn.MaxPool2d(2, return_indices=True), MaxUnpool2d(2)
    >>> unpool(*pool(minicnn.tensor([[[1.0, 2.0], [3.0, 4.0]]]))).tolist()
    [[[0.0, 0.0], [0.0, 4.0]]]
    """

    _function = F.max_unpool2d
    _axes = 2


class MaxUnpool3d(_MaxUnpool):
    """Put maxima of a volume back to their places; see `functional.max_unpool2d`."""

    _function = F.max_unpool3d
    _axes = 3


class _LPPool(Module):
    _function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return type(self)._function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm of each window of a signal; see `functional.lp_pool2d`."""

    _function = F.lp_pool1d


class LPPool2d(_LPPool):
    """The p-norm of each window of an image; see `functional.lp_pool2d`."""

    _function = F.lp_pool2d


class LPPool3d(_LPPool):
    """The p-norm of each window of a volume; see `functional.lp_pool2d`."""

    _function = F.lp_pool3d
