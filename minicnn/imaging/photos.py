"""Example photos from scikit-image's package, and `centre_crop`. No download is needed.

Of eight colour photos, five are for training. Three are held out for evaluation: an animal with fine fur and a blurred
background, a still life with wood and polished metal, and lattice towers in front of the evening sky. The figures in
reports show only these three photos, which are free of copyright.

Licences, as scikit-image states them: chelsea (Stefan van der Walt), coffee (Rachel Michetti) and retina are CC0.
astronaut and hubble_deep_field (NASA) and rocket (SpaceX) are in the public domain. immunohistochemistry has no known
copyright restrictions. motorcycle is the left image of a pair of the Middlebury 2014 stereo benchmark (Scharstein et
al., GCPR 2014); no licence is stated for it.
"""

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import DataError, ShapeError
from minicnn.optional import import_optional

__all__ = ["HELD_OUT_PHOTOS", "TRAINING_PHOTOS", "centre_crop", "load_photo"]

TRAINING_PHOTOS = ("astronaut", "motorcycle", "immunohistochemistry", "retina", "hubble_deep_field")
HELD_OUT_PHOTOS = ("chelsea", "coffee", "rocket")


def load_photo(name: str) -> NDArray[np.float32]:
    """Load a photo by its name in `TRAINING_PHOTOS` or `HELD_OUT_PHOTOS`.

    Parameters
    ----------
    name : str

    Returns
    -------
    numpy.ndarray, (3, H, W), float32, in [0, 1]

    Raises
    ------
    DataError
        If the name is unknown.
    MissingPackageError
        If scikit-image is not installed.
    """
    if name not in TRAINING_PHOTOS + HELD_OUT_PHOTOS:
        raise DataError(
            f"load_photo: there is no photo {name!r}; choose from {', '.join(TRAINING_PHOTOS + HELD_OUT_PHOTOS)}"
        )
    data = import_optional("skimage.data", call="load_photo", package="scikit-image", extra="data")
    pixels = data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()  # (H, W, 3), uint8
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / np.float32(255)


def centre_crop(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Cut the centre out of an image.

    Parameters
    ----------
    image : numpy.ndarray, (C, H, W)
    size : int
        Height and width to keep, in pixels.

    Returns
    -------
    numpy.ndarray, (C, size, size)
        A view of the image.

    Raises
    ------
    ShapeError
        If the image is smaller than `size`, or `size` is below 1.

    Examples
    --------
    >>> centre_crop(np.zeros((3, 28, 32), np.float32), 28).shape
    (3, 28, 28)
    """
    height, width = image.shape[-2:]
    if not 1 <= size <= min(height, width):
        raise ShapeError(f"centre_crop: size must be from 1 to {min(height, width)} for {image.shape}, not {size}")
    top, left = (height - size) // 2, (width - size) // 2
    return image[..., top : top + size, left : left + size]
