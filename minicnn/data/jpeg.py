"""Segments of JPEG files: metadata that Pillow does not keep, for example IPTC and long XMP data."""

import struct

__all__ = ["carried_segments"]

START_OF_SCAN = 0xDA
COMMENT = 0xFE
WRITTEN = (  # by Pillow, or about other pictures of the file
    (0xE0, b""),  # JFIF
    (0xE1, b"Exif\0\0"),
    (0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
    (0xE2, b"ICC_PROFILE\0"),
    (0xE2, b"MPF\0"),
    (0xEE, b"Adobe"),
    (COMMENT, b""),
)


def carried_segments(data: bytes) -> bytes:
    """Return the metadata segments of a JPEG file, except those in `WRITTEN`."""
    carried, position = [], 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        kind = data[position + 1]
        (length,) = struct.unpack_from(">H", data, position + 2)
        if kind == START_OF_SCAN:
            break
        segment = data[position : position + 2 + length]
        known = any(kind == k and segment[4:].startswith(start) for k, start in WRITTEN)
        if 0xE0 <= kind <= 0xEF and not known:
            carried.append(segment)
        position += 2 + length
    return b"".join(carried)
