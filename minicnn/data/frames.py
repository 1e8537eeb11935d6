"""`FrameReader`: the pictures in an image file, with exactly the samples that the file holds.

Pillow decodes nearly everything. But it reduces 16-bit colour to 8 bits, and it gives several kinds of TIFF half
converted. Therefore tifffile decodes TIFF files with other samples than 8-bit integers, and imagecodecs decodes PNG
files with 16-bit colour.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from minicnn.data.exif import ORIENTATION
from minicnn.data.png import SIGNATURE, Chunk, without_chunks
from minicnn.data.samples import CHANNELS, Frame, Space, flip_signs, full_scale
from minicnn.errors import DataError, MiniCNNError
from minicnn.optional import import_optional

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["FrameReader", "picture_suffixes"]

# Two formats are missing on purpose: for EPS Pillow would run Ghostscript, and as TGA it accepts almost any bytes.
READABLE = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF", "JPEG2000", "ICO", "QOI")

# Pillow's mode -> the mode with the same picture, without loss
SAME_PICTURE = {"1": "L", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB"}
PLAIN: dict[str, Space] = {"L": "grey", "RGB": "rgb", "CMYK": "cmyk", "LAB": "lab"}  # 8 bits
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # also of files of more than 4 GB
TIFF_SPACES: dict[str, Space] = {
    "MINISWHITE": "grey",
    "MINISBLACK": "grey",
    "RGB": "rgb",
    "SEPARATED": "cmyk",
    "CIELAB": "lab",
    "ICCLAB": "lab",
}


class FrameReader:
    """An image file that is open for reading. Iterate over it for its frames; each is decoded when it is reached.

    Parameters
    ----------
    call : str
        The name of the public function, with which messages start.
    path : path
        The content determines the format, not the suffix.

    Attributes
    ----------
    image : PIL.Image.Image or None
        For the metadata. None for a TIFF file that Pillow does not know.
    chunks : list of Chunk
        The chunks that `without_chunks` took out of a PNG file.

    Raises
    ------
    DataError
        If the file is missing, a folder, empty, not an image, damaged, truncated, or larger than Pillow's limit
        (`PIL.Image.MAX_IMAGE_PIXELS`), or holds samples outside the known ranges. Also while frames are read.
    MissingPackageError
        If a package for this kind of file is not installed.
    """

    def __init__(self, call: str, path: str | os.PathLike[str]) -> None:
        self.call, self.path = call, path
        self.image: Any = None
        self.chunks: list[Chunk] = []
        self._stream = _open_file(call, Path(path))
        try:
            with self._errors():
                self._open()
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> "FrameReader":
        return self

    def __exit__(self, *error: object) -> None:
        if self.image is not None:
            self.image.close()
        self._stream.close()

    def __iter__(self) -> Iterator[Frame]:
        frames = self._tiff_frames() if self._wide_tiff else self._pillow_frames()
        while True:
            with self._errors():
                frame = next(frames, None)
            if frame is None:
                return
            yield frame

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn every error of a decoder into a DataError with the name of the file."""
        from PIL import Image, UnidentifiedImageError

        call, path = self.call, self.path
        try:
            yield
        except (MiniCNNError, MemoryError):
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise DataError(
                f"{call}: '{path}' has more than {Image.MAX_IMAGE_PIXELS} pixels and may be a decompression bomb "
                f"({error}); make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it"
            ) from error
        except UnidentifiedImageError as error:
            raise DataError(
                f"{call}: '{path}' is not an image of a known format ({', '.join(_formats())}), or its header is "
                f"damaged; remove it or convert it to PNG"
            ) from error
        except Exception as error:  # on damaged bytes Pillow raises OSError, SyntaxError, ValueError, IndexError, ...
            raise DataError(
                f"{call}: '{path}' is damaged or truncated ({type(error).__name__}: {error}); get the file again"
            ) from error

    def _open(self) -> None:
        from PIL import Image, UnidentifiedImageError

        start = self._stream.read(8)
        self._stream.seek(0)
        self._wide_tiff = start[:4] in TIFF_SIGNATURES and self._has_wide_samples()
        if start == SIGNATURE:
            content, self.chunks = without_chunks(self._stream.read())
            self._stream.close()
            self._stream = BytesIO(content)
        try:
            self.image = Image.open(self._stream, formats=_formats())
        except UnidentifiedImageError:
            if not self._wide_tiff:
                raise
        else:
            self._check_size(self.image.width, self.image.height)

    def _check_size(self, width: int, height: int) -> None:
        # Up to twice its limit Pillow only warns, and warning filters cannot be changed safely in threads.
        from PIL import Image

        limit = Image.MAX_IMAGE_PIXELS
        if limit is not None and width * height > limit:
            raise Image.DecompressionBombError(f"{width} x {height} pixels")

    # --- frames by Pillow -------------------------------------------------------------------------------------

    def _pillow_frames(self) -> Iterator[Frame]:
        image = self.image
        count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # MPO: a photo, and smaller copies of it
        # The default image of an animated PNG is for viewers without animations, and no frame.
        for index in range(int(count > 1 and getattr(image, "default_image", False)), count):
            if index:
                image.seek(index)
                self._check_size(*image.size)
            wide = image.format == "PNG" and count == 1 and self._wide_png()
            frame = self._png_frame() if wide else self._pillow_frame(image)
            orientation = image.getexif().get(ORIENTATION, 1)  # after decoding: Pillow itself turns a TIFF
            duration = image.info.get("duration", 0) if count > 1 else 0
            yield replace(frame.upright(orientation), duration=float(duration))

    def _pillow_frame(self, image: "Image.Image") -> Frame:
        """Return the frame that Pillow shows now."""
        key = image.info.get("transparency")
        image.load()
        mode = image.mode
        if mode in ("P", "PA"):
            return _without_colour(self._pillow_frame(image.convert("RGBA" if image.has_transparency_data else "RGB")))
        if mode in SAME_PICTURE:
            return self._pillow_frame(image.convert(SAME_PICTURE[mode]))
        if mode in ("LA", "RGBA"):
            samples = np.asarray(image)  # (H, W, C + 1)
            return Frame(samples[..., :-1], "grey" if mode == "LA" else "rgb", samples[..., -1])
        if mode in PLAIN:
            samples = np.atleast_3d(np.asarray(image))  # (H, W, C)
            samples = flip_signs(samples) if mode == "LAB" else samples
            return Frame(samples, PLAIN[mode], _alpha_of_key(samples, self._scaled_key(key)))
        if mode == "F" or mode.startswith("I"):
            samples = np.asarray(image)[..., np.newaxis]
            alpha = _alpha_of_key(samples, key)  # 16-bit grey
            return Frame(self._normal(samples, 1.0 if mode == "F" else 65535), "grey", alpha)
        raise DataError(f"{self.call}: '{self.path}' has pixels of Pillow's unknown mode {mode}; convert it to PNG")

    def _scaled_key(self, key: Any) -> Any:
        """Return the transparent colour of a picture in the scale of its samples."""
        depth = self._png_depth()
        return key * 255 // (2**depth - 1) if isinstance(key, int) and depth in (2, 4) else key

    def _png_depth(self) -> int:
        """Return the bits of a sample of a PNG file, and 0 for other files."""
        if self.image.format != "PNG":
            return 0
        return self._png_header()[0]

    def _png_header(self) -> bytes:
        """Return the bits of a sample, and the kind of colour."""
        position = self._stream.tell()
        self._stream.seek(24)
        header = self._stream.read(2)
        self._stream.seek(position)
        return header

    def _wide_png(self) -> bool:
        depth, kind = self._png_header()
        return depth == 16 and kind != 0  # Pillow reads 16-bit grey without loss

    def _png_frame(self) -> Frame:
        codecs = import_optional(
            "imagecodecs", call=f"{self.call}: '{self.path}'", package="imagecodecs", extra="photos"
        )
        self._stream.seek(0)
        samples = codecs.png_decode(self._stream.read())  # (H, W, C); a transparent colour becomes an alpha channel
        return _split_alpha(samples, "grey" if samples.shape[-1] < 3 else "rgb")

    # --- frames by tifffile -----------------------------------------------------------------------------------

    def _has_wide_samples(self) -> bool:
        from tifffile import TiffFile

        with _no_log(), suppress(Exception), TiffFile(self._stream) as file:
            page: Any = file.pages.first
            return bool(np.max(page.bitspersample) > 8 or page.sampleformat != 1)
        return False

    def _tiff_frames(self) -> Iterator[Frame]:
        from tifffile import TiffFile

        self._stream.seek(0)
        with _no_log(), TiffFile(self._stream) as file:
            for page in file.pages:
                yield self._tiff_frame(page.aspage())

    def _tiff_frame(self, page: Any) -> Frame:
        self._check_size(page.imagewidth, page.imagelength)
        kind = getattr(page.photometric, "name", str(page.photometric))
        space = TIFF_SPACES.get(kind)
        bits = page.bitspersample
        if space is None or not isinstance(bits, int):  # a tuple: samples of different sizes
            raise DataError(
                f"{self.call}: '{self.path}' has pixels of the kind {kind} with {bits} bits; "
                "convert it to grey, RGB, CMYK or Lab with 8 or 16 bits"
            )
        try:
            samples = page.asarray()
        except (ValueError, NotImplementedError) as error:
            if "imagecodecs" not in str(error):
                raise
            import_optional("imagecodecs", call=f"{self.call}: '{self.path}'", package="imagecodecs", extra="photos")
            raise
        samples = np.moveaxis(samples, 0, -1) if page.planarconfig == 2 else samples  # planes after another
        samples = samples.reshape(page.imagelength, page.imagewidth, -1)
        channels = CHANNELS[space]
        if space == "lab":
            samples = flip_signs(samples)
        white = {"f": 1.0, "i": (1 << bits - 1) - 1, "u": (1 << bits) - 1}[samples.dtype.kind]
        samples = self._normal(samples, white)
        if kind == "MINISWHITE":
            samples[..., :1] = full_scale(samples.dtype) - samples[..., :1]
        alpha = samples[..., channels] if samples.shape[-1] > channels and page.extrasamples[0] else None
        orientation = page.tags[ORIENTATION].value if ORIENTATION in page.tags else 1
        return Frame(samples[..., :channels], space, alpha).upright(orientation)

    def _normal(self, samples: NDArray[Any], white: float) -> NDArray[Any]:
        """Return samples from 0 to `white` as uint8 or uint16, or as float32 from 0 to 1 if this would lose bits."""
        low, high = samples.min(), samples.max()
        if not (low >= 0 and high <= white):  # also true for NaN
            raise DataError(
                f"{self.call}: '{self.path}' must hold samples from 0 to {white} for its kind of pixels "
                f"({samples.dtype}), got {low} to {high}; rescale the file"
            )
        for dtype in (np.uint8, np.uint16):
            if white == np.iinfo(dtype).max:
                return samples.astype(dtype, order="C", copy=False)
        if samples.dtype.kind == "f" or white > 65535:
            return (samples / white).astype(np.float32, order="C")
        wide = np.uint8 if white < 255 else np.uint16
        return np.rint(samples * (np.iinfo(wide).max / white)).astype(wide, order="C")


