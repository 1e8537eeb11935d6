"""The input images of `minicnn train`: training patches and held-out pairs, from a folder or from two folders.

`gather` reads all images. If they need too much memory, it keeps a random crop of each large image.
"""

import argparse
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.data import ImageFolder, PairedImageFolder, PatchDataset, random_crop
from minicnn.errors import DataError
from minicnn.imaging.learning import pair_patches, pair_scale, spoilt_patches
from minicnn.imaging.tasks import TASKS, PatchRecipe, Task

__all__ = ["TrainingInputs", "checksum", "gather", "task_of"]

Picture = NDArray[np.float32]
Pair = tuple[Picture, Picture]

MAX_PIXELS = 100_000_000  # in memory, of 12 bytes each; larger collections are cropped
HELD_OUT_EVERY = 10  # every tenth image is held out, if there are at least 5 ...
MAX_HELD_OUT = 20  # ... but at most 20 images
HELD_OUT_SIZE = 1024  # pixels; side of the crop of a held-out image


@dataclass(frozen=True)
class TrainingInputs:
    """The data of a training.

    Attributes
    ----------
    task : Task
        For pairs, a task with the name "pairs".
    patches : PatchDataset
        For training: from photos, and from the photos at half their size.
    held_out : list of (input, target)
        For the evaluation.
    pictures : int
        The number of pictures or pairs for training.
    checksum : str
        A number that is another one for other pictures.
    """

    task: Task
    patches: PatchDataset
    held_out: list[Pair]
    pictures: int
    checksum: str


def checksum(pictures: Iterable[NDArray[Any]]) -> str:
    """Return the CRC-32 of pictures and their shapes, in hexadecimal digits."""
    crc = 0
    for picture in pictures:
        crc = zlib.crc32(np.ascontiguousarray(picture).data, zlib.crc32(str(picture.shape).encode(), crc))
    return f"{crc:08x}"


def task_of(options: argparse.Namespace) -> Task:
    """Return the task of the command line. Scale and channels of a task of pairs are not known yet.

    Raises
    ------
    DataError
        If the options contradict each other.
    """
    if (options.inputs is None) != (options.targets is None):
        raise DataError("--inputs and --targets belong together; name both folders")
    if (options.photos is None) == (options.inputs is None):
        raise DataError("name either a folder of photos (minicnn train PHOTOS) or --inputs DIR --targets DIR")
    if options.inputs is None:
        return TASKS[options.task or "denoise"]
    if options.task is not None:
        raise DataError("--task needs a folder of photos, not --inputs and --targets; leave --task out")
    return Task("pairs", "learn from pairs", lambda clean, rng: (clean, clean))


def gather(task: Task, options: argparse.Namespace, recipe: PatchRecipe) -> TrainingInputs:
    """Read the images in the folders of the command line.

    Raises
    ------
    DataError
        If an image cannot be used.
    """
    rng = np.random.default_rng(options.seed)
    if options.inputs is None:
        folder = ImageFolder(options.photos, on_error="skip" if options.skip_broken else "raise")
        side = task.clean_side(recipe.patch)
        train, test = _split([photo for (photo,) in _read(folder, side, recipe.patch, options, "photos")])
        held_out = [task(_crop((photo,), HELD_OUT_SIZE, rng)[0], rng) for photo in test]
        halves = [half for half in map(_half, train) if min(half.shape[1:]) >= side]
        patches = spoilt_patches(train + halves, task, recipe, side)
        return TrainingInputs(task, patches, held_out, len(train), checksum(train))
    paired = PairedImageFolder(options.inputs, options.targets, on_error="skip" if options.skip_broken else "raise")
    pairs = _read(paired, recipe.patch, recipe.patch, options, "pairs")
    if all(_is_grey(image) for image, _ in pairs) and not all(_is_grey(target) for _, target in pairs):
        task = replace(task, in_channels=1)  # a network with 3 input channels keeps grey photos grey
        pairs = [(image[:1], target) for image, target in pairs]
    task = replace(task, scale=pair_scale(pairs[:1]))
    train, test = _split(pairs)
    held_out = [_crop(pair, HELD_OUT_SIZE, rng) for pair in test]
    pictures = checksum(picture for pair in train for picture in pair)
    return TrainingInputs(task, pair_patches(train, recipe), held_out, len(train), pictures)


