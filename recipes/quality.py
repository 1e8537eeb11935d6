"""Measure the trained models on photos that none of them saw, and write docs/quality.md: `make quality`.

Each model is compared with its input and with classical methods, in the same run. The methods marked with * know how
the photo was spoilt; the networks do not. PSNR in dB, the mean over the photos in FOLDER/held-out of `recipes.photos`.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from minicnn.data import read_image
from minicnn.imaging.classical import CLASSICAL_DENOISERS, bicubic, total_variation
from minicnn.imaging.corruptions import gaussian_blur, gaussian_noise, jpeg, resize
from minicnn.imaging.editing import edit, load_editor, trained_models
from minicnn.imaging.figures import comparison_sheet
from minicnn.imaging.metrics import psnr

Picture = NDArray[np.float32]
Method = Callable[[Picture], Picture]
ROOT = Path(__file__).parents[1]
LONGEST = 640  # pixels; larger photos are reduced by averaging
CROP = 200  # pixels; a side in the figures


@dataclass(frozen=True)
class Setting:
    """A way to spoil a photo, and classical methods that repair it."""

    model: str
    name: str
    spoil: Callable[[Picture, np.random.Generator], Picture]
    classical: dict[str, Method] = field(default_factory=dict)


def settings() -> list[Setting]:
    """Return all settings, in the order of the page."""
    found = [
        Setting(
            "denoise",
            f"noise, σ = {s}",
            lambda x, rng, s=s: gaussian_noise(x, s / 255, rng),  # type: ignore[misc]
            {f"{n}*": lambda y, f=f, s=s: f(y, s / 255) for n, f in CLASSICAL_DENOISERS.items()},  # type: ignore[misc]
        )
        for s in (10, 25, 50)
    ]
    found += [
        Setting(
            f"enlarge-x{n}",
            f"{n} times smaller",
            lambda x, rng, n=n: resize(x, x.shape[1] // n, x.shape[2] // n),  # type: ignore[misc]
            {"bicubic": lambda y, n=n: bicubic(y, n), "Lanczos": lambda y, n=n: lanczos(y, n)},  # type: ignore[misc]
        )
        for n in (2, 3)
    ]
    found.append(
        Setting(
            "deblur",
            "blur, σ = 1.6 pixels",
            lambda x, rng: gaussian_blur(x, 1.6),
            {"Wiener*": lambda y: wiener(y, 1.6), "Richardson-Lucy*": lambda y: richardson_lucy(y, 1.6)},
        )
    )
    found += [
        Setting(
            "clean-jpeg",
            f"JPEG, quality {q}",
            lambda x, rng, q=q: jpeg(x, q),  # type: ignore[misc]
            {"total variation": lambda y, w=w: total_variation(y, w)},  # type: ignore[misc]
        )
        for q, w in ((10, 0.04), (30, 0.02))
    ]
    return found


def lanczos(image: Picture, factor: int) -> Picture:
    """Enlarge with Pillow's Lanczos filter."""
    size = factor * image.shape[2], factor * image.shape[1]
    planes = [np.asarray(Image.fromarray(p).resize(size, Image.Resampling.LANCZOS)) for p in image]
    return np.stack(planes).clip(0, 1)


def _gaussian(sigma: float) -> NDArray[np.float64]:
    x = np.arange(-8, 9)
    line = np.exp(-(x**2) / (2 * sigma**2))
    kernel = np.outer(line, line)
    return kernel / kernel.sum()


def wiener(image: Picture, sigma: float) -> Picture:
    """Undo a known blur with scikit-image's Wiener filter."""
    from skimage.restoration import wiener as restore

    return _in_a_frame(image, lambda plane: restore(plane, _gaussian(sigma), 1e-4, clip=False))


def richardson_lucy(image: Picture, sigma: float) -> Picture:
    """Undo a known blur with 20 steps of Richardson and Lucy."""
    from skimage.restoration import richardson_lucy as restore

    return _in_a_frame(image, lambda plane: restore(plane, _gaussian(sigma), 20, clip=False))


