"""The demonstration: two networks learn from photos in two minutes, and a folder of pictures shows what they can do.

(a) CNNGenerator turns a noisy 3×32×32 colour patch into the clean 28×28 grey picture of its centre: through 128
    numbers, so it has to paint the picture anew.
(b) ResidualEditor learns to remove noise from photos of any size.

Both are judged on photos that they never saw, beside scikit-image's classical denoisers, in the same run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from minicnn.autograd.tape import no_grad
from minicnn.data import PatchDataset, write_image
from minicnn.imaging.classical import CLASSICAL_DENOISERS
from minicnn.imaging.corruptions import LUMA, gaussian_noise, to_grey
from minicnn.imaging.editing import edit, save_editor
from minicnn.imaging.figures import comparison_sheet, loss_curve
from minicnn.imaging.learning import Recipe, Score, fit, spoilt_patches
from minicnn.imaging.photos import HELD_OUT_PHOTOS, TRAINING_PHOTOS, centre_crop, load_photo
from minicnn.models import CNNGenerator, ResidualEditor
from minicnn.nn import Module
from minicnn.ops.create import from_numpy
from minicnn.runtime import random
from minicnn.training import save_model

__all__ = ["run_demo"]

Picture = NDArray[np.float32]
Scores = dict[str, Score]
M = TypeVar("M", bound=Module)

SIGMA = 25 / 255  # of the photos' noise
PATCH_SIGMA = 50 / 255  # of the patches' noise: enough to hide what is in them
GENERATOR = Recipe(steps=700, batch_size=64, patch=32, learning_rate=2e-3)
DENOISER = Recipe(steps=2600)
QUICK = 20  # times fewer steps
JUDGED = 200  # patches of photos that no network saw
SHOWN = 256  # pixels: side of what the sheet shows of a photo


def run_demo(folder: Path, *, quick: bool = False, seed: int = 0, say: Callable[[str], None] = print) -> Path:
    """Train, edit, measure, and write everything into a folder.

    Parameters
    ----------
    folder : Path
        Gets report.md, the pictures, the loss curves and the two models.
    quick : bool
        Train for a twentieth of the steps, to see that everything works; the pictures are poor then.
    seed : int
        The same seed gives the same pictures.
    say : callable
        Gets a line at each stage.

    Returns
    -------
    Path
        Of the report.
    """
    start = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    train, held_out = ({name: load_photo(name) for name in names} for names in (TRAINING_PHOTOS, HELD_OUT_PHOTOS))
    patch_scores = _generator_part(folder, train, held_out, _recipe(GENERATOR, quick, seed), say)
    photo_scores, seconds = _denoiser_part(folder, train, held_out, _recipe(DENOISER, quick, seed), say)
    minutes = (time.perf_counter() - start) / 60
    report = folder / "report.md"
    report.write_text(_report(patch_scores, photo_scores, seconds, minutes, quick), encoding="utf-8")
    say(f"done in {minutes:.1f} minutes; read {report}")
    return report


def _recipe(recipe: Recipe, quick: bool, seed: int) -> Recipe:
    steps = recipe.steps // QUICK if quick else recipe.steps
    return Recipe(steps, recipe.batch_size, recipe.patch, recipe.learning_rate, seed)


def _learn(
    model_class: Callable[[], M],
    photos: Mapping[str, Picture],
    spoil: Callable[[Picture, np.random.Generator], tuple[Picture, Picture]],
    recipe: Recipe,
    folder: Path,
    name: str,
) -> M:
    """Train a fresh model on spoilt patches of the photos, and draw how the loss fell."""
    random.manual_seed(recipe.seed)
    model = model_class()
    losses = fit(model, spoilt_patches(photos.values(), spoil, recipe), recipe, folder / name)
    loss_curve(folder / f"{name}-loss.png", {"mean squared error": losses}, title=type(model).__name__)
    model.eval()
    return model


# --- (a) the generator ----------------------------------------------------------------------------------------


def _grey_centre(clean: Picture) -> Picture:
    return centre_crop(to_grey(clean), 28)


def _generator_sample(clean: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    """(3, 32, 32) -> a noisy one and the clean grey centre as 784 numbers in [-1, 1], where tanh ends."""
    return gaussian_noise(clean, PATCH_SIGMA, rng), 2 * _grey_centre(clean).reshape(784) - 1


def _generator_part(
    folder: Path,
    train: Mapping[str, Picture],
    held_out: Mapping[str, Picture],
    recipe: Recipe,
    say: Callable[[str], None],
) -> Scores:
    say(f"(a) CNNGenerator learns to clean patches: {recipe.steps} steps")
    model = _learn(CNNGenerator, train, _generator_sample, recipe, folder, "generator")
    save_model(folder / "generator.safetensors", model, architecture="CNNGenerator", arguments={})

    unseen = PatchDataset(held_out.values(), recipe.patch, JUDGED, seed=recipe.seed + 1)
    clean = np.stack([unseen[i] for i in range(len(unseen))])  # (JUDGED, 3, 32, 32)
    noisy = gaussian_noise(clean, PATCH_SIGMA, np.random.default_rng(recipe.seed))
    with no_grad():
        painted = np.clip((model(from_numpy(noisy)).numpy().reshape(-1, 1, 28, 28) + 1) / 2, 0, 1)
    sigma = PATCH_SIGMA * float(np.linalg.norm(LUMA))  # what is left of the noise in grey
    results: dict[str, list[Picture]] = {
        "noisy": [_grey_centre(n) for n in noisy],
        "CNNGenerator": list(painted),
        **{name: [centre_crop(f(to_grey(n), sigma), 28) for n in noisy] for name, f in CLASSICAL_DENOISERS.items()},
    }
    targets = [_grey_centre(c) for c in clean]
    rows, captions = [], []
    for i in np.argsort([-t.std() for t in targets], kind="stable")[:120:20]:  # from much detail to little
        shown = [results["noisy"][i], results["CNNGenerator"][i], targets[i]]
        rows.append([noisy[i], *shown])
        captions.append(["", *(str(Score.of(p, targets[i])) for p in shown[:2]), ""])
    titles = ["noisy patch", "its grey centre", "CNNGenerator", "clean"]
    comparison_sheet(folder / "generator.png", rows, titles, captions)
    return {n: Score.mean(map(Score.of, pictures, targets)) for n, pictures in results.items()}


# --- (b) the denoiser -----------------------------------------------------------------------------------------


def _denoiser_sample(clean: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    return gaussian_noise(clean, SIGMA, rng), clean


def _denoiser_part(
    folder: Path,
    train: Mapping[str, Picture],
    held_out: Mapping[str, Picture],
    recipe: Recipe,
    say: Callable[[str], None],
) -> tuple[dict[str, Scores], dict[str, float]]:
    say(f"(b) ResidualEditor learns to remove noise: {recipe.steps} steps")
    model = _learn(ResidualEditor, train, _denoiser_sample, recipe, folder, "denoiser")
    save_editor(folder / "denoiser.safetensors", model, task="denoise", sigma=SIGMA)

    say("    edits the held-out photos, beside the classical denoisers")
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
        rows.append([centre_crop(p, SHOWN) for p in (*results.values(), clean)])
        captions.append([*(str(s) for s in scores[photo].values()), photo])
    comparison_sheet(folder / "denoiser.jpg", rows, [*methods, "clean"], captions)
    return scores, seconds


# --- the report -----------------------------------------------------------------------------------------------


def _table(rows: Mapping[str, Scores], head: str) -> str:
    names = list(next(iter(rows.values())))
    lines = [f"| {head} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {row} | {' | '.join(str(scores[n]) for n in names)} |" for row, scores in rows.items()]
    return "\n".join(lines)


def _report(patches: Scores, photos: dict[str, Scores], seconds: dict[str, float], minutes: float, quick: bool) -> str:
    methods = list(next(iter(photos.values())))
    mean = {name: Score.mean(scores[name] for scores in photos.values()) for name in methods}
    classical = max((mean[n] for n in CLASSICAL_DENOISERS), key=lambda s: s.psnr)
    gain = mean["ResidualEditor"].psnr - classical.psnr
    times = ", ".join(f"{n} {s:.2f} s" for n, s in seconds.items() if n != "noisy")
    words: dict[str, Any] = {
        "quick": "\n**A quick run: the networks were hardly trained, and the figures say nothing.**\n" if quick else "",
        "gain": f"{abs(gain):.2f} dB {'above' if gain > 0 else 'below'} the best classical denoiser",
    }
    return f"""# minicnn demo

