"""`write_photo`: write a `Photo` with everything that it carries, as far as the format of the file can hold it."""

import os
import struct
from collections.abc import Callable, Iterable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.atomic import replace_file
from minicnn.data.exif import EXIF_FOLDER, PREFIX
from minicnn.data.images import displayed
from minicnn.data.photo import GPS_FOLDER, METRE, TIFF_TEXTS, XMP_TEXT, Photo
from minicnn.data.png import Chunk, insert_chunks, packed_profile
from minicnn.data.samples import Frame, flip_signs, to_samples, to_unit
from minicnn.errors import DataError
from minicnn.optional import import_optional

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["PHOTO_SUFFIXES", "check_writable", "write_photo"]

COLOUR_SPACES = {"JPEG": ("grey", "rgb", "cmyk"), "TIFF": ("grey", "rgb", "cmyk", "lab")}  # others: grey and RGB
WITH_ALPHA = ("PNG", "TIFF", "WEBP", "GIF", "AVIF")
WITH_FRAMES = ("PNG", "TIFF", "WEBP", "GIF", "AVIF")
LARGEST_SIDE = {"JPEG": 65500, "WEBP": 16383, "GIF": 65535}  # pixels
GIF_COLOURS = 255  # and one that is transparent


def check_writable(path: str | os.PathLike[str], frames: int, height: int, width: int) -> str:
    """Return Pillow's name of the format of `path`.

    Raises
    ------
    DataError
        If the suffix is not known, or the format cannot hold so many frames or pixels.
    """
    kind = PHOTO_SUFFIXES.get(Path(path).suffix.lower())
    if kind is None:
        raise DataError(
            f"write_photo: the suffix of '{path}' must be one of {', '.join(PHOTO_SUFFIXES)}; choose another name"
        )
    if frames > 1 and kind not in WITH_FRAMES:
        raise DataError(f"write_photo: '{path}' cannot hold {frames} frames or pages; choose {', '.join(WITH_FRAMES)}")
    limit = LARGEST_SIDE.get(kind)
    if limit is not None and max(height, width) > limit:
        raise DataError(
            f"write_photo: '{path}' cannot hold {width} x {height} pixels: a side of a {kind} has at most {limit}; "
            "write a PNG or TIFF"
        )
    return kind


def write_photo(path: str | os.PathLike[str], photo: Photo) -> None:
    """Write a photo. The suffix determines the format.

    Some formats cannot hold everything. Then 16 bits become 8 bits (PNG and TIFF keep them), Lab and CMYK become sRGB,
    and transparent pixels are blended with white.

    Without ``photo.quality``, a JPEG that was a JPEG has the same quality as before, other JPEG and AVIF files have
    quality 95, and WebP files are lossless. Colours are not subsampled (4:4:4), except in a lossy WebP.

    Parameters
    ----------
    path : path that ends in .png, .apng, .jpg, .jpeg, .webp, .tif, .tiff, .gif, .avif, .bmp, .ppm or .pgm
    photo : Photo

    Raises
    ------
    DataError
        If the suffix is not known, the format cannot hold so many frames or pixels, or the file cannot be written.
    MissingPackageError
        For a PNG with 16-bit colour, if imagecodecs is not installed.
    """
    path = Path(path)
    first = photo.frames[0].samples
    kind = check_writable(path, len(photo.frames), *first.shape[:2])
    if not path.parent.is_dir():
        raise DataError(f"write_photo: there is no folder '{path.parent}' to write '{path.name}' into; create it first")
    frames = [_suitable(frame, photo, kind) for frame in photo.frames]
    if any(f.space != g.space for f, g in zip(frames, photo.frames, strict=True)):
        photo = replace(photo, icc=b"")  # the colours are sRGB now
    try:
        content = ENCODERS.get(kind, _encode_simple)(replace(photo, frames=frames), kind)
        with replace_file(path) as stream:
            stream.write(content)
    except (OSError, ValueError, KeyError, struct.error) as error:  # KeyError: Pillow was built without this format
        raise DataError(
            f"write_photo: '{path}' cannot be written ({type(error).__name__}: {error}); "
            "free space, or choose another place"
        ) from error


# --- frames that a format can hold ------------------------------------------------------------------------------


