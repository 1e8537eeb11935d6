"""Figures for reports: a grid of images with titles and captions, and loss curves.

Pillow draws the grid, matplotlib the curves. `write_image` writes both.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.data.images import write_image
from minicnn.errors import DataError, ShapeError
from minicnn.optional import import_optional

__all__ = ["comparison_sheet", "loss_curve"]

Picture = NDArray[np.floating]
MIN_SIDE = 192  # pixels; images are enlarged until the longest side of the largest image has at least this length
GAP = 12  # pixels between cells
TEXT, LINE, MARGIN = 16, 20, 4  # pixels: the font size, the line height, the space above and below a text


def comparison_sheet(
    path: str | os.PathLike[str],
    rows: Sequence[Sequence[Picture]],
    column_titles: Sequence[str],
    captions: Sequence[Sequence[str]] | None = None,
) -> None:
    """Write a figure that compares images in a grid: a row for each subject, a column for each method.

    Parameters
    ----------
    path : path for `minicnn.data.images.write_image`
    rows : rows of images, each (C, H, W) with C = 1 or 3, floats in [0, 1]
    column_titles : a text for each column
    captions : a text for each image, optional
        Drawn below the image, for example "27.9 dB, 0.81". It may have several lines. Pillow's default font has only
        ASCII letters; other letters become question marks.

    Raises
    ------
    ShapeError
        If there are no images, an image has another shape, or the numbers of images and texts differ.
    DataError
        If an image holds NaN or infinity, or the file cannot be written.

    Notes
    -----
    Small images are enlarged by an integer factor, so that every pixel stays a sharp square. All images have the same
    factor, so that sizes are comparable. There is an exception: an image of at most half the size of the largest image
    in its row (the input of an enlargement) is enlarged further, to about the same size.
    """
    captions = captions or [[""] * len(row) for row in rows]
    _check_grid(rows, column_titles, captions)
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(TEXT)
    ruler = ImageDraw.Draw(Image.new("L", (1, 1)))
    texts = [[_printable(text) for text in row] for row in (column_titles, *captions)]
    pictures = _enlarge(rows)

    centres, right = [], GAP
    for column, column_texts in zip(zip(*pictures, strict=True), zip(*texts, strict=True), strict=True):
        text_width = max(ruler.multiline_textbbox((0, 0), text, font)[2] for text in column_texts)
        width = max(int(text_width), *(picture.shape[2] for picture in column))
        centres.append(right + width // 2)
        right += width + GAP
    heights = [max(picture.shape[1] for picture in row) for row in pictures]
    tops, text_tops, bottom = [], [GAP], GAP + _text_height(texts[0])
    for height, row_of_texts in zip(heights, texts[1:], strict=True):
        tops.append(bottom)
        text_tops.append(bottom + height)
        bottom += height + _text_height(row_of_texts) + GAP

    background = Image.new("RGB", (right, bottom), "white")
    draw = ImageDraw.Draw(background)
    for text_top, row_of_texts in zip(text_tops, texts, strict=True):
        for centre, text in zip(centres, row_of_texts, strict=True):
            for number, line in enumerate(text.splitlines()):
                draw.text((centre, text_top + MARGIN + number * LINE), line, "black", font, anchor="ma")
    figure = np.asarray(background, np.float32).transpose(2, 0, 1) / np.float32(255)  # (3, H, W)
    for top, height, row in zip(tops, heights, pictures, strict=True):
        for centre, picture in zip(centres, row, strict=True):
            y, x = top + (height - picture.shape[1]) // 2, centre - picture.shape[2] // 2
            figure[:, y : y + picture.shape[1], x : x + picture.shape[2]] = picture  # grey broadcasts to 3 channels
    write_image(path, figure)


def loss_curve(
    path: str | os.PathLike[str],
    losses: Mapping[str, Sequence[float]],
    scores: Mapping[str, Sequence[float]] | None = None,
    *,
    title: str = "Training",
    x_label: str = "step",
    y_label: str = "loss",
) -> None:
    """Draw loss curves on a logarithmic axis, and curves of scores on a linear axis.

    Parameters
    ----------
    path : path for `minicnn.data.images.write_image`
    losses : dict of label to values
        Every curve spans the whole width. For example, 10 values of epochs are drawn at every hundredth of 1,000 steps.
        Values that are not finite and positive leave a gap.
    scores : dict of label to values, optional
        Curves with a linear axis of their own, below the losses. Curves without a value are left out.
    title, x_label, y_label : str
        `x_label` names the unit of the longest curve.

    Raises
    ------
    DataError
        If no curve has a finite positive value, or the file cannot be written.
    MissingPackageError
        If matplotlib is not installed.

    Notes
    -----
    A curve of more than 100 values is drawn pale, with its moving average over a twentieth of the values on top.
    """
    curves = {label: np.asarray(values, np.float64) for label, values in losses.items()}
    curves = {label: np.where(np.isfinite(values) & (values > 0), values, np.nan) for label, values in curves.items()}
    if np.isnan(np.concatenate([[np.nan], *curves.values()])).all():
        raise DataError(
            f"loss_curve: a logarithmic axis needs finite positive values, got {losses}; check that the training ran"
        )
    figure_module = import_optional("matplotlib.figure", call="loss_curve", package="matplotlib", extra="viz")
    agg = import_optional("matplotlib.backends.backend_agg", call="loss_curve", package="matplotlib", extra="viz")

    # Without pyplot, which would keep the figure in memory and select a GUI backend.
    figure = figure_module.Figure(figsize=(8, 5), dpi=120, layout="constrained")
    scores = {label: values for label, values in (scores or {}).items() if len(values)}
    rows = 2 if scores else 1
    _draw(figure.add_subplot(rows, 1, 1, title=title, xlabel=x_label, ylabel=y_label, yscale="log"), curves)
    if scores:
        _draw(figure.add_subplot(rows, 1, 2, xlabel="evaluation", ylabel=", ".join(scores)), scores)
    canvas = agg.FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba(), np.float32)[..., :3]  # (H, W, 3); the figure is opaque
    write_image(path, pixels.transpose(2, 0, 1) / np.float32(255))


def _draw(axes: Any, curves: Mapping[str, Any]) -> None:
    """Draw curves over the unit of the longest curve."""
    longest = max(len(values) for values in curves.values())
    for colour, (label, values) in enumerate(curves.items()):
        steps = np.arange(1, len(values) + 1) * (longest / max(len(values), 1))
        if len(values) > 100:
            axes.plot(steps, values, color=f"C{colour}", alpha=0.3, linewidth=0.8)
            window = len(values) // 20
            steps = steps[window - 1 :]
            values = np.convolve(values, np.full(window, 1 / window), mode="valid")
            label = f"{label} (mean of {window})"
        axes.plot(steps, values, color=f"C{colour}", marker="o" if len(values) <= 20 else None, label=label)
    axes.grid(which="both", alpha=0.25)
    axes.legend()


def _enlarge(rows: Sequence[Sequence[Picture]]) -> list[list[Picture]]:
    """Return all images, enlarged by the integer factors that `comparison_sheet` describes."""
    largest = [max(side for picture in row for side in picture.shape[1:]) for row in rows]
    factor = -(-MIN_SIDE // max(largest))
    enlarged = []
    for row, longest in zip(rows, largest, strict=True):
        factors = [factor * (longest // max(picture.shape[1:])) for picture in row]
        enlarged.append([p.repeat(n, axis=1).repeat(n, axis=2) for p, n in zip(row, factors, strict=True)])
    return enlarged


def _printable(text: str) -> str:
    """Return a text in letters that Pillow's font has."""
    return text.replace("σ", "sigma").encode("ascii", "replace").decode()


