"""Regions of images: their features, and the choice among boxes that overlap."""

from math import ceil
from typing import Any, Literal

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.onnx.registry import operator
from minicnn.onnx.values import integers, number, numbers
from minicnn.ops.create import tensor
from minicnn.ops.indexing import stack

__all__: list[str] = []

Array = np.ndarray[Any, Any]


def _samples(start: float, extent: float, cells: int, per_cell: int, size: int) -> tuple[Array, Array]:
    """Return the two pixels of an axis around each sample, and their bilinear weights: (2 cells · per_cell,) each."""
    place = start + (np.arange(cells * per_cell) + 0.5) * (extent / cells / per_cell)
    inside = (place >= -1) & (place <= size)
    place = place.clip(0, size - 1)
    low = np.floor(place)
    index = np.stack([low, np.minimum(low + 1, size - 1)], 1).astype(int)
    weight = np.stack([low + 1 - place, place - low], 1) * inside[:, np.newaxis]
    return index.reshape(-1), weight.reshape(-1)


@operator("RoiAlign", settings=(1,))
def _roi_align(
    x: Tensor,
    rois: Tensor,
    batch_indices: Tensor,
    *,
    coordinate_transformation_mode: Literal["half_pixel", "output_half_pixel"] = "half_pixel",
    mode: Literal["avg", "max"] = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> Tensor:
    """Means or maxima of bilinear samples in the cells of regions (x1, y1, x2, y2); He et al., "Mask R-CNN", 2017.

    As in ONNX, a maximum is that of the pixels times their weights. There is no gradient for the regions.
    """
    half = 0.5 if coordinate_transformation_mode == "half_pixel" else 0.0
    regions = []
    for roi, image in zip(numbers(rois), integers(batch_indices), strict=True):
        x1, y1, x2, y2 = (value * spatial_scale - half for value in roi)
        width, height = (x2 - x1, y2 - y1) if half else (max(x2 - x1, 1.0), max(y2 - y1, 1.0))
        down = sampling_ratio or ceil(height / output_height)
        across = sampling_ratio or ceil(width / output_width)
        rows, row_weights = _samples(y1, height, output_height, down, x.shape[2])
        columns, column_weights = _samples(x1, width, output_width, across, x.shape[3])
        weights = tensor(row_weights[:, np.newaxis] * column_weights, x.dtype, x.device)
        pixels = (
            x[image].index_select(1, tensor(rows, device=x.device)).index_select(2, tensor(columns, device=x.device))
        )
        shape = (x.shape[1], output_height, 2 * down, output_width, 2 * across)
        values = (pixels * weights).reshape(shape)
        regions.append(values.mean((2, 4)) * 4 if mode == "avg" else values.amax((2, 4)))
    return stack(regions)


@operator("NonMaxSuppression", settings=(0, 1, 2, 3, 4))
def _non_max_suppression(
    boxes: Tensor,
    scores: Tensor,
    max_output_boxes_per_class: Tensor | None = None,
    iou_threshold: Tensor | None = None,
    score_threshold: Tensor | None = None,
    *,
    center_point_box: int = 0,
) -> Tensor:
    """Boxes (N, B, 4) with scores (N, K, B): rows (image, class, box), the best boxes that overlap no better one.

    Two boxes overlap if their intersection over their union is more than the threshold.
    """
    limit = 0 if max_output_boxes_per_class is None else number(max_output_boxes_per_class)
    overlap = 0.0 if iou_threshold is None else number(iou_threshold)
    lowest = -np.inf if score_threshold is None else number(score_threshold)
    found = []
    all_scores = np.asarray(scores.tolist(), np.float64)
    for image, box in enumerate(np.asarray(boxes.tolist(), np.float64)):
        low, high = _corners(box, center_point_box)
        area = (high - low).prod(1)
        for kind, score in enumerate(all_scores[image]):
            kept: list[int] = []
            for i in np.argsort(-score, kind="stable"):
                if len(kept) == limit or score[i] <= lowest:
                    break
                common = (np.minimum(high[i], high[kept]) - np.maximum(low[i], low[kept])).clip(0).prod(1)
                union = area[i] + area[kept] - common
                if not (common > overlap * union).any():
                    kept.append(int(i))
            found += [[image, kind, i] for i in kept]
    return tensor(np.array(found, np.int64).reshape(-1, 3), int64, boxes.device)


def _corners(boxes: Array, center_point_box: int) -> tuple[Array, Array]:
    """Return the lower and upper corners of boxes (y1, x1, y2, x2), or of (x, y, width, height) around a centre."""
    first, second = boxes[:, :2], boxes[:, 2:]
    if center_point_box:
        return first - second / 2, first + second / 2
    return np.minimum(first, second), np.maximum(first, second)
