"""`read_image` and `write_image`: image files to and from float32 arrays (C, H, W) in [0, 1].

Pillow decodes and encodes. Every problem with a file is a `DataError` that names the file, so a caller needs a single
`except`.
"""

import os
import uuid
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from minicnn.data.arguments import check_choice
from minicnn.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ImageMode", "read_image", "write_image"]

ImageMode = Literal["rgb", "grey"]

# Two formats are missing on purpose: for EPS Pillow would run Ghostscript, and as TGA it accepts almost any bytes.
_READABLE = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF", "JPEG2000", "ICO", "QOI")

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


def read_image(path: str | os.PathLike[str], mode: ImageMode = "rgb") -> npt.NDArray[np.float32]:
    """Read an image file, rotated as a viewer shows it.

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
        (`PIL.Image.MAX_IMAGE_PIXELS`), or has values of more than 16 bits outside the known range; or `mode` is
        unknown.

    Notes
    -----
    EXIF orientation is applied. A colour profile is converted to sRGB; a damaged profile is ignored, as viewers do.
    Transparent pixels are blended with white. 16-bit grey keeps 16 bits, without a profile. 16-bit colour is read with
    8 bits, because Pillow does not support more.
    """
    check_choice("read_image", "mode", mode, ("rgb", "grey"))
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.init()
    formats = [name for name in _READABLE if name in Image.OPEN]
    with _open_file(Path(path)) as stream:
        try:
            with Image.open(stream, formats=formats) as image:
                # Up to twice its limit Pillow only warns, and warning filters cannot be changed safely in threads.
                limit = Image.MAX_IMAGE_PIXELS
                if limit is not None and image.width * image.height > limit:
                    raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels")
                return _to_array(ImageOps.exif_transpose(image), mode, path)
        except (DataError, MemoryError):
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise DataError(
                f"read_image: '{path}' has more than {Image.MAX_IMAGE_PIXELS} pixels and may be a decompression bomb "
                f"({error}); make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it"
            ) from error
        except UnidentifiedImageError as error:
            raise DataError(
                f"read_image: '{path}' is not an image of a known format ({', '.join(formats)}), or its header is "
                f"damaged; remove it or convert it to PNG"
            ) from error
        except Exception as error:  # on damaged bytes Pillow raises OSError, SyntaxError, ValueError, IndexError, ...
            raise DataError(
                f"read_image: '{path}' is damaged or truncated ({type(error).__name__}: {error}); get the file again"
            ) from error


def _open_file(path: Path) -> BinaryIO:
    if path.is_dir():
        raise DataError(f"read_image: '{path}' is a folder; pass a file, or open the folder with ImageFolder")
    if not path.exists():
        raise DataError(f"read_image: there is no file '{path}'; check the path")
    if not path.is_file():  # opening a pipe would block
        raise DataError(f"read_image: '{path}' is not a regular file; copy its content to a file")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise DataError(f"read_image: '{path}' cannot be opened ({error.strerror}); check its permissions") from error
    if os.fstat(stream.fileno()).st_size == 0:
        stream.close()
        raise DataError(f"read_image: '{path}' is empty (0 bytes); get the file again")
    return stream


def _to_array(image: "Image.Image", mode: ImageMode, path: str | os.PathLike[str]) -> npt.NDArray[np.float32]:
    from PIL import Image

    if image.mode == "F" or image.mode.startswith("I"):
        return np.repeat(_scale_wide(image, path)[None], 3 if mode == "rgb" else 1, axis=0)  # (C, H, W)
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    if profile:
        image = _to_srgb(image, profile)
    pixels = np.atleast_3d(np.asarray(image.convert("RGB" if mode == "rgb" else "L")))  # (H, W, C)
    planes = pixels.transpose(2, 0, 1)  # (C, H, W)
    array: npt.NDArray[np.float32] = np.divide(planes, np.float32(255), dtype=np.float32, order="C")
    return array


def _to_srgb(image: "Image.Image", profile: bytes) -> "Image.Image":
    """Convert colours from a profile, for example a phone's Display P3 or a printer's CMYK, to sRGB."""
    from PIL import ImageCms, features

    if not features.check("littlecms2"):
        return image
    if image.mode not in ("RGB", "CMYK", "L"):
        image = image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image  # a conversion would only round
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # the profile is damaged, or for another mode
        return image
    assert converted is not None  # None only with inPlace=True
    return converted


def _scale_wide(image: "Image.Image", path: str | os.PathLike[str]) -> npt.NDArray[np.float32]:
    """Scale 16- or 32-bit grey to [0, 1] with NumPy. Pillow's convert() would clip it at 255."""
    values = np.asarray(image)  # (H, W)
    white = 1 if image.mode == "F" else 65535
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= white):  # also true for NaN
        raise DataError(
            f"read_image: '{path}' must hold grey values in [0, {white}] (Pillow's mode {image.mode}), "
            f"got [{low}, {high}]; rescale the file"
        )
    scaled: npt.NDArray[np.float32] = np.divide(values, np.float32(white), dtype=np.float32)
    if "transparency" in image.info:  # a PNG may declare a grey value as transparent
        scaled[values == image.info["transparency"]] = 1
    return scaled


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
    if path.suffix.lower() not in _WRITABLE:
        raise DataError(
            f"write_image: the suffix of '{path}' must be one of {', '.join(_WRITABLE)}, got '{path.suffix}'"
        )
    if not path.parent.is_dir():
        raise DataError(f"write_image: there is no folder '{path.parent}' to write '{path.name}' into; create it first")
    pixels = _to_bytes(np.asarray(array))
    from PIL import Image

    kind, options = _WRITABLE[path.suffix.lower()]
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as stream:
            Image.fromarray(pixels).save(stream, kind, **options)
        os.replace(temporary, path)
    except (OSError, ValueError, KeyError) as error:  # KeyError: Pillow was built without this format
        raise DataError(
            f"write_image: '{path}' cannot be written ({type(error).__name__}: {error}); "
            "free space, or choose another place"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


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
