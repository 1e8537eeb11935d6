"""`minicnn train style`: train a network that redraws photos in the style of a picture.

`imaging/style.py` trains.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from minicnn.cli.arguments import add_command, count, positive
from minicnn.cli.inputs import Picture, checksum, gather
from minicnn.cli.training import (
    SETTINGS,
    add_settings,
    centre,
    check_folder,
    check_settings,
    draw_curves,
    given,
    resumable,
    saved_settings,
)
from minicnn.data import read_image
from minicnn.errors import DataError
from minicnn.imaging import comparison_sheet
from minicnn.imaging.corruptions import resize
from minicnn.imaging.editing import edit, save_editor
from minicnn.imaging.learning import MODEL, spoilt_patches, steps_for, trainer_for
from minicnn.imaging.style import STYLE_RECIPE, PerceptualLoss, fit_style
from minicnn.imaging.tasks import Task
from minicnn.models import StyleNetwork
from minicnn.runtime import random

__all__ = ["add", "run"]

DETAILS = """\
Train a network that redraws photos in the style of a picture: a painting, a drawing, a texture. STYLE is the picture;
the photos may be any photos, a hundred or more.

The folder --out gets model.safetensors for 'minicnn edit', samples/ and preview.png with results, losses.jsonl,
curves.png and settings.json. After Ctrl-C there is a checkpoint; the same command with --resume continues from it. More
steps give a better network.

The style has the scale of the picture in pixels: with a larger --size, the strokes of the results are larger. If the
results show too little of the photos, choose a --strength below 1.

examples:
  minicnn train style waves.jpg --photos my-photos --out runs/waves
  minicnn edit runs/waves/model.safetensors holiday.jpg
  minicnn train style waves.jpg --photos my-photos --size 384 --strength 0.4 --minutes 10 --out runs/soft-waves
"""
TASK = Task("style", "redraw photos in the style of a picture", lambda clean, rng: (clean, clean), recipe=STYLE_RECIPE)
SIZE = 256  # pixels
SMALLEST_STYLE = 32  # pixels
WATCHED, WATCHED_SIZE = 6, 192  # photos that are redrawn after every epoch, and the largest side of their crops
PREVIEWS, PREVIEW_SIZE = 4, 320


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "train style", run, "train a network to redraw photos in a style", DETAILS)
    parser.add_argument("style", type=Path, metavar="STYLE", help="the style picture")
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help="folder of photos")
    parser.add_argument(
        "--size",
        type=count,
        metavar="N",
        default=SIZE,
        help="reduce the style picture until its shorter side has N pixels (%(default)s)",
    )
    parser.add_argument(
        "--strength", type=positive, metavar="N", default=1.0, help="weight of the style against the content (1)"
    )
    add_settings(parser, STYLE_RECIPE)
    parser.set_defaults(inputs=None)  # for `gather`: photos, not pairs


def run(options: argparse.Namespace) -> None:
    """Run the command.

    Raises
    ------
    DataError
        If the options or the images cannot be used, or a resumed training has other settings.
    """
    check_folder(options.out, resume=options.resume)
    if options.size < SMALLEST_STYLE:
        raise DataError(f"--size: the style picture needs at least {SMALLEST_STYLE} pixels a side, got {options.size}")
    style = _read_style(options.style, options.size)
    loss = PerceptualLoss(style, options.strength, device=options.device)
    recipe = replace(STYLE_RECIPE, **given(options, vars(STYLE_RECIPE)))
    if recipe.patch < loss.smallest:
        raise DataError(f"--patch: a patch needs at least {loss.smallest} pixels a side, got {recipe.patch}")
    inputs = gather(TASK, options, recipe)
    training_photos: list[Any] = inputs.patches.images
    photos = [photo for photo, _ in inputs.held_out] or training_photos
    random.manual_seed(options.seed)
    network = StyleNetwork(**given(options, ("width", "blocks"))).to(options.device)
    if options.minutes and options.resume:
        recipe = replace(recipe, steps=saved_settings(options.out / SETTINGS).get("steps", recipe.steps))
    elif options.minutes:
        recipe = replace(
            recipe, steps=steps_for(options.minutes, network, inputs.patches, recipe, partial(trainer_for, loss=loss))
        )
    patches = spoilt_patches(training_photos, TASK, recipe)  # the number of steps changes the epochs
    training = {
        "task": TASK.name,
        "style": str(options.style),
        "style_checksum": checksum([style]),
        "size": options.size,
        "strength": options.strength,
        "pictures": inputs.pictures,
        "pictures_checksum": inputs.checksum,
        **vars(recipe),
        **{name: network.arguments[name] for name in ("width", "blocks")},
    }
    check_settings(options.out / SETTINGS, training, resume=options.resume)
    print(f"training for {TASK.name}: {recipe.epochs * recipe.epoch_steps} steps, batch size {recipe.batch_size}")
    watched = [centre((photo, photo), WATCHED_SIZE)[0] for photo in photos[:WATCHED]]
    with resumable(options.out):
        history = fit_style(network, loss, patches, recipe, options.out, watched, resume=options.resume)
        save_editor(options.out / MODEL, network.eval(), task=TASK.name, summary=TASK.summary, training=training)
        print(f"wrote {options.out / MODEL}")
        curves = {name: history.values(name) for name in ("loss", "content", "style", "tv")}
        draw_curves(options.out / "curves.png", curves, {}, "minicnn train style")
        rows = [
            [photo, edit(network, photo), style]
            for photo in (centre((p, p), PREVIEW_SIZE)[0] for p in photos[:PREVIEWS])
        ]
        comparison_sheet(options.out / "preview.png", rows, ["before", "edited", "style"])
        print(f"wrote {options.out / 'preview.png'}")


def _read_style(path: Path, size: int) -> Picture:
    """Read a picture, and reduce it until its shorter side has at most `size` pixels."""
    picture: Picture = read_image(path)
    factor = size / min(picture.shape[1:])
    if factor < 1:
        picture = resize(picture, *(round(side * factor) for side in picture.shape[1:]))
    return picture
