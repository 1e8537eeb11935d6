"""Ways to spoil a photo, with classical methods that repair it: `DAMAGES`. Measurements and the demo go over them.

`compare` spoils a photo and repairs it with each method. Methods marked with * know how the photo was spoilt; the
networks do not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
from minicnn.imaging.corruptions import (
    as_in_a_file,
    gaussian_blur,
    gaussian_noise,
    jpeg,
    punch_holes,
    resize,
    to_grey,
)
from minicnn.imaging.metrics import psnr
from minicnn.imaging.tasks import TASKS, holes

__all__ = ["DAMAGES", "Comparison", "Damage", "compare"]

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


@dataclass(frozen=True)
class Comparison:
    """A spoilt photo, and the results of the methods that repair it.

    Attributes
    ----------
    spoilt : numpy.ndarray, (3, H, W)
        In the size and with the channels of the clean photo, for a figure.
    results : dict of str to numpy.ndarray, (3, H, W)
    clean : numpy.ndarray, (3, H, W)
    psnr : dict of str to float
        The PSNR of the results, in the region of the task, and of the "input" if it is comparable.
    """

    spoilt: Picture
    results: dict[str, Picture]
    clean: Picture
    psnr: dict[str, float]

    def hardest(self, size: int) -> tuple[slice, slice, slice]:
        """Return the square of this size, at multiples of 20 pixels, with the largest squared error of all results."""
        return _largest(sum(((result - self.clean) ** 2).sum(0) for result in self.results.values()), size)


def compare(damage: Damage, clean: Picture, rng: np.random.Generator, networks: Mapping[str, Method]) -> Comparison:
    """Spoil a photo, and repair it with the classical methods and with networks."""
    spoilt = as_in_a_file(damage.spoil(clean, rng))
    results = {name: method(spoilt) for name, method in (*damage.classical.items(), *networks.items())}
    inside = TASKS[damage.model].inside(spoilt)
    comparable = {"input": damage.input(spoilt)} if damage.input else {}
    scores = {name: psnr(image[inside], clean[inside]) for name, image in (comparable | results).items()}
    scale = clean.shape[1] // spoilt.shape[1]
    shown = np.broadcast_to(spoilt.repeat(scale, axis=1).repeat(scale, axis=2), clean.shape)
    return Comparison(shown, results, clean, scores)


def _largest(error: Any, size: int) -> tuple[slice, slice, slice]:
    places = [
        (float(error[y : y + size, x : x + size].sum()), y, x)
        for y in range(0, max(error.shape[0] - size, 0) + 1, 20)
        for x in range(0, max(error.shape[1] - size, 0) + 1, 20)
    ]
    _, top, left = max(places)
    return slice(None), slice(top, top + size), slice(left, left + size)
