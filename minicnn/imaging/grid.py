"""make_grid and save_image: many small pictures as one, with the names and arguments of torchvision."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.autograd.tensor import Tensor
from minicnn.data.images import write_image
from minicnn.errors import ShapeError

__all__ = ["make_grid", "save_image"]

Pictures = Tensor | NDArray[np.floating] | Sequence[Tensor | NDArray[np.floating]]


def make_grid(
    tensor: Pictures,
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> NDArray[np.float32]:
    """Put pictures into a grid, row by row.

    Parameters
    ----------
    tensor : Tensor or array, (N, C, H, W), (C, H, W) or (H, W), or a sequence of (C, H, W)
        Grey pictures get three equal channels.
    nrow : int
        The number of pictures in a row.
    padding : int
        Pixels between the pictures and around them.
    normalize : bool
        Map `value_range`, or the smallest and the largest value, to 0 and 1.
    value_range : (float, float), optional
    scale_each : bool
        Normalise each picture by itself.
    pad_value : float
        The value of the padding.

    Returns
    -------
    numpy.ndarray, (3, rows (H + padding) + padding, columns (W + padding) + padding), float32
        A single picture is returned without padding. Another number of channels than 1 stays.

    Raises
    ------
    ShapeError
        If there is no picture, the pictures have other shapes, or `nrow` or `padding` is too small.

    Examples
    --------
    >>> make_grid(np.zeros((5, 1, 28, 28), np.float32), nrow=3).shape
    (3, 62, 92)
    """
    pictures = _stacked(tensor)
    if nrow < 1 or padding < 0:
        raise ShapeError(f"make_grid: nrow must be at least 1 and padding at least 0, got {nrow} and {padding}")
    if normalize:
        pictures = (
            np.stack([_normalised(p, value_range) for p in pictures])
            if scale_each
            else _normalised(pictures, value_range)
        )
    if pictures.shape[1] == 1:
        pictures = pictures.repeat(3, axis=1)
    count, channels, height, width = pictures.shape
    if count == 1:
        only: NDArray[np.float32] = pictures[0]
        return only
    columns = min(nrow, count)
    rows = -(-count // columns)
    shape = (channels, rows * (height + padding) + padding, columns * (width + padding) + padding)
    grid = np.full(shape, pad_value, np.float32)
    for i, picture in enumerate(pictures):
        top, left = (
            n * (side + padding) + padding for n, side in zip(divmod(i, columns), (height, width), strict=True)
        )
        grid[:, top : top + height, left : left + width] = picture
    return grid


def save_image(tensor: Pictures, fp: str | os.PathLike[str], **options: Any) -> None:
    """Write pictures in [0, 1] as a grid to an image file; options of `make_grid`, errors also of `write_image`.

    Raises
    ------
    ShapeError
        As in `make_grid`.
    DataError
        As in `write_image`.
    """
    write_image(fp, make_grid(tensor, **options))


def _stacked(tensor: Pictures) -> NDArray[np.float32]:
    """Return pictures as an array (N, C, H, W)."""
    listed = list(tensor) if isinstance(tensor, list | tuple) else [tensor]
    arrays = [np.asarray(t.detach().cpu().numpy() if isinstance(t, Tensor) else t, np.float32) for t in listed]
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1:
        raise ShapeError(f"make_grid: pass pictures of the same shape (C, H, W), got {sorted(shapes) or 'none'}")
    stacked = np.stack(arrays) if isinstance(tensor, list | tuple) else arrays[0]
    if stacked.ndim == 2:
        stacked = stacked[np.newaxis]
    if stacked.ndim == 3:
        stacked = stacked[np.newaxis]
    if stacked.ndim != 4 or stacked.size == 0:
        raise ShapeError(f"make_grid: pictures must be (N, C, H, W) and not empty, got {stacked.shape}")
    return stacked


def _normalised(pictures: NDArray[np.float32], value_range: tuple[float, float] | None) -> NDArray[np.float32]:
    low, high = (float(pictures.min()), float(pictures.max())) if value_range is None else value_range
    return ((pictures.clip(low, high) - low) / max(high - low, 1e-5)).astype(np.float32)
