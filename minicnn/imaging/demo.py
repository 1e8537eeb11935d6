"""The demo: shows trained networks, trains two networks on photos, and writes a report with figures to a folder.

(a) The trained models of minicnn repair photos: noisy, small, blurred, compressed, scratched and grey (`showcase.py`).
(b) CNNGenerator maps a noisy 3×32×32 colour patch to the clean 28×28 grey image of its centre. It encodes the patch in
    128 numbers, so it must generate the image again from these.
(c) ResidualEditor learns to remove noise from photos of any size.

All are evaluated on photos that they have not seen, together with classical methods.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from minicnn.autograd.tape import no_grad
from minicnn.data import PatchDataset, write_image
from minicnn.data.images import LUMA
from minicnn.imaging.classical import CLASSICAL_DENOISERS
from minicnn.imaging.corruptions import gaussian_noise, to_grey
from minicnn.imaging.editing import edit, save_editor
from minicnn.imaging.figures import comparison_sheet, loss_curve
from minicnn.imaging.learning import fit, spoilt_patches
from minicnn.imaging.metrics import Score
from minicnn.imaging.photos import HELD_OUT_PHOTOS, TRAINING_PHOTOS, centre_crop, load_photo
from minicnn.imaging.showcase import show_trained
from minicnn.imaging.tasks import PatchRecipe
from minicnn.models import CNNGenerator, ResidualEditor
from minicnn.nn import Module
from minicnn.ops.create import from_numpy
from minicnn.runtime import random
from minicnn.training import save_model

__all__ = ["run_demo"]

Picture = NDArray[np.float32]
Scores = dict[str, Score]
M = TypeVar("M", bound=Module)

SIGMA = 25 / 255  # standard deviation of the noise in photos
PATCH_SIGMA = 50 / 255  # standard deviation of the noise in patches, which hides their content
GENERATOR = PatchRecipe(steps=700, batch_size=64, patch=32, learning_rate=1e-3)
DENOISER = PatchRecipe(steps=2600)
QUICK_DIVISOR = 20  # quick=True divides the number of steps by this
TEST_PATCHES = 200  # number of patches of held-out photos for the evaluation of the generator
CROP_SIZE = 256  # pixels; the figure shows the centre of each photo


def run_demo(folder: Path, *, quick: bool = False, seed: int = 0, say: Callable[[str], None] = print) -> Path:
    """Show the trained models, train both networks, measure, and write all results to a folder.

    Parameters
    ----------
    folder : Path
        The folder for report.md, the images, the loss curves and the two models.
    quick : bool
        Train for a twentieth of the steps, as a test that all parts work. The results are poor.
    seed : int
        The same seed gives the same images.
    say : callable
        Called with a line of text at each stage.

    Returns
    -------
    Path
        The path of the report.
    """
    start = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    train, held_out = ({name: load_photo(name) for name in names} for names in (TRAINING_PHOTOS, HELD_OUT_PHOTOS))
    trained = show_trained(folder, held_out, say)
    patch_scores = _generator_part(folder, train, held_out, _recipe(GENERATOR, quick, seed), say)
    photo_scores, seconds = _denoiser_part(folder, train, held_out, _recipe(DENOISER, quick, seed), say)
    minutes = (time.perf_counter() - start) / 60
    report = folder / "report.md"
    report.write_text(_report(trained, patch_scores, photo_scores, seconds, minutes, quick), encoding="utf-8")
    say(f"done in {minutes:.1f} minutes; read {report}")
    return report


def _recipe(recipe: PatchRecipe, quick: bool, seed: int) -> PatchRecipe:
    steps = recipe.steps // QUICK_DIVISOR if quick else recipe.steps
    return replace(recipe, steps=steps, seed=seed)


def _train(
    model_class: Callable[[], M],
    photos: Mapping[str, Picture],
    spoil: Callable[[Picture, np.random.Generator], tuple[Picture, Picture]],
    recipe: PatchRecipe,
    folder: Path,
    name: str,
) -> M:
    """Train a new model on pairs that `spoil` makes from patches of the photos, and draw the loss curve."""
    random.manual_seed(recipe.seed)
    model = model_class()
    losses = fit(model, spoilt_patches(photos.values(), spoil, recipe), recipe, folder / name).values("loss")
    loss_curve(folder / f"{name}-loss.png", {"mean squared error": losses}, title=type(model).__name__)
    model.eval()
    return model


# --- (b) the generator ----------------------------------------------------------------------------------------


def _grey_centre(clean: Picture) -> Picture:
    return centre_crop(to_grey(clean), 28)


def _generator_sample(clean: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    """Return a noisy patch (3, 32, 32), and its clean grey centre as 784 numbers in [-1, 1], the range of tanh."""
    return gaussian_noise(clean, PATCH_SIGMA, rng), 2 * _grey_centre(clean).reshape(784) - 1


def _generator_part(
    folder: Path,
    train: Mapping[str, Picture],
    held_out: Mapping[str, Picture],
    recipe: PatchRecipe,
    say: Callable[[str], None],
) -> Scores:
    say(f"(b) CNNGenerator learns to clean patches: {recipe.steps} steps")
    model = _train(CNNGenerator, train, _generator_sample, recipe, folder, "generator")
    save_model(folder / "generator.safetensors", model, architecture="CNNGenerator", arguments={})

    patches = PatchDataset(held_out.values(), recipe.patch, TEST_PATCHES, seed=recipe.seed + 1)
    clean = np.stack([patches[i] for i in range(len(patches))])  # (TEST_PATCHES, 3, 32, 32)
    noisy = gaussian_noise(clean, PATCH_SIGMA, np.random.default_rng(recipe.seed))
    with no_grad():
        outputs = np.clip((model(from_numpy(noisy)).numpy().reshape(-1, 1, 28, 28) + 1) / 2, 0, 1)
    sigma = PATCH_SIGMA * float(np.linalg.norm(LUMA))  # standard deviation of the noise after to_grey
    results: dict[str, list[Picture]] = {
        "noisy": [_grey_centre(n) for n in noisy],
        "CNNGenerator": list(outputs),
        **{name: [centre_crop(f(to_grey(n), sigma), 28) for n in noisy] for name, f in CLASSICAL_DENOISERS.items()},
    }
    targets = [_grey_centre(c) for c in clean]
    rows, captions = [], []
    for i in np.argsort([-t.std() for t in targets], kind="stable")[:120:20]:  # sorted by contrast, largest first
        images = [results["noisy"][i], results["CNNGenerator"][i], targets[i]]
        rows.append([noisy[i], *images])
        captions.append(["", *(str(Score.of(p, targets[i])) for p in images[:2]), ""])
    titles = ["noisy patch", "its grey centre", "CNNGenerator", "clean"]
    comparison_sheet(folder / "generator.png", rows, titles, captions)
    return {n: Score.mean(map(Score.of, pictures, targets)) for n, pictures in results.items()}


# --- (c) the denoiser -----------------------------------------------------------------------------------------


def _denoiser_sample(clean: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    return gaussian_noise(clean, SIGMA, rng), clean


def _denoiser_part(
    folder: Path,
    train: Mapping[str, Picture],
    held_out: Mapping[str, Picture],
    recipe: PatchRecipe,
    say: Callable[[str], None],
) -> tuple[dict[str, Scores], dict[str, float]]:
    say(f"(c) ResidualEditor learns to remove noise: {recipe.steps} steps")
    model = _train(ResidualEditor, train, _denoiser_sample, recipe, folder, "denoiser")
    save_editor(folder / "denoiser.safetensors", model, task="denoise", sigma=SIGMA)

    say("    edits the held-out photos; the classical denoisers do the same")
    methods: dict[str, Callable[[Picture], Picture]] = {
        "noisy": lambda image: image,
        "ResidualEditor": lambda image: edit(model, image),
        **{name: lambda image, f=f: f(image, SIGMA) for name, f in CLASSICAL_DENOISERS.items()},  # type: ignore[misc]
    }
    scores: dict[str, Scores] = {}
    seconds = dict.fromkeys(methods, 0.0)
    rows, captions = [], []
    for i, (photo, clean) in enumerate(held_out.items()):
        noisy = gaussian_noise(clean, SIGMA, np.random.default_rng([recipe.seed, i]))
        results = {}
        for name, method in methods.items():
            start = time.perf_counter()
            results[name] = method(noisy)
            seconds[name] += time.perf_counter() - start
        scores[photo] = {name: Score.of(result, clean) for name, result in results.items()}
        for name in ("noisy", "ResidualEditor"):
            write_image(folder / f"{photo}-{'noisy' if name == 'noisy' else 'edited'}.png", results[name])
        write_image(folder / f"{photo}-clean.png", clean)
        rows.append([centre_crop(p, CROP_SIZE) for p in (*results.values(), clean)])
        captions.append([*(str(s) for s in scores[photo].values()), photo])
    comparison_sheet(folder / "denoiser.jpg", rows, [*methods, "clean"], captions)
    return scores, seconds


# --- the report -----------------------------------------------------------------------------------------------


def _table(rows: Mapping[str, Scores], corner: str) -> str:
    names = list(next(iter(rows.values())))
    lines = [f"| {corner} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {row} | {' | '.join(str(scores[n]) for n in names)} |" for row, scores in rows.items()]
    return "\n".join(lines)


def _report(
    trained: str, patches: Scores, photos: dict[str, Scores], seconds: dict[str, float], minutes: float, quick: bool
) -> str:
    methods = list(next(iter(photos.values())))
    mean = {name: Score.mean(scores[name] for scores in photos.values()) for name in methods}
    classical = max((mean[n] for n in CLASSICAL_DENOISERS), key=lambda s: s.psnr)
    gain = mean["ResidualEditor"].psnr - classical.psnr
    times = ", ".join(f"{n} {s:.2f} s" for n, s in seconds.items() if n != "noisy")
    texts: dict[str, Any] = {
        "quick": "\n**A quick run: the networks were hardly trained, and the numbers mean nothing.**\n"
        if quick
        else "",
        "gain": f"{abs(gain):.2f} dB {'above' if gain > 0 else 'below'} the best classical denoiser",
    }
    return f"""# minicnn demo

