"""Chunks of PNG files: the text, profile and gamma chunks are taken out before Pillow reads a file, and put back later.

Pillow refuses a file with a text or profile of more than 1 MB, and it neither gives nor keeps every kind of chunk.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence

__all__ = [
    "CARRIED",
    "Chunk",
    "chunk_bytes",
    "decoded_profile",
    "insert_chunks",
    "packed_profile",
    "read_chunks",
    "without_chunks",
]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CARRIED = frozenset(
    {b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"pHYs", b"tIME"}
)
MAX_PROFILE = 1 << 26  # bytes

Chunk = tuple[bytes, bytes]  # type and data


def read_chunks(data: bytes) -> Iterator[tuple[Chunk, slice]]:
    """Yield each complete chunk of a PNG file, and its place in the file."""
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            return
        yield (kind, data[position + 8 : end - 4]), slice(position, end)
        position = end


def without_chunks(data: bytes) -> tuple[bytes, list[Chunk]]:
    """Return a PNG file without the chunks in `CARRIED`, and these chunks."""
    carried, kept, begin = [], [], 0
    for chunk, place in read_chunks(data):
        if chunk[0] in CARRIED:
            carried.append(chunk)
            kept.append(data[begin : place.start])
            begin = place.stop
    return b"".join([*kept, data[begin:]]), carried


def insert_chunks(data: bytes, chunks: Sequence[Chunk]) -> bytes:
    """Return a PNG file with further chunks after its header."""
    header = 8 + 12 + 13  # the signature, and IHDR
    return data[:header] + b"".join(map(chunk_bytes, chunks)) + data[header:]


def chunk_bytes(chunk: Chunk) -> bytes:
    """Return a chunk as it stands in a file."""
    kind, content = chunk
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def decoded_profile(content: bytes) -> bytes | None:
    """Return the ICC profile in an iCCP chunk, or None if it is damaged or larger than 64 MB."""
    _name, _, packed = content.partition(b"\0")
    unpack = zlib.decompressobj()
    try:
        profile = unpack.decompress(packed[1:], MAX_PROFILE)  # its first byte is the method: zlib
    except zlib.error:
        return None
    return profile if unpack.eof else None


def packed_profile(profile: bytes) -> bytes:
    """Return the content of an iCCP chunk with this profile."""
    return b"profile\0\0" + zlib.compress(profile)
