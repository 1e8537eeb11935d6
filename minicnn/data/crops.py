"""Random patches of photos: crops, flips and quarter turns, the same for an input and its target.

All draws come from a `numpy.random.Generator` that the caller passes. `PatchDataset` makes one for each
(seed, epoch, index), so a patch depends on nothing else: not on threads, not on the patches before it.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minicnn.data.arguments import check_integer
from minicnn.data.dataset import random_stream
from minicnn.errors import DataError

__all__ = ["PatchDataset", "random_crop", "random_flip", "scale_factors"]

Array = npt.NDArray[Any]


def scale_factors(sizes: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
    """Return how many times larger than the smallest each size is, or None if that is no whole number.

    Examples
    --------
    >>> scale_factors([(10, 20), (20, 40)])
    (1, 2)
    >>> scale_factors([(10, 20), (15, 30)]) is None
    True
    """
    small_height, small_width = min(sizes)
    factors = tuple(height // small_height for height, _ in sizes)
    exact = [(small_height * factor, small_width * factor) for factor in factors]
    return factors if exact == list(sizes) else None


def random_crop(images: Sequence[Array], size: int | tuple[int, int], rng: np.random.Generator) -> tuple[Array, ...]:
    """Cut the same random rectangle out of several pictures of one scene.

    Parameters
    ----------
    images : arrays (C, H, W) whose sizes are equal or whole multiples of the smallest
    size : height and width of the first picture's patch, in its pixels; a multiple of its scale over the smallest
    rng : generator; two integers are drawn

    Returns
    -------
    views (C, h, w), one of each picture; at scale s the patch is s times as large

    Raises
    ------
    DataError
        Shapes that do not belong together, or a picture smaller than the patch: nothing is padded, since mirrored
        or black borders would be learned.
    """
    height, width = _patch_size("random_crop", size)
    factors, grid_height, grid_width = _check_patch("random_crop", images, height, width)
    unit = factors[0]
    top = int(rng.integers(grid_height - height // unit + 1))
    left = int(rng.integers(grid_width - width // unit + 1))
    return tuple(
        image[:, top * s : top * s + height // unit * s, left * s : left * s + width // unit * s]
        for image, s in zip(images, factors, strict=True)
    )


def random_flip(images: Sequence[Array], rng: np.random.Generator, *, rotate: bool = False) -> tuple[Array, ...]:
    """Mirror several pictures in the same random way.

    Parameters
    ----------
    images : arrays (C, H, W)
    rng : generator; two draws, or three with `rotate`
    rotate : also turn by quarter turns, so that all 8 symmetries of the square are equally likely
        (height and width change places in half of them)

    Returns
    -------
    views (C, H, W) or (C, W, H)
    """
    if rng.integers(2):
        images = [image[:, :, ::-1] for image in images]
    if rng.integers(2):
        images = [image[:, ::-1, :] for image in images]
    if rotate and rng.integers(2):  # a quarter turn is a transposition and a flip
        images = [image.transpose(0, 2, 1) for image in images]
    return tuple(images)


class PatchDataset:
    """`count` random patches an epoch from pictures in memory; patch i of an epoch is always the same.

    Parameters
    ----------
    images : arrays (C, H, W), or tuples of them such as (input, target) of whole-multiple sizes
        All are held in memory; an `ImageFolder` or `PairedImageFolder` is read once.
    size : height and width of a patch, in pixels of the (first) picture
    count : patches an epoch, each from a picture chosen at random
    flip, rotate : mirror, and turn by quarter turns (square patches only), at random
    transform : function (patch, generator) -> sample, for example to add noise; the patch is its own to change
    seed : with the epoch and the index it determines everything

    Raises
    ------
    DataError
        No pictures, a picture smaller than the patch, or shapes that do not belong together.

    Notes
    -----
    A sample is a patch (C, h, w), or a tuple of them where `images` holds tuples, or what `transform` makes of it.

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
        own = tuple(np.array(patch, order="C") for patch in patches)  # a transform may write into its patch
        sample = own if isinstance(image, tuple) else own[0]
        return sample if self.transform is None else self.transform(sample, rng)

    def at_epoch(self, epoch: int) -> "PatchDataset":
        """Return a dataset of the patches of `epoch`; the pictures are shared."""
        other = copy.copy(self)
        other.epoch = epoch
        return other


def _patch_size(call: str, size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = size if isinstance(size, tuple) and len(size) == 2 else (size, size)
    return check_integer(call, "size", height, 1), check_integer(call, "size", width, 1)


def _check_patch(call: str, images: Sequence[Array], height: int, width: int) -> tuple[tuple[int, ...], int, int]:
    """Check that a patch fits; return the scales of the pictures and the smallest one's height and width."""
    shapes = [image.shape for image in images]
    if not shapes or any(len(shape) != 3 or 0 in shape for shape in shapes):
        raise DataError(f"{call}: pictures must be arrays (C, H, W) that are not empty, got shapes {shapes}")
    factors = scale_factors([shape[1:] for shape in shapes])
    if factors is None:
        raise DataError(
            f"{call}: sizes must be equal or whole multiples of the smallest, got shapes {shapes}; resize one of them"
        )
    unit = factors[0]
    if height % unit or width % unit:
        raise DataError(
            f"{call}: the first picture is {unit} times as large as the smallest, so the patch must be a multiple of "
            f"{unit} high and wide, got {height} x {width}"
        )
    if height > shapes[0][1] or width > shapes[0][2]:
        raise DataError(
            f"{call}: a patch of {height} x {width} does not fit into a picture of {shapes[0][1]} x {shapes[0][2]}; "
            f"choose a smaller patch, or leave out small pictures"
        )
    small = min(shape[1:] for shape in shapes)
    return factors, small[0], small[1]
