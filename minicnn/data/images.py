"""`read_image` and `write_image`: image files to and from float32 arrays (C, H, W) in [0, 1], as a viewer shows them.

`frames.py` decodes. `photo.py` reads and writes files with everything that they carry. Every problem with a file is a
`DataError` that names the file, so a caller needs a single `except`.
"""

import os
import struct
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from minicnn.atomic import replace_file
from minicnn.data.arguments import check_choice
from minicnn.data.frames import FrameReader
from minicnn.data.png import Chunk, decoded_profile
from minicnn.data.samples import Frame, flip_signs, to_unit
from minicnn.errors import DataError

__all__ = ["LUMA", "ImageMode", "check_image_path", "displayed", "read_image", "write_image"]

ImageMode = Literal["rgb", "grey"]
Floats = npt.NDArray[np.float32]

# suffix -> Pillow's format, and the options with the highest useful quality
_WRITABLE: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95}),
    ".jpeg": ("JPEG", {"quality": 95}),
    ".webp": ("WEBP", {"lossless": True}),
    ".avif": ("AVIF", {"quality": 95}),
    ".tif": ("TIFF", {}),
    ".tiff": ("TIFF", {}),
    ".bmp": ("BMP", {}),
    ".ppm": ("PPM", {}),
    ".pgm": ("PPM", {}),
}

PILLOW = {"grey": "L", "rgb": "RGB", "cmyk": "CMYK", "lab": "LAB"}
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # the weights of red, green and blue in luma (ITU-R BT.601)
D50_WHITE = np.array([0.9642, 1.0, 0.8249], np.float32)  # X, Y, Z
D50_TO_LINEAR_SRGB = np.array(  # with the adaptation to the white of sRGB (Bradford)
    [[3.1339, -1.6169, -0.4906], [-0.9788, 1.9161, 0.0335], [0.0719, -0.2290, 1.4052]], np.float32
)


def read_image(path: str | os.PathLike[str], mode: ImageMode = "rgb") -> Floats:
    """Read an image file, rotated as a viewer shows it, in sRGB.

    Parameters
    ----------
    path : path of a PNG, JPEG, WebP, TIFF, BMP, GIF, PPM/PGM/PFM, AVIF, JPEG 2000, ICO or QOI file
        The content determines the format, not the suffix. For an animation, the first frame is read.
    mode : "rgb" or "grey"
        Colour becomes grey by 0.299 R + 0.587 G + 0.114 B. Grey becomes RGB by repetition.

    Returns
    -------
    array, float32, (3, H, W) or (1, H, W), in [0, 1], contiguous

    Raises
    ------
    DataError
        If the file is missing, a folder, empty, not an image, damaged or truncated, larger than Pillow's limit
        (`PIL.Image.MAX_IMAGE_PIXELS`), or has samples outside the known range; or `mode` is unknown.
    MissingPackageError
        If the file is a PNG with 16-bit colour or a packed TIFF, and imagecodecs is not installed.

    Notes
    -----
    EXIF orientation is applied. A colour profile or the gamma of a PNG is converted to sRGB; a damaged profile is
    ignored, as viewers do. Transparent pixels are blended with white. 16 bits are kept, but a profile is applied to
    8 bits of a colour, because Pillow does not support more.
    """
    check_choice("read_image", "mode", mode, ("rgb", "grey"))
    with FrameReader("read_image", path) as reader:
        frame = next(iter(reader))
        image = {} if reader.image is None else reader.image.info
        profile = next((decoded_profile(c) for kind, c in reader.chunks if kind == b"iCCP"), image.get("icc_profile"))
    rgb = _gamma_applied(displayed(frame, profile), reader.chunks)  # (H, W, 1 or 3), float32
    if frame.alpha is not None:
        opacity = to_unit(frame.alpha)[..., np.newaxis]
        rgb = 1 - opacity + opacity * rgb
    if mode == "grey" and rgb.shape[-1] == 3:
        red, green, blue = rgb[..., :1], rgb[..., 1:2], rgb[..., 2:]
        rgb = green + LUMA[0] * (red - green) + LUMA[2] * (blue - green)  # exact where the three are equal
    channels = 3 if mode == "rgb" else 1
    return np.ascontiguousarray(np.broadcast_to(rgb, (*rgb.shape[:2], channels)).transpose(2, 0, 1), np.float32)


def displayed(frame: Frame, profile: bytes | None) -> Floats:
    """Return a frame in grey or sRGB, (H, W, 1 or 3), in [0, 1]."""
    samples = frame.samples
    if profile and (converted := _to_srgb(frame, profile)) is not None:
        samples = converted
    elif frame.space == "lab":
        return _lab_to_srgb(to_unit(samples))
    elif frame.space == "cmyk":
        ink = to_unit(samples)
        return (1 - ink[..., :3]) * (1 - ink[..., 3:])
    return to_unit(samples)


