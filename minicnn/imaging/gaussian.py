"""A Gaussian window and how to slide it over a picture: the blur to undo, and the neighbourhood that SSIM compares."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

__all__ = ["gaussian_window", "slide"]


def gaussian_window(sigma: float, radius: int) -> NDArray[np.float64]:
    """Sample a Gaussian at whole pixels from -radius to radius, with a sum of one.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels; above zero.
    radius : int
        Pixels on either side of the middle.

    Returns
    -------
    numpy.ndarray, (2 * radius + 1,), float64

    Examples
    --------
    >>> gaussian_window(sigma=1.0, radius=1).round(3)
    array([0.274, 0.452, 0.274])
    """
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return np.asarray(weights / weights.sum())


def slide(image: NDArray[np.floating], window: NDArray[np.floating]) -> NDArray[np.floating]:
    """Average every neighbourhood that lies wholly inside the picture, weighted by window ⊗ window.

    The two-dimensional window is separable, so it is applied along the columns and then along the rows:
    O(K) a pixel in place of O(K²). It must be symmetric, which makes correlation and convolution one.

    Parameters
    ----------
    image : numpy.ndarray, (..., H, W)
    window : numpy.ndarray, (K,)

    Returns
    -------
    numpy.ndarray, (..., H - K + 1, W - K + 1)
    """
    for axis in (-2, -1):
        image = sliding_window_view(image, len(window), axis) @ window  # (..., OH, W, K) -> (..., OH, W); then OW
    return image