def _suitable(frame: Frame, photo: Photo, kind: str) -> Frame:
    """Return a frame with the colour space, the depth and the alpha channel that a format can hold."""
    if frame.space not in COLOUR_SPACES.get(kind, ("grey", "rgb")):
        rgb = displayed(frame, photo.icc)
        frame = replace(frame, samples=to_samples(rgb, frame.samples.dtype), space="rgb")
    if frame.alpha is not None and kind not in WITH_ALPHA:
        opacity = to_unit(frame.alpha)[..., np.newaxis]
        white = 0 if frame.space == "cmyk" else 1
        blended = opacity * to_unit(frame.samples) + (1 - opacity) * white
        frame = replace(frame, samples=to_samples(blended, frame.samples.dtype), alpha=None)
    dtype = frame.samples.dtype
    if kind == "PNG" and dtype.kind == "f":
        dtype = np.dtype(np.uint16)
    elif kind not in ("PNG", "TIFF") and not (kind == "PPM" and dtype == np.uint16 and frame.space == "grey"):
        dtype = np.dtype(np.uint8)
    if dtype != frame.samples.dtype:
        alpha = None if frame.alpha is None else to_samples(to_unit(frame.alpha), dtype)
        frame = replace(frame, samples=to_samples(to_unit(frame.samples), dtype), alpha=alpha)
    return frame


def _with_alpha(frame: Frame) -> NDArray[Any]:
    """Return the samples and the alpha channel, (H, W, C)."""
    if frame.alpha is None:
        return frame.samples
    return np.concatenate([frame.samples, frame.alpha[..., np.newaxis].astype(frame.samples.dtype)], -1)


def _image(frame: Frame) -> "Image.Image":
    """Return an 8-bit frame, or a frame of 16-bit grey, as Pillow's image."""
    from PIL import Image

    samples = _with_alpha(frame)
    if samples.shape[-1] == 4 and frame.space == "cmyk":
        return Image.fromarray(np.ascontiguousarray(samples), "CMYK")
    return Image.fromarray(np.ascontiguousarray(samples[..., 0] if samples.shape[-1] == 1 else samples))


# --- encoders: a photo to the bytes of a file -------------------------------------------------------------------


def _saved(images: Iterable["Image.Image"], kind: str, **options: Any) -> bytes:
    first, *others = images
    if others:
        options |= {"save_all": True, "append_images": others}
    file = BytesIO()
    first.save(file, kind, **{name: value for name, value in options.items() if value not in (None, b"")})
    return file.getvalue()


def _animation(photo: Photo) -> dict[str, Any]:
    if len(photo.frames) == 1:
        return {}
    return {"duration": [round(f.duration) for f in photo.frames], "loop": photo.loop}


def _encode_simple(photo: Photo, kind: str) -> bytes:
    return _saved(map(_image, photo.frames), kind, **({"dpi": photo.dpi} if kind == "BMP" else {}))


def _encode_avif(photo: Photo, kind: str) -> bytes:
    carried = {"exif": photo.exif, "icc_profile": photo.icc, "xmp": photo.xmp}
    duration = [round(f.duration) for f in photo.frames] if len(photo.frames) > 1 else None
    return _saved(
        map(_image, photo.frames), kind, quality=photo.quality or 95, subsampling="4:4:4", duration=duration, **carried
    )


def _encode_jpeg(photo: Photo, kind: str) -> bytes:
    keep = photo.tables and photo.quality is None
    quality = {"qtables": photo.tables} if keep else {"quality": photo.quality or 95}
    carried = {
        "exif": photo.exif,
        "icc_profile": photo.icc,
        "xmp": photo.xmp,
        "dpi": photo.dpi,
        "comment": photo.comment,
    }
    return _saved(map(_image, photo.frames), kind, subsampling=0, extra=photo.segments, **quality, **carried)


def _encode_webp(photo: Photo, kind: str) -> bytes:
    carried = {"exif": photo.exif, "icc_profile": photo.icc, "xmp": photo.xmp}
    loss = {"lossless": True, "exact": True} if photo.quality is None else {"quality": photo.quality, "method": 6}
    return _saved(map(_image, photo.frames), kind, **loss, **_animation(photo), **carried)


def _encode_png(photo: Photo, kind: str) -> bytes:
    frame = photo.frames[0]
    samples = _with_alpha(frame)
    if len(photo.frames) > 1:
        frames = [_suitable(f, photo, "WEBP") for f in photo.frames]  # Pillow writes animations with 8 bits
        content = _saved(map(_image, frames), kind, blend=0, **_animation(photo))
    elif samples.dtype == np.uint8 or samples.shape[-1] == 1:
        content = _saved([_image(frame)], kind)
    else:
        codecs = import_optional(
            "imagecodecs", call="write_photo: a PNG of 16 bits", package="imagecodecs", extra="photos"
        )
        content = bytes(codecs.png_encode(np.ascontiguousarray(samples)))
    chunks: list[Chunk] = []
    if photo.icc:
        chunks.append((b"iCCP", packed_profile(photo.icc)))
    chunks += photo.chunks
    if photo.dpi:
        chunks.append((b"pHYs", struct.pack(">IIB", *(round(d * METRE) for d in photo.dpi), 1)))
    if photo.exif:
        chunks.append((b"eXIf", photo.exif.removeprefix(PREFIX)))
    if photo.xmp:
        chunks.append((b"iTXt", XMP_TEXT + b"\0\0\0\0\0" + photo.xmp))
    return insert_chunks(content, chunks)


