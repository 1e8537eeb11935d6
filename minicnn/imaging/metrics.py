"""Metrics of image quality, which compare an image with a reference: PSNR in decibels, and SSIM."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import DTypeError, ShapeError
from minicnn.imaging.gaussian import gaussian_window, slide

__all__ = ["Score", "psnr", "ssim"]

RADIUS = 5  # of SSIM's window: 11 × 11 pixels
WINDOW = gaussian_window(sigma=1.5, radius=RADIUS)
K1, K2 = 0.01, 0.03  # prevent a division 0 / 0 in SSIM


def psnr(image: NDArray[np.floating], reference: NDArray[np.floating], data_range: float = 1.0) -> float:
    """Return the peak signal-to-noise ratio, 10 log10(data_range² / mean((image - reference)²)), in decibels.

    Parameters
    ----------
    image, reference : numpy.ndarray, (C, H, W) or (H, W), floating point
        The image to evaluate and the true image. They are not clipped.
    data_range : float
        The value of white minus the value of black.

    Returns
    -------
    float
        Infinity for identical images, NaN if a pixel is NaN.

    Raises
    ------
    ShapeError
        If the shapes differ or are not (C, H, W) or (H, W), or if data_range is not positive.
    DTypeError
        If the pixels are not floating-point numbers.

    Examples
    --------
    >>> round(psnr(np.full((3, 4, 4), 0.6), np.full((3, 4, 4), 0.5)), 6)
    20.0
    """
    _check("psnr", image, reference, data_range)
    error = np.mean(np.square(np.subtract(image, reference, dtype=np.float64)))
    return math.inf if error == 0 else float(10 * np.log10(data_range**2 / error))


def ssim(
    image: NDArray[np.floating],
    reference: NDArray[np.floating],
    data_range: float = 1.0,
    mask: NDArray[np.bool_] | None = None,
) -> float:
    """Return the mean structural similarity, which compares brightness, contrast and structure in windows.

    SSIM = (2 μx μy + c1)(2 σxy + c2) / ((μx² + μy² + c1)(σx² + σy² + c2)),  c1 = (K1 L)², c2 = (K2 L)²

    Parameters
    ----------
    image, reference : numpy.ndarray, (C, H, W) or (H, W), floating point
        The image to evaluate and the true image, at least 11 × 11 pixels.
    data_range : float
        L, the value of white minus the value of black.
    mask : numpy.ndarray, (H, W), of bool, optional
        Average over the windows whose centre is in the mask. Without such a window the result is NaN.

    Returns
    -------
    float
        1 for identical images, about 0 for unrelated images, NaN if a pixel is NaN.

    Raises
    ------
    ShapeError
        If the shapes differ, are not (C, H, W) or (H, W) or are below 11 × 11, or if data_range is not positive.
    DTypeError
        If the pixels are not floating-point numbers.

    Notes
    -----
    There are several conventions; this is the paper's. Means, variances and covariance have the weights of a Gaussian
    window of 11 × 11 pixels with σ = 1.5 and the sum 1. K1 = 0.01, K2 = 0.03. The result is the average over all
    windows inside the image and over the colour channels. It equals scikit-image's ``structural_similarity`` with
    ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False``, computed in float64.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli: Image quality assessment: from error visibility to structural similarity.
    IEEE Transactions on Image Processing 13 (2004), equation 13.
    """
    _check("ssim", image, reference, data_range)
    if min(image.shape[-2:]) < len(WINDOW):
        raise ShapeError(
            f"ssim: the window is {len(WINDOW)} × {len(WINDOW)} pixels but the images are {image.shape}; "
            "compare larger images, or use psnr"
        )
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    x, y = image.astype(np.float64), reference.astype(np.float64)
    mean_x, mean_y = slide(x, WINDOW), slide(y, WINDOW)
    covariance = slide(x * y, WINDOW) - mean_x * mean_y
    squared_means = mean_x**2 + mean_y**2
    variances = slide(x**2 + y**2, WINDOW) - squared_means  # σx² + σy²: only their sum is needed
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2) / ((squared_means + c1) * (variances + c2))
    if mask is not None:
        similarity = similarity[..., mask[RADIUS:-RADIUS, RADIUS:-RADIUS]]
    return float(similarity.mean()) if similarity.size else math.nan


def _check(call: str, image: NDArray[np.floating], reference: NDArray[np.floating], data_range: float) -> None:
    if image.shape != reference.shape:
        raise ShapeError(
            f"{call}: both images must have the same shape, but image is {image.shape} and reference is "
            f"{reference.shape}; crop or resize an image"
        )
    if image.ndim not in (2, 3) or image.size == 0:
        raise ShapeError(
            f"{call}: images must be (C, H, W) or (H, W) and not empty, got {image.shape}; pass single images"
        )
    for name, array in (("image", image), ("reference", reference)):
        if not np.issubdtype(array.dtype, np.floating):
            raise DTypeError(
                f"{call}: pixels must be floating-point numbers, but {name} is {array.dtype}; "
                "convert it, as in image.astype(np.float32) / 255"
            )
    if not data_range > 0:
        raise ShapeError(f"{call}: data_range, white minus black, must be positive, got {data_range}")


@dataclass(frozen=True)
class Score:
    """The similarity of an image and its target.

    Attributes
    ----------
    psnr : float
        In decibels; larger is better.
    ssim : float
        At most 1; larger is better. NaN for images below 11 × 11 pixels.
    """

    psnr: float
    ssim: float

    def __str__(self) -> str:
        return f"{self.psnr:.2f} dB" + ("" if math.isnan(self.ssim) else f", {self.ssim:.3f}")

    @staticmethod
    def of(image: NDArray[np.floating], target: NDArray[np.floating], mask: NDArray[np.bool_] | None = None) -> "Score":
        """Return the score of an image, or of the pixels in a mask (H, W); errors as in `psnr` and `ssim`."""
        inside = ... if mask is None else (..., mask)
        small = min(image.shape[-2:]) < len(WINDOW)
        return Score(psnr(image[inside], target[inside]), math.nan if small else ssim(image, target, mask=mask))

    @staticmethod
    def mean(scores: "Iterable[Score]") -> "Score":
        """Return the mean of the scores."""
        table: NDArray[Any] = np.array([(s.psnr, s.ssim) for s in scores])
        return Score(*table.mean(0).tolist())

    @staticmethod
    def pooled(scores: "Iterable[Score]") -> "Score":
        """Return the PSNR of the mean squared error of all images, and the mean SSIM.

        An image that is nearly perfect has a very high PSNR, and would dominate a mean.
        """
        table: NDArray[Any] = np.array([(s.psnr, s.ssim) for s in scores])
        error = float(np.mean(10 ** (-table[:, 0] / 10)))
        return Score(math.inf if error == 0 else -10 * math.log10(error), float(table[:, 1].mean()))
