"""Resize and its older form Upsample.

Every axis is resized for itself: `_apply_matrix` multiplies it by a matrix with few elements in a row. Only the
position of an output pixel in the input, and the weights of the pixels around it, depend on the many modes of ONNX.
"""

from collections.abc import Callable
from math import ceil, floor
from typing import Any, Literal

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.nn.functional.resize import Matrix, _apply_matrix
from minicnn.onnx.registry import operator
from minicnn.onnx.values import axes_of, integers, numbers
from minicnn.ops.comparison import where
from minicnn.ops.create import full_like, tensor

__all__: list[str] = []

Transformation = Literal[
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_crop_and_resize",
]
Rounding = Literal["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]
OldMode = Literal["nearest", "linear", "bilinear", "trilinear"]


# --- positions and weights ------------------------------------------------------------------------------------


def _positions(mode: str, size: int, out: int, scale: float, roi: tuple[float, float]) -> Matrix:
    """Return the position of each output pixel in the input."""
    o = np.arange(out)
    whole = size * scale  # the output size before it was rounded
    if mode == "align_corners":
        return o * ((size - 1) / (whole - 1)) if whole != 1 else o * 0.0
    if mode == "asymmetric":
        return o / scale
    if mode == "tf_crop_and_resize":
        start, extent = roi[0] * (size - 1), (roi[1] - roi[0]) * (size - 1)
        return start + (o * (extent / (out - 1)) if out > 1 else np.full(out, extent / 2))
    half = (o + 0.5) / scale - 0.5
    if mode == "pytorch_half_pixel":
        return half if whole > 1 else np.full(out, -0.5)
    if mode == "half_pixel_symmetric":
        return half + size / 2 * (1 - out / whole)
    return half


def _nearest(mode: str, position: Matrix, size: int) -> Matrix:
    rules: dict[str, Callable[[Matrix], Matrix]] = {
        "round_prefer_floor": lambda p: np.ceil(p - 0.5),
        "round_prefer_ceil": lambda p: np.floor(p + 0.5),
        "floor": np.floor,
        "ceil": np.ceil,
    }
    index: Matrix = rules[mode](position).astype(int).clip(0, size - 1)
    return index


def _kernel(mode: str, d: Matrix, a: float) -> Matrix:
    """Return the kernel at the distances d: a triangle, or Keys' cubic polynomials (1981)."""
    d = np.abs(d)
    if mode == "linear":
        triangle: Matrix = np.maximum(1 - d, 0)
        return triangle
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    return np.where(d <= 1, near, np.where(d < 2, ((a * d - 5 * a) * d + 8 * a) * d - 4 * a, 0.0))


def _matrix(
    mode: str,
    transformation: str,
    size: int,
    out: int,
    scale: float,
    roi: tuple[float, float],
    a: float,
    exclude_outside: bool,
    antialias: bool,
) -> tuple[Matrix, Matrix]:
    """Return the input pixels and their weights for each output pixel, as `_apply_matrix` wants them."""
    position = _positions(transformation, size, out, scale, roi)
    wide = max(1 / scale, 1.0) if antialias else 1.0
    reach = ceil((1 if mode == "linear" else 2) * wide)
    index = np.floor(position).astype(int)[:, np.newaxis] + np.arange(1 - reach, reach + 1)
    weight = _kernel(mode, (position[:, np.newaxis] - index) / wide, a)
    if exclude_outside:
        weight = weight * ((index >= 0) & (index < size))
    return index.clip(0, size - 1), weight / weight.sum(1, keepdims=True)


# --- the operators --------------------------------------------------------------------------------------------


def _scales(
    x: Tensor, axes: list[int], scales: list[float] | None, sizes: list[int] | None, policy: str
) -> tuple[list[float], list[int]]:
    """Return the factor and the output size of each axis."""
    inputs = [x.shape[axis] for axis in axes]
    if sizes is None:
        factors = scales or []
        return factors, [floor(size * factor) for size, factor in zip(inputs, factors, strict=True)]
    factors = [out / size for out, size in zip(sizes, inputs, strict=True)]
    if policy == "stretch":
        return factors, sizes
    factor = min(factors) if policy == "not_larger" else max(factors)
    return [factor] * len(axes), [floor(size * factor + 0.5) for size in inputs]


@operator("Resize", since=11, settings=(1, 2))
def _resize(
    x: Tensor,
    roi: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
    *,
    antialias: int = 0,
    axes: tuple[int, ...] | None = None,
    coordinate_transformation_mode: Transformation = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: Literal["stretch", "not_larger", "not_smaller"] = "stretch",
    mode: Literal["nearest", "linear", "cubic"] = "nearest",
    nearest_mode: Rounding = "round_prefer_floor",
) -> Tensor:
    places = axes_of(axes, x.ndim)
    given = numbers(scales) if scales is not None and scales.numel() else None
    factors, outs = _scales(x, places, given, None if sizes is None else integers(sizes), keep_aspect_ratio_policy)
    crop = coordinate_transformation_mode == "tf_crop_and_resize"
    regions = numbers(roi) if roi is not None and crop else [0.0] * len(places) + [1.0] * len(places)
    outside: list[Tensor] = []
    for i, (axis, factor, out) in enumerate(zip(places, factors, outs, strict=True)):
        size, region = x.shape[axis], (regions[i], regions[len(places) + i])
        if out == size and factor == 1 and not crop:
            continue
        position = _positions(coordinate_transformation_mode, size, out, factor, region)
        if mode == "nearest":
            index = _nearest(nearest_mode, position, size)
            if out % size == 0 and (index == np.arange(out) // (out // size)).all():
                x = x.repeat_interleave(out // size, axis)
            else:
                x = x.index_select(axis, tensor(index, device=x.device))
        else:
            settings: Any = (factor, region, cubic_coeff_a, bool(exclude_outside), bool(antialias))
            x = _apply_matrix(x, axis, _matrix, mode, coordinate_transformation_mode, size, out, *settings)
        if crop:
            beyond = tensor((position < 0) | (position > size - 1), device=x.device)
            outside.append(beyond.reshape([-1 if j == axis else 1 for j in range(x.ndim)]))
    for beyond in outside:
        x = where(beyond, full_like(x, extrapolation_value), x)
    return x


@operator("Resize", since=10, settings=(1,))
def _resize_10(x: Tensor, scales: Tensor, *, mode: OldMode = "nearest") -> Tensor:
    return _upsample(x, scales, mode=mode)


@operator("Upsample", settings=(1,))
def _upsample(x: Tensor, scales: Tensor | tuple[float, ...], *, mode: OldMode = "nearest") -> Tensor:
    """Positions are divided by the factor, without an offset."""
    factors = scales if isinstance(scales, Tensor) else tensor(list(scales))
    kind: Literal["nearest", "linear"] = "nearest" if mode == "nearest" else "linear"
    return _resize(x, None, factors, coordinate_transformation_mode="asymmetric", mode=kind, nearest_mode="floor")
