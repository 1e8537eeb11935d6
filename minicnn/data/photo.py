"""`Photo`: a picture file with everything that it carries. `read_photo` and `write_photo` keep it.

Samples keep their depth and colour space. The colour profile stays as it is, and no colour is converted, if the format
of the written file can hold it. EXIF data, XMP data, comments, the resolution and the texts of a PNG are kept.
"""

import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from minicnn.data.exif import EXIF_FOLDER, updated_exif, updated_xmp
from minicnn.data.frames import FrameReader
from minicnn.data.jpeg import carried_segments
from minicnn.data.png import Chunk, decoded_profile
from minicnn.data.samples import Frame

__all__ = ["METRE", "Photo", "read_photo"]

TIFF_TEXTS = (270, 271, 272, 305, 306, 315, 316, 33432)  # description, camera, software, date, author, copyright, ...
GPS_FOLDER = 0x8825
XMP_TEXT = b"XML:com.adobe.xmp"
METRE = 1 / 0.0254  # inches


@dataclass(frozen=True)
class Photo:
    """The content of a picture file.

    Attributes
    ----------
    frames : sequence of Frame
        One, or the frames of an animation, or the pages of a TIFF.
    format : str
        Pillow's name of the format.
    exif, icc, xmp : bytes
        Empty if the file has none. The EXIF data has no thumbnail and says that the picture is upright.
    dpi : (float, float) or None
        Horizontal and vertical resolution, in pixels per inch.
    comment : bytes
        Of a GIF or JPEG file.
    chunks : list of Chunk
        Texts, gamma and the like of a PNG.
    segments : bytes
        Further metadata of a JPEG, for example IPTC.
    tables : dict or None
        The quantisation tables of a JPEG: they are its quality.
    quality : int or None
        The quality of a JPEG, WebP or AVIF that is written, from 1 to 100. None: as described in `write_photo`.
    loop : int or None
        How often an animation repeats. 0: for ever; None: once.
    """

    frames: Sequence[Frame]
    format: str
    exif: bytes = b""
    icc: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    comment: bytes = b""
    chunks: list[Chunk] = field(default_factory=list)
    segments: bytes = b""
    tables: dict[int, list[int]] | None = None
    quality: int | None = None
    loop: int | None = None

    def with_frames(self, frames: Sequence[Frame]) -> "Photo":
        """Return a photo with the same metadata and other frames."""
        height, width = frames[0].samples.shape[:2]
        return replace(self, frames=frames, exif=updated_exif(self.exif, (width, height)))


def read_photo(path: str | os.PathLike[str]) -> Photo:
    """Read a picture file with everything that it carries.

    Parameters
    ----------
    path : path of a file that `read_image` can read

    Returns
    -------
    Photo

    Raises
    ------
    DataError, MissingPackageError
        As in `read_image`.
    """
    with FrameReader("read_photo", path) as reader:
        frames = list(reader)
        if reader.image is None:
            return Photo(frames, "TIFF")
        return _photo(frames, reader.image, reader.chunks, Path(path))


def _photo(frames: list[Frame], image: Any, chunks: list[Chunk], path: Path) -> Photo:
    """Return the frames with the metadata of Pillow's image, and of the chunks of a PNG."""
    info, kind = image.info, {"MPO": "JPEG"}.get(image.format, image.format)
    height, width = frames[0].samples.shape[:2]
    profile = next((decoded_profile(c) for name, c in chunks if name == b"iCCP"), info.get("icc_profile"))
    xmp = next((_itxt(c) for name, c in chunks if name == b"iTXt" and c.startswith(XMP_TEXT)), info.get("xmp"))
    dpi = _png_dpi(chunks) if kind == "PNG" else info.get("dpi")
    comment = info.get("comment", b"")
    return Photo(
        frames,
        kind,
        exif=updated_exif(_exif(image), (width, height)),
        icc=profile or b"",
        xmp=updated_xmp(xmp.encode() if isinstance(xmp, str) else xmp or b""),
        dpi=None if dpi is None else (float(dpi[0]), float(dpi[1])),
        comment=comment.encode() if isinstance(comment, str) else comment,
        chunks=[c for c in chunks if c[0] not in (b"iCCP", b"pHYs") and not c[1].startswith(XMP_TEXT)],
        segments=carried_segments(path.read_bytes()) if kind == "JPEG" else b"",
        tables=getattr(image, "quantization", None) if kind == "JPEG" else None,
        loop=info.get("loop") if len(frames) > 1 else None,
    )


def _exif(image: Any) -> bytes:
    """Return the EXIF data of an image, with the texts of a TIFF."""
    if image.format != "TIFF":
        exif: bytes = image.info.get("exif", b"")
        return exif
    from PIL import Image

    old, new = image.getexif(), Image.Exif()
    for tag in TIFF_TEXTS:
        if tag in old:
            new[tag] = old[tag]
    for folder in (EXIF_FOLDER, GPS_FOLDER):
        if values := old.get_ifd(folder):
            new.get_ifd(folder).update(values)
            new[folder] = values
    return new.tobytes() if len(new) else b""


def _itxt(content: bytes) -> bytes:
    """Return the text of an iTXt chunk: keyword, compression flag and method, language, translated keyword, text."""
    _keyword, _, rest = content.partition(b"\0")
    text = rest[2:].split(b"\0", 2)[-1]
    return zlib.decompress(text) if rest[:1] == b"\1" else text


def _png_dpi(chunks: list[Chunk]) -> tuple[float, float] | None:
    """Return the resolution in a pHYs chunk, in pixels per inch."""
    content = dict(chunks).get(b"pHYs", b"")
    if len(content) != 9 or content[8] != 1:  # another unit: only the shape of a pixel is known
        return None
    x, y = struct.unpack(">II", content[:8])
    return x / METRE, y / METRE
