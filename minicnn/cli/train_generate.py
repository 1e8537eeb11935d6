"""`minicnn train generate`: train a model that generates pictures like the ones of a folder.

`generation/learning.py` trains.
"""

import argparse
from dataclasses import replace
from functools import partial
from typing import Any

from minicnn.cli.arguments import add_command, count
from minicnn.cli.inputs import checksum
from minicnn.cli.train import exit_code
from minicnn.cli.training import (
    SETTINGS,
    add_settings,
    check_folder,
    check_settings,
    draw_curves,
    given,
    resumable,
    saved_settings,
)
from minicnn.errors import DataError
from minicnn.generation.learning import evaluation_seconds, fit, trainer_for
from minicnn.generation.methods import METHODS, Method
from minicnn.generation.pictures import FASHION_MNIST, PictureSet, RandomPictures, load_pictures, picture_shape
from minicnn.imaging.learning import MODEL, steps_for
from minicnn.models import GenerativeModel
from minicnn.runtime import random

__all__ = ["add", "run"]

DETAILS = """\
Train a model that generates new pictures like the ones it was trained on:

{methods}

PICTURES is a folder of pictures, or the word fashion-mnist: 70,000 grey pictures of clothes, of Debian's package
dataset-fashion-mnist. A folder's pictures are cut to squares and reduced to --size pixels. If all of them are in
subfolders, each subfolder is a class, and 'minicnn generate --label' chooses one. Of 650 pictures or more, every tenth
is held out.

The folder --out gets model.safetensors for 'minicnn generate', samples/ with pictures of every epoch, losses.jsonl,
curves.png and settings.json. After Ctrl-C there is a checkpoint; the same command with --resume continues from it. The
network with the best score is kept. The score is the Fréchet distance between samples and held-out pictures (or all, if
none is held out), in the first 64 principal components of the pictures. More steps give a better network.

examples:
  minicnn train generate fashion-mnist --model latent-flow --out runs/clothes
  minicnn train generate my-photos --model flow --size 32 --minutes 30 --out runs/photos
  minicnn generate runs/clothes/model.safetensors -n 64 --out clothes.png
"""


def add(commands: Any) -> None:
    """Declare the command."""
    methods = "\n".join(f"  {method.name:<12} {method.summary}" for method in METHODS.values())
    details = DETAILS.format(methods=methods)
    parser = add_command(commands, "train generate", run, "train a model that generates pictures", details)
    parser.add_argument("pictures", metavar="PICTURES", help=f"folder of pictures, or {FASHION_MNIST}")
    parser.add_argument(
        "--model", choices=list(METHODS), default="flow", metavar="NAME", help="a name above (default: %(default)s)"
    )
    parser.add_argument(
        "--size", type=count, default=32, metavar="N", help="side of a folder's pictures in pixels (%(default)s)"
    )
    parser.add_argument("--grey", action="store_true", help="convert a folder's pictures to grey")
    parser.add_argument("--no-labels", action="store_true", help="do not use the classes")
    add_settings(parser, None, "default: the model's own")


def run(options: argparse.Namespace) -> int:
    """Run the command. Return 1 if the model has learned nothing, otherwise 0.

    Raises
    ------
    DataError
        If the options or the pictures cannot be used, or a resumed training has other settings.
    """
    from tqdm.auto import tqdm

    check_folder(options.out, resume=options.resume)
    method = METHODS[options.model]
    channels, size = picture_shape(options.pictures, options.size, grey=options.grey)
    random.manual_seed(options.seed)
    _build(method, channels, size, 0, options)  # errors of the network come before pictures are read
    pictures, held_out = load_pictures(
        options.pictures,
        size,
        grey=options.grey,
        skip_broken=options.skip_broken,
        progress=partial(tqdm, desc="reading", unit="file", leave=False, disable=None),
    )
    if options.no_labels or not method.takes_labels:
        pictures, held_out = (PictureSet(part.pictures) for part in (pictures, held_out))
    classes = f" in {len(pictures.classes)} classes" if pictures.classes else ""
    print(f"{len(pictures)} pictures of {size} x {size} pixels{classes}, {len(held_out)} held out")
    model = _build(method, channels, size, len(pictures.classes), options)
    recipe = replace(method.recipe, **given(options, vars(method.recipe)))
    if options.minutes and options.resume:
        recipe = replace(recipe, steps=saved_settings(options.out / SETTINGS)["steps"])
    elif options.minutes:
        some: Any = RandomPictures(pictures, recipe.steps * recipe.batch_size, recipe.seed)
        make: Any = partial(trainer_for, method)
        evaluation = evaluation_seconds(method, model)
        recipe = replace(recipe, steps=steps_for(options.minutes, model, some, recipe, make, evaluation))
    training = {
        "method": method.name,
        "pictures": len(pictures),
        "pictures_checksum": checksum([pictures.pictures, held_out.pictures]),
        **vars(recipe),
        **model.arguments,
    }
    check_settings(options.out / SETTINGS, training, resume=options.resume)
    print(f"training {method.name}: {recipe.epochs * recipe.epoch_steps} steps, batch size {recipe.batch_size}")
    about = {"method": method.name, "classes": list(pictures.classes), "training": training}
    with resumable(options.out):
        history = fit(method, model, pictures, held_out, recipe, options.out, about=about, resume=options.resume)
    print(f"wrote {options.out / MODEL}, the model of the best epoch; look at {options.out / 'samples'}")
    scores = history.values(method.metric)
    parts = {name: history.values(name) for name in history.records[0] if name not in ("step", "epoch", "lr")}
    draw_curves(options.out / "curves.png", parts, {method.metric: scores}, f"minicnn train generate, {method.name}")
    best, nothing = min(scores, default=float("nan")), history.values("nothing")[-1]
    print(f"{method.metric}: {best:.3g} at best; {nothing:.3g} if every picture were the mean picture")
    because = "its pictures are no closer to the real ones than their mean"
    return exit_code(options, learned=best < nothing, because=because)


def _build(method: Method, channels: int, size: int, classes: int, options: argparse.Namespace) -> GenerativeModel:
    arguments = given(options, ("width", "blocks"))
    try:
        return method.build(channels, size, classes, **arguments).to(options.device)
    except TypeError as error:
        raise DataError(f"--model {method.name} has no --blocks; leave it out") from error
