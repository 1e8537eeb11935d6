"""The files of `minicnn edit`: the photos that the arguments name, and a path for each edited photo.

`plan` finds all mistakes before the first photo is edited.
"""

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from minicnn.data import PHOTO_SUFFIXES, picture_suffixes
from minicnn.errors import DataError

__all__ = ["Job", "plan"]


@dataclass(frozen=True)
class Job:
    """A photo to edit, and the paths of the result and of the comparison."""

    source: Path
    output: Path

    @property
    def comparison(self) -> Path:
        """The path of the picture that shows the photo before and after."""
        return self.output.with_name(f"{self.output.stem}-compare{self.output.suffix}")


def plan(
    names: Iterable[str],
    out: Path | None,
    suffix: str | None,
    file_format: str | None,
    *,
    recursive: bool,
    compare: bool,
) -> list[Job]:
    """Return the photos to edit, in order, and the path of each result.

    Parameters
    ----------
    names : iterable of str
        Files, folders, and patterns such as ``*.jpg`` for shells that do not expand them.
    out : Path, optional
        A folder for the results. A photo in a subfolder of a named folder gets the same subfolder. With the suffix of a
        picture it is the file for the result of a single photo. Default: beside the photo.
    suffix : str, optional
        Added to the name of each result. Default: nothing with a folder, "-edited" without one.
    file_format : str, optional
        The suffix of the files without its dot. Default: the format of the photo, or PNG if it cannot be written.
    recursive : bool
        Search the subfolders of folders too.
    compare : bool
        Comparisons are written too; they must not replace a photo either.

    Raises
    ------
    DataError
        If a file is missing, nothing is found, two results would have the same path, a result would replace a photo,
        or `out` is a file and there are several photos, a suffix or a format.
    """
    is_file = out is not None and out.suffix.lower() in PHOTO_SUFFIXES and not out.is_dir()
    if is_file and (suffix is not None or file_format is not None):
        raise DataError(f"--out: '{out}' is a file, so its name is known; leave --suffix and --format out")
    if out is not None and out.exists() and not out.is_dir() and not is_file:
        raise DataError(f"--out: '{out}' is a file; name a folder, or a file with the suffix of a picture")
    suffix = suffix if suffix is not None else "" if out else "-edited"
    jobs, seen = [], set[Path]()
    for root, source in _photos(names, recursive):
        if source.resolve() in seen:
            continue
        seen.add(source.resolve())
        kind = (
            f".{file_format}" if file_format else source.suffix if source.suffix.lower() in PHOTO_SUFFIXES else ".png"
        )
        place = out / source.parent.relative_to(root) if out else source.parent
        jobs.append(Job(source, out if out and is_file else place / f"{source.stem}{suffix}{kind}"))
    if is_file and len(jobs) > 1:
        raise DataError(f"--out: '{out}' is a file, but there are {len(jobs)} photos; name a folder")
    _check(jobs, seen, suffix, compare)
    return jobs


def _photos(names: Iterable[str], recursive: bool) -> Iterator[tuple[Path, Path]]:
    """Yield the named folder of each photo (or its own folder), and the photo."""
    for name in names:
        path = Path(name)
        if path.is_dir():
            found = sorted(p for p in path.glob("**/*" if recursive else "*") if _is_picture(p.relative_to(path), p))
            if not found:
                deeper = "" if recursive else "; --recursive searches its subfolders too"
                raise DataError(f"there is no picture in the folder '{path}'{deeper}")
            yield from ((path, p) for p in found)
        elif path.exists():
            yield path.parent, path
        else:
            matches = sorted(map(Path, glob.glob(name, recursive=recursive)))
            if not matches:
                raise DataError(f"there is no file '{name}'; check the path")
            yield from ((p.parent, p) for p in matches if p.is_file())


def _is_picture(inside: Path, path: Path) -> bool:
    """Return whether a path is a file with the suffix of a picture, and neither hidden nor in a hidden folder."""
    hidden = any(part.startswith(".") for part in inside.parts)
    return not hidden and path.suffix.lower() in picture_suffixes() and path.is_file()


def _check(jobs: list[Job], sources: set[Path], suffix: str, compare: bool) -> None:
    outputs = dict[Path, Path]()
    folders = {source.parent for source in sources}
    written = [(job, path) for job in jobs for path in ([job.output, job.comparison] if compare else [job.output])]
    for job, path in written:
        output = path.resolve()
        if output in sources:
            raise DataError(f"{path} is one of the photos and would be overwritten; name another folder or --suffix")
        if output in outputs:
            raise DataError(
                f"'{outputs[output]}' and '{job.source}' would both be written to {path}; "
                "edit them into separate folders"
            )
        if not suffix and output.parent in folders and output.exists():
            raise DataError(f"{path} lies among the photos and would be overwritten; name another folder or --suffix")
        outputs[output] = job.source
