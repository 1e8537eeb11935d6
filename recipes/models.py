"""Train the models that come with minicnn: `make models`, or python -m recipes.models FOLDER [name ...].

FOLDER holds the photos of `recipes.photos`. Each model is trained by the command `minicnn train`, measured on the
held-out photos, and written with half precision to minicnn/trained/. The same kind of processor gives the same bits:
libraries for other instruction sets add in another order. The file says for which level of x86-64 they were built.
"""

import shutil
import sys
from pathlib import Path

import numpy as np

from minicnn.backends.native.library import target
from minicnn.cli import main as minicnn
from minicnn.imaging.damages import DAMAGES
from minicnn.imaging.editing import TRAINED, load_editor
from minicnn.imaging.tasks import TASKS
from minicnn.training.tensor_file import write_tensor_file
from recipes.quality import held_out, measure

# name -> arguments of `minicnn train`
DEEP = ["--width", "32", "--blocks", "5"]
TRAININGS: dict[str, list[str]] = {
    "denoise": ["--task", "denoise", "--patch", "64", "--steps", "25000"],
    "enlarge-x2": ["--task", "enlarge-x2", *DEEP, "--steps", "15000"],
    "enlarge-x3": ["--task", "enlarge-x3", "--blocks", "4", "--steps", "10000"],
    "deblur": ["--task", "deblur", *DEEP, "--patch", "64", "--steps", "20000"],
    "clean-jpeg": ["--task", "clean-jpeg", *DEEP, "--patch", "64", "--steps", "15000"],
    "inpaint": ["--task", "inpaint", "--steps", "10000"],
    "colourise": ["--task", "colourise", "--steps", "5000"],
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
    task = TASKS[editor.about["task"]]
    photos = held_out(folder)
    results = []
    for damage in (s for s in DAMAGES if s.model == name):
        scores = measure(damage, photos, finished)["psnr"]
        results.append(f"{damage.name}: " + ", ".join(f"{n} {score:.2f} dB" for n, score in scores.items()))
    arrays = {key: t.numpy().astype(np.float16) for key, t in editor.model.state_dict().items()}
    about = {key: editor.about[key] for key in ("architecture", "arguments", "task")}
    about |= {"summary": task.summary, "recipe": " ".join(TRAININGS[name]), "processor": target(), "results": results}
    write_tensor_file("recipes.models", TRAINED / f"{name}.safetensors", "model", arrays, about)
    print(f"wrote {TRAINED / f'{name}.safetensors'}", *results, sep="\n  ", flush=True)


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