def _in_a_frame(image: Picture, restore: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Picture:
    """Restore each channel with a mirrored border, and cut it off: the filters assume black or periodic borders."""
    wide = np.pad(image.astype(np.float64), ((0, 0), (32, 32), (32, 32)), mode="symmetric")
    return np.stack([restore(p) for p in wide])[:, 32:-32, 32:-32].clip(0, 1).astype(np.float32)


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


def measure(setting: Setting, photos: dict[str, Picture], path: str | Path) -> dict[str, Any]:
    """Return the mean PSNR of each method, the network's CPU seconds for a megapixel, and the pictures."""
    model = load_editor(path).model
    methods = {"input": lambda y: bicubic(y, model.scale) if model.scale > 1 else y, **setting.classical}
    scores: dict[str, list[float]] = {}
    pictures: dict[str, list[Picture]] = {}
    seconds, pixels = 0.0, 0
    for index, clean in enumerate(photos.values()):
        spoilt = np.rint(255 * setting.spoil(clean, np.random.default_rng([index, 1]))) / np.float32(
            255
        )  # as in a file
        results = {
            name: method(spoilt) for name, method in methods.items() if not (name == "input" and model.scale > 1)
        }
        start = time.process_time()
        results["minicnn"] = edit(model, spoilt)
        seconds += time.process_time() - start
        pixels += clean.shape[1] * clean.shape[2]
        results["minicnn --best"] = edit(model, spoilt, best=True)
        for name, result in results.items():
            scores.setdefault(name, []).append(psnr(result, clean))
            pictures.setdefault(name, []).append(result)
    means = {name: round(float(np.mean(values)), 2) for name, values in scores.items()}
    return {"psnr": means, "seconds": round(1e6 * seconds / pixels, 2), "pictures": pictures}


def main(folder: Path) -> None:
    """Measure all trained models, and write the page with its pictures."""
    photos = held_out(folder)
    models = trained_models()
    lines, figures = [], []
    for setting in settings():
        if setting.model not in models:
            continue
        found = measure(setting, photos, models[setting.model])
        print(setting.model, setting.name, json.dumps(found["psnr"]), flush=True)
        others = ", ".join(f"{name} {found['psnr'][name]:.2f}" for name in setting.classical)
        before = found["psnr"].get("input")
        lines.append(
            f"| {setting.model} | {setting.name} | {f'{before:.2f}' if before else ''} | {others} | "
            f"**{found['psnr']['minicnn']:.2f}** | {found['psnr']['minicnn --best']:.2f} | {found['seconds']:.2f} |"
        )
        name = f"quality-{setting.model}-{setting.name}.jpg".replace(" ", "").replace(",", "-").replace("σ=", "")
        rows, captions = [], []
        for index, clean in enumerate(list(photos.values())[:4]):
            images = {n: p[index] for n, p in found["pictures"].items() if n != "minicnn --best"} | {"clean": clean}
            top, left = (clean.shape[1] - CROP) // 2, (clean.shape[2] - CROP) // 2
            rows.append([p[:, top : top + CROP, left : left + CROP] for p in images.values()])
            captions.append([f"{psnr(p, clean):.2f} dB" if n != "clean" else "" for n, p in images.items()])
        comparison_sheet(ROOT / "docs" / "pictures" / name, rows, list(images), captions)
        figures.append(f"![{setting.name}](pictures/{name})")
    text = PAGE.format(count=len(photos), rows="\n".join(lines), figures="\n\n".join(figures))
    (ROOT / "docs" / "quality.md").write_text(text, encoding="utf-8")


PAGE = """# How good the trained models are

`make quality` wrote this page. PSNR in dB, the mean over {count} colour photos that no model saw (recipes/photos.json).
Larger is better. Classical methods with * know the strength of the noise or the blur; the networks do not. "--best" is
the mean of 8 flips and rotations. The last column is CPU time without it, in seconds for a megapixel of the result.

| model | photos with | as they are | classical methods | minicnn | --best | s / Mpx |
|---|---|--:|---|--:|--:|--:|
{rows}

The centres of four photos:

{figures}
"""

if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
