"""Padded copies of images, split by phase, for convolution and pooling: each tap reads one contiguous run of memory.

Tap t of a window reads x[start + t spacing + o step] for each output o, and the padding value outside x. A copy of
these elements row by row is slow, because the call for a row takes longer than the copy of its elements. So a block of
images is first copied to a buffer with its padding, and split by phase: elements with the same coordinates modulo the
step are stored together. Then the elements that a tap reads for all outputs of an image are contiguous. An example with
rows of four elements, step 1, and taps that start at -1, 0 and 1:

    memory      . a b c d . . e f g h . . i j k l . .
    tap 0      [. a b c d . . e f g h . . i j k l .]
    tap 1        [a b c d . . e f g h . . i j k l . .]
    outputs      A B C D ~ ~ E F G H ~ ~ I J K L ~ ~

The outputs between the rows (~) are never used. They cost a few percent more arithmetic, but the copies become three to
seven times faster.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from math import gcd
from typing import Any

import numpy as np

from minicnn.backends.numpy.threads import scratch
from minicnn.geometry import ConvSpec, PoolSpec
from minicnn.runtime.devices import Array

__all__ = ["Phase", "PhaseBuffer", "Windows"]

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Phase:
    """The elements whose coordinates have one remainder modulo the step; each field has one entry for each axis."""

    start: Sizes  # coordinate of the first element of the phase
    taps: tuple[slice, ...]  # the taps that read this phase
    shift: Sizes  # offset of the first tap's first read, in elements of the phase
    distance: Sizes  # between the reads of two neighbouring taps, in elements of the phase


@dataclass(frozen=True)
class Windows:
    """Sliding windows: `count` taps per axis, `spacing` apart; the windows of neighbouring outputs are `step` apart."""

    start: Sizes
    count: Sizes
    spacing: Sizes
    step: Sizes

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(spec: ConvSpec | PoolSpec) -> "Windows":
        """Return the windows of a convolution or pooling on its input."""
        return Windows(tuple(-before for before, _ in spec.padding), spec.kernel_size, spec.dilation, spec.stride)

    @cached_property
    def mirrored(self) -> "Windows":
        """The windows of outputs that read an input element, for step 1; the taps are in reverse order."""
        axes = zip(self.start, self.count, self.spacing, strict=True)
        return Windows(tuple(-s - (c - 1) * d for s, c, d in axes), self.count, self.spacing, self.step)

    @cached_property
    def reach(self) -> Sizes:
        """The number of elements of a phase that a window spans after the first."""
        return tuple((c - 1) * d // s for c, d, s in zip(self.count, self.spacing, self.step, strict=True))

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that the taps read."""

        def axis(start: int, count: int, spacing: int, step: int) -> list[tuple[int, slice, int, int]]:
            cycle = step // gcd(spacing, step)  # taps t and t + cycle read the same phase
            return [
                (start + t * spacing % step, slice(t, None, cycle), t * spacing // step, cycle * spacing // step)
                for t in range(min(cycle, count))
            ]

        axes = map(axis, self.start, self.count, self.spacing, self.step)
        return tuple(Phase(*zip(*entries, strict=True)) for entries in product(*axes))


class PhaseBuffer:
    """A buffer for some images with their padding, split by phase.

    Parameters
    ----------
    windows : Windows
    n, channels : int
        The number of images and of channels.
    size : tuple of int
        The number of outputs along each axis.
    dtype : dtype
    fill : float
        The padding value.

    Attributes
    ----------
    padded_size : tuple of int
        `size` with the unused outputs between the rows: larger along all axes except the first.
    data : array, (phases, channels, n, rows, *padded_size[1:])
    """

    def __init__(
        self, windows: Windows, n: int, channels: int, size: Sizes, dtype: np.dtype[Any], fill: float = 0
    ) -> None:
        inner = tuple(o + r for o, r in zip(size[1:], windows.reach[1:], strict=True))
        rows = size[0] + windows.reach[0] + 1  # the last tap reads a little past the last row
        self.windows, self.size, self.padded_size = windows, size, (size[0], *inner)
        self.data = scratch("polyphase", (len(windows.phases), channels, n, rows, *inner), dtype)
        self.data.fill(fill)

    def load(self, x: Array, row: int = 0) -> "PhaseBuffer":
        """Copy the elements of x (n, C, *I) that the windows read into the buffer; the first output row is `row`."""
        for in_buffer, in_x in self._pairs(x, row):
            in_buffer[...] = in_x
        return self

    def store(self, x: Array) -> None:
        """Copy the elements in the buffer back to x: the inverse of `load`."""
        for in_buffer, in_x in self._pairs(x, 0):
            in_x[...] = in_buffer

    def _pairs(self, x: Array, row: int) -> Iterator[tuple[Array, Array]]:
        """For each phase, yield two views (C, n, ...) of the same elements, in the buffer and in x."""
        x = x.swapaxes(0, 1)
        for phase, data in zip(self.windows.phases, self.data, strict=True):
            in_buffer: list[slice] = []
            in_x: list[slice] = []
            axes = zip(phase.start, self.windows.step, x.shape[2:], data.shape[2:], strict=True)
            for start, step, x_size, buffer_size in axes:
                start += 0 if in_buffer else row * step
                first, last = max(0, -(start // step)), min(buffer_size, -((start - x_size) // step))  # inside x
                in_buffer.append(slice(first, max(first, last)))
                in_x.append(slice(start + first * step, max(0, start + (last - 1) * step + 1), step))
            if all(s.start < s.stop for s in in_buffer):
                yield data[:, :, *in_buffer], x[:, :, *in_x]

    def taps(self, row: int = 0, rows: int | None = None) -> Iterator[tuple[tuple[slice, ...], Array]]:
        """For each phase, yield its taps and a view of the elements that they read, (C, *taps, n, *padded_size).

        With `rows`, the view contains only this number of output rows, from `row` on.
        """
        pitch = self.data[0, 0, 0].strides
        size = (self.size[0] if rows is None else rows, *self.padded_size[1:])
        for phase, data in zip(self.windows.phases, self.data, strict=True):
            counts = [len(range(c)[t]) for c, t in zip(self.windows.count, phase.taps, strict=True)]
            distances = [d * p for d, p in zip(phase.distance, pitch, strict=True)]
            first = row * pitch[0] + sum(s * p for s, p in zip(phase.shift, pitch, strict=True))
            shape, strides = (
                (len(data), *counts, data.shape[1], *size),
                (data.strides[0], *distances, *data.strides[1:]),
            )
            yield phase.taps, np.ndarray(shape, data.dtype, data, first, strides)

    def outputs(self, y: Array) -> Array:
        """Return a view of outputs (..., n, *padded_size) without the unused outputs, as (n, ..., *size)."""
        y = y.reshape(-1, self.data.shape[2], *self.padded_size).swapaxes(0, 1)
        return y[(..., *(slice(o) for o in self.size))]
