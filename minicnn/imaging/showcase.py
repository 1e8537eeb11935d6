"""The trained models at work: photos are spoilt, and repaired by the models and by classical methods.

The demo begins with it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minicnn.imaging.damages import DAMAGES, compare
from minicnn.imaging.editing import edit, load_editor, trained_models
from minicnn.imaging.figures import comparison_sheet

__all__ = ["show_trained"]

Picture = NDArray[np.float32]
CROP_SIZE = 224  # pixels


def show_trained(folder: Path, photos: Mapping[str, Picture], say: Callable[[str], None]) -> str:
    """Repair photos with each trained model, draw trained.jpg, and return a table of the mean PSNR in Markdown.

    Parameters
    ----------
    folder : Path
    photos : mapping of name to image (3, H, W)
        Photos that the models have not seen. The figure shows the parts that the methods repair worst.
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
        model = load_editor(damage.model).model
        found = [
            compare(damage, clean, np.random.default_rng([index, 2]), {"minicnn": partial(edit, model)})
            for index, clean in enumerate(photos.values())
        ]
        means = {name: float(np.mean([one.psnr[name] for one in found])) for name in found[0].psnr}
        best = max(damage.classical, key=lambda name: means[name], default="")
        lines.append(
            f"| {damage.name} | {damage.model} | {_number(means.get('input'))} | "
            f"{best} {_number(means.get(best))} | **{means['minicnn']:.2f}** |"
        )
        one = found[number % len(photos)]
        crop = one.hardest(min(CROP_SIZE, *one.clean.shape[1:]))
        columns = [one.spoilt, one.results.get(best, one.spoilt), one.results["minicnn"], one.clean]
        rows.append([p[crop] for p in columns])
        told = f"{best}: {_number(one.psnr.get(best))} dB" if best else ""
        captions.append([damage.name, told, f"{one.psnr['minicnn']:.2f} dB", ""])
    comparison_sheet(folder / "trained.jpg", rows, ["spoilt", "classical", "minicnn", "clean"], captions)
    return "\n".join(lines)


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"
