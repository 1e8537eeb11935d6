"""Features for the Fréchet distance of generated clothes. A small classifier of Fashion-MNIST computes them."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minicnn.autograd.tape import no_grad
from minicnn.errors import ShapeError
from minicnn.imaging.editing import load_network
from minicnn.models import PictureClassifier
from minicnn.ops.create import from_numpy

__all__ = ["CLOTHES_CLASSIFIER", "clothes_features"]

CLOTHES_CLASSIFIER = Path(__file__).parents[1] / "trained" / "classifiers" / "clothes.safetensors"
BATCH = 250  # pictures
SIZE = 28


def clothes_features(pictures: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the 64 features of pictures of clothes. One factor scales them: real pictures have the mean variance 1.

    Parameters
    ----------
    pictures : numpy.ndarray, (N, 1, 28, 28), float32 in [0, 1]

    Returns
    -------
    numpy.ndarray, (N, 64)

    Raises
    ------
    ShapeError
        If the pictures have another shape.
    CheckpointError
        If the classifier's file is missing or damaged.
    """
    if pictures.ndim != 4 or pictures.shape[1:] != (1, SIZE, SIZE):
        raise ShapeError(f"clothes_features: pictures must be (N, 1, {SIZE}, {SIZE}), got {pictures.shape}")
    network, scale = _classifier()
    found = []
    with no_grad():
        for start in range(0, len(pictures), BATCH):
            found.append(network.features(from_numpy(np.ascontiguousarray(pictures[start : start + BATCH]))).numpy())
    features: NDArray[np.float64] = np.concatenate(found).astype(np.float64) * scale
    return features


@cache
def _classifier() -> tuple[PictureClassifier, float]:
    advice = "another network; install minicnn again"
    network, about = load_network("clothes_features", CLOTHES_CLASSIFIER, PictureClassifier, advice)
    return network, float(about["scale"])
