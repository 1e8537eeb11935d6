"""Features for the Fréchet distance of generated pictures. Small classifiers, which come with minicnn, compute them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ShapeError
from minicnn.imaging.editing import load_network
from minicnn.imaging.style import load_texture_classifier
from minicnn.models import PictureClassifier
from minicnn.ops.create import from_numpy

__all__ = ["CLOTHES_CLASSIFIER", "clothes_features", "texture_features"]

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
    return _in_batches(network.features, pictures) * scale


def texture_features(pictures: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the 96 features of pictures in colour: the means of the deepest maps of the `TextureClassifier`.

    Parameters
    ----------
    pictures : numpy.ndarray, (N, 3, H, W), float32 in [0, 1]

    Returns
    -------
    numpy.ndarray, (N, 96)

    Raises
    ------
    ShapeError
        If the pictures have another number of channels, or fewer than 8 pixels along a side.
    CheckpointError
        If the classifier's file is missing or damaged.
    """
    network = load_texture_classifier()
    return _in_batches(lambda x: network.features(x)[-1].mean((2, 3)), pictures)


def _in_batches(features: Callable[[Tensor], Tensor], pictures: NDArray[np.float32]) -> NDArray[np.float64]:
    batches = (np.ascontiguousarray(pictures[start : start + BATCH]) for start in range(0, len(pictures), BATCH))
    with no_grad():
        found: NDArray[np.float64] = np.concatenate([features(from_numpy(x)).numpy() for x in batches])
    return found.astype(np.float64)


@cache
def _classifier() -> tuple[PictureClassifier, float]:
    advice = "another network; install minicnn again"
    network, about = load_network("clothes_features", CLOTHES_CLASSIFIER, PictureClassifier, advice)
    return network, float(about["scale"])
