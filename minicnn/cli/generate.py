"""`minicnn generate` and its relatives: new pictures, a walk between pictures, variations, codes, and editing."""

import argparse
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.cli.arguments import add_command, add_device, count, fraction, positive, seed
from minicnn.data import Photo, read_image, write_image, write_photo
from minicnn.data.images import check_image_path
from minicnn.data.samples import Frame, to_samples
from minicnn.errors import DataError
from minicnn.generation.generators import Generator, load_generator, spherical_mean, trained_generators
from minicnn.generation.known import known_grey, known_means, known_part
from minicnn.generation.pictures import square
from minicnn.imaging.grid import make_grid
from minicnn.models import VAE, FlowMatching
from minicnn.ops.create import from_numpy
from minicnn.runtime import random

__all__ = ["add"]

MODEL = """\
MODEL is the name of a generator that comes with minicnn ('minicnn generate list' shows them), or a file that
'minicnn train generate' wrote. The same --seed gives the same pictures.
"""
NEW = f"""\
Make new pictures with a trained generator, and write them as a grid.

{MODEL}
examples:
  minicnn generate list
  minicnn generate runs/clothes/model.safetensors -n 64 --out clothes.png
  minicnn generate runs/clothes/model.safetensors -n 16 --label boot --guidance 2 --out boots.png
"""
BETWEEN = f"""\
Walk from a new picture to the next one, and so on. An --out that ends in .gif or .webp becomes an animation, any other
one a picture with a row for each walk from picture to picture.

{MODEL}
examples:
  minicnn generate between runs/clothes/model.safetensors -n 5 --out walk.gif
"""
VARY = f"""\
Make variations of a picture with a model of flow matching: noise is added, and the flow removes it in another way.

{MODEL}
examples:
  minicnn generate vary runs/clothes/model.safetensors shirt.png --strength 0.6 --out shirts.png
"""
REPAIR = f"""\
Repair a picture with a model of flow matching. The results agree with all that is known, and differ in the rest:

  inpaint     the pixels where --mask is black are known
  enlarge     the picture is small, and its pixels are means of squares of the results
  colourise   the grey is known

With enlarge and colourise they agree nearly: colours outside black and white are cut off.

{MODEL}
examples:
  minicnn generate repair runs/clothes/model.safetensors shirt.png --task inpaint --mask hole.png --out shirts.png
"""
REPEAT = f"""\
Send pictures through the codes of an autoencoder (models autoencoder, vae, latent-flow), and write each beside its
original. A VAE must be trained with --no-labels for this.

{MODEL}
examples:
  minicnn generate repeat runs/codes/model.safetensors shirt.png boot.png --out repeated.png
"""
FRAMES = 12  # of a walk, from a picture to the next
MILLISECONDS = 80  # of a frame


def add(commands: Any) -> None:
    """Declare the commands."""
    parser = _add(commands, "generate", _new, "make new pictures with a trained generator", NEW, 64)
    _add_options(parser, "all classes in turn")
    parser = _add(commands, "generate between", _between, "walk from picture to picture", BETWEEN, 5)
    _add_options(parser, "the first class")
    parser = _add(commands, "generate vary", _vary, "make variations of a picture", VARY, 8)
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    parser.add_argument(
        "--strength", type=fraction, default=0.6, metavar="N", help="from 0, no change, to 1 (%(default)s)"
    )
    _add_options(parser, "no class")
    parser = _add(commands, "generate repair", _repair, "repair a picture by generation", REPAIR, 8)
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    parser.add_argument("--task", choices=["inpaint", "enlarge", "colourise"], required=True, help="what is unknown")
    parser.add_argument("--mask", type=Path, metavar="IMAGE", help="for inpaint: new where this grey image is white")
    _add_options(parser, "no class")
    parser = _add(commands, "generate repeat", _repeat, "send pictures through an autoencoder", REPEAT, None)
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE")


def _add(commands: Any, name: str, run: Any, summary: str, details: str, number: int | None) -> Any:
    parser = add_command(commands, name, run, summary, details)
    parser.add_argument("model", metavar="MODEL", help="a trained generator, or a .safetensors file")
    if number is not None:
        parser.add_argument("-n", type=count, default=number, metavar="N", help="number of pictures (%(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the picture to write")
    parser.add_argument(
        "--zoom", type=count, default=1, metavar="N", help="enlarge each pixel to N x N pixels (%(default)s)"
    )
    add_device(parser)
    return parser


