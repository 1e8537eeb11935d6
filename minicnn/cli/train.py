"""`minicnn train`: train a network to edit photos, evaluate it, and write the model to a folder.

`inputs.py` reads the images. `imaging/learning.py` trains.
"""

import argparse
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from minicnn.cli.arguments import add_command, count
from minicnn.cli.inputs import Pair, Picture, TrainingInputs, gather, task_of
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
from minicnn.data import write_image
from minicnn.errors import DataError
from minicnn.imaging import comparison_sheet
from minicnn.imaging.editing import edit, load_editor, save_editor
from minicnn.imaging.learning import MODEL, first_guess, fit, improves, judge, steps_for, trainer_for
from minicnn.imaging.metrics import Score
from minicnn.imaging.tasks import TASKS, PatchRecipe, Task
from minicnn.models import EDSR, DnCNN, EditingNetwork, EditingUNet, Inpainter, ResidualEditor, build
from minicnn.runtime import random
from minicnn.training import History, Trainer

__all__ = ["Method", "add", "add_network", "exit_code", "run", "train"]

DETAILS = """\
Train a network. Either for a task, on a folder of clean photos from which the inputs are made:

{tasks}

or on two folders of images with the same names: the inputs, and the targets that the network learns to produce.
'minicnn train pix2pix' trains such pairs against a discriminator, 'minicnn train style' learns the style of a picture.

Photos are used at their own size and at half their size. If there are at least five, every tenth image is held out, but
at most 20. These images choose the best network of the training, end it early if nothing improves, and are the
evaluation at the end, so its figures are slightly too good. The folder --out gets model.safetensors for 'minicnn edit',
samples/ and preview.png with results, losses.jsonl, curves.png and settings.json. After Ctrl-C there is a checkpoint;
the same command with --resume continues from it. More steps give a better network.

examples:
  minicnn train my-photos --task denoise --out runs/denoise
  minicnn train my-photos --task denoise --from denoise --minutes 5 --out runs/my-denoise
  minicnn train --inputs scans --targets restored --steps 5000 --out runs/restore
"""
NETWORKS: tuple[type[EditingNetwork], ...] = (ResidualEditor, EditingUNet, DnCNN, EDSR, Inpainter)
FINE = 0.1  # of the task's learning rate, with --from: a high rate would destroy the trained weights first
PREVIEW_SIZE = 320  # pixels
WATCHED = 8  # held-out images that are evaluated after every epoch
SAMPLES = 4  # of them that are shown in samples/
WATCHED_SIZE = 192  # pixels; the side of their crops, in pixels of the result; larger if there are fewer images
ARGUMENTS = ("width", "blocks", "levels")


def add(commands: Any) -> None:
    """Declare the command."""
    tasks = "\n".join(f"  {task.name:<12} {task.summary}" for task in TASKS.values())
    parser = add_command(commands, "train", run, "train a network on a folder of photos", DETAILS.format(tasks=tasks))
    parser.add_argument("photos", type=Path, nargs="?", metavar="PHOTOS", help="folder of clean photos, for --task")
    parser.add_argument(
        "--task", choices=list(TASKS), metavar="TASK", help="the task to learn, a name above (default: denoise)"
    )
    parser.add_argument("--inputs", type=Path, metavar="DIR", help="folder of inputs, with --targets")
    parser.add_argument("--targets", type=Path, metavar="DIR", help="folder of targets with the same names")
    add_settings(parser, PatchRecipe(), "the task's; ")
    add_network(parser, NETWORKS[0], "the task's; ")


