"""Training tasks for editing networks, and the corruptions that make a training input from a clean image.

Images are NumPy arrays (C, H, W), float32, in [0, 1]. Every result is clipped to this range, as in a file: noise makes
black pixels only brighter, and a network that edits files must learn this. Randomness comes from the generator that the
caller passes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minicnn.data.images import LUMA
from minicnn.data.samples import to_samples
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.imaging.gaussian import gaussian_window, slide

__all__ = [
    "HOLE_COLOUR",
    "TASKS",
    "Task",
    "gaussian_blur",
    "gaussian_noise",
    "jpeg",
    "punch_holes",
    "resize",
    "to_grey",
]

Picture = NDArray[np.float32]
MAX_HOLE = 12  # pixels; a small network has a radius of 14 pixels and must see beyond the hole
HOLE_COLOUR = (1.0, 0.0, 1.0)  # magenta: easy to paint, rare in photos


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
    """

    name: str
    summary: str
    spoil: Callable[[Picture, Generator], tuple[Picture, Picture]]
    in_channels: int = 3
    out_channels: int = 3
    scale: int = 1

    def __call__(self, clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
        """Return (in_channels, h, w) and (out_channels, scale * h, scale * w), with h = H // scale and w = W // scale.

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
        return self.spoil(clean[:, :height, :width], rng)


def gaussian_noise(image: Picture, sigma: float, rng: Generator) -> Picture:
    """Add Gaussian noise with standard deviation `sigma`, independent for each pixel. Black is 0, white is 1."""
    return _clip(image + sigma * rng.standard_normal(image.shape, dtype=np.float32))


def gaussian_blur(image: Picture, sigma: float) -> Picture:
    """Blur with a Gaussian of standard deviation `sigma` pixels. The image is mirrored at its border.

    Raises
    ------
    ShapeError
        If sigma is not positive.
    """
    if not sigma > 0:
        raise ShapeError(f"gaussian_blur: sigma, a width in pixels, must be positive, got {sigma}")
    radius = int(np.ceil(4 * sigma))  # cuts off 6 in 100,000 of the Gaussian
    border = ((0, 0), (radius, radius), (radius, radius))
    return _clip(slide(np.pad(image, border, mode="symmetric"), gaussian_window(sigma, radius)))


def resize(image: Picture, height: int, width: int) -> Picture:
    """Resize with Pillow's bicubic filter. When an image shrinks, Pillow widens the filter to prevent aliasing.

    Raises
    ------
    ShapeError
        If height or width is below 1.
    """
    from PIL import Image

    if min(height, width) < 1:
        raise ShapeError(f"resize: height and width must be at least 1, got {height} × {width}")
    planes = [Image.fromarray(np.ascontiguousarray(plane, np.float32)) for plane in image]  # Pillow's float mode
    return _clip(np.stack([np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC)) for plane in planes]))


def jpeg(image: Picture, quality: int) -> Picture:
    """Compress an image (3, H, W) to JPEG and decode it again.

    Raises
    ------
    ArgumentError
        If quality is not from 1 to 95.
    """
    from PIL import Image

    if not 1 <= quality <= 95:
        raise ArgumentError(f"jpeg: quality must be from 1 (small) to 95 (good), got {quality}")
    file = BytesIO()
    pixels = to_samples(image.transpose(1, 2, 0), np.dtype(np.uint8))
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=quality)
    with Image.open(file) as compressed:
        return np.ascontiguousarray(np.asarray(compressed, np.float32).transpose(2, 0, 1)) / np.float32(255)


def punch_holes(image: Picture, rng: Generator) -> Picture:
    """Paint 1 to 4 random rectangles and 0 to 4 random lines on an image (3, H, W) in `HOLE_COLOUR`."""
    from PIL import Image, ImageDraw

    height, width = image.shape[1:]
    mask = Image.new("1", (width, height))
    draw = ImageDraw.Draw(mask)
    for _ in range(rng.integers(1, 5)):
        x, y = rng.integers((width, height)).tolist()
        wide, high = rng.integers((1 + min(width // 4, MAX_HOLE), 1 + min(height // 4, MAX_HOLE))).tolist()
        draw.rectangle((x, y, x + wide, y + high), fill=1)
    for _ in range(rng.integers(5)):
        ends = rng.integers((width, height, width, height)).tolist()
        draw.line(ends, fill=1, width=int(rng.integers(1, 4)))
    hole = np.array(HOLE_COLOUR, np.float32)[:, np.newaxis, np.newaxis]
    return np.where(np.asarray(mask), hole, image)


def to_grey(image: Picture) -> Picture:
    """Convert a colour image (3, H, W) to grey (1, H, W), by the weights `LUMA`."""
    return _clip((LUMA[:, np.newaxis, np.newaxis] * image).sum(axis=0, keepdims=True))


def _clip(image: NDArray[np.floating]) -> Picture:
    return image.clip(0, 1).astype(np.float32)


def _denoise(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
    return gaussian_noise(clean, rng.uniform(5, 50) / 255, rng), clean


def _deblur(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
    return gaussian_blur(clean, rng.uniform(0.5, 2.5)), clean


def _compress(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
    return jpeg(clean, int(rng.integers(10, 61))), clean


def _enlarge_task(factor: int) -> Task:
    def shrink(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
        return resize(clean, clean.shape[1] // factor, clean.shape[2] // factor), clean

    return Task(f"enlarge-x{factor}", f"enlarge an image to {factor} times its width and height", shrink, scale=factor)


# The command line takes its choices and its help from this dict.
TASKS = {
    task.name: task
    for task in (
        Task("denoise", "remove noise, from faint to heavy (σ from 5 to 50 of 255)", _denoise),
        Task("deblur", "sharpen blurred photos (σ from 0.5 to 2.5 pixels)", _deblur),
        Task("clean-jpeg", "remove the blocks and rings of strong JPEG compression (quality 10 to 60)", _compress),
        _enlarge_task(2),
        _enlarge_task(3),
        Task(
            "inpaint",
            "fill in holes and scratches that are painted magenta (#FF00FF)",
            lambda clean, rng: (punch_holes(clean, rng), clean),
        ),
        Task("colourise", "add colours to a grey image", lambda clean, rng: (to_grey(clean), clean), in_channels=1),
    )
}
