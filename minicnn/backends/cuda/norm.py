"""Normalization: wrappers for kernels/cuda/norm.cu, for `normalize` and `rstd`.

A kernel sees x as (outer, channels, inner), and normalizes over outer and inner. So the axes that stay must be
neighbours; batch, instance, layer and group norm satisfy this. First a kernel computes the mean and rstd of each
channel, then `norm_apply` computes the output.
"""

import re
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from minicnn.backends.cuda.launch import Source, contiguous, empty, floats
from minicnn.geometry import ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["block", "columns", "split", "two_pass", "warp"]

source = Source("norm.cu")

THREADS, WARPS = 256, 8
MIN_BLOCKS = 192  # keep the 40 to 132 multiprocessors of a GPU busy
PIECE = 2048  # minimum number of elements of a channel for a block
APPLY_BLOCK = THREADS * 4 * 4  # elements that a block of norm_apply computes

View = tuple[int, int, int]  # outer, channels, inner
Statistics = Callable[[Array, View, float], tuple[Array, Array]]


def _view(shape: Sequence[int], axes: Sequence[int]) -> View | None:
    """Return the shape as (outer, channels, inner), with `axes` in outer and inner; None if that is impossible."""
    reduced = {a % len(shape) for a in axes}
    kept = [(size, axis not in reduced) for axis, size in enumerate(shape) if size != 1]
    match = re.fullmatch("(r*?)(k*)(r*)", "".join("rk"[keep] for _, keep in kept))
    if match is None:
        return None
    outer, channels, inner = (prod(size for size, _ in kept[slice(*match.span(g))]) for g in (1, 2, 3))
    return outer, channels, inner


def _combine(x: Array, parts: Array, count: int, struct: tuple[int, ...], eps: float) -> tuple[Array, Array]:
    channels = struct[1]
    mean, rstd = empty(x, (channels,)), empty(x, (channels,))
    source.launch("norm_combine", ceil_div(channels, WARPS), THREADS, parts, x, mean, rstd, count, struct, eps)
    return mean, rstd


def _by_channel(entry: str, channels_per_block: int) -> Statistics:
    def statistics(x: Array, view: View, eps: float) -> tuple[Array, Array]:
        mean, rstd = empty(x, (view[1],)), empty(x, (view[1],))
        source.launch(entry, ceil_div(view[1], channels_per_block), THREADS, x, mean, rstd, (*view, 1, 0), eps)
        return mean, rstd

    statistics.__doc__ = (
        f"""Return mean and rstd of each channel, by {entry} with {channels_per_block} channels a block."""
    )
    return statistics


two_pass = _by_channel("norm_two_pass", THREADS)
block = _by_channel("norm_block", 1)
warp = _by_channel("norm_warp", WARPS)


def split(x: Array, view: View, eps: float) -> tuple[Array, Array]:
    """Return mean and rstd of each channel, with several blocks for each channel."""
    outer, channels, inner = view
    parts = max(1, min(MIN_BLOCKS // channels, outer * inner // PIECE))
    share = ceil_div(ceil_div(outer * inner, parts), 4) * 4
    struct = (*view, parts, share)
    moments = empty(x, (channels, parts, 3))
    source.launch(f"norm_split{'' if inner % 4 else '_vec4'}", channels * parts, THREADS, x, moments, struct)
    return _combine(x, moments, parts, struct, eps)


def columns(x: Array, view: View, eps: float) -> tuple[Array, Array]:
    """Return mean and rstd of each channel, for channels whose elements form short rows."""
    outer, channels, inner = view
    strips = ceil_div(channels * inner, 32)
    parts = max(1, min(MIN_BLOCKS // strips, outer // 32))
    struct = (*view, parts, ceil_div(outer, parts))
    moments = empty(x, (channels, parts, inner, 3))
    source.launch("norm_columns", strips * parts, THREADS, x, moments, struct)
    return _combine(x, moments, parts * inner, struct, eps)


def _register(name: str, statistics: Statistics, accepts: Callable[[int, int, int], bool], requires: str) -> None:
    """Register a kernel for both operations."""

    def supports(x: Array, *, axes: tuple[int, ...], eps: float) -> bool:
        view = _view(x.shape, axes) if x.size and floats(x) else None
        return view is not None and accepts(*view)

    def prepare(x: Array, axes: tuple[int, ...]) -> tuple[Array, Any]:
        return contiguous(x), _view(x.shape, axes)

    def rstd(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
        """Return 1 / √(variance + eps), with the variance over `axes`, which keep the size 1."""
        x, view = prepare(x, axes)
        reduced = {a % x.ndim for a in axes}
        shape = tuple(1 if axis in reduced else size for axis, size in enumerate(x.shape))
        return statistics(x, view, eps)[1].reshape(shape)

    def normalize(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
        """Return (x - mean) / √(variance + eps), with statistics over `axes`."""
        x, view = prepare(x, axes)
        y = empty(x, x.shape)
        blocks = ceil_div(x.size, APPLY_BLOCK)
        source.launch("norm_apply", blocks, THREADS, x, *statistics(x, view, eps), y, (*view, 1, 0))
        return y

    requires = f"float32 or float64, neighbouring axes that are not normalized, and {requires}"
    kernel("rstd", "cuda", name=name, supports=supports, requires=requires)(rstd)
    kernel("normalize", "cuda", name=name, supports=supports, requires=requires)(normalize)


_register("columns", columns, lambda outer, channels, inner: inner < 8 and outer > 1, "planes of fewer than 8 elements")
_register("warp", warp, lambda outer, channels, inner: outer * inner <= 1024, "at most 1024 elements in each channel")
_register(
    "split",
    split,
    lambda outer, channels, inner: channels < MIN_BLOCKS // 2 and outer * inner >= 2 * PIECE,
    f"few channels of at least {2 * PIECE} elements",
)
_register("block", block, lambda outer, channels, inner: True, "at least one element")
_register("two_pass", two_pass, lambda outer, channels, inner: True, "at least one element")
