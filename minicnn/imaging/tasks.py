"""Training tasks for editing networks: `TASKS`. A task says how inputs are made from clean photos, and how to train.

To add a task, add it to the tuple at the end of this file. The command line takes its choices and its help from there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.imaging.corruptions import (
    as_in_a_file,
    gaussian_blur,
    gaussian_noise,
    grain,
    jpeg,
    punch_holes,
    resize,
    to_grey,
)
from minicnn.imaging.filling import painted_holes
from minicnn.imaging.metrics import Score
from minicnn.models import EditingNetwork, EditingUNet, Inpainter, ResidualEditor
from minicnn.nn.functional import mse_loss
from minicnn.training import Recipe

__all__ = ["TASKS", "PatchRecipe", "Task", "holes", "rms_loss"]

Picture = NDArray[np.float32]

RMS_SHARE = 0.08
PUNCHES = 4  # only pixels in holes teach anything: with 4 times as many, a network learns more than twice as fast
MIN_BLUR, MAX_BLUR = 0.2, 2.5  # pixels; a photo with the smallest is sharp, and must stay as it is


@dataclass(frozen=True, kw_only=True)
class PatchRecipe(Recipe):
    """The settings of a training on patches of photos.

    Attributes
    ----------
    patch : int
        Side of the network's input patches, in pixels.
    """

    patch: int = 48


@dataclass(frozen=True)
class Task:
    """A training task. `task(clean, rng)` returns a training pair (input, target) from a clean image.

    Attributes
    ----------
    name : str
        The name on the command line.
    summary : str
        A short description for the help text.
    spoil : callable, (clean, rng) -> (input, target)
        Makes the pair without checks. Call the task instead.
    in_channels, out_channels : int
        The channels of input and target: 3 for colour, 1 for grey.
    scale : int
        Target size / input size.
    margin : int
        After spoiling, this many pixels of the input are cut off on each side: they depend on how `spoil` treats the
        border of a patch, and a network would learn this instead of the task. Small images lose less.
    network : type of EditingNetwork
        The network that learns the task.
    arguments : mapping of str to int
        Further arguments of the network.
    recipe : PatchRecipe
        The settings of the training.
    loss : callable, (output, target) -> Tensor
    region : callable, input -> (H, W) of bool, optional
        The pixels that the score is of. Default: all.
    """

    name: str
    summary: str
    spoil: Callable[[Picture, Generator], tuple[Picture, Picture]]
    in_channels: int = 3
    out_channels: int = 3
    scale: int = 1
    margin: int = 0
    network: type[EditingNetwork] = ResidualEditor
    arguments: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    recipe: PatchRecipe = PatchRecipe()
    loss: Callable[[Tensor, Tensor], Tensor] = mse_loss  # its best result has the highest PSNR
    region: Callable[[Picture], NDArray[np.bool_]] | None = None

    def __call__(self, clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
        """Return (in_channels, h, w) and (out_channels, scale * h, scale * w).

        h = H // scale - 2 margin and w = W // scale - 2 margin, for large images. The input is rounded to 8 bits.

        Raises
        ------
        ShapeError
            If the image is not (3, H, W), or H or W is below `scale`.
        DTypeError
            If its pixels are not float32.
        """
        if clean.ndim != 3 or clean.shape[0] != 3 or min(clean.shape[1:]) < self.scale:
            raise ShapeError(
                f"task {self.name}: an image must be (3, H, W) with H and W at least {self.scale}, got {clean.shape}; "
                "read it in colour, or choose larger patches"
            )
        if clean.dtype != np.float32:
            raise DTypeError(
                f"task {self.name}: pixels must be float32 in [0, 1], got {clean.dtype}; "
                "convert them, for example with image.astype(np.float32) / 255"
            )
        height, width = (side // self.scale * self.scale for side in clean.shape[1:])
        spoilt, target = self.spoil(clean[:, :height, :width], rng)
        return as_in_a_file(self._cut(spoilt, 1)), self._cut(target, self.scale)

    def _cut(self, image: Picture, scale: int) -> Picture:
        """Cut off the margin of an image that is `scale` times as large as the input."""
        margins = (scale * min(self.margin, (side // scale - 1) // 2) for side in image.shape[1:])
        rows, columns = (slice(m, -m or None) for m in margins)
        return image[:, rows, columns]

    @property
    def shape(self) -> dict[str, int]:
        """The channels and the scale of a network for the task, as its arguments."""
        shape = {"in_channels": self.in_channels, "out_channels": self.out_channels}
        return shape if self.scale == 1 else shape | {"scale": self.scale}

    def clean_side(self, patch: int) -> int:
        """Return the side of the clean patch from which an input of this side is made."""
        return (patch + 2 * self.margin) * self.scale

    def inside(self, spoilt: Picture) -> Any:
        """Return the index of an image's pixels that the score is of: ``image[task.inside(spoilt)]``."""
        return ... if self.region is None else (..., self.region(spoilt))

    def score(self, image: Picture, target: Picture, spoilt: Picture) -> Score:
        """Return the score of an edited image, in the region of the task."""
        return Score.of(image, target, None if self.region is None else self.region(spoilt))


