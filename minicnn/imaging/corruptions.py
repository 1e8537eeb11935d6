"""The corruptions that make a training input from a clean image; `tasks.py` makes tasks of them.

Images are NumPy arrays (C, H, W), float32, in [0, 1]. Every result is clipped to this range, as in a file: noise makes
black pixels only brighter, and a network that edits files must learn this. Randomness comes from the generator that the
caller passes.
"""

from io import BytesIO

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minicnn.data.images import LUMA
from minicnn.data.samples import to_samples
from minicnn.errors import ArgumentError, ShapeError
from minicnn.imaging.gaussian import gaussian_window, slide
from minicnn.models import HOLE_COLOUR

__all__ = ["as_in_a_file", "gaussian_blur", "gaussian_noise", "grain", "jpeg", "punch_holes", "resize", "to_grey"]

Picture = NDArray[np.float32]
MAX_HOLE = 40  # pixels
HOLES_SIDE = 128  # pixels; side of an image with 1 to 4 holes


def gaussian_noise(image: Picture, sigma: float, rng: Generator) -> Picture:
    """Add Gaussian noise with standard deviation `sigma`, independent for each pixel. Black is 0, white is 1."""
    return _clip(image + sigma * rng.standard_normal(image.shape, dtype=np.float32))


def grain(image: Picture, sigma: float, size: float, rng: Generator) -> Picture:
    """Add film grain: grey Gaussian noise that is blurred, so that its grains are larger than a pixel.

    Parameters
    ----------
    image : numpy.ndarray, (C, H, W)
    sigma : float
        The standard deviation of the grain.
    size : float
        The standard deviation of the blur, in pixels.
    rng : generator
    """
    radius = int(np.ceil(4 * size))
    window = gaussian_window(size, radius)
    height, width = image.shape[1:]
    white = rng.standard_normal((height + 2 * radius, width + 2 * radius), dtype=np.float32)
    return _clip(image + sigma * slide(white, window) / (window**2).sum())


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
    """Paint random rectangles, ellipses and lines on an image (3, H, W) in `HOLE_COLOUR`.

    A rectangle or an ellipse has sides of up to 40 pixels, but at most 2/5 of the image; small ones are more frequent.
    A line is up to 8 pixels wide. There are 1 to 4 rectangles and ellipses in each 128 × 128 pixels, and 0 to 4 lines
    in an image of this size. The smallest ellipses have no pixel, so a small image can stay as it is.
    """
    from PIL import Image, ImageDraw

    height, width = image.shape[1:]
    limits = np.minimum((width * 2 // 5, height * 2 // 5), MAX_HOLE)
    mask = Image.new("1", (width, height))
    draw = ImageDraw.Draw(mask)
    per_side = max((width * height) ** 0.5 / HOLES_SIDE, 1)
    for _ in range(round(int(rng.integers(1, 5)) * per_side**2)):
        x, y = rng.integers((width, height)).tolist()
        wide, high = (rng.random(2) ** 1.5 * limits).astype(int).tolist()
        shape = draw.rectangle if rng.integers(2) else draw.ellipse
        shape((x, y, x + wide, y + high), fill=1)
    for _ in range(round(int(rng.integers(5)) * per_side)):
        ends = rng.integers((width, height, width, height)).tolist()
        draw.line(ends, fill=1, width=int(1 + 7 * rng.random() ** 2))
    hole = np.array(HOLE_COLOUR, np.float32)[:, np.newaxis, np.newaxis]
    return np.where(np.asarray(mask), hole, image)


def as_in_a_file(image: Picture) -> Picture:
    """Round to multiples of 1/255, as in a file with 8 bits.

    Without this a network learns to use details that no file holds. For example, a blur can be undone nearly exactly if
    the blurred pixels are not rounded.
    """
    return (np.rint(255 * image) / 255).astype(np.float32)


def to_grey(image: Picture) -> Picture:
    """Convert a colour image (3, H, W) to grey (1, H, W), by the weights `LUMA`."""
    return _clip((LUMA[:, np.newaxis, np.newaxis] * image).sum(axis=0, keepdims=True))


def _clip(image: NDArray[np.floating]) -> Picture:
    return image.clip(0, 1).astype(np.float32)