def _formats() -> list[str]:
    from PIL import Image

    Image.init()
    return [name for name in READABLE if name in Image.OPEN]


def picture_suffixes() -> set[str]:
    """Return the suffixes of the files that can be read, in small letters: {".png", ".jpg", ...}."""
    from PIL import Image

    known = set(_formats())
    return {suffix for suffix, kind in Image.registered_extensions().items() if kind in known}


def _open_file(call: str, path: Path) -> BinaryIO:
    if path.is_dir():
        raise DataError(f"{call}: '{path}' is a folder; pass a file, or open the folder with ImageFolder")
    if not path.exists():
        raise DataError(f"{call}: there is no file '{path}'; check the path")
    if not path.is_file():  # opening a pipe would block
        raise DataError(f"{call}: '{path}' is not a regular file; copy its content to a file")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise DataError(f"{call}: '{path}' cannot be opened ({error.strerror}); check its permissions") from error
    if os.fstat(stream.fileno()).st_size == 0:
        stream.close()
        raise DataError(f"{call}: '{path}' is empty (0 bytes); get the file again")
    return stream


@contextmanager
def _no_log() -> Iterator[None]:
    """Silence tifffile's messages about strange tags."""
    logger = logging.getLogger("tifffile")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _split_alpha(samples: NDArray[Any], space: Space) -> Frame:
    channels = CHANNELS[space]
    return Frame(samples[..., :channels], space, samples[..., channels] if samples.shape[-1] > channels else None)


def _alpha_of_key(samples: NDArray[Any], key: Any) -> NDArray[Any] | None:
    """Return an alpha channel that is 0 where the samples are the transparent colour, if there is one."""
    if key is None:
        return None
    dtype = samples.dtype if samples.dtype.itemsize <= 2 else np.dtype(np.uint16)
    return np.where((samples == key).all(-1), 0, full_scale(dtype)).astype(dtype)


def _without_colour(frame: Frame) -> Frame:
    """Return the frame in grey if all its colours are grey. A grey GIF has a palette."""
    first = frame.samples[..., :1]
    return replace(frame, samples=first, space="grey") if (frame.samples == first).all() else frame