def rms_loss(output: Tensor, target: Tensor) -> Tensor:
    """Return a multiple of the mean root-mean-square error of the samples of a batch.

    The mean squared error is mostly that of the samples with strong noise or blur. This loss learns faint ones better:
    after 1,200 steps of denoising, PSNR is 0.34 dB higher at σ = 10 of 255, and 0.07 dB lower at σ = 50. The factor
    makes its gradient as large as that of the mean squared error.
    """
    error: Tensor = RMS_SHARE * (((output - target) ** 2).mean((1, 2, 3)) + 1e-6).sqrt().mean()
    return error


def holes(image: Picture) -> NDArray[np.bool_]:
    """Return where an image (3, H, W) has the colour of holes, as (H, W)."""
    found: NDArray[np.bool_] = painted_holes(image) > 0
    return found


def _denoise(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
    sigma, kind = rng.uniform(0, 50) / 255, rng.random()
    if kind < 0.8:
        return gaussian_noise(clean, sigma, rng), clean
    if kind < 0.9:
        return grain(clean, sigma / 2, rng.uniform(0.4, 1.2), rng), clean
    return jpeg(gaussian_noise(clean, sigma / 2, rng), int(rng.integers(60, 96))), clean


def _deblur(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
    return gaussian_blur(clean, rng.uniform(MIN_BLUR, MAX_BLUR)), clean


def _compress(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
    return jpeg(clean, int(rng.integers(10, 61))), clean


def _enlarge_task(factor: int, patch: int) -> Task:
    def shrink(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
        return resize(clean, clean.shape[1] // factor, clean.shape[2] // factor), clean

    summary = f"enlarge an image to {factor} times its width and height"
    return Task(f"enlarge-x{factor}", summary, shrink, scale=factor, recipe=PatchRecipe(patch=patch))


def _punch(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
    spoilt = clean
    for _ in range(PUNCHES):
        spoilt = punch_holes(spoilt, rng)
    return spoilt, clean


def _remove_colour(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
    return to_grey(clean), clean


_TASKS: tuple[Task, ...] = (
    Task("denoise", "remove noise and film grain, from faint to heavy (σ up to 50 of 255)", _denoise, loss=rms_loss),
    Task("deblur", "sharpen blurred photos (σ up to 2.5 pixels)", _deblur, margin=int(4 * MAX_BLUR), loss=rms_loss),
    Task("clean-jpeg", "remove the blocks and rings of strong JPEG compression (quality 10 to 60)", _compress),
    _enlarge_task(2, 40),
    _enlarge_task(3, 32),
    Task(
        "inpaint",
        "fill in holes and scratches that are painted magenta (#FF00FF)",
        _punch,
        network=Inpainter,
        recipe=PatchRecipe(patch=64, learning_rate=1.5e-3),
        region=holes,
    ),
    Task(
        "colourise",
        "add colours to a grey image; an experiment: they are often wrong",
        _remove_colour,
        in_channels=1,
        network=EditingUNet,
        arguments=MappingProxyType(
            {"width": 28, "levels": 3, "shuffle": 4}
        ),  # the grey image has the details, so colours need no fine resolution
        recipe=PatchRecipe(patch=128, batch_size=4, learning_rate=1e-3),
    ),
)
TASKS: dict[str, Task] = {task.name: task for task in _TASKS}
