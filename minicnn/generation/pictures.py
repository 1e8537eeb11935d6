"""Sets of small square pictures for the training of generators: Fashion-MNIST, or a folder of pictures."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.data import FashionMNIST, ImageFolder, random_stream
from minicnn.data.samples import to_samples
from minicnn.errors import DataError
from minicnn.imaging.corruptions import resize

__all__ = ["FASHION_MNIST", "PictureSet", "RandomPictures", "load_pictures", "picture_shape", "square"]

FASHION_MNIST = "fashion-mnist"
HELD_OUT_EVERY = 10  # every tenth picture of a folder is held out ...
MAX_HELD_OUT = 1000  # ... but at most 1000 pictures
FEWEST = 2  # pictures
ENOUGH = 650  # pictures of a folder; with fewer, none is held out, because a tenth of them would say little
MOST_OF_A_NAME = 10  # files; if more files have the same name, for example 001.png, they show different things

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class PictureSet:
    """Pictures of one size.

    Attributes
    ----------
    pictures : numpy.ndarray, (N, C, S, S), uint8
    labels : numpy.ndarray, (N,), int64, or None
    classes : tuple of str
        The names of the labels.
    """

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pictures)

    def floats(self) -> Picture:
        """Return the pictures as float32 in [0, 1]."""
        return self.pictures.astype(np.float32) / np.float32(255)

    def part(self, index: Any) -> PictureSet:
        """Return a part of the set, for example a slice."""
        labels = None if self.labels is None else self.labels[index]
        return PictureSet(self.pictures[index], labels, self.classes)


class RandomPictures:
    """A dataset of random pictures of a set: (picture, label), or (picture,) without labels.

    Sample i of an epoch is always the same. So an epoch has any length, and needs no state to resume.

    Parameters
    ----------
    pictures : PictureSet
    count : int
        The length of an epoch.
    seed : int
    """

    def __init__(self, pictures: PictureSet, count: int, seed: int = 0) -> None:
        self.pictures, self.count, self.seed, self.epoch = pictures, count, seed, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        number = int(random_stream(self.seed, self.epoch, index).integers(len(self.pictures)))
        picture = self.pictures.pictures[number].astype(np.float32) / np.float32(255)
        return (picture,) if self.pictures.labels is None else (picture, self.pictures.labels[number])

    def at_epoch(self, epoch: int) -> RandomPictures:
        """Return the dataset of an epoch."""
        other = copy.copy(self)
        other.epoch = epoch
        return other


def square(picture: Picture, size: int) -> Picture:
    """Cut the middle square out of a picture (C, H, W), and resize it to (C, size, size)."""
    side = min(picture.shape[1:])
    top, left = ((length - side) // 2 for length in picture.shape[1:])
    return resize(picture[:, top : top + side, left : left + side], size, size)


def load_pictures(
    source: str | Path,
    size: int = 32,
    *,
    grey: bool = False,
    skip_broken: bool = False,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    say: Callable[[str], Any] = print,
) -> tuple[PictureSet, PictureSet]:
    """Return pictures for training, and held-out pictures: every tenth of a folder with at least 650 pictures.

    Files of the same name in several subfolders often show the same thing. They are held out together, if there are at
    least 650 names, and at most 10 files have this name.

    Parameters
    ----------
    source : str or Path
        "fashion-mnist": its 60,000 and 10,000 pictures of 28 × 28 pixels, in 10 classes. Otherwise a folder. If all its
        pictures are in subfolders, these are the classes. Each picture is cut to a square and resized.
    size : int
        Side of the pictures of a folder, in pixels.
    grey : bool
        Convert a folder's pictures to grey.
    skip_broken : bool
        Leave out files that cannot be read, and tell their names.
    progress : callable
        Wraps the iteration over the files, for a progress bar.
    say : callable
        Called with a line of text for each file that is left out.

    Raises
    ------
    DataError
        If the data cannot be read, or there are fewer than 2 pictures.
    """
    if _is_fashion(source):
        train, test = (_fashion(FashionMNIST(train=train)) for train in (True, False))
        return train, test
    folder = ImageFolder(source, mode="grey" if grey else "rgb", on_error="skip" if skip_broken else "raise")
    if len(folder) < FEWEST:
        raise DataError(f"load_pictures: '{source}' holds {len(folder)} picture; a generator needs many: hundreds")
    for path, reason in folder.skipped.items():
        say(f"skipped {path}: {reason}")
    root = Path(source)
    names = [path.relative_to(root).parts[0] if path.parent != root else "" for path in folder.paths]
    classes = tuple(sorted(set(names))) if "" not in names and len(set(names)) > 1 else ()
    try:
        found = np.stack([_as_bytes(square(folder[index], size)) for index in progress(range(len(folder)))])
    except DataError as error:  # with skip_broken, the folder has already left out bad files
        raise DataError(f"{error}, or add --skip-broken") from error
    labels = np.array([classes.index(name) for name in names], np.int64) if classes else None
    pictures = PictureSet(found, labels, classes)
    held_out = _held_out(folder.paths)
    return pictures.part(~held_out), pictures.part(held_out)


def _held_out(paths: Sequence[Path]) -> NDArray[np.bool_]:
    """Return which files are held out."""
    counts = Counter(path.name for path in paths)
    things = [path.name if counts[path.name] <= MOST_OF_A_NAME else str(path) for path in paths]
    if len(set(things)) < ENOUGH:
        things = [str(path) for path in paths]
    names, numbers = np.unique(things, return_inverse=True)
    every = max(HELD_OUT_EVERY, -(-len(paths) // MAX_HELD_OUT))
    found: NDArray[np.bool_] = (numbers % every == every - 1) & (len(names) >= ENOUGH)
    return found


def picture_shape(source: str | Path, size: int, *, grey: bool) -> tuple[int, int]:
    """Return channels and size of the pictures of `load_pictures`, before they are read."""
    return (1, 28) if _is_fashion(source) else (1 if grey else 3, size)


def _is_fashion(source: str | Path) -> bool:
    return str(source) == FASHION_MNIST and not Path(source).is_dir()


def _fashion(data: FashionMNIST) -> PictureSet:
    return PictureSet(data.data[:, np.newaxis], data.targets, data.classes)


def _as_bytes(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(to_samples(picture, np.dtype(np.uint8)), np.uint8)