def _add_options(parser: argparse.ArgumentParser, label: str) -> None:
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="another seed gives other pictures")
    parser.add_argument(
        "--label", metavar="NAME", help=f"a class: its number, or a part of its name (default: {label})"
    )
    parser.add_argument("--steps", type=count, metavar="N", help="steps from noise to a picture; more are better")
    parser.add_argument(
        "--guidance", type=positive, metavar="N", help="above 1: clearer examples of the label, which differ less"
    )


def _new(options: argparse.Namespace) -> None:
    """Make new pictures; errors as in `load_generator` and `Generator.sample`."""
    if options.model == "list":
        if not trained_generators():
            print("no generators come with this version; train one with 'minicnn train generate'")
        for name, path in trained_generators().items():
            print(f"{name:<12} {load_generator(path).about.get('summary', '')}")
        return
    generator = _load(options)
    labels = _labels(generator, options, options.n)
    pictures = _with_progress(
        partial(generator.sample, options.n, labels, seed=options.seed, **_given(options)), options.n
    )
    rows = generator.model.classes if labels is None and generator.model.classes else 8
    _write(options, pictures, nrow=rows)


def _between(options: argparse.Namespace) -> None:
    """Walk between pictures."""
    animated = options.out is not None and options.out.suffix.lower() in (".gif", ".webp")
    generator = _load(options, animated=animated)
    random.manual_seed(options.seed)
    stops = generator.model.noise(options.n).cpu().numpy()
    walks = [[spherical_mean(a, b, i / FRAMES) for i in range(FRAMES + 1)] for a, b in pairwise(stops)]
    if animated:
        walks = [walk if walk is walks[-1] else walk[:-1] for walk in walks]  # its last frame begins the next walk
    noise = np.stack([frame for walk in walks for frame in walk] or [stops[0]])
    labels = _labels(generator, options, len(noise))
    if labels is None and generator.model.classes:
        labels = np.zeros(len(noise), np.int64)
    pictures = _with_progress(partial(generator.pictures, noise, labels, **_given(options)), len(noise))
    if animated:
        grids = [make_grid(picture) for picture in _zoomed(pictures, options.zoom)]
        samples = [to_samples(grid.transpose(1, 2, 0), np.dtype(np.uint8)) for grid in grids]
        write_photo(options.out, Photo([Frame(s, "rgb", duration=MILLISECONDS) for s in samples], "GIF", loop=0))
        print(f"wrote {options.out}, {_counted(len(pictures), 'frame')}")
    else:
        _write(options, pictures, nrow=FRAMES + 1)


def _vary(options: argparse.Namespace) -> None:
    """Make variations of a picture."""
    generator, model = _flow(options)
    numbers = _labels(generator, options, options.n)
    labels = None if numbers is None else from_numpy(numbers).to(model.device)
    picture = _read(generator, options.picture)
    random.manual_seed(options.seed)
    same = from_numpy(picture.repeat(options.n, axis=0)).to(model.device)
    varied = model.vary(same, options.strength, labels, **_given(options)).cpu().numpy()
    _write(options, np.concatenate([picture, varied]), nrow=8)