def _encode_gif(photo: Photo, kind: str) -> bytes:
    options = {"optimize": False, "comment": photo.comment, **_animation(photo)}
    if any(f.alpha is not None for f in photo.frames):
        options |= {"disposal": 2, "transparency": GIF_COLOURS}
    return _saved([_paletted(f) for f in photo.frames], kind, **options)


def _paletted(frame: Frame) -> "Image.Image":
    """Return an image with a palette: exact if the frame has at most 255 colours."""
    from PIL import Image

    rgb = np.ascontiguousarray(np.broadcast_to(frame.samples, (*frame.samples.shape[:2], 3)))
    codes = rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    hidden = None if frame.alpha is None else frame.alpha < 128
    if hidden is not None:
        codes = np.where(hidden, codes[~hidden][:1] if (~hidden).any() else 0, codes)  # a colour that is there already
    colours, indices = np.unique(codes, return_inverse=True)
    if len(colours) <= GIF_COLOURS:
        palette = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], -1).astype(np.uint8)
        image = Image.fromarray(indices.reshape(codes.shape).astype(np.uint8), "P")
        image.putpalette(palette.tobytes())
    else:
        image = Image.fromarray(rgb).quantize(GIF_COLOURS)
    if hidden is not None:
        table = np.zeros((256, 3), np.uint8)
        old = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
        table[: len(old)] = old
        image = Image.fromarray(np.where(hidden, GIF_COLOURS, np.asarray(image)).astype(np.uint8), "P")
        image.putpalette(table.tobytes())
    return image


def _encode_tiff(photo: Photo, kind: str) -> bytes:
    from PIL import Image, TiffImagePlugin
    from tifffile import TiffWriter

    exif = Image.Exif()
    exif.load(photo.exif)
    folders = {tag: dict(exif.get_ifd(tag)) for tag in (EXIF_FOLDER, GPS_FOLDER)}
    tags: list[Any] = [(tag, 2, None, str(exif[tag]), True) for tag in TIFF_TEXTS if tag in exif]
    big = sum(f.samples.nbytes for f in photo.frames) > 3 << 30
    entry, pointer = ("<HHQQ", 16) if big else ("<HHII", 4)
    tags += [(tag - 1, pointer, 1, UNKNOWN, True) for tag, values in folders.items() if values]
    if photo.xmp:
        tags.append((700, 1, len(photo.xmp), photo.xmp, True))
    file = BytesIO()
    with TiffWriter(file, bigtiff=big, byteorder="<") as writer:
        for frame in photo.frames:
            samples = flip_signs(frame.samples) if frame.space == "lab" else frame.samples
            samples = _with_alpha(replace(frame, samples=samples))
            writer.write(
                samples[..., 0] if samples.shape[-1] == 1 else samples,
                photometric=TIFF_KINDS[frame.space],
                planarconfig=None if samples.shape[-1] == 1 else "contig",
                extrasamples=["unassalpha"] if frame.alpha is not None else None,
                compression="zlib",
                resolution=photo.dpi,
                resolutionunit="inch" if photo.dpi else None,
                iccprofile=photo.icc or None,
                software=False,
                metadata=None,
                extratags=tags,
            )
    content = file.getvalue()
    for tag, values in folders.items():
        if not values:
            continue
        folder = TiffImagePlugin.ImageFileDirectory_v2()
        folder.update(values)
        content += b"\0" * (len(content) % 2)
        place = struct.pack(entry, tag, pointer, 1, len(content))
        content += folder.tobytes(len(content))
        content = content.replace(struct.pack(entry, tag - 1, pointer, 1, UNKNOWN), place)  # in each page
    return content


UNKNOWN = 0x5EEDF00D  # the place of a directory, until it is known; its tag is 1 less, as tifffile does not write it
TIFF_KINDS = {"grey": "minisblack", "rgb": "rgb", "cmyk": "separated", "lab": "cielab"}
ENCODERS: dict[str, Callable[[Photo, str], bytes]] = {
    "PNG": _encode_png,
    "JPEG": _encode_jpeg,
    "WEBP": _encode_webp,
    "TIFF": _encode_tiff,
    "GIF": _encode_gif,
    "AVIF": _encode_avif,
}
# suffix -> Pillow's name of the format
PHOTO_SUFFIXES = {
    ".png": "PNG",
    ".apng": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".gif": "GIF",
    ".avif": "AVIF",
    ".bmp": "BMP",
    ".ppm": "PPM",
    ".pgm": "PPM",
}
