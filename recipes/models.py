"""Train the models that come with minicnn: `make models`, or python -m recipes.models FOLDER [name ...].

FOLDER holds the photos of `recipes.photos`. Each model is trained by the command `minicnn train`, measured on the
held-out photos, and written with half precision to minicnn/trained/. The same kind of processor gives the same bits:
libraries for other instruction sets add in another order. The file says for which level of x86-64 they were built.
"""

import base64
import shutil
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicnn.backends.native.library import target
from minicnn.cli import main as minicnn
from minicnn.data.samples import to_samples
from minicnn.imaging.damages import DAMAGES, Comparison
from minicnn.imaging.editing import TRAINED, load_editor
from minicnn.imaging.tasks import TASKS
from recipes.half_precision import write_half
from recipes.quality import CURVES, held_out, measure

THUMBNAIL = 96  # pixels
THUMBNAIL_OF = 3  # number of the photo
# name -> arguments of `minicnn train`
DEEP = ["--width", "32", "--blocks", "5"]
TRAININGS: dict[str, list[str]] = {
    "denoise": ["--task", "denoise", "--blocks", "4", "--patch", "64", "--steps", "40000"],
    "enlarge-x2": ["--task", "enlarge-x2", *DEEP, "--steps", "30000"],
    "enlarge-x3": ["--task", "enlarge-x3", "--blocks", "8", "--steps", "15000"],
    "deblur": ["--task", "deblur", *DEEP, "--patch", "64", "--steps", "30000"],
    "clean-jpeg": ["--task", "clean-jpeg", *DEEP, "--patch", "64", "--steps", "25000"],
    "inpaint": ["--task", "inpaint", "--steps", "25000"],
    "colourise": ["--task", "colourise", "--steps", "6000"],
}


def train(name: str, folder: Path, out: Path) -> None:
    """Train a model and put it into the package."""
    finished = out / "model.safetensors"
    if not finished.exists():
        resume = ["--resume"] if (out / "checkpoint.safetensors").exists() else []
        arguments = ["train", str(folder / "train"), *TRAININGS[name], "--out", str(out), *resume]
        if code := minicnn(arguments):
            raise SystemExit(code)
    editor = load_editor(finished)
    photos, damages = held_out(folder), [damage for damage in DAMAGES if damage.model == name]
    measured = [measure(damage, photos, finished) for damage in damages]
    results = [{"photos": damage.name, "psnr": m["psnr"]} for damage, m in zip(damages, measured, strict=True)]
    if name == "denoise":
        shutil.copyfile(out / "curves.png", CURVES)
    about: dict[str, Any] = {
        "task": name,
        "summary": TASKS[name].summary,
        "recipe": " ".join(TRAININGS[name]),
        "processor": target(),
    }
    about |= {"results": results, "thumbnail": thumbnail(measured[-1]["comparisons"])}
    write_half("recipes.models", TRAINED / f"{name}.safetensors", editor.model, **about)
    print(f"wrote {TRAINED / f'{name}.safetensors'}", *results, sep="\n  ", flush=True)


def thumbnail(comparisons: list[Comparison]) -> str:
    """Return a part of a spoilt photo beside the repaired part, as a JPEG file in Base64."""
    one = comparisons[THUMBNAIL_OF % len(comparisons)]
    crop = one.hardest(THUMBNAIL)
    both = np.concatenate([one.spoilt[crop], one.results["minicnn"][crop]], axis=2)
    file = BytesIO()
    Image.fromarray(to_samples(both.transpose(1, 2, 0), np.dtype(np.uint8))).save(file, "JPEG", quality=90)
    return base64.b64encode(file.getvalue()).decode()


def main(folder: Path, names: list[str]) -> None:
    """Train the named models, or all."""
    if unknown := set(names) - TRAININGS.keys():
        raise SystemExit(f"there is no training {', '.join(unknown)}; choose from {', '.join(TRAININGS)}")
    for name in names or TRAININGS:
        train(name, folder, folder / "runs" / name)


if __name__ == "__main__":
    if len(sys.argv) < 2 or not shutil.which("g++"):
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
