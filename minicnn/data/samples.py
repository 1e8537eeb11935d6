"""`Frame`: the samples of a picture in a file, in the file's own colour space and depth."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHANNELS", "Frame", "Space", "flip_signs", "full_scale", "to_samples", "to_unit"]

Space = Literal["grey", "rgb", "cmyk", "lab"]
CHANNELS: dict[Space, int] = {"grey": 1, "rgb": 3, "cmyk": 4, "lab": 3}

# EXIF orientation -> (transpose, flip the rows, flip the columns), in this order, to show a picture upright
UPRIGHT = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


@dataclass(frozen=True)
class Frame:
    """A picture of a file, upright, in the file's own colour space and depth.

    Attributes
    ----------
    samples : numpy.ndarray, (H, W, C), uint8, uint16 or float32
        Integers from 0 to 255 or 65535, or numbers from 0 to 1. C is 1 for grey, 3 for RGB and Lab, 4 for CMYK. In Lab,
        L from 0 to 100 has the whole range, and half of the range is a = 0 or b = 0.
    space : "grey", "rgb", "cmyk" or "lab"
    alpha : numpy.ndarray, (H, W), optional
        The opacity, of the same dtype.
    duration : float
        Of a frame of an animation, in milliseconds. Otherwise 0.
    """

    samples: NDArray[Any]
    space: Space
    alpha: NDArray[Any] | None = None
    duration: float = 0

    def upright(self, orientation: int) -> "Frame":
        """Return the frame as a viewer shows it, for the EXIF orientation of the file."""
        if orientation not in UPRIGHT:
            return self
        transpose, rows, columns = UPRIGHT[orientation]

        def turn(plane: NDArray[Any]) -> NDArray[Any]:
            plane = plane.swapaxes(0, 1) if transpose else plane
            return np.ascontiguousarray(plane[:: -1 if rows else 1, :: -1 if columns else 1])

        return replace(self, samples=turn(self.samples), alpha=None if self.alpha is None else turn(self.alpha))


def full_scale(dtype: np.dtype[Any]) -> int:
    """Return the sample that is white or opaque: 255, 65535, or 1 for floats."""
    return 1 if dtype.kind == "f" else int(np.iinfo(dtype).max)


def to_unit(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Return samples as float32 from 0 to 1."""
    unit: NDArray[np.float32] = np.divide(samples, np.float32(full_scale(samples.dtype)), dtype=np.float32)
    return unit


def to_samples(unit: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return numbers from 0 to 1 as samples: clipped, and rounded for integers."""
    unit = unit.clip(0, 1)
    return unit.astype(dtype) if dtype.kind == "f" else np.rint(unit * full_scale(dtype)).astype(dtype)


def flip_signs(lab: NDArray[Any]) -> NDArray[Any]:
    """Convert a and b of Lab from signed integers, as files hold them, to integers around half the scale, or back."""
    half = 1 << (8 * lab.itemsize - 1)
    flipped: NDArray[Any] = lab ^ np.array([0, half, half], lab.dtype)
    return flipped
