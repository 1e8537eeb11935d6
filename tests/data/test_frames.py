"""Tests of frames: every kind of pixels of every format gives the samples that the format's definition says."""

import io
import re
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from minicnn.data.frames import FrameReader
from minicnn.data.samples import full_scale, to_unit
from minicnn.errors import DataError
from tests.data.test_images import png

RNG = np.random.default_rng(0)
GREY8, GREY16 = RNG.integers(0, 256, (5, 7), np.uint8), RNG.integers(0, 65536, (5, 7), np.uint16)
RGB8, RGB16 = RNG.integers(0, 256, (5, 7, 3), np.uint8), RNG.integers(0, 65536, (5, 7, 3), np.uint16)
FOUR8, FOUR16 = RNG.integers(0, 256, (5, 7, 4), np.uint8), RNG.integers(0, 65536, (5, 7, 4), np.uint16)
UNIT = RNG.random((5, 7))


def tiff(data, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, data, **{"photometric": "minisblack", **options})
    return file.getvalue()


def pillow(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def rows(samples):
    """Return the rows of a PNG without filters."""
    return b"".join(b"\0" + row.tobytes() for row in samples.astype(samples.dtype.newbyteorder(">")))


def key(*values):
    return b"tRNS", np.array(values, ">u2").tobytes()


def packed(values, bits):
    """Return samples of fewer than 8 bits as rows of a PNG."""
    return b"".join(
        b"\0" + np.packbits(np.unpackbits(row[:, None], axis=1)[:, 8 - bits :].ravel()).tobytes() for row in values
    )


FOUR_LEVELS = np.array([[0, 1, 2, 3]], np.uint8)
SIXTEEN_LEVELS = np.arange(16, dtype=np.uint8).reshape(2, 8)
TWELVE_BITS = np.array([[0, 1, 2048, 4095]], np.uint16)
LAB_BYTES = np.array([[[0, 0, 0], [255, 127, 128], [128, 255, 1]]], np.uint8)  # a and b are signed: 127, -128; -1, 1

# name -> (bytes of a file, space, samples, alpha)
CASES = {
    "PNG 1 bit": (png(4, 1, 1, 0, b"\0\xa0"), "grey", [[255, 0, 255, 0]], None),
    "PNG 1 bit with a key": (png(4, 1, 1, 0, b"\0\xa0", key(1)), "grey", [[255, 0, 255, 0]], [[0, 255, 0, 255]]),
    "PNG 2 bits": (png(4, 1, 2, 0, packed(FOUR_LEVELS, 2)), "grey", FOUR_LEVELS * 85, None),
    "PNG 2 bits with a key": (
        png(4, 1, 2, 0, packed(FOUR_LEVELS, 2), key(2)),
        "grey",
        FOUR_LEVELS * 85,
        [[255, 255, 0, 255]],
    ),
    "PNG 4 bits with a key": (
        png(8, 2, 4, 0, packed(SIXTEEN_LEVELS, 4), key(15)),
        "grey",
        SIXTEEN_LEVELS * 17,
        np.where(SIXTEEN_LEVELS == 15, 0, 255),
    ),
    "PNG grey": (pillow(Image.fromarray(GREY8), "PNG"), "grey", GREY8, None),
    "PNG grey with a key": (
        png(7, 5, 8, 0, rows(GREY8), key(GREY8[2, 3])),
        "grey",
        GREY8,
        np.where(GREY8[2, 3] == GREY8, 0, 255),
    ),
    "PNG grey 16": (png(7, 5, 16, 0, rows(GREY16)), "grey", GREY16, None),
    "PNG grey 16 with a key": (
        png(7, 5, 16, 0, rows(GREY16), key(GREY16[2, 3])),
        "grey",
        GREY16,
        np.where(GREY16[2, 3] == GREY16, 0, 65535),
    ),
    "PNG RGB": (pillow(Image.fromarray(RGB8), "PNG"), "rgb", RGB8, None),
    "PNG RGB with a key": (
        png(7, 5, 8, 2, rows(RGB8), key(*RGB8[2, 3])),
        "rgb",
        RGB8,
        np.where((RGB8[2, 3] == RGB8).all(-1), 0, 255),
    ),
    "PNG RGB 16": (png(7, 5, 16, 2, rows(RGB16)), "rgb", RGB16, None),
    "PNG RGB 16 with a key": (
        png(7, 5, 16, 2, rows(RGB16), key(*RGB16[2, 3])),
        "rgb",
        RGB16,
        np.where((RGB16[2, 3] == RGB16).all(-1), 0, 65535),
    ),
    "PNG grey and alpha 16": (png(7, 5, 16, 4, rows(FOUR16[..., :2])), "grey", FOUR16[..., 0], FOUR16[..., 1]),
    "PNG RGBA": (pillow(Image.fromarray(FOUR8), "PNG"), "rgb", FOUR8[..., :3], FOUR8[..., 3]),
    "PNG RGBA 16": (png(7, 5, 16, 6, rows(FOUR16)), "rgb", FOUR16[..., :3], FOUR16[..., 3]),
    "PNG palette": (pillow(Image.fromarray(RGB8 // 64 * 80).quantize(64), "PNG"), "rgb", RGB8 // 64 * 80, None),
    "GIF grey": (pillow(Image.fromarray(GREY8), "GIF"), "grey", GREY8, None),
    "JPEG grey": (pillow(Image.new("L", (8, 8), 77), "JPEG"), "grey", np.full((8, 8), 77), None),
    "JPEG CMYK": (
        pillow(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"),
        "cmyk",
        [[[0, 255, 255, 0]] * 8] * 8,
        None,
    ),
    "PGM 16": (pillow(Image.fromarray(GREY16), "PPM"), "grey", GREY16, None),
    "PFM": (pillow(Image.fromarray(UNIT.astype(np.float32)), "PPM"), "grey", UNIT.astype(np.float32), None),
    "WebP RGBA": (
        pillow(Image.fromarray(FOUR8 | 128), "WEBP", lossless=True),
        "rgb",
        FOUR8[..., :3] | 128,
        FOUR8[..., 3] | 128,
    ),
    "TIFF 1 bit": (tiff(GREY8 > 99, photometric="minisblack"), "grey", np.where(GREY8 > 99, 255, 0), None),
    "TIFF grey": (tiff(GREY8), "grey", GREY8, None),
    "TIFF white is 0": (tiff(GREY8, photometric="miniswhite"), "grey", 255 - GREY8, None),
    "TIFF signed 8": (tiff((GREY8 // 2).astype(np.int8)), "grey", np.rint(GREY8 // 2 / 127 * 255), None),
    "TIFF 12": (tiff(TWELVE_BITS, bitspersample=12), "grey", [[0, 16, 32776, 65535]], None),
    "TIFF 16": (tiff(GREY16), "grey", GREY16, None),
    "TIFF 16, white is 0": (tiff(GREY16, photometric="miniswhite"), "grey", 65535 - GREY16, None),
    "TIFF 16, big-endian": (tiff(GREY16, byteorder=">"), "grey", GREY16, None),
    "TIFF 16, of more than 4 GB": (tiff(GREY16, bigtiff=True), "grey", GREY16, None),
    "TIFF signed 16": (tiff((GREY16 // 2).astype(np.int16)), "grey", np.rint(GREY16 // 2 / 32767 * 65535), None),
    "TIFF unsigned 32": (tiff(GREY16.astype(np.uint32) * 65537), "grey", (GREY16 / 65535).astype(np.float32), None),
    "TIFF signed 32": (
        tiff(np.array([[0, 2**30, 2**31 - 1]], np.int32)),
        "grey",
        np.array([[0, 2**30 / (2**31 - 1), 1]], np.float32),
        None,
    ),
    "TIFF float 16": (tiff(UNIT.astype(np.float16)), "grey", UNIT.astype(np.float16).astype(np.float32), None),
    "TIFF float 32": (tiff(UNIT.astype(np.float32)), "grey", UNIT.astype(np.float32), None),
    "TIFF float 64": (tiff(UNIT), "grey", UNIT.astype(np.float32), None),
    "TIFF grey and alpha": (
        tiff(FOUR8[..., :2], planarconfig="contig", extrasamples=["unassalpha"]),
        "grey",
        FOUR8[..., 0],
        FOUR8[..., 1],
    ),
    "TIFF RGB": (tiff(RGB8, photometric="rgb"), "rgb", RGB8, None),
    "TIFF RGB in planes": (
        tiff(RGB8.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
        "rgb",
        RGB8,
        None,
    ),
    "TIFF RGB 16": (tiff(RGB16, photometric="rgb"), "rgb", RGB16, None),
    "TIFF RGB 16 in planes": (
        tiff(RGB16.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
        "rgb",
        RGB16,
        None,
    ),
    "TIFF RGB float": (
        tiff((RGB16 / 65535).astype(np.float32), photometric="rgb"),
        "rgb",
        (RGB16 / 65535).astype(np.float32),
        None,
    ),
    "TIFF RGBA 16": (
        tiff(FOUR16, photometric="rgb", extrasamples=["unassalpha"]),
        "rgb",
        FOUR16[..., :3],
        FOUR16[..., 3],
    ),
    "TIFF RGB 16 and a channel that is not alpha": (
        tiff(FOUR16, photometric="rgb", extrasamples=["unspecified"]),
        "rgb",
        FOUR16[..., :3],
        None,
    ),
    "TIFF CMYK": (tiff(FOUR8, photometric="separated"), "cmyk", FOUR8, None),
    "TIFF CMYK 16": (tiff(FOUR16, photometric="separated"), "cmyk", FOUR16, None),
    "TIFF Lab": (tiff(LAB_BYTES, photometric="cielab"), "lab", LAB_BYTES ^ np.uint8([0, 128, 128]), None),
    "TIFF Lab 16": (
        tiff(LAB_BYTES.astype(np.uint16) << 8, photometric="cielab"),
        "lab",
        (LAB_BYTES ^ np.uint8([0, 128, 128])).astype(np.uint16) << 8,
        None,
    ),
}


def dtype_of(name):
    """Return the dtype of the samples, from the name of a case."""
    if "float" in name or "32" in name or name == "PFM":
        return np.float32
    return np.uint16 if "16" in name or "12" in name else np.uint8


@pytest.mark.parametrize("name", CASES)
def test_a_file_gives_its_own_samples(tmp_path, name):
    content, space, samples, alpha = CASES[name]
    (tmp_path / "picture").write_bytes(content)
    with FrameReader("test", tmp_path / "picture") as reader:
        (frame,) = list(reader)
    expected = np.asarray(samples)
    assert frame.space == space
    np.testing.assert_array_equal(frame.samples, np.atleast_3d(expected))
    assert frame.samples.dtype == dtype_of(name)
    if alpha is None:
        assert frame.alpha is None
    else:
        np.testing.assert_array_equal(frame.alpha, alpha)
        assert frame.alpha.dtype == frame.samples.dtype


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1)])
def test_the_full_scale(dtype, white):
    assert full_scale(np.dtype(dtype)) == white
    np.testing.assert_array_equal(to_unit(np.array([0, white], dtype)), np.float32([0, 1]))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_all_frames_and_their_durations(tmp_path, kind):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    images = [Image.new("RGB", (6, 4), colour) for colour in colours]
    options = {"lossless": True} if kind == "WEBP" else {}
    images[0].save(tmp_path / "a", kind, save_all=True, append_images=images[1:], duration=[40, 100, 200], **options)
    with FrameReader("test", tmp_path / "a") as reader:
        frames = list(reader)
    assert [tuple(f.samples[1, 2].tolist()) for f in frames] == colours
    assert [f.duration for f in frames] == ([0, 0, 0] if kind == "TIFF" else [40, 100, 200])


def test_pages_of_different_depth(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(RGB16, photometric="rgb")
        file.write(GREY8, photometric="minisblack")
    with FrameReader("test", tmp_path / "a.tif") as reader:
        first, second = reader
    np.testing.assert_array_equal(first.samples, RGB16)
    np.testing.assert_array_equal(second.samples[..., 0], GREY8)


WITHOUT_IMAGECODECS = """
import sys
sys.modules["imagecodecs"] = None  # as if it were not installed
from minicnn.data.frames import FrameReader
from minicnn.errors import MissingPackageError
try:
    with FrameReader("test", sys.argv[1]) as reader:
        list(reader)
except MissingPackageError as error:
    print(error)
"""


@pytest.mark.parametrize("case", ["PNG RGB 16", "TIFF 12"])
def test_without_imagecodecs_an_error_names_the_extra(tmp_path, case):
    (tmp_path / "a").write_bytes(CASES[case][0])
    command = [sys.executable, "-c", WITHOUT_IMAGECODECS, str(tmp_path / "a")]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.match(r"test: '.*/a': needs imagecodecs, which is not installed.*minicnn\[photos\]", output)


def test_a_palette_tiff_with_16_bits_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY16, photometric="palette", colormap=np.zeros((3, 65536), np.uint16))
    with (
        pytest.raises(DataError, match="pixels of the kind PALETTE with 16 bits"),
        FrameReader("test", tmp_path / "a.tif") as reader,
    ):
        list(reader)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_with_16_bits_is_upright(tmp_path, orientation):
    upright = np.arange(6, dtype=np.uint16).reshape(2, 3) * 9999
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],  # the viewer turns it clockwise
        7: upright[::-1, ::-1].T,
        8: upright.T[:, ::-1],
    }[orientation]
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="minisblack", extratags=[(274, 3, 1, orientation, True)])
    with FrameReader("test", tmp_path / "a.tif") as reader:
        (frame,) = reader
    np.testing.assert_array_equal(frame.samples[..., 0], upright)
