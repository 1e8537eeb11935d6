"""Measure the trained models on photos that none of them saw, and write docs/quality.md: `make quality`.

Each model is compared with its input and with classical methods, in the same run. The methods marked with * know how
the photo was spoilt; the networks do not. PSNR in dB, the mean over the photos in FOLDER/held-out of `recipes.photos`.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from minicnn.data import read_image
from minicnn.imaging.damages import DAMAGES, Comparison, Damage, compare
from minicnn.imaging.editing import edit, load_editor, trained_models
from minicnn.imaging.figures import comparison_sheet
from minicnn.imaging.metrics import psnr
from recipes.generated import section

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
    """Return the mean PSNR of each method, the network's CPU seconds for a megapixel, and the comparisons."""
    model = load_editor(path).model
    seconds = 0.0

    def timed(spoilt: Picture) -> Picture:
        nonlocal seconds
        start = time.process_time()
        result = edit(model, spoilt)
        seconds += time.process_time() - start
        return result

    networks: dict[str, Callable[[Picture], Picture]] = {
        "minicnn": timed,
        "minicnn --best": partial(edit, model, best=True),
    }
    found = [
        compare(damage, clean, np.random.default_rng([index, 1]), networks)
        for index, clean in enumerate(photos.values())
    ]
    means = {name: round(float(np.mean([one.psnr[name] for one in found])), 2) for name in found[0].psnr}
    pixels = sum(clean.shape[1] * clean.shape[2] for clean in photos.values())
    return {"psnr": means, "seconds": round(1e6 * seconds / pixels, 2), "comparisons": found}


def figure(path: Path, comparisons: list[Comparison]) -> None:
    """Draw the parts of the first photos that the methods repair worst."""
    rows, captions = [], []
    for one in comparisons[:SHOWN]:
        results = {name: image for name, image in one.results.items() if name != "minicnn --best"}
        columns, crop = {"spoilt": one.spoilt, **results, "clean": one.clean}, one.hardest(CROP)
        rows.append([image[crop] for image in columns.values()])
        clean = one.clean[crop]
        captions.append([f"{psnr(p[crop], clean):.2f} dB" if name in results else "" for name, p in columns.items()])
    comparison_sheet(path, rows, list(columns), captions)


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
        figure(ROOT / "docs" / "pictures" / name, found["comparisons"])
        figures.append(f"![{damage.name}](pictures/{name})")
    text = PAGE.format(count=len(photos), rows="\n".join(lines), figures="\n\n".join(figures))
    text = "\n".join(filter(None, (text, section())))
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

Parts of four photos: the ones with the largest errors of all methods together.

{figures}
"""

if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