## The trained models

These models come with minicnn: `minicnn edit denoise PHOTO`. PSNR in dB, the mean over {len(photos)} photos that they
have not seen; larger is better. Methods with * know how the photo was spoilt; the models do not. The figure shows the
parts with the largest errors of both methods.

{trained}

![spoilt, repaired and clean photos](trained.jpg)

## Two networks, trained here

Trained on {len(TRAINING_PHOTOS)} of scikit-image's photos ({", ".join(TRAINING_PHOTOS)}). Evaluated on {len(photos)}
held-out photos ({", ".join(photos)}). Total time: {minutes:.1f} minutes. The numbers are PSNR and SSIM against the
clean image; larger is better.
{texts["quick"]}
### Removing noise from photos

Gaussian noise with σ = {SIGMA * 255:.0f}/255, clipped to [0, 1]. The classical denoisers know σ.
ResidualEditor is {texts["gain"]} on average.

{_table({**photos, "**mean**": mean}, "whole photo")}

Seconds for the {len(photos)} photos: {times}.

![noisy, edited and clean photos](denoiser.jpg)

The figure shows the centre of each photo. The numbers below it are for the whole photo.

![loss](denoiser-loss.png)

### Generating patches

Gaussian noise with σ = {PATCH_SIGMA * 255:.0f}/255 on 32 × 32 colour patches. CNNGenerator generates the clean grey
28 × 28 centre from 128 numbers, so it keeps large shapes and loses fine detail. The other methods get the noisy grey
patch. Means over {TEST_PATCHES} patches of the held-out photos.

{_table({"28 × 28 centre": patches}, "")}

![noisy patches, the output of the generator, and the clean centres](generator.png)
![loss](generator-loss.png)

## Files

`denoiser.safetensors` edits your own photos: `minicnn edit denoiser.safetensors PHOTO --out edited`.
`generator.safetensors` is the CNNGenerator. The noisy, edited and clean photos are in the folder of this report.
"""