def _repair(options: argparse.Namespace) -> None:
    """Repair a picture."""
    generator, model = _flow(options)
    labels = _labels(generator, options, options.n)
    if (options.mask is None) != (options.task != "inpaint"):
        raise DataError("--mask belongs to --task inpaint: pass both, or neither")
    if options.task == "inpaint":
        shown, mask = _read(generator, options.picture), read_image(options.mask, "grey")
        height, width = read_image(options.picture).shape[1:]
        if mask.shape[1:] != (height, width):
            raise DataError(
                f"--mask: '{options.mask}' has {mask.shape[2]} x {mask.shape[1]} pixels, but the picture {width} x "
                f"{height}; paint the mask on a copy of the picture"
            )
        hole = square(mask, model.size)[0] > 0.5
        if not hole.any():
            raise DataError(f"--mask: '{options.mask}' has no white pixel, so there is nothing to fill in")
        project = known_part(from_numpy(shown).to(model.device), from_numpy(hole).to(model.device))
        shown = np.where(hole, np.float32(0.5), shown)
    elif options.task == "enlarge":
        small = read_image(options.picture, "grey" if model.channels == 1 else "rgb")[np.newaxis]
        side = small.shape[2]
        if side != small.shape[3] or model.size % side or side == model.size:
            sides = ", ".join(str(n) for n in range(1, model.size) if model.size % n == 0)
            raise DataError(
                f"'{options.picture}' has {small.shape[3]} x {side} pixels, but the model makes {model.size} x "
                f"{model.size}; pass a square picture of {sides} pixels a side"
            )
        factor = model.size // side
        project = known_means(from_numpy(small).to(model.device), factor)
        shown = small.repeat(factor, axis=2).repeat(factor, axis=3)
    else:
        if model.channels != 3:
            raise DataError("--task colourise: the model makes grey pictures; use a model for colours")
        grey = square(read_image(options.picture, "grey"), model.size)[np.newaxis]
        project = known_grey(from_numpy(grey).to(model.device))
        shown = grey.repeat(3, axis=1)
    random.manual_seed(options.seed)
    noise = model.noise(options.n).cpu().numpy()
    pictures = _with_progress(partial(generator.pictures, noise, labels, project=project, **_given(options)), options.n)
    _write(options, np.concatenate([shown, pictures]), nrow=8)


def _repeat(options: argparse.Namespace) -> None:
    """Send pictures through the codes of an autoencoder."""
    generator = _load(options)
    reconstruct = getattr(generator.model, "reconstruct", None)
    if reconstruct is None:
        raise DataError(f"'{options.model}' has no codes for pictures; train a model with --model autoencoder")
    if isinstance(generator.model, VAE) and generator.model.classes:
        raise DataError(f"'{options.model}': the codes of a VAE with classes need labels; train it with --no-labels")
    found = []
    for path in options.pictures:
        picture = _read(generator, path)
        found += [picture, reconstruct(from_numpy(picture).to(generator.model.device)).cpu().numpy()]
    _write(options, np.concatenate(found), nrow=8)


def _load(options: argparse.Namespace, *, animated: bool = False) -> Generator:
    if options.out is None:
        raise DataError("name the file to write, for example: --out pictures.png")
    check_image_path(options.out.with_suffix(".png") if animated else options.out)
    return load_generator(options.model, options.device)


def _flow(options: argparse.Namespace) -> tuple[Generator, FlowMatching]:
    """Load a generator that must be a model of flow matching."""
    generator = _load(options)
    if not isinstance(generator.model, FlowMatching):
        kind = type(generator.model).__name__
        raise DataError(f"'{options.model}' is a {kind}, but this needs flow matching; train with --model flow")
    return generator, generator.model


def _read(generator: Generator, path: Path) -> NDArray[np.float32]:
    """Read a picture (1, C, S, S) for a generator."""
    model = generator.model
    return square(read_image(path, "grey" if model.channels == 1 else "rgb"), model.size)[np.newaxis]


def _labels(generator: Generator, options: argparse.Namespace, number: int) -> NDArray[np.int64] | None:
    """Return the labels of the command line for a number of pictures, or None.

    Raises
    ------
    DataError
        If the label fits no class, or there is --guidance, but the model has no classes.
    """
    if options.guidance is not None and not generator.model.classes:
        raise DataError(f"--guidance strengthens a label, but '{options.model}' has no classes; leave it out")
    return None if options.label is None else np.full(number, generator.label(options.label), np.int64)


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of `generate` that are on the command line."""
    names = ("steps", "guidance")
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _with_progress(function: Any, total: int) -> NDArray[np.float32]:
    from tqdm.auto import tqdm

    with tqdm(total=total, unit="picture", leave=False, disable=None) as bar:
        pictures: NDArray[np.float32] = function(progress=bar.update)
    return pictures


def _zoomed(pictures: NDArray[np.float32], zoom: int) -> NDArray[np.float32]:
    return pictures.repeat(zoom, axis=2).repeat(zoom, axis=3)


def _write(options: argparse.Namespace, pictures: NDArray[np.float32], nrow: int) -> None:
    write_image(options.out, make_grid(_zoomed(pictures, options.zoom), nrow=nrow))
    count = _counted(len(pictures), "picture")
    print(f"wrote {options.out}, {count} of {pictures.shape[3]} x {pictures.shape[2]} pixels")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
