"""The trained models at work: photos are spoilt, and repaired by the models and by classical methods.

The demo begins with it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minicnn.imaging.corruptions import as_in_a_file
from minicnn.imaging.damages import DAMAGES, Damage, most_spoilt
from minicnn.imaging.editing import edit, load_editor, trained_models
from minicnn.imaging.figures import comparison_sheet
from minicnn.imaging.metrics import psnr
from minicnn.imaging.tasks import TASKS

__all__ = ["show_trained"]

Picture = NDArray[np.float32]
CROP_SIZE = 224  # pixels


def show_trained(folder: Path, photos: Mapping[str, Picture], say: Callable[[str], None]) -> str:
    """Repair photos with each trained model, draw trained.jpg, and return a table of the mean PSNR in Markdown.

    Parameters
    ----------
    folder : Path
    photos : mapping of name to image (3, H, W)
        Photos that the models have not seen. The figure shows the part of a photo that is spoilt most.
    say : callable
        Called with a line of text.
    """
    photos = {name: p[:, : p.shape[1] // 6 * 6, : p.shape[2] // 6 * 6] for name, p in photos.items()}  # for all scales
    models = trained_models()
    damages = {damage.model: damage for damage in DAMAGES if damage.model in models}  # the last, strongest of a model
    say(f"(a) the trained models repair photos: {', '.join(damages)}")
    lines = ["| photos with | model | as they are | best classical method | minicnn |", "|---|---|--:|---|--:|"]
    rows, captions = [], []
    for number, damage in enumerate(damages.values()):
        found = [_repaired(damage, clean, index) for index, clean in enumerate(photos.values())]
        means = {name: float(np.mean([scores[name] for _, scores in found])) for name in found[0][1]}
        best = max(damage.classical, key=lambda name: means[name], default="")
        lines.append(
            f"| {damage.name} | {damage.model} | {_number(means.get('input'))} | "
            f"{best} {_number(means.get(best))} | **{means['minicnn']:.2f}** |"
        )
        images, scores = found[number % len(photos)]
        clean = images["clean"]
        crop = most_spoilt(images["spoilt"], clean, min(CROP_SIZE, *clean.shape[1:]))
        columns = [images["spoilt"], images.get(best, images["spoilt"]), images["minicnn"], clean]
        rows.append([p[crop] for p in columns])
        told = f"{best}: {_number(scores.get(best))} dB" if best else ""
        captions.append([damage.name, told, f"{scores['minicnn']:.2f} dB", ""])
    comparison_sheet(folder / "trained.jpg", rows, ["spoilt", "classical", "minicnn", "clean"], captions)
    return "\n".join(lines)


def _repaired(damage: Damage, clean: Picture, seed: int) -> tuple[dict[str, Picture], dict[str, float]]:
    """Return the pictures of a spoilt photo and what repairs it, and their PSNR in the region of the task."""
    spoilt = as_in_a_file(damage.spoil(clean, np.random.default_rng([seed, 2])))
    results = {"input": damage.input(spoilt)} if damage.input else {}
    results |= {name: method(spoilt) for name, method in damage.classical.items()}
    results["minicnn"] = edit(load_editor(damage.model).model, spoilt)
    inside = TASKS[damage.model].inside(spoilt)
    scores = {name: psnr(result[inside], clean[inside]) for name, result in results.items()}
    scale = clean.shape[1] // spoilt.shape[1]
    shown = spoilt.repeat(scale, axis=1).repeat(scale, axis=2)
    return {**results, "spoilt": shown if len(shown) == 3 else shown.repeat(3, axis=0), "clean": clean}, scores


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"