def _to_srgb(frame: Frame, profile: bytes) -> npt.NDArray[np.uint8] | None:
    """Convert colours from a profile, for example a phone's Display P3 or a printer's CMYK, to sRGB with 8 bits.

    Return None if the profile is sRGB, where a conversion would only round, or if it cannot be used.
    """
    from PIL import Image, ImageCms, features

    if not features.check("littlecms2") or (frame.samples.dtype != np.uint8 and frame.space == "grey"):
        return None
    samples = (
        frame.samples if frame.samples.dtype == np.uint8 else np.rint(255 * to_unit(frame.samples)).astype(np.uint8)
    )
    plain = samples[..., 0] if frame.space == "grey" else flip_signs(samples) if frame.space == "lab" else samples
    image = Image.fromarray(np.ascontiguousarray(plain), PILLOW[frame.space])
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # the profile is damaged, or for another space
        return None
    return np.asarray(converted)


def _lab_to_srgb(lab: Floats) -> Floats:
    """Convert CIE Lab (white D50; L, and a and b around 0.5, from 0 to 1) to sRGB."""
    lightness, a, b = 100 * lab[..., 0], 255 * lab[..., 1] - 128, 255 * lab[..., 2] - 128
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * D50_WHITE
    light = np.clip(xyz @ D50_TO_LINEAR_SRGB.T, 0, 1)
    rgb: Floats = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)
    return rgb


def _gamma_applied(pixels: Floats, chunks: list[Chunk]) -> Floats:
    """Convert the samples of a PNG from light ** gamma to light ** (1 / 2.2), the gamma of screens."""
    content = dict(chunks)
    if b"gAMA" not in content or len(content[b"gAMA"]) != 4 or {b"sRGB", b"iCCP", b"cICP"} & content.keys():
        return pixels
    (gamma,) = struct.unpack(">I", content[b"gAMA"])  # times 100,000
    exponent = 100_000 / 2.2 / max(gamma, 1)
    return pixels if abs(exponent - 1) < 0.05 else pixels ** np.float32(exponent)  # 0.45455 means: of a screen


def write_image(path: str | os.PathLike[str], array: npt.ArrayLike) -> None:
    """Write an image file with 8 bits per channel. The suffix determines the format.

    The file is written under another name and then renamed, so a failure never leaves half a file.

    Parameters
    ----------
    path : path that ends in .png, .jpg, .jpeg, .webp, .avif, .tif, .tiff, .bmp, .ppm or .pgm
        JPEG and AVIF are lossy (quality 95). The other formats keep the 8-bit values.
    array : floats in [0, 1], (C, H, W) with C = 1 or 3, or (H, W)
        Values outside [0, 1] are clipped.

    Raises
    ------
    DataError
        If the shape, dtype or suffix is wrong, a value is NaN or infinite, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(folder + "/grey.png", np.full((2, 3), 0.2))
    ...     print(read_image(folder + "/grey.png").shape)
    (3, 2, 3)
    """
    path = Path(path)
    check_image_path(path)
    pixels = _to_bytes(np.asarray(array))
    from PIL import Image

    kind, options = _WRITABLE[path.suffix.lower()]
    try:
        with replace_file(path) as stream:
            Image.fromarray(pixels).save(stream, kind, **options)
    except (OSError, ValueError, KeyError) as error:  # KeyError: Pillow was built without this format
        raise DataError(
            f"write_image: '{path}' cannot be written ({type(error).__name__}: {error}); "
            "free space, or choose another place"
        ) from error


def check_image_path(path: str | os.PathLike[str]) -> None:
    """Check that `write_image` can write to a path: before long work.

    Raises
    ------
    DataError
        If the suffix is not known, or the folder does not exist.
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITABLE:
        raise DataError(
            f"write_image: the suffix of '{path}' must be one of {', '.join(_WRITABLE)}, got '{path.suffix}'"
        )
    if not path.parent.is_dir():
        raise DataError(f"write_image: there is no folder '{path.parent}' to write '{path.name}' into; create it first")


def _to_bytes(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if pixels.size == 0 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[0] in (1, 3))):
        raise DataError(
            f"write_image: the array must be (C, H, W) with C = 1 or 3, or (H, W), and not empty, got {pixels.shape}; "
            f"transpose or slice it"
        )
    if not np.issubdtype(pixels.dtype, np.floating):
        raise DataError(
            f"write_image: the array must hold floats in [0, 1], got {pixels.dtype}; divide 8-bit values by 255"
        )
    if not np.isfinite(pixels).all():
        raise DataError("write_image: the array holds NaN or infinity; look for them with np.isfinite")
    if pixels.ndim == 3:
        pixels = pixels[0] if pixels.shape[0] == 1 else pixels.transpose(1, 2, 0)  # (H, W) or (H, W, C)
    return np.ascontiguousarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8))
