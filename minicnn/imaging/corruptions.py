"""The tasks that a network can be trained for, and what spoils a good picture so that it can learn to restore it.

Pictures are NumPy arrays (C, H, W), float32, in [0, 1]. Every result is clipped to that range, as in a file: noise
on black is brighter than black, and a network that edits files must know. All chance comes from the generator passed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

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
WIDEST_HOLE = 12  # pixels: a small network sees 14 in each direction, and has to see past the hole
HOLE_COLOUR = (1.0, 0.0, 1.0)  # magenta: any paint program has it, and hardly a photo does
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # how bright red, green and blue look (ITU-R BT.601)


@dataclass(frozen=True)
class Task:
    """What a network shall learn: calling a task with a good picture gives a pair to learn from, (input, target).

    Attributes
    ----------
    name : str
        What users type.
    summary : str
        What the network will do, in a few words.
    spoil : callable, (clean, rng) -> (input, target)
        Makes the pair; use the task itself, which checks the picture first.
    in_channels, out_channels : int
        Of the network: 3 for colour, 1 for grey.
    scale : int
        How many times larger the target is than the input, along each side.
    """

    name: str
    summary: str
    spoil: Callable[[Picture, Generator], tuple[Picture, Picture]]
    in_channels: int = 3
    out_channels: int = 3
    scale: int = 1

    def __call__(self, clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
        """Return (in_channels, h, w) and (out_channels, scale * h, scale * w); cuts what `scale` does not divide.

        Raises
        ------
        ShapeError
            If the picture is not (3, H, W), or not even one pixel is left of it in the input.
        DTypeError
            If its pixels are not float32.
        """
        if clean.ndim != 3 or clean.shape[0] != 3 or min(clean.shape[1:]) < self.scale:
            raise ShapeError(
                f"task {self.name}: a picture must be (3, H, W) with H and W at least {self.scale}, not {clean.shape}; "
                "read it in colour, or choose larger patches"
            )
        if clean.dtype != np.float32:
            raise DTypeError(
                f"task {self.name}: pixels must be float32 in [0, 1], not {clean.dtype}; "
                "convert them, as in picture.astype(np.float32) / 255"
            )
        height, width = (side // self.scale * self.scale for side in clean.shape[1:])
        return self.spoil(clean[:, :height, :width], rng)


def gaussian_noise(image: Picture, sigma: float, rng: Generator) -> Picture:
    """Add independent Gaussian noise with standard deviation `sigma`, where 1 is from black to white."""
    return _clip(image + sigma * rng.standard_normal(image.shape, dtype=np.float32))


def gaussian_blur(image: Picture, sigma: float) -> Picture:
    """Blur as a lens out of focus does, by a Gaussian of `sigma` pixels; the picture is mirrored at its border.

    Raises
    ------
    ShapeError
        If sigma is not above zero.
    """
    if not sigma > 0:
        raise ShapeError(f"gaussian_blur: sigma is a width in pixels, above zero, not {sigma}")
    radius = int(np.ceil(4 * sigma))  # 6 in 100,000 of the window's weight lies further out
    border = ((0, 0), (radius, radius), (radius, radius))
    return _clip(slide(np.pad(image, border, mode="symmetric"), gaussian_window(sigma, radius)))


def resize(image: Picture, height: int, width: int) -> Picture:
    """Resample to a new size by Pillow's bicubic filter, which is widened for making smaller, so nothing aliases.

    Raises
    ------
    ShapeError
        If height or width is below one pixel.
    """
    from PIL import Image

    if min(height, width) < 1:
        raise ShapeError(f"resize: height and width must be one pixel or more, not {height} × {width}")
    planes = [Image.fromarray(np.ascontiguousarray(plane, np.float32)) for plane in image]  # mode F: no rounding
    return _clip(np.stack([np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC)) for plane in planes]))


def jpeg(image: Picture, quality: int) -> Picture:
    """Compress (3, H, W) to JPEG and back.

    Raises
    ------
    ShapeError
        If quality is not from 1 to 95.
    """
    from PIL import Image

    if not 1 <= quality <= 95:
        raise ArgumentError(f"jpeg: quality must be from 1 (small) to 95 (good), not {quality}")
    file = BytesIO()
    Image.fromarray(np.rint(255 * image.transpose(1, 2, 0)).astype(np.uint8)).save(file, "JPEG", quality=quality)
    with Image.open(file) as compressed:
        return np.ascontiguousarray(np.asarray(compressed, np.float32).transpose(2, 0, 1)) / np.float32(255)


def punch_holes(image: Picture, rng: Generator) -> Picture:
    """Paint up to four rectangles and four scratches of (3, H, W) over in `HOLE_COLOUR`."""
    from PIL import Image, ImageDraw

    height, width = image.shape[1:]
    mask = Image.new("1", (width, height))
    draw = ImageDraw.Draw(mask)
    for _ in range(rng.integers(1, 5)):
        x, y = rng.integers((width, height)).tolist()
        wide, high = rng.integers((1 + min(width // 4, WIDEST_HOLE), 1 + min(height // 4, WIDEST_HOLE))).tolist()
        draw.rectangle((x, y, x + wide, y + high), fill=1)
    for _ in range(rng.integers(5)):
        ends = rng.integers((width, height, width, height)).tolist()
        draw.line(ends, fill=1, width=int(rng.integers(1, 4)))
    hole = np.array(HOLE_COLOUR, np.float32)[:, np.newaxis, np.newaxis]
    return np.where(np.asarray(mask), hole, image)


def to_grey(image: Picture) -> Picture:
    """Turn (3, H, W) into (1, H, W), as bright as the colours look."""
    return _clip((LUMA[:, np.newaxis, np.newaxis] * image).sum(axis=0, keepdims=True))


def _clip(image: NDArray[np.floating]) -> Picture:
    return image.clip(0, 1).astype(np.float32)


def _denoise(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
    return gaussian_noise(clean, rng.uniform(5, 50) / 255, rng), clean


def _deblur(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
    return gaussian_blur(clean, rng.uniform(0.5, 2.5)), clean


def _compress(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
    return jpeg(clean, int(rng.integers(10, 61))), clean


def _enlarge(factor: int) -> Task:
    def shrink(clean: Picture, rng: Generator) -> tuple[Picture, Picture]:
        return resize(clean, clean.shape[1] // factor, clean.shape[2] // factor), clean

    return Task(
        f"enlarge-x{factor}", f"make a picture {factor} times as wide and high, and sharp", shrink, scale=factor
    )


# The one list: the command line makes its choices and its help from it.
TASKS = {
    task.name: task
    for task in (
        Task("denoise", "remove noise, from faint to heavy (σ from 5 to 50 of 255)", _denoise),
        Task("deblur", "sharpen what is out of focus (blurred by σ from 0.5 to 2.5 pixels)", _deblur),
        Task("clean-jpeg", "remove the blocks and rings of strong JPEG compression (quality 10 to 60)", _compress),
        _enlarge(2),
        _enlarge(3),
        Task(
            "inpaint",
            "fill in what was painted over in magenta (#FF00FF), such as scratches",
            lambda clean, rng: (punch_holes(clean, rng), clean),
        ),
        Task("colourise", "give a grey picture colours", lambda clean, rng: (to_grey(clean), clean), in_channels=1),
    )
}
