"""How good generated pictures are: `Subject` measures them against held-out pictures, beside baselines."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from minicnn.generation.features import clothes_features, texture_features
from minicnn.generation.generators import Generator
from minicnn.generation.learning import COMPONENTS, PixelComponents
from minicnn.generation.methods import METHODS
from minicnn.generation.pictures import FASHION_MNIST, PictureSet, load_pictures
from minicnn.imaging.distributions import (
    copy_ratio,
    frechet_distance,
    nearest_neighbour_accuracy,
    precision_recall,
)
from minicnn.ops.create import from_numpy

__all__ = ["Measures", "Subject", "principal_components", "sample_normal", "subject"]

Picture = NDArray[np.float32]
Rows = NDArray[np.float64]
Measures = dict[str, float]

COUNT = 2000  # pictures of each set, or as many as are held out
CODES = 32  # numbers of a picture, for autoencoders


@dataclass(frozen=True)
class Subject:
    """What generators learn, and what measures them.

    Attributes
    ----------
    training : PictureSet
    real : PictureSet
        Held-out pictures, for the measures.
    other : Picture
        Real pictures for the baselines: as many other held-out ones, or training pictures if there are no more.
    features : callable
        From pictures (N, C, S, S) to rows (N, D), for the Fréchet distance.
    """

    training: PictureSet
    real: PictureSet
    other: Picture
    features: Callable[[Picture], Rows]

    def measures(self, made: Picture) -> Measures:
        """Return all measures of generated pictures, against the held-out ones.

        "FID" is the Fréchet distance in the features, "FD64" in 64 principal components of the pixels. One factor
        scales the features: the held-out pictures get the mean variance 1.
        """
        real, training = self.real.floats(), self.training.floats()
        components = PixelComponents(_some(training), COMPONENTS)
        rows = [x.reshape(len(x), -1).astype(np.float64) for x in (made, real, training)]
        features_real = self.features(real)
        scale = features_real.var(0).mean() ** -0.5
        features_made, features_real = self.features(made) * scale, features_real * scale
        precision, recall = precision_recall(features_real, features_made)
        return {
            "FID": frechet_distance(features_made, features_real),
            "FD64": frechet_distance(components(made), components(real)),
            "1-NN": nearest_neighbour_accuracy(rows[0], rows[1]),
            "precision": precision,
            "recall": recall,
            "new": copy_ratio(rows[0], rows[2], rows[1]),
        }

    def measure(self, generator: Generator) -> Measures:
        """Return the measures of a generator, or of an autoencoder that repeats held-out pictures."""
        if METHODS[generator.about["method"]].metric == "error":
            repeated = generator.model.reconstruct(from_numpy(self.other)).numpy()
            return self.measures(repeated) | {"PSNR": _psnr(repeated, self.other)}
        return self.measures(generator.sample(len(self.real), self.real.labels))

    @cached_property
    def baselines(self) -> dict[str, Measures]:
        """Return the measures of real pictures, and of methods without a network."""
        rng, training = np.random.default_rng(0), self.training.floats()
        kept = principal_components(training, self.other)
        normal = principal_components(training, sample_normal(training, len(self.real), rng), COMPONENTS)
        by_class = np.zeros_like(self.real.floats())
        labels, training_labels = np.array(self.real.labels), np.array(self.training.labels)
        for label in range(len(self.training.classes)):
            here = labels == label
            by_class[here] = sample_normal(training[training_labels == label], int(here.sum()), rng)
        return {
            "real pictures": self.measures(self.other),
            f"a normal distribution of {COMPONENTS} components": self.measures(normal.clip(0, 1)),
            "a normal distribution of each class": self.measures(by_class.clip(0, 1)),
            f"{CODES} principal components": self.measures(kept.clip(0, 1)) | {"PSNR": _psnr(kept, self.other)},
        }


def sample_normal(pictures: Picture, count: int, rng: np.random.Generator) -> Picture:
    """Return samples of the normal distribution with the mean and the covariance of pictures."""
    rows = pictures.reshape(len(pictures), -1)
    mean = rows.mean(0)
    made: Picture = mean + rng.standard_normal((count, len(rows)), np.float32) @ (rows - mean) / np.sqrt(len(rows) - 1)
    return made.astype(np.float32).reshape(count, *pictures.shape[1:])


def principal_components(training: Picture, pictures: Picture, count: int = CODES) -> Picture:
    """Return what this many principal components of training pictures keep of other pictures."""
    rows = _some(training).reshape(-1, training[0].size)
    mean = rows.mean(0)
    _, vectors = np.linalg.eigh(np.cov(rows, rowvar=False))
    vectors = vectors[:, -count:]
    kept: Picture = ((pictures.reshape(len(pictures), -1) - mean) @ vectors @ vectors.T + mean).astype(np.float32)
    return kept.reshape(pictures.shape)


def _some(pictures: Picture) -> Picture:
    """Return about 5000 pictures, which are enough for principal components."""
    return pictures[:: max(len(pictures) // 5000, 1)]


def _psnr(made: Picture, real: Picture) -> float:
    """Return the PSNR of all pictures together: of their mean squared error."""
    return float(-10 * np.log10(((made - real) ** 2).mean()))


@cache
def subject(source: str) -> Subject:
    """Return the pictures and features that measure the generators of a source."""
    training, test = load_pictures(source)
    real, more = test.part(slice(COUNT)), test.part(slice(COUNT, 2 * COUNT))
    if len(more) < len(real):
        more = training.part(np.random.default_rng(0).choice(len(training), len(real), replace=False))
    return Subject(training, real, more.floats(), clothes_features if source == FASHION_MNIST else texture_features)
