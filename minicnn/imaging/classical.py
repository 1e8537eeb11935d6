"""Classical baselines for networks, without learning: denoising, enlargement, sharpening, and filling in.

They are filters of Pillow and methods of scikit-image. Each denoiser gets the true σ of the noise, which is an
advantage over a network. Its parameters gave the highest mean PSNR on the centre 256 × 256 pixels of the training
photos with noise of σ = 10, 25 and 50 of 255. They were not tuned on the photos of the evaluation.
"""

from collections.abc import Callable
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import ShapeError
from minicnn.imaging.corruptions import resize
from minicnn.imaging.gaussian import gaussian_window
from minicnn.optional import import_optional

__all__ = [
    "CLASSICAL_DENOISERS",
    "bicubic",
    "biharmonic",
    "lanczos",
    "non_local_means",
    "richardson_lucy",
    "total_variation",
    "wavelet",
    "wiener",
]

Picture = NDArray[np.float32]
FRAME = 32  # pixels


def total_variation(image: Picture, sigma: float) -> Picture:
    """Denoise by minimising the total variation plus the distance to the noisy image. Edges stay sharp.

    Parameters
    ----------
    image : numpy.ndarray, (C, H, W), float32, in [0, 1]
    sigma : float
        Standard deviation of the noise. Black is 0, white is 1.

    Returns
    -------
    numpy.ndarray, of the image's shape, float32, in [0, 1]

    Raises
    ------
    ShapeError
        If the image is not (C, H, W) or sigma is not positive.
    MissingPackageError
        If scikit-image is not installed.

    Notes
    -----
    The weight is 0.8 σ. The tolerance of the stopping rule is ten times smaller than scikit-image's default. With the
    default, the iteration stops early and loses up to 0.7 dB at σ = 25/255.

    References
    ----------
    Chambolle: An algorithm for total variation minimization and applications. JMIV 20 (2004).
    """
    restoration = _restoration("total_variation", image, sigma)
    return _clip(restoration.denoise_tv_chambolle(image, 0.8 * sigma, eps=2e-5, max_num_iter=500, channel_axis=0))


def wavelet(image: Picture, sigma: float) -> Picture:
    """Denoise by shrinking small wavelet coefficients. Parameters, result and errors are as in `total_variation`.

    Notes
    -----
    BayesShrink with soft thresholds on Daubechies-2 wavelets. Colours are first converted to luma and chroma (YCbCr),
    which gains 0.8 dB. scikit-image needs PyWavelets for this method.

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
    """Denoise by averaging pixels with similar patches around them. See `total_variation` for arguments and errors.

    Notes
    -----
    Patches of 5 × 5 pixels, searched up to 6 pixels away, h = 0.6 σ, in the fast mode. The slow mode, with Gaussian
    weights inside the patch, takes ten times as long and gains 0.1 dB at σ = 25/255.

    References
    ----------
    Buades, Coll, Morel: A non-local algorithm for image denoising. CVPR 2005.
    """
    restoration = _restoration("non_local_means", image, sigma)
    pixels, axis = (image[0], None) if len(image) == 1 else (image, 0)  # scikit-image transposes a single channel
    result = restoration.denoise_nl_means(
        pixels, patch_size=5, patch_distance=6, h=0.6 * sigma, sigma=sigma, fast_mode=True, channel_axis=axis
    )
    return _clip(result.reshape(image.shape))


# Reports and benchmarks iterate over this dict.
CLASSICAL_DENOISERS: dict[str, Callable[[Picture, float], Picture]] = {
    "total variation": total_variation,
    "wavelet": wavelet,
    "non-local means": non_local_means,
}


def bicubic(image: Picture, factor: int) -> Picture:
    """Enlarge (C, H, W) to (C, factor * H, factor * W) with Pillow's bicubic filter."""
    return resize(image, factor * image.shape[1], factor * image.shape[2])


def lanczos(image: Picture, factor: int) -> Picture:
    """Enlarge (C, H, W) to (C, factor * H, factor * W) with Pillow's Lanczos filter."""
    from PIL import Image

    size = factor * image.shape[2], factor * image.shape[1]
    planes = [Image.fromarray(np.ascontiguousarray(plane, np.float32)) for plane in image]
    return _clip(np.stack([np.asarray(plane.resize(size, Image.Resampling.LANCZOS)) for plane in planes]))


def wiener(image: Picture, sigma: float) -> Picture:
    """Undo a known Gaussian blur with a Wiener filter, whose balance is 0.0001.

    Parameters
    ----------
    image : numpy.ndarray, (C, H, W), float32, in [0, 1]
    sigma : float
        The standard deviation of the blur, in pixels.

    Returns
    -------
    numpy.ndarray, of the image's shape, float32, in [0, 1]

    Raises
    ------
    ShapeError
        If the image is not (C, H, W) or sigma is not positive.
    MissingPackageError
        If scikit-image is not installed.
    """
    restoration = _restoration("wiener", image, sigma)
    return _in_a_frame(image, lambda plane: restoration.wiener(plane, _blur_kernel(sigma), 1e-4, clip=False))


def richardson_lucy(image: Picture, sigma: float) -> Picture:
    """Undo a known Gaussian blur with 20 steps of Richardson and Lucy. Arguments and errors are as in `wiener`."""
    restoration = _restoration("richardson_lucy", image, sigma)
    return _in_a_frame(image, lambda plane: restoration.richardson_lucy(plane, _blur_kernel(sigma), 20, clip=False))


def biharmonic(image: Picture, mask: NDArray[np.bool_]) -> Picture:
    """Fill in the pixels of a mask (H, W) of an image (C, H, W) smoothly, by the biharmonic equation.

    Raises
    ------
    ShapeError
        If the image is not (C, H, W), or no pixel is known.
    MissingPackageError
        If scikit-image is not installed.

    References
    ----------
    Damelin, Hoang: On surface completion and image inpainting by biharmonic functions. 2018.
    """
    restoration = _restoration("biharmonic", image, 1)
    if mask.all():
        raise ShapeError(f"biharmonic: all {mask.size} pixels are in the mask; leave some of them out")
    return _clip(restoration.inpaint_biharmonic(image, mask, split_into_regions=True, channel_axis=0))


def _blur_kernel(sigma: float) -> NDArray[np.float64]:
    window = gaussian_window(sigma, int(np.ceil(4 * sigma)))
    return np.outer(window, window)


def _in_a_frame(image: Picture, restore: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Picture:
    """Restore each channel with a mirrored border, and cut it off: the filters assume black or periodic borders."""
    wide = np.pad(image.astype(np.float64), ((0, 0), (FRAME, FRAME), (FRAME, FRAME)), mode="symmetric")
    return _clip(np.stack([restore(plane) for plane in wide])[:, FRAME:-FRAME, FRAME:-FRAME])


def _restoration(call: str, image: Picture, sigma: float) -> ModuleType:
    if image.ndim != 3 or image.size == 0:
        raise ShapeError(f"{call}: image must be (C, H, W) and not empty, got {image.shape}; pass a single image")
    if not sigma > 0:
        raise ShapeError(f"{call}: sigma, a standard deviation, must be positive, got {sigma}")
    return import_optional("skimage.restoration", call=call, package="scikit-image", extra="data")


def _clip(image: NDArray[np.floating]) -> Picture:
    return image.clip(0, 1).astype(np.float32)
