"""A Gaussian window, and the weighted average of an image under it. `gaussian_blur` and `ssim` use both."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

__all__ = ["gaussian_window", "slide"]


def gaussian_window(sigma: float, radius: int) -> NDArray[np.float64]:
    """Return a Gaussian sampled at the pixels -radius ... radius, scaled to the sum 1.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels, positive.
    radius : int
        The number of pixels on each side of the centre.

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
    """Return the weighted average of every K × K window inside the image, with the weights window ⊗ window.

    The two-dimensional window is separable, so it is applied along the columns and then along the rows. This takes O(K)
    per pixel instead of O(K²). The window must be symmetric: correlation and convolution are then the same.

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
