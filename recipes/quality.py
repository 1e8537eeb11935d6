"""Measure the trained models on photos that none of them saw, and write docs/quality.md: `make quality`.

Each model is compared with its input and with classical methods, in the same run. The methods marked with * know how
the photo was spoilt; the networks do not. PSNR in dB, the mean over the photos in FOLDER/held-out of `recipes.photos`.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from minicnn.data import read_image
from minicnn.imaging.corruptions import as_in_a_file
from minicnn.imaging.damages import DAMAGES, Damage, most_spoilt
from minicnn.imaging.editing import edit, load_editor, trained_models
from minicnn.imaging.figures import comparison_sheet
from minicnn.imaging.metrics import psnr
from minicnn.imaging.tasks import TASKS

Picture = NDArray[np.float32]
ROOT = Path(__file__).parents[1]
CURVES = ROOT / "docs" / "pictures" / "curves-denoise.png"  # recipes/models.py copies it
LONGEST = 640  # pixels; larger photos are reduced by averaging
CROP = 200  # pixels; a side in the figures
SHOWN = 4  # photos in a figure


def held_out(folder: Path) -> dict[str, Picture]:
    """Return the photos, with sides that every scale divides."""
    photos = {}
    for path in sorted((folder / "held-out").glob("*.png")):
        image = read_image(path)
        with Image.open(path) as opened:
            factor = max(opened.size) / LONGEST
            if factor > 1:
                size = round(opened.width / factor), round(opened.height / factor)
                pixels = np.asarray(opened.convert("RGB").resize(size, Image.Resampling.BOX))
                image = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / np.float32(255)
        photos[path.stem] = image[:, : image.shape[1] // 6 * 6, : image.shape[2] // 6 * 6]
    if not photos:
        raise SystemExit(f"no photos in {folder / 'held-out'}; get them with: python -m recipes.photos {folder}")
    return photos


def measure(damage: Damage, photos: dict[str, Picture], path: str | Path) -> dict[str, Any]:
    """Return the mean PSNR of each method, the network's CPU seconds for a megapixel, and the pictures.

    The PSNR is that of the region of the model's task. Of the pictures, the first is the spoilt photo.
    """
    model = load_editor(path).model
    scores: dict[str, list[float]] = {}
    pictures: list[dict[str, Picture]] = []
    seconds, pixels = 0.0, 0
    for index, clean in enumerate(photos.values()):
        spoilt = as_in_a_file(damage.spoil(clean, np.random.default_rng([index, 1])))
        results = {"input": damage.input(spoilt)} if damage.input else {}
        results |= {name: method(spoilt) for name, method in damage.classical.items()}
        start = time.process_time()
        results["minicnn"] = edit(model, spoilt)
        seconds += time.process_time() - start
        pixels += clean.shape[1] * clean.shape[2]
        results["minicnn --best"] = edit(model, spoilt, best=True)
        inside = TASKS[damage.model].inside(spoilt)
        for name, result in results.items():
            scores.setdefault(name, []).append(psnr(result[inside], clean[inside]))
        shown = spoilt.repeat(clean.shape[1] // spoilt.shape[1], axis=1).repeat(clean.shape[2] // spoilt.shape[2], 2)
        pictures.append({"spoilt": shown if len(shown) == 3 else shown.repeat(3, axis=0), **results, "clean": clean})
    means = {name: round(float(np.mean(values)), 2) for name, values in scores.items()}
    return {"psnr": means, "seconds": round(1e6 * seconds / pixels, 2), "pictures": pictures}


def figure(path: Path, damage: Damage, pictures: list[dict[str, Picture]]) -> None:
    """Draw the parts of the first photos that were spoilt most, with each method's result."""
    rows, captions = [], []
    for images in pictures[:SHOWN]:
        images = {n: p for n, p in images.items() if n not in ("input", "minicnn --best")}
        clean = images["clean"]
        crop = most_spoilt(images["spoilt"], clean, CROP)
        rows.append([p[crop] for p in images.values()])
        told = [n for n in images if n in damage.classical or n == "minicnn"]
        captions.append([f"{psnr(p[crop], clean[crop]):.2f} dB" if n in told else "" for n, p in images.items()])
    comparison_sheet(path, rows, list(images), captions)


def main(folder: Path) -> None:
    """Measure all trained models, and write the page with its pictures."""
    photos = held_out(folder)
    models = trained_models()
    lines, figures = [], []
    for damage in DAMAGES:
        if damage.model not in models:
            continue
        found = measure(damage, photos, models[damage.model])
        scores = found["psnr"]
        print(damage.model, damage.name, json.dumps(scores), found["seconds"], flush=True)
        others = ", ".join(f"{name} {scores[name]:.2f}" for name in damage.classical)
        before = f"{scores['input']:.2f}" if "input" in scores else ""
        lines.append(
            f"| {damage.model} | {damage.name} | {before} | {others} | "
            f"**{scores['minicnn']:.2f}** | {scores['minicnn --best']:.2f} | {found['seconds']:.2f} |"
        )
        name = f"quality-{damage.model}-{damage.name}.jpg".replace(" ", "").replace(",", "-").replace("σ=", "")
        figure(ROOT / "docs" / "pictures" / name, damage, found["pictures"])
        figures.append(f"![{damage.name}](pictures/{name})")
    text = PAGE.format(count=len(photos), rows="\n".join(lines), figures="\n\n".join(figures))
    (ROOT / "docs" / "quality.md").write_text(text, encoding="utf-8")


PAGE = """# How good the trained models are

`make quality` wrote this page. PSNR in dB, the mean over {count} colour photos that no model saw (recipes/photos.json).
For inpaint it is the PSNR inside the holes. Larger is better. Classical methods with * know the strength of the noise
or the blur; the networks do not. "--best" is the mean of 8 flips and rotations. The last column is CPU time without it,
in seconds for a megapixel of the result.

| model | photos with | as they are | classical methods | minicnn | --best | s / Mpx |
|---|---|--:|---|--:|--:|--:|
{rows}

How the denoiser learned; the PSNR is that of held-out training photos:

![loss and PSNR of the training](pictures/curves-denoise.png)

The most spoilt parts of four photos:

{figures}
"""

if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
