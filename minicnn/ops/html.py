"""How a tensor shows itself in a notebook: its values, and pictures if it looks like pictures."""

import base64
from html import escape
from io import BytesIO
from typing import Any

import numpy as np

from minicnn.ops.text import text_of
from minicnn.runtime.devices import to_host

__all__ = ["tensor_html"]

LEAST_SIDE = 8  # pixels; a smaller tensor shows no picture ...
LEAST_WINDOW = 3  # ... except for filters and their kin: with four axes, a side of 3 is enough
LINES = 20  # a longer text is shown after a click
MOST_SIDE = 256  # pixels; of a larger picture, only every second, third, ... pixel is shown
SHOWN = 16  # pictures
WIDTH = 80  # pixels of the page; a smaller picture is enlarged
CHANNELS = (1, 3)  # of a picture; other channels are shown one by one, in grey


@np.errstate(all="ignore")  # a range may overflow
def tensor_html(tensor: Any) -> str:
    """Return HTML with the tensor's text, and with pictures of a float tensor (H, W), (C, H, W) or (N, C, H, W).

    Values from 0 to 1 are shown as they are, others are scaled. It takes few values, however large the tensor is.
    """
    written = text_of(tensor)
    text = f"<pre>{escape(written)}</pre>"
    folded = f"<details><summary>values</summary>{text}</details>"
    if written.count("\n") >= LINES:
        text = folded
    shape = " x ".join(map(str, tensor.shape)) or "scalar"
    note = f"<div>{shape}, {str(tensor.dtype).removeprefix('minicnn.')}, {tensor.device}"
    pictures = _pictures(tensor)
    if not len(pictures):
        return f"{note}</div>{text}"
    low, high = float(pictures.min()), float(pictures.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return f"{note}</div>{text}"
    if low < 0 or high > 1:
        note += f"; {low:.4g} is black, {high:.4g} is white"
        pictures = (pictures - low) / (high - low if high > low else 1)
    images = "".join(_image(picture) for picture in pictures)
    return f"{note}</div>{images}{folded}"


def _pictures(tensor: Any) -> np.ndarray[Any, Any]:
    """Return the first pictures in a tensor as float32 (n, H, W, C), or an array without any."""
    none = np.empty(0, np.float32)
    shape = tensor.shape
    least = LEAST_WINDOW if len(shape) == 4 else LEAST_SIDE
    if tensor.dtype.kind != "f" or not 2 <= len(shape) <= 4 or min(shape[-2:]) < least or 0 in shape:
        return none
    step = -(-max(shape[-2:]) // MOST_SIDE)
    some = tensor.detach().array[..., ::step, ::step]
    height, width = some.shape[-2:]
    colour = len(shape) > 2 and shape[-3] in CHANNELS
    channels = shape[-3] if colour else 1
    if len(shape) == 4:  # the first pictures, or the channels of the first picture
        some = some[:SHOWN] if colour else some[0]
    some = some[: SHOWN * channels] if some.ndim == 3 else some
    found = to_host(some).astype(np.float32).reshape(-1, channels, height, width)
    return found[:SHOWN].transpose(0, 2, 3, 1)


def _image(picture: np.ndarray[Any, Any]) -> str:
    """Return an <img> of a picture (H, W, C) of values from 0 to 1."""
    try:
        from PIL import Image
    except ImportError:
        return ""
    pixels = np.rint(picture * np.float32(255)).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "PNG")
    style = f"width:{max(WIDTH, pixels.shape[1])}px; image-rendering:pixelated; margin:2px; display:inline-block"
    return f'<img alt="" style="{style}" src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
