"""What a network has to beat: classical denoisers of scikit-image, and bicubic enlargement.

Each denoiser is told the true σ, which only helps it. Its parameters are those that gave the highest mean PSNR over
the middle 256 × 256 pixels of the training photos with noise of σ = 10, 25 and 50 of 255, so that none was
fitted to the photos it is judged on.
"""

from collections.abc import Callable
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import ShapeError
from minicnn.imaging.corruptions import resize
from minicnn.imaging.optional import import_optional

__all__ = ["CLASSICAL_DENOISERS", "bicubic", "non_local_means", "total_variation", "wavelet"]

Picture = NDArray[np.float32]


def total_variation(image: Picture, sigma: float) -> Picture:
    """Find the picture with little total variation near the noisy one; flat areas come out flat, edges sharp.

    Parameters
    ----------
    image : numpy.ndarray, (C, H, W), float32, in [0, 1]
    sigma : float
        The noise's standard deviation, where 1 is from black to white.

    Returns
    -------
    numpy.ndarray, of the image's shape, float32, in [0, 1]

    Raises
    ------
    ShapeError
        If the image is not (C, H, W) or sigma is not above zero.
    MissingPackageError
        If scikit-image is not installed.

    Notes
    -----
    The weight is 0.8 σ. The stopping rule is ten times stricter than scikit-image's: with its own, the iteration ends
    early and loses up to 0.7 dB at σ = 25/255.

    References
    ----------
    Chambolle: An algorithm for total variation minimization and applications. JMIV 20 (2004).
    """
    restoration = _restoration("total_variation", image, sigma)
    return _clip(restoration.denoise_tv_chambolle(image, 0.8 * sigma, eps=2e-5, max_num_iter=500, channel_axis=0))


def wavelet(image: Picture, sigma: float) -> Picture:
    """Shrink small wavelet coefficients; parameters, result and errors are those of `total_variation`.

    Notes
    -----
    BayesShrink with soft thresholds on Daubechies-2 wavelets; colours are taken apart into brightness and hue (YCbCr)
    first, which gains 0.8 dB. scikit-image needs PyWavelets for it.

    References
    ----------
    Chang, Yu, Vetterli: Adaptive wavelet thresholding for image denoising and compression. IEEE TIP 9 (2000).
    """
    restoration = _restoration("wavelet", image, sigma)
    import_optional("pywt", call="wavelet", package="PyWavelets", extra="data")
    colour = image.shape[0] == 3
    return _clip(
        restoration.denoise_wavelet(
            image, sigma, wavelet="db2", method="BayesShrink", mode="soft", convert2ycbcr=colour, channel_axis=0
        )
    )


def non_local_means(image: Picture, sigma: float) -> Picture:
    """Average pixels whose surroundings look alike; parameters, result and errors are those of `total_variation`.

    Notes
    -----
    Patches of 5 × 5 pixels, sought up to 6 pixels away, h = 0.6 σ, in the fast form. The slow form, with Gaussian
    weights inside the patch, takes ten times as long and gains 0.1 dB at σ = 25/255.

    References
    ----------
    Buades, Coll, Morel: A non-local algorithm for image denoising. CVPR 2005.
    """
    restoration = _restoration("non_local_means", image, sigma)
    plain, axis = (image[0], None) if len(image) == 1 else (image, 0)  # scikit-image transposes a lone channel
    result = restoration.denoise_nl_means(
        plain, patch_size=5, patch_distance=6, h=0.6 * sigma, sigma=sigma, fast_mode=True, channel_axis=axis
    )
    return _clip(result.reshape(image.shape))


# The one list: reports and benchmarks run over it.
CLASSICAL_DENOISERS: dict[str, Callable[[Picture, float], Picture]] = {
    "total variation": total_variation,
    "wavelet": wavelet,
    "non-local means": non_local_means,
}


def bicubic(image: Picture, factor: int) -> Picture:
    """Enlarge (C, H, W) to (C, factor * H, factor * W) by Pillow's bicubic filter."""
    return resize(image, factor * image.shape[1], factor * image.shape[2])


def _restoration(call: str, image: Picture, sigma: float) -> ModuleType:
    if image.ndim != 3 or image.size == 0:
        raise ShapeError(f"{call}: image must be (C, H, W) and not empty, not {image.shape}; pass one picture")
    if not sigma > 0:
        raise ShapeError(f"{call}: sigma is the noise's standard deviation, above zero, not {sigma}")
    return import_optional("skimage.restoration", call=call, package="scikit-image", extra="data")


def _clip(image: NDArray[np.floating]) -> Picture:
    return image.clip(0, 1).astype(np.float32)
