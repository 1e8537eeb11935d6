"""The struct ConvShape of kernels/cpu/conv_shape.hpp: the sizes of a convolution, as the kernels take them."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from minicnn.geometry import ConvSpec, WindowSpec
from minicnn.runtime.devices import Array

__all__ = ["NO_AXIS", "Axis", "conv_shape", "shape_struct", "window_axes"]

Axis = Sequence[int]  # input size, output size, kernel size, stride, padding before, dilation
NO_AXIS = (1, 1, 1, 1, 0, 1)  # an axis that the convolution does not have


def window_axes(spec: WindowSpec) -> list[Axis]:
    """Return an `Axis` for each axis of the windows."""
    padding = tuple(before for before, _ in spec.padding)
    lists = (spec.input_size, spec.output_size, spec.kernel_size, spec.stride, padding, spec.dilation)
    return list(zip(*lists, strict=True))


def shape_struct(batch: int, groups: int, channels: int, filters: int, axes: Sequence[Axis]) -> Array:
    """Return the struct for three axes; `channels` and `filters` count one group."""
    return np.array([batch, groups, channels, filters, *np.ravel(np.transpose(axes))], np.int64)


@lru_cache(maxsize=1024)
def conv_shape(batch: int, filters: int, channels: int, spec: ConvSpec) -> Array:
    """Return the struct; `filters` counts all groups, `channels` counts one group. Missing axes come first."""
    axes = window_axes(spec)
    return shape_struct(batch, spec.groups, channels, filters // spec.groups, [NO_AXIS] * (3 - len(axes)) + axes)
