"""The part of docs/quality.md about generators: a table and a figure of what `recipes.generators` has measured."""

import json
from pathlib import Path
from typing import Any

from recipes.generators import COUNT, PICTURES, RESULTS

__all__ = ["section"]

FIGURE = PICTURES / "generators-minutes.png"
MEASURES = ("FID", "FD64", "1-NN", "precision", "recall", "new", "PSNR")

TEXT = """## Generators

Pictures of clothes (Fashion-MNIST): {count} generated pictures against {count} held-out ones.

- FID: the Fréchet distance in 64 features of a classifier that comes with minicnn (92.9 % accuracy). FD64: the one in
  64 principal components of the pixels. Smaller is better.
- 1-NN: how often a nearest neighbour tells generated from real pictures. 0.5 is perfect, 1 is bad.
- Precision: how many generated pictures look real. Recall: how many real pictures could be generated.
- New: the median distance to the nearest training picture, relative to that of held-out pictures. A number far below 1
  means copies.
- PSNR, in dB: how well an autoencoder repeats held-out pictures from 32 numbers.

`python -m recipes.generators FOLDER` trained and measured them, on 2 cores.

| | minutes | FID | FD64 | 1-NN | precision | recall | new | PSNR |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
{rows}

The quality against the minutes of training; the score is the one that `minicnn train generate` computes after every
epoch:

![score against minutes](pictures/{figure})

{pictures}
"""


def section() -> str:
    """Return the text, and draw the figure. Without results, the text is empty."""
    if not RESULTS.exists():
        return ""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    rows = [_row(label, "", values) for label, values in found["baselines"].items()]
    rows += [_row(name, f"{model['minutes']:.1f}", model["measures"]) for name, model in found["models"].items()]
    draw(FIGURE, found["models"])
    names = [name for name in found["models"] if (PICTURES / f"generated-{name}.png").exists()]
    pictures = "\n\n".join(f"{name}:\n\n![pictures by {name}](pictures/generated-{name}.png)" for name in names)
    return TEXT.format(count=COUNT, rows="\n".join(rows), figure=FIGURE.name, pictures=pictures)


def _row(label: str, minutes: str, values: dict[str, float]) -> str:
    cells = [f"{values[name]:.2f}" if name in values else "" for name in MEASURES]
    return f"| {label} | {minutes} | {' | '.join(cells)} |"


def draw(path: Path, models: dict[str, Any]) -> None:
    """Draw the scores of all generators against the minutes of training."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, model in models.items():
        minutes, scores = zip(*model["curve"], strict=True)
        if "PSNR" not in model["measures"]:
            axes.plot(minutes, scores, label=name)
    axes.set(xlabel="minutes of training on 2 cores", ylabel="Fréchet distance in 64 components", yscale="log")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
