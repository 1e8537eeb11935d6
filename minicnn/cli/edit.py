"""`minicnn edit`: apply a trained network to photos, and write the results to a folder."""

import argparse
from pathlib import Path
from typing import Any

from minicnn.cli.arguments import add_command, add_device, count, output_folder
from minicnn.data import write_image
from minicnn.errors import DataError
from minicnn.imaging.editing import edit, load_editor

__all__ = ["add", "run"]

DETAILS = """\
Edit photos with a network that 'minicnn train' or 'minicnn demo' wrote.

A photo may have any size. It is edited in tiles that overlap by the radius of the network, so there are no seams.
An edited photo keeps the name and the format of its file (formats that cannot be written become PNG). JPEG is written
with quality 95; all other formats are lossless. Colours are sRGB with 8 bits. Transparent pixels become white. EXIF
data are left out.

examples:
  minicnn edit runs/demo/denoiser.safetensors holiday.jpg --out edited
  minicnn edit runs/enlarge/model.safetensors *.png --out large --format png
"""
WRITABLE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "edit", run, "edit photos with a trained network", DETAILS)
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .safetensors file")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="photos, of any size")
    parser.add_argument("--out", type=output_folder, required=True, metavar="DIR", help="folder for the edited photos")
    parser.add_argument("--format", choices=["png", "jpg", "webp", "tif"], help="default: the format of each photo")
    parser.add_argument(
        "--tile",
        type=count,
        metavar="N",
        default=256,
        help="side of a tile; smaller tiles need less memory (%(default)s pixels)",
    )
    add_device(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command.

    Raises
    ------
    DataError
        If a photo would be overwritten, two photos have the same output path, or a file cannot be read or written.
    CheckpointError
        If the model cannot be loaded.
    """
    editor = load_editor(options.model, options.device)
    outputs = [_output(image, options.out, options.format) for image in options.images]
    for image, output in zip(options.images, outputs, strict=True):
        if output.resolve() == image.resolve():
            raise DataError(f"--out: {output} is the photo itself and would be overwritten; name another folder")
        if outputs.count(output) > 1:
            raise DataError(f"two photos would be written to {output}; edit them into separate folders")
    from tqdm.auto import tqdm

    options.out.mkdir(parents=True, exist_ok=True)
    for image, output in zip(options.images, outputs, strict=True):
        picture = editor.read(image)
        with tqdm(desc=image.name, unit="tile", leave=False, disable=None, dynamic_ncols=True) as bar:

            def progress(done: int, total: int, bar: Any = bar) -> None:
                bar.total = total
                bar.update(done - bar.n)

            write_image(output, edit(editor.model, picture, tile=options.tile, progress=progress))
        print(output)


def _output(image: Path, folder: Path, file_format: str | None) -> Path:
    suffix = f".{file_format}" if file_format else image.suffix if image.suffix.lower() in WRITABLE_SUFFIXES else ".png"
    return folder / f"{image.stem}{suffix}"
