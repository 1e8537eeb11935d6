"""The part of docs/quality.md about generators: a table and a figure of what `recipes.generators` has measured."""

import json
from pathlib import Path
from typing import Any

from recipes.generators import PICTURES, RESULTS

__all__ = ["section"]

MEASURES = ("FID", "FD64", "1-NN", "precision", "recall", "new", "PSNR")

TEXT = """## Generators

`python -m recipes.generators FOLDER` trained and measured them, on 2 cores: generated pictures against as many held-out
ones. Other programs ran beside the training of clothes-dcgan; alone, it takes about 50 minutes.

- FID: the Fréchet distance in the features of a small classifier that comes with minicnn, scaled to the mean variance
  1. FD64: the one in 64 principal components of the pixels. Smaller is better.
- 1-NN: how often a nearest neighbour tells generated from real pictures. 0.5 is perfect, 1 is bad.
- Precision: how many generated pictures look real. Recall: how many real pictures could be generated.
- New: the median distance to the nearest training picture, relative to that of held-out pictures. A number far below 1
  means copies.
- PSNR, in dB: how well an autoencoder repeats held-out pictures from 32 numbers.

The figures show the quality against the minutes of training. Their score is the one that `minicnn train generate`
computes after every epoch.
"""

PART = """### {title}

{about}

| {count} pictures | minutes | FID | FD64 | 1-NN | precision | recall | new | PSNR |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
{rows}

![score against minutes](pictures/{figure})

{pictures}
"""

TITLES = {
    "fashion-mnist": (
        "Clothes",
        "Fashion-MNIST, 28 × 28 pixels, grey. The classifier of the FID learned these ten classes (92.9 % accuracy).",
    ),
    "emoji-pictures": (
        "Emoji",
        "Noto Emoji (Google, Apache-2.0) and Twemoji (Twitter, CC BY 4.0), 32 × 32 pixels, made by "
        "`recipes/emoji.py`.\n"
        "Emoji with the same code points are held out together. The classifier of the FID learned textures of "
        "photos.\n"
        "The first row compares held-out with training pictures.",
    ),
}


def section() -> str:
    """Return the text, and draw the figures. Without results, the text is empty."""
    if not RESULTS.exists():
        return ""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    return "\n".join([TEXT, *(part(source, found[source]) for source in TITLES if source in found)])


def part(source: str, found: dict[str, Any]) -> str:
    """Return the text about the generators of a source, and draw the figure."""
    title, about = TITLES[source]
    rows = [_row(label, "", values) for label, values in found["baselines"].items()]
    rows += [_row(name, f"{model['minutes']:.1f}", model["measures"]) for name, model in found["models"].items()]
    figure = f"generators-{source}.png"
    draw(PICTURES / figure, found["models"])
    names = [name for name in found["models"] if (PICTURES / f"generated-{name}.png").exists()]
    pictures = "\n\n".join(f"{name}:\n\n![pictures by {name}](pictures/generated-{name}.png)" for name in names)
    lines = "\n".join(rows)
    return PART.format(title=title, about=about, count=found["count"], rows=lines, figure=figure, pictures=pictures)


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
