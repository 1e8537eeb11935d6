"""`minicnn train`: train a network to edit photos, evaluate it, and write the model to a folder.

`inputs.py` reads the images. `imaging/learning.py` trains.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from minicnn.cli.arguments import add_command, add_device, count, output_folder, positive, seed
from minicnn.cli.inputs import Pair, gather
from minicnn.errors import DataError, MissingPackageError
from minicnn.imaging import TASKS, comparison_sheet, loss_curve
from minicnn.imaging.editing import edit, load_editor, save_editor
from minicnn.imaging.learning import CHECKPOINT, Recipe, Score, first_guess, fit, judge, steps_for
from minicnn.models import EditingNetwork, ResidualEditor
from minicnn.runtime import random

__all__ = ["add", "run"]

DETAILS = """\
Train a ResidualEditor. Either for a task, on a folder of clean photos from which the inputs are made:

{tasks}

or on two folders of images with the same names: the inputs, and the targets that the network learns to produce.

Every tenth image is held out for the evaluation at the end (if there are at least five). The folder --out gets
model.safetensors for 'minicnn edit', preview.png, losses.jsonl, loss.png and settings.json. After Ctrl-C there is a
checkpoint; the same command with --resume continues from it. More steps give a better network.

examples:
  minicnn train my-photos --task denoise --out runs/denoise
  minicnn train my-photos --task denoise --from denoise --minutes 5 --out runs/my-denoise
  minicnn train --inputs scans --targets restored --steps 5000 --out runs/restore
"""
SETTINGS = "settings.json"


def add(commands: Any) -> None:
    """Declare the command."""
    tasks = "\n".join(f"  {task.name:<12} {task.summary}" for task in TASKS.values())
    parser = add_command(commands, "train", run, "train a network on a folder of photos", DETAILS.format(tasks=tasks))
    recipe = Recipe()
    parser.add_argument("photos", type=Path, nargs="?", metavar="PHOTOS", help="folder of clean photos, for --task")
    parser.add_argument(
        "--task", choices=list(TASKS), metavar="TASK", help="the task to learn, a name above (default: denoise)"
    )
    parser.add_argument("--inputs", type=Path, metavar="DIR", help="folder of inputs, with --targets")
    parser.add_argument("--targets", type=Path, metavar="DIR", help="folder of targets with the same names")
    parser.add_argument("--out", type=output_folder, required=True, metavar="DIR", help="folder for all results")
    parser.add_argument(
        "--steps",
        type=count,
        metavar="N",
        default=recipe.steps,
        help="optimizer steps; above 100, rounded up to hundreds (default: %(default)s)",
    )
    parser.add_argument(
        "--minutes", type=positive, metavar="N", help="as many steps as take about this time, at least 100"
    )
    parser.add_argument(
        "--batch-size", type=count, metavar="N", default=recipe.batch_size, help="patches in a step (%(default)s)"
    )
    parser.add_argument(
        "--patch", type=count, metavar="N", default=recipe.patch, help="side of an input patch (%(default)s pixels)"
    )
    parser.add_argument(
        "--learning-rate",
        type=positive,
        metavar="N",
        default=recipe.learning_rate,
        help="the highest learning rate (%(default)s)",
    )
    parser.add_argument("--width", type=count, metavar="N", help="channels of the network (48)")
    parser.add_argument("--blocks", type=count, metavar="N", help="residual blocks of the network (2)")
    parser.add_argument(
        "--from", dest="start", metavar="MODEL", help="begin with a trained model: its name, or a .safetensors file"
    )
    parser.add_argument(
        "--seed", type=seed, metavar="N", default=recipe.seed, help="the same seed gives the same network"
    )
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint in --out")
    parser.add_argument(
        "--skip-broken", action="store_true", help="leave out files that cannot be used, and print their names"
    )
    add_device(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command.

    Raises
    ------
    DataError
        If the options or the images cannot be used, or a resumed training has other settings.
    """
    checkpoint = options.out / CHECKPOINT
    if options.resume and not checkpoint.exists():
        raise DataError(f"--resume: there is no checkpoint '{checkpoint}'; leave --resume out to begin")
    if not options.resume and checkpoint.exists():
        raise DataError(
            f"--out: '{checkpoint}' exists already; add --resume to continue from it, or name another folder"
        )
    recipe = Recipe(options.steps, options.batch_size, options.patch, options.learning_rate, options.seed)
    if options.minutes:
        saved = _saved(options.out / SETTINGS) if options.resume else {}
        recipe = replace(recipe, steps=saved.get("steps", Recipe.steps))
    inputs = gather(options, recipe)
    random.manual_seed(options.seed)
    model = _model(options, inputs.shape)
    if options.minutes and not options.resume:
        recipe = replace(recipe, steps=steps_for(options.minutes, model, inputs.patches, recipe))
    training: dict[str, Any] = {
        "task": inputs.task,
        "pictures": len(inputs.patches.images),
        **vars(recipe),
        "from": options.start,
        **{name: model.arguments[name] for name in ("width", "blocks") if name in model.arguments},
    }
    _check_settings(options.out / SETTINGS, training, resume=options.resume)
    print(f"training for {inputs.task}: {recipe.epochs * recipe.epoch_steps} steps, {options.batch_size} patches each")
    try:
        losses = fit(model, inputs.patches, recipe, options.out, resume=options.resume)
    except KeyboardInterrupt as interrupt:
        if not str(interrupt):  # there is no checkpoint yet
            raise
        raise KeyboardInterrupt(f"{interrupt}: add --resume to the same command") from interrupt
    save_editor(options.out / "model.safetensors", model.eval(), task=inputs.task, training=training)
    print(f"wrote {options.out / 'model.safetensors'}")
    try:
        title = f"minicnn train, {inputs.task}"
        loss_curve(options.out / "loss.png", {"mean squared error": losses}, title=title)
    except MissingPackageError as missing:
        print(f"no loss.png: {missing}")
    if inputs.held_out:
        before, after = judge(model, inputs.held_out)
        print(f"PSNR and SSIM of {len(inputs.held_out)} held-out images: {before} as inputs, {after} edited")
        _preview(options.out / "preview.png", model, inputs.held_out[:4])
        print(f"wrote {options.out / 'preview.png'}")