Trained on {len(TRAINING_PHOTOS)} of scikit-image's photos ({", ".join(TRAINING_PHOTOS)}), judged on {len(photos)}
that no network saw ({", ".join(photos)}); {minutes:.1f} minutes in all. Figures are PSNR and SSIM against the clean
picture: more is better.
{words["quick"]}
## Removing noise from photos

Noise of {SIGMA * 255:.0f}/255, clipped to what a file can hold. The classical denoisers are told the noise's strength.
ResidualEditor is {words["gain"]} on average.

{_table({**photos, "**mean**": mean}, "whole photo")}

Seconds for the {len(photos)} photos: {times}.

![noisy, edited and clean photos](denoiser.jpg)

The picture shows the middle of each photo; the figures under it are those of the whole.

![loss](denoiser-loss.png)

## Painting patches anew

Noise of {PATCH_SIGMA * 255:.0f}/255 on 32 × 32 colour patches; CNNGenerator paints the clean grey 28 × 28 centre
from 128 numbers, which keeps the large forms and leaves out the fine ones. The others see the grey patch. Means over
{JUDGED} patches of the photos that no network saw.

{_table({"28 × 28 centre": patches}, "")}

![noisy patches, what the generator painted, and the clean centres](generator.png)
![loss](generator-loss.png)

## Files

`denoiser.safetensors` edits your own photos: `minicnn edit denoiser.safetensors PHOTO --out edited`.
`generator.safetensors` is the CNNGenerator. The photos stand beside this report, noisy, edited and clean.
"""
