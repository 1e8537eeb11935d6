"""`minicnn train`: teach a network to edit photos."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn import random
from minicnn.cli.arguments import add_command, count, positive
from minicnn.data import ImageFolder, PairedImageFolder, PatchDataset
from minicnn.errors import DataError, MissingPackageError
from minicnn.imaging import TASKS, comparison_sheet, loss_curve
from minicnn.imaging.editing import edit, save_editor
from minicnn.imaging.learning import (
    CHECKPOINT,
    Recipe,
    Score,
    first_guess,
    fit,
    judge,
    pair_patches,
    pair_scale,
    task_patches,
)
from minicnn.models import ResidualEditor

__all__ = ["add", "run"]

Picture = NDArray[np.float32]
Pair = tuple[Picture, Picture]

HELD_OUT = 10  # one photo in so many is kept from training, to judge the network by

DETAILS = """\
Train a ResidualEditor, either for a task on a folder of good photos, which are spoilt on the fly:

{tasks}

or on two folders of pictures with the same names: what it gets and what it shall make of them.

One photo in ten is held out (if there are at least five) and judged at the end. The folder --out gets
model.safetensors for 'minicnn edit', preview.png, losses.jsonl and loss.png. Ctrl-C keeps a checkpoint;
the same command with --resume goes on from it.

examples:
  minicnn train my-photos --task denoise --out runs/denoise
  minicnn train --inputs scans --targets restored --steps 5000 --out runs/restore
"""


def add(commands: Any) -> None:
    """Declare the command."""
    tasks = "\n".join(f"  {task.name:<12} {task.summary}" for task in TASKS.values())
    parser = add_command(
        commands, "train", run, "train a network on a folder of photos", DETAILS.format(tasks=tasks)
    )
    recipe = Recipe()
    parser.add_argument("photos", type=Path, nargs="?", metavar="PHOTOS", help="folder of good photos, for --task")
    parser.add_argument("--task", choices=list(TASKS), help="what to learn from them (default: denoise)")
    parser.add_argument("--inputs", type=Path, metavar="DIR", help="folder of inputs, with --targets")
    parser.add_argument("--targets", type=Path, metavar="DIR", help="folder of targets of the same names")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for everything that comes out")
    parser.add_argument("--steps", type=count, default=recipe.steps, help="optimizer steps (default: %(default)s)")
    parser.add_argument("--batch-size", type=count, default=recipe.batch_size, help="patches a step (%(default)s)")
    parser.add_argument("--patch", type=count, default=recipe.patch, help="side of an input patch (%(default)s pixels)")
    parser.add_argument(
        "--learning-rate", type=positive, default=recipe.learning_rate, help="the highest one (%(default)s)"
    )
    parser.add_argument("--width", type=count, default=48, help="channels of the network (%(default)s)")
    parser.add_argument("--blocks", type=count, default=2, help="residual blocks of the network (%(default)s)")
    parser.add_argument("--seed", type=int, default=recipe.seed, help="the same seed gives the same network")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--skip-broken", action="store_true", help="leave out files that cannot be read, and say so")


def run(options: argparse.Namespace) -> None:
    """Run it."""
    checkpoint = options.out / CHECKPOINT
    if options.resume and not checkpoint.exists():
        raise DataError(f"--resume: there is no {checkpoint}; leave --resume out to begin")
    if not options.resume and checkpoint.exists():
        raise DataError(f"--out: {checkpoint} is there already; add --resume to go on from it, or name another folder")
    recipe = Recipe(options.steps, options.batch_size, options.patch, options.learning_rate, options.seed)
    patches, held_out, shape, about = _material(options, recipe)
    random.manual_seed(options.seed)
    model = ResidualEditor(**shape, width=options.width, blocks=options.blocks)
    options.out.mkdir(parents=True, exist_ok=True)
    losses = fit(model, patches, recipe, options.out, resume=options.resume)
    save_editor(options.out / "model.safetensors", model.eval(), **about)
    print(f"wrote {options.out / 'model.safetensors'}")
    try:
        loss_curve(options.out / "loss.png", {"mean squared error": losses}, title=f"minicnn train, {about['task']}")
    except MissingPackageError as missing:
        print(f"no loss.png: {missing}")
    if held_out:
        before, after = judge(model, held_out)
        print(f"held-out photos ({len(held_out)}): {before} as they come, {after} edited (PSNR, SSIM)")
        _preview(options.out / "preview.png", model, held_out[:4])


def _material(
    options: argparse.Namespace, recipe: Recipe
) -> tuple[PatchDataset, list[Pair], dict[str, int], dict[str, Any]]:
    """Read the pictures; return patches to train on, pairs to judge by, the network's shape, and what it is about."""
    on_error = "skip" if options.skip_broken else "raise"
    if (options.inputs is None) != (options.targets is None):
        raise DataError("--inputs and --targets belong together: name both folders")
    if (options.photos is None) == (options.inputs is None):
        raise DataError("name either a folder of photos (minicnn train PHOTOS) or --inputs DIR --targets DIR")
    if options.inputs is not None:
        if options.task is not None:
            raise DataError("--task goes with a folder of photos; --inputs and --targets show themselves what to learn")
        folder = PairedImageFolder(options.inputs, options.targets, on_error=on_error)
        _tell(len(folder), folder.skipped, "pairs")
        train, held_out = _split(list(folder))
        scale = pair_scale([*train, *held_out])
        return pair_patches(train, recipe), held_out, {"scale": scale}, {"task": "pairs"}
    task = TASKS[options.task or "denoise"]
    photos = ImageFolder(options.photos, on_error=on_error)
    _tell(len(photos), photos.skipped, "photos")
    clean, kept = _split(list(photos))
    judged = [task(photo, np.random.default_rng([options.seed, i])) for i, photo in enumerate(kept)]
    shape = {"in_channels": task.in_channels, "out_channels": task.out_channels, "scale": task.scale}
    return task_patches(clean, task, recipe), judged, shape, {"task": task.name}


def _split(items: list[Any]) -> tuple[list[Any], list[Any]]:
    """Keep every tenth from training, at least one of five and more."""
    if len(items) < 5:
        return items, []
    kept = set(range(0, len(items), HELD_OUT))
    return [x for i, x in enumerate(items) if i not in kept], [x for i, x in enumerate(items) if i in kept]


def _tell(found: int, skipped: dict[Any, str], what: str) -> None:
    print(f"{found} {what}" + (f", {len(skipped)} skipped:" if skipped else ""))
    for path, reason in skipped.items():
        print(f"  {path}: {reason}")


def _preview(path: Path, model: ResidualEditor, pairs: list[Pair]) -> None:
    """Input, edited and target of some held-out photos, cut to a size that fits a screen."""
    rows, captions = [], []
    for image, target in pairs:
        side = 320 // model.scale
        top, left = (max(n - side, 0) // 2 for n in image.shape[1:])
        window = image[:, top : top + side, left : left + side]
        s = model.scale
        goal = target[:, top * s : (top + side) * s, left * s : (left + side) * s]
        shown = [first_guess(window, model), edit(model, window), goal]
        rows.append(shown)
        captions.append([*(str(Score.of(p, goal)) for p in shown[:2]), ""])
    comparison_sheet(path, rows, ["before", "edited", "target"], captions)
