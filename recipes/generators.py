"""Train the generators that come with minicnn, and measure generators: python -m recipes.generators FOLDER [name ...].

Each generator is trained by the command `minicnn train generate`, measured, and written with half precision to
minicnn/trained/generators/. FOLDER gets the runs. With a path to a model instead of a name, the model is measured only.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.native.library import target
from minicnn.cli import main as minicnn
from minicnn.generation.features import clothes_features
from minicnn.generation.generators import TRAINED, load_generator
from minicnn.generation.learning import PixelComponents
from minicnn.generation.pictures import PictureSet, load_pictures
from minicnn.imaging.distributions import (
    copy_ratio,
    frechet_distance,
    nearest_neighbour_accuracy,
    precision_recall,
)
from recipes.half_precision import write_half

Picture = NDArray[np.float32]

COUNT = 2000  # pictures of each set
SUMMARIES = {
    "clothes": "pictures of clothes in ten classes, by flow matching (Fashion-MNIST)",
    "clothes-latent": "pictures of clothes in ten classes, by a flow in the maps of an autoencoder (Fashion-MNIST)",
}
TRAININGS = {  # name -> arguments of `minicnn train generate`
    "clothes": ["fashion-mnist", "--model", "flow", "--steps", "10000"],
    "clothes-latent": ["fashion-mnist", "--model", "latent-flow", "--steps", "5000"],
}


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


def compare(path: Path | None) -> dict[str, dict[str, float]]:
    """Return the measures of real pictures, of the baseline, and of a model."""
    train, test = load_pictures("fashion-mnist")
    real, other = (test.part(slice(i * COUNT, (i + 1) * COUNT)).floats() for i in range(2))
    training = train.floats()
    found = {"real pictures": measures(other, real, training)}
    found["a normal distribution of each class"] = measures(gaussian(train, np.random.default_rng(0)), real, training)
    if path is not None:
        found[path.stem] = measures(load_generator(path).sample(COUNT), real, training)
    return found


def train(name: str, folder: Path) -> None:
    """Train a generator and put it into the package."""
    out = folder / name
    if not (out / "model.safetensors").exists() or not (out / "curves.png").exists():
        resume = ["--resume"] if (out / "checkpoint.safetensors").exists() else []
        if code := minicnn(["train", "generate", *TRAININGS[name], "--out", str(out), *resume]):
            raise SystemExit(code)
    generator = load_generator(out / "model.safetensors")
    results = compare(out / "model.safetensors")["model"]
    about = {key: generator.about[key] for key in ("method", "classes")}
    about |= {"summary": SUMMARIES[name], "recipe": " ".join(TRAININGS[name]), "processor": target()}
    about |= {"results": {key: round(value, 3) for key, value in results.items()}}
    write_half("recipes.generators", TRAINED / f"{name}.safetensors", generator.model, **about)
    print(f"wrote {TRAINED / f'{name}.safetensors'}", results, flush=True)


def main(folder: Path, names: list[str]) -> None:
    """Train the named generators, or all; or measure models."""
    if unknown := [name for name in names if name not in TRAININGS and not Path(name).exists()]:
        raise SystemExit(f"there is no training or file {', '.join(unknown)}; choose from {', '.join(TRAININGS)}")
    for name in names or TRAININGS:
        if name in TRAININGS:
            train(name, folder)
        else:
            for label, found in compare(Path(name)).items():
                print(f"{label:<40}", *(f"{key} {value:.3f}" for key, value in found.items()), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
