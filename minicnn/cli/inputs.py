"""What `minicnn train` learns from and what it judges by: pictures of one folder, or of two, that fit into memory."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.data import ImageFolder, PairedImageFolder, PatchDataset, random_crop
from minicnn.errors import DataError
from minicnn.imaging import TASKS
from minicnn.imaging.learning import Recipe, pair_patches, pair_scale, spoilt_patches

__all__ = ["Material", "gather"]

Picture = NDArray[np.float32]
Pair = tuple[Picture, Picture]

PIXELS = 100_000_000  # held in memory at most, 12 bytes each: of many large photos, each gives a part
HELD_OUT = 10  # one picture in so many is kept from training, if there are at least half as many ...
JUDGED = 20  # ... but not more than these
WINDOW = 1024  # pixels: side of the part of a held-out picture that is judged


@dataclass(frozen=True)
class Material:
    """What to train with.

    Attributes
    ----------
    task : str
        The task's name, or "pairs".
    shape : dict
        The network's channels and scale.
    patches : PatchDataset
    held_out : list of (input, target)
    """

    task: str
    shape: dict[str, int]
    patches: PatchDataset
    held_out: list[Pair]


def gather(options: argparse.Namespace, recipe: Recipe) -> Material:
    """Read the pictures that the options name.

    Raises
    ------
    DataError
        If the options contradict each other, or a picture cannot be used.
    """
    if (options.inputs is None) != (options.targets is None):
        raise DataError("--inputs and --targets belong together; name both folders")
    if (options.photos is None) == (options.inputs is None):
        raise DataError("name either a folder of photos (minicnn train PHOTOS) or --inputs DIR --targets DIR")
    if options.inputs is None:
        return _task_material(options, recipe)
    if options.task is not None:
        raise DataError(
            "--task goes with a folder of photos, while --inputs and --targets show themselves what to learn; "
            "leave one or the other out"
        )
    return _pair_material(options, recipe)


def _task_material(options: argparse.Namespace, recipe: Recipe) -> Material:
    task = TASKS[options.task or "denoise"]
    folder = ImageFolder(options.photos, on_error="skip" if options.skip_broken else "raise")
    items = _read(folder, recipe.patch * task.scale, options, "photos")
    train, kept = _split([photo for (photo,) in items])
    rng = np.random.default_rng(options.seed)
    held_out = [task(_window((photo,), WINDOW, rng)[0], rng) for photo in kept]
    shape = {"in_channels": task.in_channels, "out_channels": task.out_channels, "scale": task.scale}
    return Material(task.name, shape, spoilt_patches(train, task, recipe, task.scale), held_out)


def _pair_material(options: argparse.Namespace, recipe: Recipe) -> Material:
    folder = PairedImageFolder(options.inputs, options.targets, on_error="skip" if options.skip_broken else "raise")
    pairs: list[Any] = _read(folder, recipe.patch, options, "pairs")
    scale = pair_scale(pairs)
    train, kept = _split(pairs)
    rng = np.random.default_rng(options.seed)
    held_out: list[Any] = [_window(pair, WINDOW, rng) for pair in kept]
    return Material("pairs", {"scale": scale}, pair_patches(train, recipe), held_out)


def _read(
    folder: ImageFolder | PairedImageFolder, patch: int, options: argparse.Namespace, what: str
) -> list[tuple[Picture, ...]]:
    """Read all pictures, or a window of each where all of them would be too much, and tell what was left out."""
    from tqdm.auto import tqdm

    rng = np.random.default_rng(options.seed)
    found, skipped, cut = [], dict(folder.skipped), 0
    for index, paths in enumerate(tqdm(folder.paths, "reading", unit="file", leave=False, disable=None)):
        path = paths if isinstance(paths, Path) else paths[0]
        try:
            item = folder[index]
        except DataError as error:  # when skipping, the folder has left out such files already
            raise DataError(f"{error}, or add --skip-broken") from error
        pictures = item if isinstance(item, tuple) else (item,)
        height, width = pictures[0].shape[1:]
        if min(height, width) < patch:
            reason = f"'{path}' has {width} x {height} pixels, and patches of {patch} x {patch} are cut from it"
            if not options.skip_broken:
                raise DataError(f"{reason}; choose a smaller --patch, remove it, or add --skip-broken")
            skipped[path] = reason
            continue
        if len(pictures) == 2:
            try:
                pair_scale([(pictures[0], pictures[1])])
            except DataError as error:
                raise DataError(f"'{path}': {error}") from error
        share = PIXELS // len(folder) * height * width // sum(p.shape[1] * p.shape[2] for p in pictures)
        side = max(math.isqrt(share), patch)
        cut += height * width > share
        found.append(_window(pictures, side, rng))
    print(f"{len(found)} {what}" + (f", {len(skipped)} skipped:" if skipped else ""))
    for path, reason in skipped.items():
        print(f"  {path}: {reason}")
    if cut:
        print(f"of {cut} large ones a part is used, so that all fit into memory")
    if not found:
        raise DataError(f"none of the {what} is large enough; choose a smaller --patch than {options.patch}")
    return found


def _window(pictures: tuple[Picture, ...], side: int, rng: np.random.Generator) -> tuple[Picture, ...]:
    """Cut the same random part out of pictures of one scene, if they are larger; the rest can be forgotten."""
    height, width = pictures[0].shape[1:]
    parts = random_crop(pictures, (min(side, height), min(side, width)), rng)
    return tuple(np.ascontiguousarray(part) for part in parts)


def _split(items: list[Any]) -> tuple[list[Any], list[Any]]:
    """Keep every tenth from training: none of fewer than five, and of many at most `JUDGED`."""
    if len(items) < HELD_OUT // 2:
        print(f"none is held out to judge by; with {HELD_OUT // 2} or more, one in {HELD_OUT} would be")
        return items, []
    every = max(HELD_OUT, math.ceil(len(items) / JUDGED))
    return [item for i, item in enumerate(items) if i % every], items[::every]
