"""Pictures in a terminal: each letter is a half block that shows two pixels, in 24-bit colours."""

import os
import sys
from io import BytesIO

import numpy as np

__all__ = ["picture_lines", "shows_pictures"]

UPPER_HALF = "\N{UPPER HALF BLOCK}"
RESET = "\x1b[0m"


def shows_pictures() -> bool:
    """Tell whether the output is a terminal with colours, and the user has not switched them off ($NO_COLOR)."""
    colours = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return sys.stdout.isatty() and colours and (sys.stdout.encoding or "").lower().startswith("utf")


def picture_lines(file: bytes, columns: int) -> list[str]:
    """Return the picture in a file as lines of `columns` letters, reduced by averaging."""
    from PIL import Image

    with Image.open(BytesIO(file)) as picture:
        rows = 2 * max(round(columns * picture.height / picture.width / 2), 1)  # of pixels
        pixels = np.asarray(picture.convert("RGB").resize((columns, rows), Image.Resampling.BOX)).tolist()
    lines = []
    for upper, lower in zip(pixels[::2], pixels[1::2], strict=True):
        letters = [
            f"\x1b[38;2;{r};{g};{b}m\x1b[48;2;{s};{h};{c}m{UPPER_HALF}"
            for (r, g, b), (s, h, c) in zip(upper, lower, strict=True)
        ]
        lines.append("".join(letters) + RESET)
    return lines