def add_network(parser: argparse.ArgumentParser, network: type[EditingNetwork], default: str = "default: ") -> None:
    """Add the arguments that choose a network to a parser."""
    parser.add_argument(
        "--network",
        choices=[network.__name__ for network in NETWORKS],
        metavar="NAME",
        help=f"{', '.join(network.__name__ for network in NETWORKS)} ({default}{network.__name__})",
    )
    parser.add_argument("--levels", type=count, metavar="N", help="resolutions of a U-Net")
    parser.add_argument(
        "--from",
        dest="start",
        metavar="MODEL",
        help="begin with a trained model: its name, or a .safetensors file; at a tenth of the learning rate",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command; errors as in `train`. Return 1 if the network has learned nothing, otherwise 0."""
    task = task_of(options)
    model, inputs = train(options, task, Method(fit=partial(fit, loss=task.loss)))
    if not inputs.held_out:
        return exit_code(options, learned=improves(model, inputs.patches))
    before, after = judge(model, inputs.held_out, task.score)
    where = "images" if task.region is None else "images inside the holes"
    told, best = f"{before} before", before.psnr
    if options.start is not None:
        _, begun = judge(load_editor(options.start, options.device).model, inputs.held_out, task.score)
        told, best = f"{told}, {begun} by the model of --from", max(best, begun.psnr)
    print(f"PSNR and SSIM of {len(inputs.held_out)} held-out {where} together: {told}, {after} edited")
    return exit_code(options, learned=after.psnr > best)


def exit_code(
    options: argparse.Namespace, *, learned: bool, because: str = "its results are no better than its inputs"
) -> int:
    """Return 0, or say that the network has learned nothing and return 1."""
    if not learned:
        print(
            f"minicnn {options.command}: the network has learned nothing: {because}; "
            "train again with more steps or a lower learning rate, or check the pictures",
            file=sys.stderr,
        )
    return int(not learned)


@dataclass(frozen=True)
class Method:
    """How a network is trained.

    Attributes
    ----------
    trainer_for : callable, (model, recipe, callbacks) -> Trainer
    fit : callable
        With the arguments of `minicnn.imaging.learning.fit`.
    curves : mapping of str to str
        The losses in curves.png: the names in the history, by label.
    """

    trainer_for: Callable[[Any, PatchRecipe, Sequence[Any]], Trainer] = trainer_for
    fit: Callable[..., History] = fit
    curves: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({"loss": "loss"}))


def train(options: argparse.Namespace, task: Task, method: Method) -> tuple[EditingNetwork, TrainingInputs]:
    """Train a network as the command line says, write all results, and return the network and its data.

    Raises
    ------
    DataError
        If the options or the images cannot be used, or a resumed training has other settings.
    """
    check_folder(options.out, resume=options.resume)
    rate = task.recipe.learning_rate * (1 if options.start is None else FINE)
    recipe = replace(task.recipe, **{"learning_rate": rate, **given(options, vars(task.recipe))})
    if options.minutes:
        saved = saved_settings(options.out / SETTINGS) if options.resume else {}
        recipe = replace(recipe, steps=saved.get("steps", PatchRecipe.steps))
    random.manual_seed(options.seed)
    # Errors of the network come before images are read. But scale and channels of pairs are not known yet.
    model = _model(options, task) if options.inputs is None else None
    inputs = gather(task, options, recipe)
    task = inputs.task
    model = model or _model(options, task)
    if options.minutes and not options.resume:
        steps = steps_for(options.minutes, model, inputs.patches, recipe, method.trainer_for)
        recipe = replace(recipe, steps=steps)
        inputs.patches.count = recipe.epoch_steps * recipe.batch_size  # an epoch of the new recipe
    training: dict[str, Any] = {
        "task": task.name,
        "pictures": inputs.pictures,
        "pictures_checksum": inputs.checksum,
        **vars(recipe),
        "from": options.start,
        "network": type(model).__name__,
        **{name: model.arguments[name] for name in ARGUMENTS if name in model.arguments},
    }
    check_settings(options.out / SETTINGS, training, resume=options.resume)
    print(f"training for {task.name}: {recipe.epochs * recipe.epoch_steps} steps, batch size {recipe.batch_size}")
    about = {"task": task.name, "training": training}
    with resumable(options.out):
        history = method.fit(
            model,
            inputs.patches,
            recipe,
            options.out,
            evaluate=_watch(inputs, options.out / "samples") if inputs.held_out else None,
            about=about,
            resume=options.resume,
        )
        save_editor(options.out / MODEL, model.eval(), **about)
        print(f"wrote {options.out / MODEL}")
        curves = {label: history.values(name) for label, name in method.curves.items()}
        scores = {"PSNR in dB": history.values("score")}
        draw_curves(options.out / "curves.png", curves, scores, f"minicnn train, {task.name}")
        if inputs.held_out:
            _preview(options.out / "preview.png", model, inputs.held_out[:4], task)
            print(f"wrote {options.out / 'preview.png'}")
    return model, inputs


def _watch(inputs: TrainingInputs, folder: Path) -> Callable[[EditingNetwork], float]:
    """Return a function that measures the PSNR of a network on held-out images, and writes the results to a folder."""
    size = WATCHED_SIZE * max(WATCHED / len(inputs.held_out), 1) ** 0.5
    centres = [centre(pair, int(size)) for pair in inputs.held_out]
    region = inputs.task.region
    pairs = [pair for pair in centres if region is None or region(pair[0]).any()][:WATCHED] or inputs.held_out[:WATCHED]

    def evaluate(model: EditingNetwork) -> float:
        results = [edit(model, image) for image, _ in pairs]
        shown = [
            np.concatenate([_shown(image, target), y, target], axis=1)
            for (image, target), y in zip(pairs[:SAMPLES], results, strict=False)
        ]
        same = [column for column in shown if column.shape == shown[0].shape]
        number = len(list(folder.glob("*.jpg"))) + 1
        folder.mkdir(parents=True, exist_ok=True)
        write_image(folder / f"{number:03}.jpg", np.concatenate(same, axis=2))
        scores = [inputs.task.score(y, target, image) for y, (image, target) in zip(results, pairs, strict=True)]
        return Score.pooled(scores).psnr

    return evaluate


def _shown(image: Picture, target: Picture) -> Picture:
    """Return an input with the shape of its target, for a figure."""
    scale = target.shape[1] // image.shape[1]
    image = image.repeat(scale, axis=1).repeat(scale, axis=2)
    return image if len(image) == len(target) else np.repeat(image.mean(0, keepdims=True), len(target), 0)


def _model(options: argparse.Namespace, task: Task) -> EditingNetwork:
    """Return a new network, or the trained network that --from names."""
    arguments = given(options, ARGUMENTS)
    if options.start is not None:
        if options.network or arguments:
            raise DataError("--from: the network has its own size; leave --network, --width, --blocks and --levels out")
        source, model = f"--from: the network of '{options.start}'", load_editor(options.start).model.train()
    else:
        name = options.network or task.network.__name__
        own = task.arguments if name == task.network.__name__ else {}
        network = next(network for network in NETWORKS if network.__name__ == name)
        for argument in {**task.shape, **arguments}.keys() - inspect.signature(network).parameters.keys():
            advice = "it cannot enlarge; add --network ResidualEditor" if argument == "scale" else "leave it out"
            raise DataError(f"--network: {name} has no --{argument}: {advice}")
        source, model = f"--network: {name}", build(name, {**task.shape, **own, **arguments})
    expected = {"scale": 1, **task.shape}
    wrong = [f"{name} {getattr(model, name)} (not {n})" for name, n in expected.items() if getattr(model, name) != n]
    if wrong or (model.fills and task.region is None):
        raise DataError(
            f"{source} has {', '.join(wrong) or 'only learned to fill in holes'}; name another network for this task"
        )
    return model.to(options.device)


def _preview(path: Path, model: EditingNetwork, pairs: list[Pair], task: Task) -> None:
    """Write a figure with the input, the edited image and the target of held-out pairs, cropped to fit a screen."""
    rows, captions = [], []
    for image, target in (centre(pair, PREVIEW_SIZE) for pair in pairs):
        guess, edited = first_guess(image, model), edit(model, image)
        rows.append([_shown(image, target) if model.fills else guess, edited, target])
        captions.append([*(str(task.score(p, target, image)) for p in (guess, edited)), ""])
    comparison_sheet(path, rows, ["before", "edited", "target"], captions)
