"""Datasets of image files: `ImageFolder`, and `PairedImageFolder` for pairs of input and target.

The constructor lists the files recursively and sorts them, so an index always means the same file. `dataset[index]`
decodes a file.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from minicnn.data.arguments import check_choice
from minicnn.data.crops import scale_factors
from minicnn.data.dataset import Dataset
from minicnn.data.images import ImageMode, read_image
from minicnn.errors import DataError

__all__ = ["ImageFolder", "PairedImageFolder"]

OnError = Literal["raise", "skip"]
Size = tuple[int, int]


class ImageFolder(Dataset[Any]):
    """All images in a folder, as float32 arrays (C, H, W) in [0, 1].

    Parameters
    ----------
    path : folder
        Subfolders are included. Hidden files and folders are not.
    mode : "rgb" or "grey"
    on_error : "raise" or "skip"
        "raise": the constructor decodes nothing, and reading a bad file raises an error.
        "skip": the constructor decodes every file (about a second for a hundred phone photos) and leaves out files that
        cannot be read. So the length and the order do not change later.

    Attributes
    ----------
    paths : list of paths, by index
    skipped : dict of path to reason, the files that were left out

    Raises
    ------
    DataError
        If the folder does not exist or has no files, no file can be read (with "skip"), or an argument is unknown.
    """

    def __init__(self, path: str | os.PathLike[str], *, mode: ImageMode = "rgb", on_error: OnError = "raise") -> None:
        _check_modes("ImageFolder", on_error, mode=mode)
        self.mode: ImageMode = mode
        self.paths = _list_files("ImageFolder", path)
        self.skipped: dict[Path, str] = {}
        if on_error == "skip":
            sizes = _readable_sizes("ImageFolder", path, self.paths, self.skipped)
            self.paths = list(sizes)
        self._title = f"'{path}'"

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> npt.NDArray[np.float32]:
        return read_image(self.paths[index], self.mode)

    def __repr__(self) -> str:
        return f"ImageFolder({self._title}: {len(self)} images, {self.mode}, {len(self.skipped)} skipped)"


class PairedImageFolder(Dataset[Any]):
    """Pairs (input, target) of images with the same name in two folders. The suffixes may differ.

    `inputs/sea/01.jpg` belongs to `targets/sea/01.png`. Their sizes are equal, or the larger size is an integer
    multiple of the smaller size (for super-resolution).

    Parameters
    ----------
    inputs, targets : folders
        Subfolders are included. Hidden files and folders are not.
    mode, target_mode : "rgb" or "grey"
        `target_mode` defaults to `mode`.
    on_error : "raise" or "skip"
        "raise": every file must have a partner. The constructor decodes nothing, and reading a bad file or pair raises
        an error. "skip": the constructor decodes every file. It leaves out files that cannot be read, files without a
        partner, and pairs whose sizes do not fit.

    Attributes
    ----------
    paths : list of pairs of paths (input, target), by index
    skipped : dict of path to reason, the files that were left out

    Raises
    ------
    DataError
        If a folder is missing or empty, a folder has two files with the same name (also with "skip"), files have no
        partner, no pair is left, or an argument is unknown.
    """

    def __init__(
        self,
        inputs: str | os.PathLike[str],
        targets: str | os.PathLike[str],
        *,
        mode: ImageMode = "rgb",
        target_mode: ImageMode | None = None,
        on_error: OnError = "raise",
    ) -> None:
        call = "PairedImageFolder"
        self.mode: ImageMode = mode
        self.target_mode: ImageMode = mode if target_mode is None else target_mode
        _check_modes(call, on_error, mode=mode, target_mode=self.target_mode)
        self.skipped: dict[Path, str] = {}
        sides: list[dict[str, Path]] = []
        sizes: dict[Path, Size] = {}
        for folder in (inputs, targets):
            paths: Iterable[Path] = _list_files(call, folder)
            if on_error == "skip":
                sizes |= (paths := _readable_sizes(call, folder, list(paths), self.skipped))
            sides.append(_by_name(call, Path(folder), paths))
        matched = sorted(sides[0].keys() & sides[1].keys())
        unmatched = [side[name] for side in sides for name in sorted(side.keys() - set(matched))]
        if unmatched and (on_error == "raise" or not matched):
            raise DataError(
                f"{call}: every input in '{inputs}' needs a target of the same name in '{targets}', but "
                f"{len(unmatched)} of the files have no partner: {_list_paths(unmatched)}; rename or remove them"
            )
        self.skipped |= dict.fromkeys(unmatched, "has no partner of the same name")
        self.paths = [(sides[0][name], sides[1][name]) for name in matched]
        if on_error == "skip":
            self._drop_misfits(sizes)
        self._title = f"'{inputs}' -> '{targets}'"

    def _drop_misfits(self, sizes: dict[Path, Size]) -> None:
        misfits = [pair for pair in self.paths if scale_factors([sizes[path] for path in pair]) is None]
        for pair in misfits:
            self.skipped |= {path: _misfit([sizes[path] for path in pair]) for path in pair}
        self.paths = [pair for pair in self.paths if pair not in misfits]
        if not self.paths:
            raise DataError(f"PairedImageFolder: no pair is left: {_reasons(self.skipped)}")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        pair = self.paths[index]
        images = read_image(pair[0], self.mode), read_image(pair[1], self.target_mode)
        sizes = [(image.shape[1], image.shape[2]) for image in images]
        if scale_factors(sizes) is None:
            raise DataError(f"PairedImageFolder: '{pair[0]}' and '{pair[1]}': {_misfit(sizes)}; resize an image")
        return images

    def __repr__(self) -> str:
        modes = f"{self.mode} -> {self.target_mode}"
        return f"PairedImageFolder({self._title}: {len(self)} pairs, {modes}, {len(self.skipped)} skipped)"


def _check_modes(call: str, on_error: str, **modes: str) -> None:
    check_choice(call, "on_error", on_error, ("raise", "skip"))
    for name, mode in modes.items():
        check_choice(call, name, mode, ("rgb", "grey"))


def _list_files(call: str, folder: str | os.PathLike[str]) -> list[Path]:
    root = Path(folder)
    if not root.is_dir():
        kind = "is a file" if root.exists() else "does not exist"
        raise DataError(f"{call}: '{root}' must be a folder of images, but it {kind}; check the path")
    paths: list[Path] = []
    for parent, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(parent, name) for name in files if not name.startswith(".")]
    if not paths:
        raise DataError(f"{call}: the folder '{root}' holds no files (hidden ones do not count); put images into it")
    return sorted(paths)


def _readable_sizes(
    call: str, folder: str | os.PathLike[str], paths: list[Path], skipped: dict[Path, str]
) -> dict[Path, Size]:
    """Decode every file. Return {path: (H, W)} of the readable files, and add the others to `skipped`."""

    def read_size(path: Path) -> Size | DataError:
        try:
            _, height, width = read_image(path, "grey").shape
            return height, width
        except DataError as error:
            return error

    sizes: dict[Path, Size] = {}
    failed: dict[Path, str] = {}
    with ThreadPoolExecutor(max_workers=4) as pool:  # decoding releases the GIL; 4 threads, because photos are large
        for path, result in zip(paths, pool.map(read_size, paths), strict=True):
            if isinstance(result, DataError):
                failed[path] = str(result)
            else:
                sizes[path] = result
    if not sizes:
        raise DataError(f"{call}: none of the {len(paths)} files in '{folder}' can be read: {_reasons(failed)}")
    skipped |= failed
    return sizes


def _by_name(call: str, root: Path, paths: Iterable[Path]) -> dict[str, Path]:
    """Return the files by their path relative to `root`, without the suffix."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        groups[path.relative_to(root).with_suffix("").as_posix()].append(path)
    duplicates = [path for group in groups.values() if len(group) > 1 for path in group]
    if duplicates:
        raise DataError(
            f"{call}: '{root}' has several files of the same name: {_list_paths(duplicates)}; keep one of each"
        )
    return {name: group[0] for name, group in groups.items()}


def _misfit(sizes: list[Size]) -> str:
    (height, width), (other_height, other_width) = sizes
    return (
        f"the sizes must be equal or integer multiples, got {height} x {width} and "
        f"{other_height} x {other_width} (height x width)"
    )


def _list_paths(paths: list[Path], limit: int = 10) -> str:
    more = f" and {len(paths) - limit} more" if len(paths) > limit else ""
    return ", ".join(f"'{path}'" for path in paths[:limit]) + more


def _reasons(failed: dict[Path, str], limit: int = 3) -> str:
    more = f"; and {len(failed) - limit} more" if len(failed) > limit else ""
    return "; ".join(list(failed.values())[:limit]) + more