def _model(options: argparse.Namespace, shape: dict[str, int]) -> EditingNetwork:
    """Return a new network, or the trained network that --from names."""
    if options.start is None:
        return ResidualEditor(**shape, width=options.width or 48, blocks=options.blocks or 2).to(options.device)
    if options.width or options.blocks:
        raise DataError("--from: the network has its own width and blocks; leave --width and --blocks out")
    model = load_editor(options.start, options.device).model.train()
    wrong = [
        f"{name} {getattr(model, name)} (not {value})" for name, value in shape.items() if getattr(model, name) != value
    ]
    if wrong:
        raise DataError(
            f"--from: the network of '{options.start}' has {', '.join(wrong)}; name a model of the same task"
        )
    return model


def _saved(path: Path) -> dict[str, Any]:
    """Return the settings of a training that is resumed."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"--resume: '{path}', the settings of the training, cannot be read ({error}); "
            "name another --out to start a new training"
        ) from error


def _check_settings(path: Path, settings: dict[str, Any], *, resume: bool) -> None:
    """Write the settings of a new training to a file, or check that a resumed training has the same settings."""
    if not resume:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        return
    saved = _saved(path)
    changed = [
        f"{name} {saved.get(name)} (now {value})" for name, value in settings.items() if saved.get(name) != value
    ]
    if changed:
        raise DataError(
            f"--resume: the training in '{path.parent}' began with {', '.join(changed)}; "
            "use the same settings, or name another --out to start a new training"
        )


def _preview(path: Path, model: EditingNetwork, pairs: list[Pair]) -> None:
    """Write a figure with the input, the edited image and the target of held-out pairs, cropped to fit a screen."""
    rows, captions = [], []
    for image, target in pairs:
        side = 320 // model.scale
        top, left = (max(n - side, 0) // 2 for n in image.shape[1:])
        crop = image[:, top : top + side, left : left + side]
        s = model.scale
        target_crop = target[:, top * s : (top + side) * s, left * s : (left + side) * s]
        row = [first_guess(crop, model), edit(model, crop), target_crop]
        rows.append(row)
        captions.append([*(str(Score.of(p, target_crop)) for p in row[:2]), ""])
    comparison_sheet(path, rows, ["before", "edited", "target"], captions)
