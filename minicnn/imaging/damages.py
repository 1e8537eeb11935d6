"""Ways to spoil a photo, with classical methods that repair it: `DAMAGES`. Measurements and the demo go over them.

Methods marked with * know how the photo was spoilt; the networks do not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from minicnn.imaging.classical import (
    CLASSICAL_DENOISERS,
    bicubic,
    biharmonic,
    lanczos,
    richardson_lucy,
    total_variation,
    wiener,
)
from minicnn.imaging.corruptions import gaussian_blur, gaussian_noise, jpeg, punch_holes, resize, to_grey
from minicnn.imaging.tasks import holes

__all__ = ["DAMAGES", "Damage", "most_spoilt"]

Picture = NDArray[np.float32]
Method = Callable[[Picture], Picture]


@dataclass(frozen=True)
class Damage:
    """A way to spoil a photo, and what repairs it.

    Attributes
    ----------
    model : str
        The name of the trained model that repairs it. It is also the name of the task.
    name : str
    spoil : callable, (clean, rng) -> spoilt
    classical : dict of str to callable, spoilt -> repaired
        Methods without a network.
    input : callable, spoilt -> image, optional
        Makes the spoilt photo comparable with the clean photo. None: it cannot be compared.
    """

    model: str
    name: str
    spoil: Callable[[Picture, np.random.Generator], Picture]
    classical: dict[str, Method] = field(default_factory=dict)
    input: Method | None = None


def _same(image: Picture) -> Picture:
    return image


def _noise(sigma: float) -> Damage:
    def using(denoise: Callable[[Picture, float], Picture]) -> Method:
        return lambda y: denoise(y, sigma / 255)

    return Damage(
        "denoise",
        f"noise, σ = {sigma}",
        lambda x, rng: gaussian_noise(x, sigma / 255, rng),
        {f"{name}*": using(method) for name, method in CLASSICAL_DENOISERS.items()},
        _same,
    )


def _small(factor: int) -> Damage:
    return Damage(
        f"enlarge-x{factor}",
        f"{factor} times smaller",
        lambda x, rng: resize(x, x.shape[1] // factor, x.shape[2] // factor),
        {"bicubic": lambda y: bicubic(y, factor), "Lanczos": lambda y: lanczos(y, factor)},
    )


def _blur(sigma: float) -> Damage:
    return Damage(
        "deblur",
        f"blur, σ = {sigma} pixels",
        lambda x, rng: gaussian_blur(x, sigma),
        {"Wiener*": lambda y: wiener(y, sigma), "Richardson-Lucy*": lambda y: richardson_lucy(y, sigma)},
        _same,
    )


def _jpeg(quality: int, weight: float) -> Damage:
    return Damage(
        "clean-jpeg",
        f"JPEG, quality {quality}",
        lambda x, rng: jpeg(x, quality),
        {"total variation": lambda y: total_variation(y, weight)},
        _same,
    )


DAMAGES = (
    *(_noise(sigma) for sigma in (10, 25, 50)),
    _small(2),
    _small(3),
    _blur(1.6),
    _jpeg(10, 0.04),
    _jpeg(30, 0.02),
    Damage("inpaint", "holes and scratches", punch_holes, {"biharmonic": lambda y: biharmonic(y, holes(y))}),
    Damage("colourise", "no colours", lambda x, rng: to_grey(x), {}, lambda y: y.repeat(3, axis=0)),
)


def most_spoilt(spoilt: Picture, clean: Picture, size: int) -> tuple[slice, slice, slice]:
    """Return the square of this size, at multiples of 20 pixels, in which two pictures differ most."""
    error = ((spoilt - clean) ** 2).sum(0)
    places = [
        (float(error[y : y + size, x : x + size].sum()), y, x)
        for y in range(0, max(error.shape[0] - size, 0) + 1, 20)
        for x in range(0, max(error.shape[1] - size, 0) + 1, 20)
    ]
    _, top, left = max(places)
    return slice(None), slice(top, top + size), slice(left, left + size)
