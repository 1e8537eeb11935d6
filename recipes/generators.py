"""Train generators, measure them, and put some into the package: python -m recipes.generators FOLDER [name ...].

Each generator is trained by the command `minicnn train generate`; FOLDER gets the runs. Its measures, and its score
after every epoch, go to recipes/generators.json, from which `make quality` makes tables and figures; pictures go to
docs/pictures/. The ones in SUMMARIES are also written, with half precision, to minicnn/trained/generators/.
"""

import json
import sys
from pathlib import Path

import numpy as np

from minicnn.backends.native.library import target
from minicnn.cli import main as minicnn
from minicnn.generation.generators import TRAINED, load_generator
from minicnn.generation.methods import METHODS
from minicnn.generation.pictures import FASHION_MNIST
from minicnn.imaging.grid import save_image
from recipes import emoji
from recipes.half_precision import write_half
from recipes.measuring import Measures, Subject, subject

RESULTS = Path(__file__).with_name("generators.json")
PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SHOWN, COLUMNS = 60, 10
SUMMARIES = {
    "clothes": "pictures of clothes in ten classes, by flow matching (Fashion-MNIST)",
    "clothes-latent": "pictures of clothes in ten classes, by a flow in the maps of an autoencoder (Fashion-MNIST)",
    "emoji": "emoji of two vendors in nine groups each, by flow matching (Noto Emoji, Twemoji)",
}
EMOJI = "emoji-pictures"  # the folder of recipes.emoji, beside the runs
TRAININGS = {  # name -> arguments of `minicnn train generate`; the first one tells the pictures
    "clothes": [FASHION_MNIST, "--model", "flow", "--steps", "10000"],
    "clothes-latent": [FASHION_MNIST, "--model", "latent-flow", "--steps", "5000"],
    "clothes-ddpm": [FASHION_MNIST, "--model", "ddpm", "--steps", "10000"],
    "clothes-dcgan": [FASHION_MNIST, "--model", "dcgan", "--steps", "12000"],
    "clothes-vae": [FASHION_MNIST, "--model", "vae", "--steps", "12000"],
    "clothes-autoencoder": [FASHION_MNIST, "--model", "autoencoder", "--steps", "12000"],
    "emoji": [EMOJI, "--model", "flow", "--steps", "8000"],
}


def source_of(name: str, folder: Path) -> str:
    """Return the pictures that a training learns from: a name, or a folder, which is made if it is not there."""
    source = TRAININGS[name][0]
    if source != EMOJI:
        return source
    emoji.main(folder / EMOJI)
    return str(folder / EMOJI)


def train(name: str, folder: Path) -> None:
    """Train a generator, record its measures, and put it into the package if it is shipped."""
    out, source = folder / name, source_of(name, folder)
    if not (out / "model.safetensors").exists() or not (out / "curves.png").exists():
        resume = ["--resume"] if (out / "checkpoint.safetensors").exists() else []
        if code := minicnn(["train", "generate", source, *TRAININGS[name][1:], "--out", str(out), *resume]):
            raise SystemExit(code)
    minutes = minutes_of(out / "samples")
    generator = load_generator(out / "model.safetensors")
    results = _rounded(subject(source).measure(generator))
    record(name, subject(source), results, minutes, curve(out / "losses.jsonl", minutes))
    if METHODS[generator.about["method"]].metric == "distance":
        save_image(generator.sample(SHOWN), PICTURES / f"generated-{name}.png", nrow=COLUMNS)
    if name in SUMMARIES:
        about = {key: generator.about[key] for key in ("method", "classes")}
        about |= {"summary": SUMMARIES[name], "recipe": " ".join(TRAININGS[name]), "processor": target()}
        path = TRAINED / f"{name}.safetensors"
        write_half("recipes.generators", path, generator.model, **about, results=results)
        print(f"wrote {path}")
    print(f"{name}, {minutes:.1f} minutes:", results, flush=True)


def minutes_of(samples: Path) -> float:
    """Return how long a training took: its epochs, and the median time between the pictures that each one wrote.

    So a training that was interrupted and resumed has its time without the pause.
    """
    times = sorted(path.stat().st_mtime for path in samples.glob("*.png"))
    return float(np.median(np.diff(times))) * len(times) / 60


def curve(losses: Path, minutes: float) -> list[list[float]]:
    """Return the score after each epoch of a training, with the minutes until then."""
    lines = [json.loads(line) for line in losses.read_text(encoding="utf-8").splitlines()]
    epochs = [line for line in lines if "nothing" in line]
    last = epochs[-1]["step"]
    return [
        [round(minutes * line["step"] / last, 2), round(line.get("distance", line.get("error")), 4)] for line in epochs
    ]


def record(name: str, measured: Subject, results: Measures, minutes: float, scores: list[list[float]]) -> None:
    """Write the results of a training to generators.json: source -> the baselines, and the models of TRAININGS."""
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    source = TRAININGS[name][0]
    models = found.get(source, {}).get("models", {}) | {
        name: {
            "recipe": " ".join(TRAININGS[name]),
            "processor": target(),
            "minutes": round(minutes, 1),
            "measures": results,
            "curve": scores,
        }
    }
    found[source] = {
        "count": len(measured.real),
        "baselines": {label: _rounded(values) for label, values in measured.baselines.items()},
        "models": {key: models[key] for key in TRAININGS if key in models},
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _rounded(values: Measures) -> Measures:
    return {key: round(value, 3) for key, value in values.items()}


def main(folder: Path, names: list[str]) -> None:
    """Train the named generators, or all."""
    if unknown := set(names) - TRAININGS.keys():
        raise SystemExit(f"there is no training {', '.join(unknown)}; choose from {', '.join(TRAININGS)}")
    for name in names or TRAININGS:
        train(name, folder)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
