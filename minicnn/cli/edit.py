"""`minicnn edit`: apply a trained network to photos, and write the results beside them or to a folder."""

import argparse
import base64
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.cli.arguments import add_command, add_device, count, fraction, quality
from minicnn.cli.outputs import Job, plan
from minicnn.cli.terminal import picture_lines, shows_pictures
from minicnn.data import check_writable, read_image, read_photo, write_photo
from minicnn.errors import DataError, MiniCNNError
from minicnn.imaging.editing import Editor, load_editor, trained_models
from minicnn.imaging.photo_editing import before_and_after, edit_photo
from minicnn.imaging.tiling import TILE

__all__ = ["add", "run"]

THUMBNAIL_COLUMNS = 56  # letters

DETAILS = """\
Edit photos with a trained network. MODEL is the name of a network that comes with minicnn ('minicnn edit list' shows
them), or a file that 'minicnn train' or 'minicnn demo' wrote.

IMAGE is a photo, a folder of photos or a pattern. A photo may have any size. It is edited in tiles that overlap by the
radius of the network, so there are no seams. Animations and documents are edited frame by frame.

An edited photo keeps the format of its file, its depth (8 or 16 bits), its colour profile, its transparency, and the
EXIF data, comments and resolution. A JPEG keeps its quality. Formats that cannot be written become PNG.

A network for the task inpaint fills in holes. A hole is white in --mask, or painted in exactly magenta (#FF00FF) in the
photo; a JPEG changes colours, so paint on a PNG.

The original files are never changed. An edited photo is written beside its original as NAME-edited, or with its own
name to the folder --out. If --out has the suffix of a picture, it is the file for a single photo. If a photo cannot be
edited, the others are; the exit code is then 1.

examples:
  minicnn edit list
  minicnn edit denoise holiday.jpg
  minicnn edit inpaint holiday.jpg --mask scratches.png --out repaired.png
  minicnn edit runs/demo/denoiser.safetensors photos --recursive --out edited --skip-existing
  minicnn edit denoise portrait.jpg --strength 0.6 --mask background.png --compare
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "edit", run, "edit photos with a trained network", DETAILS)
    parser.add_argument("model", metavar="MODEL", help="a trained model, a .safetensors file, or the word list")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="photos, folders of photos, or patterns")
    parser.add_argument(
        "--out", type=Path, metavar="PATH", help="folder for the edited photos, or a file for a single one"
    )
    parser.add_argument("--suffix", metavar="TEXT", help="added to the names (default: -edited without --out)")
    parser.add_argument(
        "--format", choices=["png", "jpg", "webp", "tif", "gif", "avif"], help="default: the format of each photo"
    )
    parser.add_argument(
        "--quality",
        type=quality,
        metavar="N",
        help="of JPEG, WebP and AVIF, 1 to 100 (default: as before, or lossless)",
    )
    parser.add_argument(
        "--strength", type=fraction, default=1.0, metavar="N", help="from 0, no change, to 1 (%(default)s)"
    )
    parser.add_argument(
        "--mask", type=Path, metavar="IMAGE", help="edit where this grey image is white, partly where grey"
    )
    parser.add_argument("--best", action="store_true", help="a better result in 8 times the time")
    parser.add_argument("--compare", action="store_true", help="also write NAME-compare: left before, right after")
    parser.add_argument("--recursive", action="store_true", help="search the subfolders of folders too")
    parser.add_argument("--skip-existing", action="store_true", help="leave out photos that are already edited")
    parser.add_argument("--large", action="store_true", help="accept pictures of more than 89 million pixels")
    parser.add_argument(
        "--tile",
        type=count,
        metavar="N",
        default=TILE,
        help="side of a tile; smaller tiles need less memory (%(default)s pixels)",
    )
    add_device(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command. Return 1 if a photo could not be edited, otherwise 0.

    Raises
    ------
    DataError
        If a photo is missing or would be overwritten, two photos have the same output path, or the mask cannot be read.
    CheckpointError
        If the model cannot be loaded.
    """
    if options.model == "list" and not options.images:
        _list()
        return 0
    if not options.images:
        raise DataError("name the photos to edit, for example: minicnn edit denoise photo.jpg")
    if options.large:
        from PIL import Image

        Image.MAX_IMAGE_PIXELS = None
    editor = load_editor(options.model, options.device)
    jobs = plan(
        options.images,
        options.out,
        options.suffix,
        options.format,
        recursive=options.recursive,
        compare=options.compare,
    )
    mask = None if options.mask is None else read_image(options.mask, "grey")[0]
    failed, done = 0, 0
    try:
        for number, job in enumerate(jobs, 1):
            if options.skip_existing and job.output.exists():
                continue
            try:
                _edit(editor, job, mask, options, f"{number}/{len(jobs)} {job.source.name}")
            except (MiniCNNError, OSError, MemoryError) as error:
                failed += 1
                print(f"minicnn edit: {_message(error, job)}", file=sys.stderr)
            else:
                done += 1
                print(job.output, flush=True)
    except KeyboardInterrupt:
        note = f"stopped; {done} of {len(jobs)} photos are edited, --skip-existing continues with the others"
        raise KeyboardInterrupt(note) from None
    if len(jobs) > 1 and failed:
        print(f"minicnn edit: {failed} of {len(jobs)} photos could not be edited", file=sys.stderr)
    return int(failed > 0)


