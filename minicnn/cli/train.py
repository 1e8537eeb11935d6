"""`minicnn train`: teach a network to edit photos."""

import argparse
import json
from pathlib import Path
from typing import Any

from minicnn.cli.arguments import add_command, add_device, count, output_folder, positive, seed
from minicnn.cli.inputs import Pair, gather
from minicnn.errors import DataError, MissingPackageError
from minicnn.imaging import TASKS, comparison_sheet, loss_curve
from minicnn.imaging.editing import edit, save_editor
from minicnn.imaging.learning import CHECKPOINT, Recipe, Score, first_guess, fit, judge
from minicnn.models import ResidualEditor
from minicnn.runtime import random

__all__ = ["add", "run"]

DETAILS = """\
Train a ResidualEditor, either for a task on a folder of good photos, which are spoilt on the fly:

{tasks}

or on two folders of pictures with the same names: what it gets and what it shall make of them.

One picture in ten is held out (if there are at least five) and judged at the end. The folder --out gets
model.safetensors for 'minicnn edit', preview.png, losses.jsonl, loss.png and settings.json. Ctrl-C keeps a
checkpoint; the same command with --resume goes on from it. More steps make a better network.

examples:
  minicnn train my-photos --task denoise --out runs/denoise
  minicnn train --inputs scans --targets restored --steps 5000 --out runs/restore
"""
SETTINGS = "settings.json"


def add(commands: Any) -> None:
    """Declare the command."""
    tasks = "\n".join(f"  {task.name:<12} {task.summary}" for task in TASKS.values())
    parser = add_command(commands, "train", run, "train a network on a folder of photos", DETAILS.format(tasks=tasks))
    recipe = Recipe()
    parser.add_argument("photos", type=Path, nargs="?", metavar="PHOTOS", help="folder of good photos, for --task")
    parser.add_argument(
        "--task", choices=list(TASKS), metavar="TASK", help="what to learn from them, a name above (default: denoise)"
    )
    parser.add_argument("--inputs", type=Path, metavar="DIR", help="folder of inputs, with --targets")
    parser.add_argument("--targets", type=Path, metavar="DIR", help="folder of targets of the same names")
    parser.add_argument(
        "--out", type=output_folder, required=True, metavar="DIR", help="folder for everything that comes out"
    )
    parser.add_argument(
        "--steps",
        type=count,
        metavar="N",
        default=recipe.steps,
        help="optimizer steps; above 100, in full hundreds (default: %(default)s)",
    )
    parser.add_argument(
        "--batch-size", type=count, metavar="N", default=recipe.batch_size, help="patches a step (%(default)s)"
    )
    parser.add_argument(
        "--patch", type=count, metavar="N", default=recipe.patch, help="side of an input patch (%(default)s pixels)"
    )
    parser.add_argument(
        "--learning-rate",
        type=positive,
        metavar="N",
        default=recipe.learning_rate,
        help="the highest one (%(default)s)",
    )
    parser.add_argument("--width", type=count, metavar="N", default=48, help="channels of the network (%(default)s)")
    parser.add_argument(
        "--blocks", type=count, metavar="N", default=2, help="residual blocks of the network (%(default)s)"
    )
    parser.add_argument(
        "--seed", type=seed, metavar="N", default=recipe.seed, help="the same seed gives the same network"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument(
        "--skip-broken", action="store_true", help="leave out files that cannot be used, and tell which"
    )
    add_device(parser)


def run(options: argparse.Namespace) -> None:
    """Run it."""
    checkpoint = options.out / CHECKPOINT
    if options.resume and not checkpoint.exists():
        raise DataError(f"--resume: there is no checkpoint '{checkpoint}'; leave --resume out to begin")
    if not options.resume and checkpoint.exists():
        raise DataError(
            f"--out: '{checkpoint}' is there already; add --resume to go on from it, or name another folder"
        )
    recipe = Recipe(options.steps, options.batch_size, options.patch, options.learning_rate, options.seed)
    material = gather(options, recipe)
    random.manual_seed(options.seed)
    model = ResidualEditor(**material.shape, width=options.width, blocks=options.blocks).to(options.device)
    training = {
        "task": material.task,
        "pictures": len(material.patches.images),
        **vars(recipe),
        "width": options.width,
        "blocks": options.blocks,
    }
    _settle(options.out / SETTINGS, training, resume=options.resume)
    print(
        f"training for {material.task}: {recipe.epochs * recipe.epoch_steps} steps, {options.batch_size} patches each"
    )
    try:
        losses = fit(model, material.patches, recipe, options.out, resume=options.resume)
    except KeyboardInterrupt as interrupt:
        if not str(interrupt):  # before there was anything to save
            raise
        raise KeyboardInterrupt(f"{interrupt}: add --resume to the same command") from interrupt
    save_editor(options.out / "model.safetensors", model.eval(), task=material.task, training=training)
    print(f"wrote {options.out / 'model.safetensors'}")
    try:
        title = f"minicnn train, {material.task}"
        loss_curve(options.out / "loss.png", {"mean squared error": losses}, title=title)
    except MissingPackageError as missing:
        print(f"no loss.png: {missing}")
    if material.held_out:
        before, after = judge(model, material.held_out)
        print(f"PSNR and SSIM of {len(material.held_out)} held out: {before} as they come, {after} edited")
        _preview(options.out / "preview.png", model, material.held_out[:4])
        print(f"look at {options.out / 'preview.png'}")


def _settle(path: Path, settings: dict[str, Any], *, resume: bool) -> None:
    """Write down with what a training begins, or check that one goes on as it began."""
    if not resume:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        return
    try:
        began = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"--resume: '{path}', which says how the training began, cannot be read ({error}); "
            "name another --out to begin anew"
        ) from error
    changed = [
        f"{name} {began.get(name)} (now {value})" for name, value in settings.items() if began.get(name) != value
    ]
    if changed:
        raise DataError(
            f"--resume: the training in '{path.parent}' began with {', '.join(changed)}; "
            "go on with the same settings, or name another --out to begin anew"
        )


def _preview(path: Path, model: ResidualEditor, pairs: list[Pair]) -> None:
    """Input, edited and target of some held-out pictures, cut to a size that fits a screen."""
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
