"""Changes of EXIF data in place: every other byte stays, also what cameras store in their own ways."""

import struct
from collections.abc import Iterator

__all__ = ["EXIF_FOLDER", "ORIENTATION", "PREFIX", "updated_exif", "updated_xmp"]

PREFIX = b"Exif\0\0"  # in JPEG files
ORIENTATION, EXIF_FOLDER = 0x0112, 0x8769
SIZES = {0xA002: 0, 0xA003: 1}  # tag -> the index of its value in (width, height)
FORMATS = {3: "H", 4: "I"}  # type -> format of its value
LARGEST = {3: (1 << 16) - 1, 4: (1 << 32) - 1}


def updated_exif(exif: bytes, size: tuple[int, int]) -> bytes:
    """Return the EXIF data of an upright picture of another size, (width, height), without the old thumbnail.

    Damaged data is left out: no program could read it.
    """
    body = bytearray(exif.removeprefix(PREFIX))
    try:
        order = {b"II": "<", b"MM": ">"}[bytes(body[:2])]
        (first,) = struct.unpack_from(f"{order}I", body, 4)
        entries = list(_entries(body, first, order))
        struct.pack_into(f"{order}I", body, first + 2 + 12 * len(entries), 0)  # the thumbnail would come next
        for tag, kind, position in entries:
            if tag == ORIENTATION and kind in FORMATS:
                struct.pack_into(f"{order}{FORMATS[kind]}", body, position, 1)
            elif tag == EXIF_FOLDER:
                (folder,) = struct.unpack_from(f"{order}I", body, position)
                for inner, inner_kind, place in list(_entries(body, folder, order)):
                    value = size[SIZES[inner]] if inner in SIZES else None
                    if value is not None and value <= LARGEST.get(inner_kind, 0):
                        struct.pack_into(f"{order}{FORMATS[inner_kind]}", body, place, value)
    except (KeyError, struct.error):
        return b""
    return exif[: len(exif) - len(body)] + bytes(body)


def _entries(body: bytearray, position: int, order: str) -> Iterator[tuple[int, int, int]]:
    """Yield (tag, type, position of the value) of a directory."""
    (count,) = struct.unpack_from(f"{order}H", body, position)
    for index in range(count):
        entry = position + 2 + 12 * index
        tag, kind = struct.unpack_from(f"{order}HH", body, entry)
        yield tag, kind, entry + 8


def updated_xmp(xmp: bytes) -> bytes:
    """Return the XMP data of an upright picture."""
    for before, after in ((b'tiff:Orientation="', b'"'), (b"<tiff:Orientation>", b"<")):
        start = xmp.find(before) + len(before)
        end = xmp.find(after, start)
        if start >= len(before) and xmp[start:end].strip().isdigit():
            xmp = xmp[:start] + b"1" + xmp[end:]
    return xmp