def _is_grey(picture: Picture) -> bool:
    return bool((picture == picture[:1]).all())


def _half(photo: Picture) -> Picture:
    """Return a photo of half the size, by averaging. It is sharper, so that a network also learns from sharp photos."""
    height, width = (side // 2 for side in photo.shape[1:])
    half: Picture = photo[:, : 2 * height, : 2 * width].reshape(3, height, 2, width, 2).mean((2, 4))
    return half


def _read(
    folder: ImageFolder | PairedImageFolder, side: int, patch: int, options: argparse.Namespace, noun: str
) -> list[Any]:
    """Read all images, crop large images if they need too much memory, and print the skipped files."""
    from tqdm.auto import tqdm

    rng = np.random.default_rng(options.seed)
    found, skipped, cropped = [], dict(folder.skipped), 0
    scales: dict[int, Path] = {}  # of the pairs, with the first file of each
    for index, paths in enumerate(tqdm(folder.paths, "reading", unit="file", leave=False, disable=None)):
        path = paths if isinstance(paths, Path) else paths[0]
        try:
            item = folder[index]
        except DataError as error:  # with --skip-broken, the folder has already left out bad files
            raise DataError(f"{error}, or add --skip-broken") from error
        pictures = item if isinstance(item, tuple) else (item,)
        height, width = pictures[0].shape[1:]
        if min(height, width) < side:
            reason = f"'{path}' has {width} x {height} pixels, but --patch {patch} needs {side} x {side}"
            if not options.skip_broken:
                raise DataError(f"{reason}; choose a smaller --patch, remove it, or add --skip-broken")
            skipped[path] = reason
            continue
        if len(pictures) == 2:
            try:
                scales.setdefault(pair_scale([(pictures[0], pictures[1])]), path)
            except DataError as error:
                raise DataError(f"'{path}': {error}") from error
            if len(scales) > 1:
                found_scales = " and ".join(f"{scale} for '{first}'" for scale, first in scales.items())
                raise DataError(
                    f"--inputs: target size / input size must be the same for all pairs, but it is {found_scales}; "
                    "a network enlarges all images by one factor, so resize some of them"
                )
        limit = MAX_PIXELS // len(folder) * height * width // sum(p.shape[1] * p.shape[2] for p in pictures)
        cropped += height * width > limit
        found.append(_crop(pictures, max(math.isqrt(limit), side), rng))
    print(f"{len(found)} {noun}" + (f", {len(skipped)} skipped:" if skipped else ""))
    for path, reason in skipped.items():
        print(f"  {path}: {reason}")
    if cropped:
        print(f"{cropped} large images are cropped, so that all images fit into memory")
    if not found:
        raise DataError(f"none of the {noun} is large enough; choose a smaller --patch than {patch}")
    return found


def _crop(pictures: tuple[Picture, ...], side: int, rng: np.random.Generator) -> Any:
    """Cut the same random part out of images of the same scene. The parts are copies, so the images can be freed."""
    height, width = pictures[0].shape[1:]
    parts = random_crop(pictures, (min(side, height), min(side, width)), rng)
    return tuple(np.ascontiguousarray(part) for part in parts)


def _split(items: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return (training items, held-out items)."""
    if len(items) < HELD_OUT_EVERY // 2:
        print(f"no images are held out for evaluation; this needs at least {HELD_OUT_EVERY // 2} images")
        return items, []
    every = max(HELD_OUT_EVERY, math.ceil(len(items) / MAX_HELD_OUT))
    return [item for i, item in enumerate(items) if i % every], items[::every]