def _text_height(texts: Sequence[str]) -> int:
    lines = max(len(text.splitlines()) for text in texts)
    return lines * LINE + 2 * MARGIN if lines else 0


def _check_grid(
    rows: Sequence[Sequence[Picture]], column_titles: Sequence[str], captions: Sequence[Sequence[str]]
) -> None:
    if not rows or not column_titles:
        raise ShapeError(
            f"comparison_sheet: the figure must have at least 1 image, got {len(rows)} rows and {len(column_titles)} "
            "column titles; pass at least 1 row and 1 title"
        )
    if len(captions) != len(rows):
        raise ShapeError(
            f"comparison_sheet: {len(rows)} rows of images need {len(rows)} rows of captions, got {len(captions)}"
        )
    for number, (row, row_of_captions) in enumerate(zip(rows, captions, strict=True)):
        if not len(row) == len(row_of_captions) == len(column_titles):
            raise ShapeError(
                f"comparison_sheet: row {number} has {len(row)} images and {len(row_of_captions)} captions "
                f"for {len(column_titles)} column titles; pass an image and a caption for every column"
            )
        for picture in row:
            if picture.ndim != 3 or picture.shape[0] not in (1, 3) or picture.size == 0:
                raise ShapeError(
                    f"comparison_sheet: images must be (C, H, W) with C = 1 or 3, row {number} has {picture.shape}; "
                    "transpose it, or pass a single image of a batch"
                )
