"""Random patches of images: crops, flips and rotations by 90°, the same for an input and its target.

The functions draw from a `numpy.random.Generator` that the caller passes. `PatchDataset` makes a generator for each
(seed, epoch, index). So a patch does not depend on threads or on earlier patches.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minicnn.data.arguments import check_integer
from minicnn.data.dataset import Dataset, random_stream
from minicnn.errors import DataError

__all__ = ["PatchDataset", "random_crop", "random_flip", "scale_factors"]

Array = npt.NDArray[Any]


def scale_factors(sizes: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
    """Return each size divided by the smallest size, or None if a quotient is not an integer, the same for both axes.

    Examples
    --------
    >>> scale_factors([(10, 20), (20, 40)])
    (1, 2)
    >>> scale_factors([(10, 20), (15, 30)]) is None
    True
    """
    min_height, min_width = min(sizes)
    factors = tuple(height // min_height for height, _ in sizes)
    exact = [(min_height * factor, min_width * factor) for factor in factors]
    return factors if exact == list(sizes) else None


def random_crop(images: Sequence[Array], size: int | tuple[int, int], rng: np.random.Generator) -> tuple[Array, ...]:
    """Cut the same random rectangle out of several images of the same scene.

    Parameters
    ----------
    images : arrays (C, H, W)
        Their sizes are equal, or integer multiples of the smallest size. The multiple is the scale of the image.
    size : height and width of the patch in pixels of the first image
        A multiple of the first image's scale.
    rng : generator
        Two integers are drawn.

    Returns
    -------
    tuple of views (C, h, w), a view of each image, with sizes in proportion to the scales

    Raises
    ------
    DataError
        If the shapes do not fit, or an image is smaller than the patch. There is no padding, because a network would
        learn the artificial borders.
    """
    height, width = _patch_size("random_crop", size)
    factors, grid_height, grid_width = _check_patch("random_crop", images, height, width)
    scale = factors[0]
    top = int(rng.integers(grid_height - height // scale + 1))
    left = int(rng.integers(grid_width - width // scale + 1))
    return tuple(
        image[:, top * s : top * s + height // scale * s, left * s : left * s + width // scale * s]
        for image, s in zip(images, factors, strict=True)
    )


def random_flip(images: Sequence[Array], rng: np.random.Generator, *, rotate: bool = False) -> tuple[Array, ...]:
    """Apply the same random flips to several images.

    Parameters
    ----------
    images : arrays (C, H, W)
    rng : generator
        Two integers are drawn, three with `rotate`.
    rotate : bool
        Also transpose at random, so that all 8 symmetries of the square (flips and rotations by 90°) are equally
        likely.

    Returns
    -------
    tuple of views (C, H, W), or (C, W, H) after a transposition
    """
    if rng.integers(2):
        images = [image[:, :, ::-1] for image in images]
    if rng.integers(2):
        images = [image[:, ::-1, :] for image in images]
    if rotate and rng.integers(2):  # a rotation by 90° is a transposition and a flip
        images = [image.transpose(0, 2, 1) for image in images]
    return tuple(images)


class PatchDataset(Dataset[Any]):
    """`count` random patches in each epoch, from images in memory. Patch i of an epoch is always the same.

    Parameters
    ----------
    images : iterable of arrays (C, H, W), or of tuples of arrays, for example (input, target)
        All images are kept in memory. The sizes in a tuple are as in `random_crop`.
    size : int or (height, width)
        The size of a patch, in pixels of the (first) image.
    count : int
        The number of patches in an epoch. The image of each patch is chosen at random.
    flip : bool
        Flip at random.
    rotate : bool
        Also rotate by multiples of 90° at random. Only for square patches.
    transform : callable, optional
        `transform(patch, generator)` returns the sample, for example with noise. It may change the patch in place.
    seed : int
        The seed, the epoch and the index determine a patch.

    Raises
    ------
    DataError
        If there are no images, an image is smaller than the patch, the shapes do not fit, or an argument is out of
        range.

    Notes
    -----
    A sample is a patch (C, h, w), or a tuple of patches if `images` holds tuples, or the result of `transform`.

    Examples
    --------
    >>> patches = PatchDataset([np.zeros((3, 40, 50), np.float32)], size=32, count=1000)
    >>> len(patches), patches[0].shape
    (1000, (3, 32, 32))
    """

    def __init__(
        self,
        images: Iterable[Array | tuple[Array, ...]],
        size: int | tuple[int, int],
        count: int,
        *,
        flip: bool = True,
        rotate: bool = False,
        transform: Callable[[Any, np.random.Generator], Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.size = _patch_size("PatchDataset", size)
        self.count = check_integer("PatchDataset", "count", count, 1)
        self.seed = check_integer("PatchDataset", "seed", seed, 0)
        if rotate and self.size[0] != self.size[1]:
            raise DataError(f"PatchDataset: rotate=True needs a square patch, got size {self.size}; pass e.g. size=32")
        self.flip, self.rotate, self.transform, self.epoch = flip, rotate, transform, 0
        self.images = list(images)
        if not self.images:
            raise DataError("PatchDataset: there are no images to cut patches from; pass at least one")
        for i, image in enumerate(self.images):
            _check_patch(f"PatchDataset: image {i}", image if isinstance(image, tuple) else (image,), *self.size)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < self.count:
            raise IndexError(f"PatchDataset: index must lie in [0, {self.count}), got {index}")
        rng = random_stream(self.seed, self.epoch, index)
        image = self.images[int(rng.integers(len(self.images)))]
        patches = random_crop(image if isinstance(image, tuple) else (image,), self.size, rng)
        if self.flip or self.rotate:
            patches = random_flip(patches, rng, rotate=self.rotate)
        copies = tuple(np.array(patch, order="C") for patch in patches)  # a transform may change its patch in place
        sample = copies if isinstance(image, tuple) else copies[0]
        return sample if self.transform is None else self.transform(sample, rng)

    def at_epoch(self, epoch: int) -> "PatchDataset":
        """Return a dataset of the patches of `epoch`. It shares the images."""
        other = copy.copy(self)
        other.epoch = epoch
        return other


def _patch_size(call: str, size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = size if isinstance(size, tuple) and len(size) == 2 else (size, size)
    return check_integer(call, "size", height, 1), check_integer(call, "size", width, 1)


def _check_patch(call: str, images: Sequence[Array], height: int, width: int) -> tuple[tuple[int, ...], int, int]:
    """Check that a patch fits. Return the scales of the images, and height and width of the smallest image."""
    shapes = [image.shape for image in images]
    if not shapes or any(len(shape) != 3 or 0 in shape for shape in shapes):
        raise DataError(f"{call}: images must be arrays (C, H, W) that are not empty, got shapes {shapes}")
    factors = scale_factors([shape[1:] for shape in shapes])
    if factors is None:
        raise DataError(
            f"{call}: sizes must be equal or integer multiples of the smallest, got shapes {shapes}; resize an image"
        )
    scale = factors[0]
    if height % scale or width % scale:
        raise DataError(
            f"{call}: the first image is {scale} times as large as the smallest, so height and width of the patch "
            f"must be multiples of {scale}, got {height} x {width}"
        )
    if height > shapes[0][1] or width > shapes[0][2]:
        raise DataError(
            f"{call}: a patch of {height} x {width} does not fit into an image of {shapes[0][1]} x {shapes[0][2]}; "
            f"choose a smaller patch, or leave out small images"
        )
    smallest = min(shape[1:] for shape in shapes)
    return factors, smallest[0], smallest[1]
