"""Train generators, measure them, and put some into the package: python -m recipes.generators FOLDER [name ...].

Each generator is trained by the command `minicnn train generate`; FOLDER gets the runs. Its measures, and its score
after every epoch, go to recipes/generators.json, from which `make quality` makes a table and a figure; pictures go to
docs/pictures/. The ones in SUMMARIES are also written, with half precision, to minicnn/trained/generators/. With a path
to a model instead of a name, the model is measured only.
"""

import json
import sys
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.native.library import target
from minicnn.cli import main as minicnn
from minicnn.generation.features import clothes_features
from minicnn.generation.generators import TRAINED, Generator, load_generator
from minicnn.generation.learning import PixelComponents
from minicnn.generation.methods import METHODS
from minicnn.generation.pictures import PictureSet, load_pictures
from minicnn.imaging.distributions import (
    copy_ratio,
    frechet_distance,
    nearest_neighbour_accuracy,
    precision_recall,
)
from minicnn.imaging.grid import save_image
from minicnn.ops.create import from_numpy
from recipes.half_precision import write_half

Picture = NDArray[np.float32]
Measures = dict[str, float]

RESULTS = Path(__file__).with_name("generators.json")
PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
COUNT = 2000  # pictures of each set
SHOWN, COLUMNS = 60, 10
SUMMARIES = {
    "clothes": "pictures of clothes in ten classes, by flow matching (Fashion-MNIST)",
    "clothes-latent": "pictures of clothes in ten classes, by a flow in the maps of an autoencoder (Fashion-MNIST)",
}
TRAININGS = {  # name -> arguments of `minicnn train generate`
    "clothes": ["fashion-mnist", "--model", "flow", "--steps", "10000"],
    "clothes-latent": ["fashion-mnist", "--model", "latent-flow", "--steps", "5000"],
    "clothes-ddpm": ["fashion-mnist", "--model", "ddpm", "--steps", "10000"],
    "clothes-dcgan": ["fashion-mnist", "--model", "dcgan", "--steps", "12000"],
    "clothes-vae": ["fashion-mnist", "--model", "vae", "--steps", "12000"],
    "clothes-autoencoder": ["fashion-mnist", "--model", "autoencoder", "--steps", "12000"],
}
NORMAL = "a normal distribution of each class"


def measures(made: Picture, real: Picture, training: Picture) -> dict[str, float]:
    """Return all measures of generated pictures of clothes, against as many held-out ones.

    "FID" is the Fréchet distance in the features of our classifier, "FD64" in 64 principal components of the pixels.
    """
    components = PixelComponents(training[:: max(len(training) // 5000, 1)])
    rows = [x.reshape(len(x), -1).astype(np.float64) for x in (made, real, training)]
    features_made, features_real = clothes_features(made), clothes_features(real)
    precision, recall = precision_recall(features_real, features_made)
    return {
        "FID": frechet_distance(features_made, features_real),
        "FD64": frechet_distance(components(made), components(real)),
        "1-NN": nearest_neighbour_accuracy(rows[0], rows[1]),
        "precision": precision,
        "recall": recall,
        "new": copy_ratio(rows[0], rows[2], rows[1]),
    }


def gaussian(training: PictureSet, rng: np.random.Generator) -> Picture:
    """Return as many pictures as COUNT from a normal distribution of the pixels of each class: the baseline."""
    pictures, labels = training.floats(), training.labels
    assert labels is not None
    made = []
    for label in range(len(training.classes)):
        rows = pictures[labels == label].reshape((labels == label).sum(), -1)
        count = COUNT // len(training.classes)
        made.append(rng.multivariate_normal(rows.mean(0), np.cov(rows, rowvar=False), count, method="eigh"))
    return np.concatenate(made).clip(0, 1).astype(np.float32).reshape(-1, *pictures.shape[1:])


def principal_components(pictures: Picture, training: Picture, count: int = 32) -> Picture:
    """Return what this many principal components of the pixels keep of pictures: the baseline of autoencoders."""
    components = PixelComponents(training[:: max(len(training) // 5000, 1)], count)
    rows = components(pictures) @ components.vectors.T + components.mean
    kept: Picture = rows.clip(0, 1).astype(np.float32).reshape(pictures.shape)
    return kept


@cache
def pictures() -> tuple[PictureSet, Picture, Picture, Picture]:
    """Return the training pictures, twice COUNT held-out pictures, and the training pictures as numbers."""
    train, test = load_pictures("fashion-mnist")
    real, other = (test.part(slice(i * COUNT, (i + 1) * COUNT)).floats() for i in range(2))
    return train, real, other, train.floats()


@cache
def baselines() -> dict[str, Measures]:
    """Return the measures of real pictures, and of methods without a network."""
    train, real, other, training = pictures()
    kept = principal_components(other, training)
    return {
        "real pictures": measures(other, real, training),
        NORMAL: measures(gaussian(train, np.random.default_rng(0)), real, training),
        "32 principal components": measures(kept, real, training) | {"PSNR": _psnr(kept, other)},
    }


def measure(generator: Generator) -> Measures:
    """Return the measures of a generator, or of an autoencoder that repeats held-out pictures."""
    _, real, other, training = pictures()
    if METHODS[generator.about["method"]].metric == "error":
        repeated = generator.model.reconstruct(from_numpy(other)).numpy()
        return measures(repeated, real, training) | {"PSNR": _psnr(repeated, other)}
    return measures(generator.sample(COUNT), real, training)


def _psnr(made: Picture, real: Picture) -> float:
    """Return the PSNR of all pictures together: of their mean squared error."""
    return float(-10 * np.log10(((made - real) ** 2).mean()))


def train(name: str, folder: Path) -> None:
    """Train a generator, record its measures, and put it into the package if it is shipped."""
    out = folder / name
    if not (out / "model.safetensors").exists() or not (out / "curves.png").exists():
        resume = ["--resume"] if (out / "checkpoint.safetensors").exists() else []
        if code := minicnn(["train", "generate", *TRAININGS[name], "--out", str(out), *resume]):
            raise SystemExit(code)
    minutes = minutes_of(out / "samples")
    generator = load_generator(out / "model.safetensors")
    results = _rounded(measure(generator))
    record(name, results, minutes, curve(out / "losses.jsonl", minutes))
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


def record(name: str, results: Measures, minutes: float, scores: list[list[float]]) -> None:
    """Write the results of a training to generators.json, in the order of TRAININGS."""
    old = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"models": {}}
    models = old["models"] | {
        name: {
            "recipe": " ".join(TRAININGS[name]),
            "processor": target(),
            "minutes": round(minutes, 1),
            "measures": results,
            "curve": scores,
        }
    }
    ordered = {key: models[key] for key in TRAININGS if key in models}
    real = {label: _rounded(values) for label, values in baselines().items()}
    text = json.dumps({"baselines": real, "models": ordered}, indent=1)
    RESULTS.write_text(text + "\n", encoding="utf-8")


def _rounded(values: Measures) -> Measures:
    return {key: round(value, 3) for key, value in values.items()}


def main(folder: Path, names: list[str]) -> None:
    """Train the named generators, or all; or measure models."""
    if unknown := [name for name in names if name not in TRAININGS and not Path(name).exists()]:
        raise SystemExit(f"there is no training or file {', '.join(unknown)}; choose from {', '.join(TRAININGS)}")
    for name in names or TRAININGS:
        if name in TRAININGS:
            train(name, folder)
        else:
            for label, found in {**baselines(), name: measure(load_generator(name))}.items():
                print(f"{label:<40}", *(f"{key} {value:.3f}" for key, value in found.items()), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
