"""The parts that all training commands share: settings, resuming, Ctrl-C, curves, crops of images."""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minicnn.cli.arguments import add_device, count, output_folder, positive, seed
from minicnn.cli.inputs import Pair
from minicnn.errors import DataError, MissingPackageError
from minicnn.imaging import loss_curve
from minicnn.imaging.learning import CHECKPOINT
from minicnn.imaging.tasks import PatchRecipe
from minicnn.training import Recipe

__all__ = [
    "SETTINGS",
    "add_settings",
    "centre",
    "check_folder",
    "check_settings",
    "draw_curves",
    "given",
    "resumable",
    "saved_settings",
]

SETTINGS = "settings.json"
DEFAULT = "default: "


def add_settings(parser: argparse.ArgumentParser, recipe: Recipe | None, default: str = DEFAULT) -> None:
    """Add the arguments of a training to a parser: its folder, its recipe, the size of its network.

    Without a recipe the defaults are told as `default` alone.
    """

    def told(name: str, prefix: str = default) -> str:
        return f"({prefix})" if recipe is None else f"({prefix}{getattr(recipe, name)})"

    steps = told("steps", DEFAULT if recipe else default)
    parser.add_argument("--out", type=output_folder, required=True, metavar="DIR", help="folder for all results")
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--steps",
        type=count,
        metavar="N",
        help=f"optimizer steps, rounded up to epochs of 100 steps or more {steps}",
    )
    length.add_argument("--minutes", type=positive, metavar="N", help="as many steps as take about this time")
    parser.add_argument("--batch-size", type=count, metavar="N", help=f"samples in a step {told('batch_size')}")
    if isinstance(recipe, PatchRecipe):
        parser.add_argument(
            "--patch", type=count, metavar="N", help=f"side of an input patch in pixels {told('patch')}"
        )
    parser.add_argument(
        "--learning-rate",
        type=positive,
        metavar="N",
        help=f"the highest learning rate {told('learning_rate')}",
    )
    parser.add_argument("--width", type=count, metavar="N", help="channels of the network")
    parser.add_argument("--blocks", type=count, metavar="N", help="residual blocks of the network, or of each level")
    parser.add_argument(
        "--seed", type=seed, metavar="N", default=Recipe.seed, help="the same seed gives the same network"
    )
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint in --out")
    parser.add_argument(
        "--skip-broken", action="store_true", help="leave out files that cannot be used, and print their names"
    )
    add_device(parser)


def given(options: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Return the arguments of these names that are on the command line."""
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def check_folder(folder: Path, *, resume: bool) -> None:
    """Check that the folder of results has a checkpoint if a training is resumed, and has none otherwise.

    Raises
    ------
    DataError
        If not.
    """
    checkpoint = folder / CHECKPOINT
    if resume and not checkpoint.exists():
        raise DataError(f"--resume: there is no checkpoint '{checkpoint}'; leave --resume out to begin")
    if not resume and checkpoint.exists():
        raise DataError(
            f"--out: '{checkpoint}' exists already; add --resume to continue from it, or name another folder"
        )


def saved_settings(path: Path) -> dict[str, Any]:
    """Return the settings of a training that is resumed.

    Raises
    ------
    DataError
        If they cannot be read.
    """
    try:
        saved = dict(json.loads(path.read_text(encoding="utf-8")))
        saved["steps"] = int(saved["steps"])
        return saved
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"--resume: '{path}', the settings of the training, cannot be read ({error}); "
            "name another --out to start a new training"
        ) from error


def check_settings(path: Path, settings: dict[str, Any], *, resume: bool) -> None:
    """Write the settings of a new training to a file, or check that a resumed training has the same settings.

    Raises
    ------
    DataError
        If they differ, or cannot be read.
    """
    if not resume:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        return
    saved = saved_settings(path)
    changed = [
        f"{name} {saved.get(name)} (now {value})" for name, value in settings.items() if saved.get(name) != value
    ]
    if changed:
        raise DataError(
            f"--resume: the training in '{path.parent}' began with {', '.join(changed)}; "
            "use the same settings, or name another --out to start a new training"
        )


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Add to the message of Ctrl-C how the training goes on, if there is a checkpoint."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not (folder / CHECKPOINT).exists():
            raise
        raise KeyboardInterrupt(f"{str(interrupt) or 'stopped'}: add --resume to the same command") from interrupt


def draw_curves(
    path: Path, losses: Mapping[str, Sequence[float]], scores: Mapping[str, Sequence[float]], title: str
) -> None:
    """Draw the curves of a training, or say that matplotlib is missing. Without a value there is no figure."""
    if not any(len(values) for values in losses.values()):
        return
    try:
        loss_curve(path, losses, scores, title=title)
    except MissingPackageError as missing:
        print(f"no {path.name}: {missing}")


def centre(pair: Pair, size: int) -> Pair:
    """Cut the centre out of a pair, of at most `size` pixels a side of the target."""
    image, target = pair
    scale = target.shape[1] // image.shape[1]
    height, width = (min(side, size // scale) for side in image.shape[1:])
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    return (
        image[:, top : top + height, left : left + width],
        target[:, scale * top : scale * (top + height), scale * left : scale * (left + width)],
    )