def _list() -> None:
    """Print the trained models with their tasks, their measured results and, in a terminal, a picture."""
    for name, path in trained_models().items():
        about = load_editor(path).about
        print(f"{name:<12} {path.stat().st_size / 1e6:.2f} MB  {about.get('summary', about.get('task', ''))}")
        for result in about.get("results", []):
            scores = dict(result["psnr"])
            before, own, best = (scores.pop(key, None) for key in ("input", "minicnn", "minicnn --best"))
            change = f"{before} -> {own} dB" if before else f"{own} dB"
            others = "".join(f", {method} {score}" for method, score in scores.items())
            print(f"{'':<12} {result['photos']}: {change}, --best {best}{others}")
        if "thumbnail" in about and shows_pictures():
            columns = min(THUMBNAIL_COLUMNS, max(shutil.get_terminal_size().columns - 14, 2))
            for line in picture_lines(base64.b64decode(about["thumbnail"]), columns):
                print(f"{'':<12} {line}")
    if not trained_models():
        print("no trained models come with this installation; train one: minicnn train --help")
        return
    print("PSNR in dB on photos that no model saw. Methods with * know how the photo was spoilt; the models do not.")


def _edit(editor: Editor, job: Job, mask: NDArray[np.float32] | None, options: argparse.Namespace, title: str) -> None:
    from tqdm.auto import tqdm

    photo = read_photo(job.source)
    height, width = (editor.model.scale * side for side in photo.frames[0].samples.shape[:2])
    check_writable(job.output, len(photo.frames), height, width)
    if mask is not None and mask.shape != photo.frames[0].samples.shape[:2]:
        sides = [" x ".join(map(str, shape[1::-1])) for shape in (mask.shape, photo.frames[0].samples.shape)]
        raise DataError(f"--mask: the mask has {sides[0]} pixels and '{job.source}' {sides[1]}; resize one of them")
    job.output.parent.mkdir(parents=True, exist_ok=True)
    total = sum(f.samples.shape[0] * f.samples.shape[1] for f in photo.frames) / 1e6
    form = "{desc} {percentage:3.0f}% |{bar}| {n:.1f}/{total:.1f} Mpx [{elapsed}<{remaining}, {rate_fmt}]"
    with tqdm(
        desc=title, total=total, unit="Mpx", bar_format=form, leave=False, disable=None, dynamic_ncols=True
    ) as bar:
        edited = edit_photo(
            editor.model,
            photo,
            mask=mask,
            progress=lambda part: bar.update(part * total - bar.n),
            strength=options.strength,
            best=options.best,
            tile=options.tile,
        )
    edited = replace(edited, quality=options.quality)
    write_photo(job.output, edited)
    if options.compare:
        write_photo(job.comparison, replace(edited, frames=before_and_after(photo, edited)))


def _message(error: BaseException, job: Job) -> str:
    if isinstance(error, MemoryError):
        return f"'{job.source}' needs more memory than there is; choose a smaller --tile, or reduce it"
    if isinstance(error, OSError) and not isinstance(error, MiniCNNError):
        return f"'{error.filename or job.output}': {error.strerror or error}"
    if "MAX_IMAGE_PIXELS" in str(error):
        return f"'{job.source}' has more than 89 million pixels and may be a trap; --large edits it all the same"
    return str(error)
