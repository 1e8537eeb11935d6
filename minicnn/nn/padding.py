"""Padding layers for signals, images and volumes; they call `functional.pad`.

`padding` is an integer for all sides, or (left, right), (left, right, top, bottom) or (left, right, top, bottom, front,
back). Negative numbers remove elements.
"""

from collections.abc import Sequence
from typing import ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ShapeError
from minicnn.nn import functional as F
from minicnn.nn.module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]

SIDES = ("left", "right", "top", "bottom", "front", "back")


class _Pad(Module):
    _mode: ClassVar[str]
    _axes: ClassVar[int]

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self._axes) if isinstance(padding, int) else tuple(padding)
        if len(self.padding) != 2 * self._axes:
            sides = ", ".join(SIDES[: 2 * self._axes])
            raise ShapeError(f"{type(self).__name__}: padding must be an integer or ({sides}), got {padding}")

    def forward(self, input: Tensor) -> Tensor:
        if self._mode != "constant" and input.ndim not in (self._axes + 1, self._axes + 2):
            raise ShapeError(
                f"{type(self).__name__}: input must be (N, C, ...) or (C, ...) with {self._axes} more axes, got "
                f"{input.shape}"
            )
        return F.pad(input, self.padding, mode=self._mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    _mode = "constant"

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Pad a signal with the number `value`."""

    _axes = 1


class ConstantPad2d(_ConstantPad):
    """Pad an image with the number `value`."""

    _axes = 2


class ConstantPad3d(_ConstantPad):
    """Pad a volume with the number `value`."""

    _axes = 3


class ZeroPad1d(_Pad):
    """Pad a signal with zeros."""

    _mode = "constant"
    _axes = 1


class ZeroPad2d(_Pad):
    """Pad an image with zeros."""

    _mode = "constant"
    _axes = 2


class ZeroPad3d(_Pad):
    """Pad a volume with zeros."""

    _mode = "constant"
    _axes = 3


class ReflectionPad1d(_Pad):
    """Pad a signal with its reflection, without its border elements."""

    _mode = "reflect"
    _axes = 1


class ReflectionPad2d(_Pad):
    """Pad an image with its reflection, without its border elements.

    `padding` is an integer or (left, right, top, bottom).

    Raises
    ------
    ShapeError
        If `padding` is neither.
    """

    _mode = "reflect"
    _axes = 2


class ReflectionPad3d(_Pad):
    """Pad a volume with its reflection, without its border elements."""

    _mode = "reflect"
    _axes = 3


class ReplicationPad1d(_Pad):
    """Pad a signal with copies of its border elements."""

    _mode = "replicate"
    _axes = 1


class ReplicationPad2d(_Pad):
    """Pad an image with copies of its border elements."""

    _mode = "replicate"
    _axes = 2


class ReplicationPad3d(_Pad):
    """Pad a volume with copies of its border elements."""

    _mode = "replicate"
    _axes = 3


class CircularPad1d(_Pad):
    """Pad a signal with the elements of its other end."""

    _mode = "circular"
    _axes = 1


class CircularPad2d(_Pad):
    """Pad an image with the elements of its other end."""

    _mode = "circular"
    _axes = 2


class CircularPad3d(_Pad):
    """Pad a volume with the elements of its other end."""

    _mode = "circular"
    _axes = 3
