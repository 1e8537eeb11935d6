"""Tests of reading and writing images: formats, orientation, colour profiles, damaged files."""

import os
import re
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms, ImageFile, features

from minicnn.data.images import _WRITABLE, read_image, write_image
from minicnn.errors import DataError

needs_avif = pytest.mark.skipif(not features.check("avif"), reason="Pillow was built without AVIF")
needs_profiles = pytest.mark.skipif(not features.check("littlecms2"), reason="Pillow was built without LittleCMS")
any_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def colours(height=6, width=9, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(width, height, depth, kind, rows, *chunks):
    """Build a PNG by hand, because Pillow cannot write every kind of PNG that it reads."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = b"".join(chunk(name, data) for name, data in chunks)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


# reading: values


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM", "WEBP", "JPEG2000", "QOI"])
def test_lossless_formats_give_exactly_the_pixels_over_255(tmp_path, kind):
    pixels = colours()
    options = {"lossless": True} if kind == "WEBP" else {}
    if kind == "QOI" and "QOI" not in Image.SAVE:  # Pillow writes QOI since 11.3
        pytest.skip("this Pillow cannot write QOI")
    Image.fromarray(pixels).save(tmp_path / "photo", kind, **options)
    array = read_image(tmp_path / "photo")
    np.testing.assert_array_equal(array, pixels.transpose(2, 0, 1).astype(np.float32) / np.float32(255))
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    assert array.flags.writeable


@pytest.mark.parametrize("kind", ["JPEG", pytest.param("AVIF", marks=needs_avif)])
def test_lossy_formats_come_close(tmp_path, kind):
    pixels = np.linspace(0, 255, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo", kind, quality=95)
    np.testing.assert_allclose(read_image(tmp_path / "photo"), pixels.transpose(2, 0, 1) / 255, atol=0.03)


def test_the_first_frame_of_an_animation_is_read(tmp_path):
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_image(tmp_path / "a.gif"), np.full((3, 3, 4), [[[1]], [[0]], [[0]]]))


def test_the_first_photo_of_a_phones_multi_picture_file_is_read(tmp_path):
    first, second = Image.new("RGB", (16, 8), "white"), Image.new("RGB", (16, 8), "black")
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second])
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), np.ones((3, 8, 16)))


def test_grey_and_rgb_become_each_other(tmp_path):
    Image.fromarray(np.array([[0, 51, 255]], np.uint8)).save(tmp_path / "grey.png")
    np.testing.assert_allclose(read_image(tmp_path / "grey.png"), np.full((3, 1, 3), [0, 0.2, 1]), rtol=1e-6)
    Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)).save(tmp_path / "rgb.png")
    grey = read_image(str(tmp_path / "rgb.png"), mode="grey")
    assert grey.shape == (1, 1, 3)
    np.testing.assert_allclose(grey[0, 0], [0.299, 0.587, 0.114], atol=0.5 / 255)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_shown_upright(tmp_path, kind, orientation):
    corners = np.zeros((16, 32, 3), np.uint8)  # upright: red at the top left, green top right, blue bottom left
    corners[:8, :16, 0] = corners[:8, 16:, 1] = corners[8:, :16, 2] = 255
    undo = {
        1: corners,
        2: corners[:, ::-1],
        3: corners[::-1, ::-1],
        4: corners[::-1],
        5: corners.transpose(1, 0, 2),
        6: np.rot90(corners),  # stored with a quarter turn to the left, so the viewer turns it to the right
        7: corners[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(corners, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(undo[orientation]))
    options = {"JPEG": {"subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    stored.save(tmp_path / "photo", kind, exif=exif, **options)
    array = read_image(tmp_path / "photo")
    np.testing.assert_allclose(array, corners.transpose(2, 0, 1) / 255, atol=0.15)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_changes_nothing(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(colours()).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_allclose(read_image(tmp_path / "a.png"), colours().transpose(2, 0, 1) / 255, rtol=1e-6)


def test_a_jpeg_with_damaged_exif_is_read_as_stored(tmp_path):
    Image.fromarray(np.zeros((4, 8, 3), np.uint8)).save(tmp_path / "a.jpg", exif=b"Exif\0\0garbagegarbage")
    assert read_image(tmp_path / "a.jpg").shape == (3, 4, 8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
@pytest.mark.parametrize("mode", ["rgb", "grey"])
def test_16_bit_grey_is_scaled_and_not_clipped(tmp_path, kind, mode):
    values = np.array([[0, 1, 255, 256], [1000, 30000, 65534, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "photo", kind)
    array = read_image(tmp_path / "photo", mode)
    assert array.dtype == np.float32
    np.testing.assert_allclose(array, np.repeat(values[None] / 65535, 3 if mode == "rgb" else 1, axis=0), rtol=1e-6)


def test_16_bit_grey_keeps_its_transparent_value_white(tmp_path):
    rows = b"\0" + np.array([300, 400], ">u2").tobytes()
    (tmp_path / "a.png").write_bytes(png(2, 1, 16, 0, rows, (b"tRNS", struct.pack(">H", 400))))
    np.testing.assert_allclose(read_image(tmp_path / "a.png", "grey"), [[[300 / 65535, 1]]], rtol=1e-6)


def test_16_bit_colour_keeps_16_bits(tmp_path):
    rows = b"\0" + np.array([0, 32768, 65534], ">u2").tobytes()
    (tmp_path / "a.png").write_bytes(png(1, 1, 16, 2, rows))
    np.testing.assert_allclose(read_image(tmp_path / "a.png").ravel(), np.array([0, 32768, 65534]) / 65535, rtol=1e-6)


def test_float_images_are_taken_as_they_are(tmp_path):
    values = np.array([[0, 0.25], [0.123456, 1]], np.float32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", "grey"), values[None])


@pytest.mark.parametrize("values", [np.float32([[0, 2]]), np.float32([[-0.5, 1]]), np.float32([[np.nan, 0.5]])])
def test_float_images_out_of_range_are_refused(tmp_path, values):
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"a\.tif' must hold samples from 0 to 1.0 .*got .* to .*; rescale"):
        read_image(tmp_path / "a.tif")


def test_negative_samples_are_refused(tmp_path):
    Image.fromarray(np.array([[0, -1]], np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"must hold samples from 0 to 2147483647 for its kind of pixels \(int32\)"):
        read_image(tmp_path / "a.tif", "grey")


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_converted(tmp_path, kind):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "photo", kind)
    np.testing.assert_allclose(read_image(tmp_path / "photo"), np.full((3, 8, 8), [[[1]], [[0]], [[0]]]), atol=0.02)
    assert read_image(tmp_path / "photo", "grey").shape == (1, 8, 8)


def test_a_palette_is_looked_up(tmp_path):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.save(tmp_path / "a.png")
    np.testing.assert_allclose(
        read_image(tmp_path / "a.png")[:, 0] * 255, [[10, 40, 70], [20, 50, 80], [30, 60, 90]], rtol=1e-6
    )


def test_one_bit_becomes_black_and_white(tmp_path):
    Image.fromarray(np.array([[True, False, True]])).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", "grey"), [[[1, 0, 1]]])
    assert read_image(tmp_path / "a.png").shape == (3, 1, 3)


@pytest.mark.parametrize(("mode", "black"), [("RGBA", (0, 0, 0)), ("LA", (0,))])
def test_transparency_lies_over_white(tmp_path, mode, black):
    image = Image.new(mode, (3, 1))
    for x, alpha in enumerate((0, 128, 255)):
        image.putpixel((x, 0), (*black, alpha))
    image.save(tmp_path / "a.png")
    for array in (read_image(tmp_path / "a.png"), read_image(tmp_path / "a.png", "grey")):
        np.testing.assert_allclose(array[0, 0], [1, 127 / 255, 0], atol=1.01 / 255)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_entry_is_white(tmp_path, kind):
    image = Image.new("P", (2, 1))
    image.putpalette([200, 0, 0, 0, 200, 0])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "photo", kind, transparency=1)
    np.testing.assert_allclose(read_image(tmp_path / "photo")[:, 0] * 255, [[200, 255], [0, 255], [0, 255]], rtol=1e-6)


def test_a_transparent_colour_is_white(tmp_path):
    Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)).save(tmp_path / "a.png", transparency=(4, 5, 6))
    np.testing.assert_allclose(read_image(tmp_path / "a.png")[:, 0] * 255, [[1, 255], [2, 255], [3, 255]], rtol=1e-6)


# reading: colour profiles


def profile_of_swapped_colours(name="GRB"):
    """Return an ICC profile that exchanges red and green, made from the sRGB profile."""
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in ((b"rXYZ", b"????"), (b"gXYZ", b"rXYZ"), (b"????", b"gXYZ")):
        assert content.count(old) == 1
        content = content.replace(old, new)
    return content.replace("sRGB".encode("utf-16-be"), f"{name:4}".encode("utf-16-be"))


@needs_profiles
@pytest.mark.parametrize(
    ("kind", "mode"),
    [(kind, "RGB") for kind in ("PNG", "JPEG", "TIFF", "WEBP")] + [("PNG", "RGBA"), ("PNG", "P"), ("TIFF", "RGBA")],
)
def test_colours_are_converted_to_srgb(tmp_path, kind, mode):
    image = Image.new("RGB", (16, 8), (255, 0, 0)).convert(mode)
    image.save(tmp_path / "photo", kind, icc_profile=profile_of_swapped_colours())
    np.testing.assert_allclose(read_image(tmp_path / "photo"), np.full((3, 8, 16), [[[0]], [[1]], [[0]]]), atol=0.02)
    np.testing.assert_allclose(read_image(tmp_path / "photo", "grey"), np.full((1, 8, 16), 0.587), atol=0.02)


@needs_profiles
def test_a_profile_of_srgb_changes_no_pixel(tmp_path):
    pixels = colours()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png") * 255, pixels.transpose(2, 0, 1))


@needs_profiles
@pytest.mark.parametrize(("mode", "kept"), [("RGB", 0), ("RGB", 200), ("CMYK", None)])
def test_a_profile_that_is_cut_short_or_for_other_pixels_is_ignored(tmp_path, mode, kept):
    profile = profile_of_swapped_colours()[:kept] or b"no profile"
    Image.new("RGB", (16, 8), (255, 0, 0)).convert(mode).save(tmp_path / "a.jpg", icc_profile=profile)
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg"), np.full((3, 8, 16), [[[1]], [[0]], [[0]]]), atol=0.02)


@needs_profiles
def test_without_littlecms_a_profile_is_ignored(tmp_path, monkeypatch):
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "a.png", icc_profile=profile_of_swapped_colours())
    monkeypatch.setattr(features, "check", lambda name: False)
    assert read_image(tmp_path / "a.png")[:, 0, 0].tolist() == [1, 0, 0]


# reading: bad files


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"read_image: there is no file '.*none\.png'; check the path"):
        read_image(tmp_path / "none.png")


def test_a_folder(tmp_path):
    with pytest.raises(DataError, match=r"read_image: '.*' is a folder; .*ImageFolder"):
        read_image(tmp_path)


def test_an_empty_file(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(DataError, match=r"a\.png' is empty \(0 bytes\)"):
        read_image(tmp_path / "a.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DataError, match="is not a regular file"):
        read_image(tmp_path / "a.png")


def test_a_file_that_may_not_be_opened(tmp_path, monkeypatch):
    Image.fromarray(colours()).save(tmp_path / "a.png")

    def refuse(self, mode="r"):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"cannot be opened \(Permission denied\); check its permissions"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    "content",
    [b"Dear diary, today", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\0" * 100],
    ids=["text", "head only", "EPS", "zeros"],
)
def test_a_foreign_file(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.jpg' is not an image of a known format \(PNG, JPEG, .*remove it or"):
        read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM"])
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_truncated_file(tmp_path, kind, share):
    Image.fromarray(colours(64, 64)).save(tmp_path / "photo", kind)
    content = (tmp_path / "photo").read_bytes()
    (tmp_path / "photo").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"photo' is damaged or truncated \(.*\); get the file again"):
        read_image(tmp_path / "photo")


@needs_avif
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_truncated_avif(tmp_path, share):  # Pillow may fail before or after it knows the format
    Image.fromarray(colours(64, 64)).save(tmp_path / "a.avif")
    content = (tmp_path / "a.avif").read_bytes()
    (tmp_path / "a.avif").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"is damaged"):
        read_image(tmp_path / "a.avif")


@pytest.mark.parametrize("side", [10_000, 60_000])  # Pillow warns for the first and raises for the second
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_a_decompression_bomb(tmp_path, side, action):
    (tmp_path / "a.png").write_bytes(png(side, side, 8, 2, b""))
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        with pytest.raises(DataError, match=r"a\.png' has more than \d+ pixels and may be a decompression bomb \(.*"):
            read_image(tmp_path / "a.png")


def test_the_limit_on_pixels_is_pillows_own(tmp_path, monkeypatch):
    Image.fromarray(colours()).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    with pytest.raises(DataError, match="has more than 40 pixels"):
        read_image(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert read_image(tmp_path / "a.png").shape == (3, 6, 9)


def test_too_little_memory_is_not_the_files_fault(tmp_path, monkeypatch):
    Image.fromarray(colours()).save(tmp_path / "a.png")

    def refuse(self):
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)
    with pytest.raises(MemoryError):
        read_image(tmp_path / "a.png")


def test_an_unknown_mode(tmp_path):
    with pytest.raises(DataError, match="read_image: mode must be one of 'rgb', 'grey', got 'gray'"):
        read_image(tmp_path / "a.png", "gray")


@any_folder
@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"]))
def test_damaged_bytes_give_a_picture_or_a_data_error(tmp_path, data, kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"exif": exif} if kind in ("PNG", "JPEG", "TIFF", "WEBP") else {}
    Image.fromarray(colours()).save(tmp_path / "photo", kind, **options)
    content = bytearray((tmp_path / "photo").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "photo").write_bytes(content)
    try:
        array = read_image(tmp_path / "photo")
    except DataError as error:
        assert str(tmp_path / "photo") in str(error)  # noqa: PT017 - most damage is found, some is not
    else:
        assert array.ndim == 3
        assert array.min() >= 0
        assert array.max() <= 1


def test_no_file_stays_open(tmp_path):
    Image.fromarray(colours(64, 64)).save(tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:500])
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "bomb.png").write_bytes(png(60_000, 60_000, 8, 2, b""))
    (tmp_path / "empty.png").touch()
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("this system does not list open files")
    before = len(list(descriptors.iterdir()))
    for name in ("good", "cut", "text", "bomb", "empty"):
        try:
            read_image(tmp_path / f"{name}.png")
        except DataError:
            assert name != "good"
    assert len(list(descriptors.iterdir())) == before


# writing


@any_folder
@given(
    pixels=hnp.arrays(np.uint8, st.tuples(st.sampled_from([1, 3]), st.integers(1, 20), st.integers(1, 20))),
    dtype=st.sampled_from([np.float32, np.float64]),
    suffix=st.sampled_from([".png", ".tif", ".tiff", ".bmp", ".ppm", ".webp", ".PNG"]),
    flip=st.booleans(),
)
def test_8_bit_values_survive_a_round_trip(tmp_path, pixels, dtype, suffix, flip):
    array = (pixels / 255).astype(dtype)
    if flip:
        array = array[:, ::-1, ::-1]  # negative strides
    write_image(tmp_path / f"a{suffix}", array)
    mode = "grey" if len(array) == 1 else "rgb"
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}", mode), array.astype(np.float32))


@pytest.mark.parametrize("suffix", _WRITABLE)
def test_every_suffix_can_be_written_and_read(tmp_path, suffix):
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("Pillow was built without AVIF")
    ramp = np.linspace(0, 1, 40 * 30, dtype=np.float32).reshape(40, 30)
    write_image(tmp_path / f"a{suffix}", ramp)
    np.testing.assert_allclose(read_image(tmp_path / f"a{suffix}", "grey")[0], ramp, atol=0.02)


def test_values_are_clipped_and_rounded(tmp_path):
    write_image(tmp_path / "a.png", np.array([[-3, 0.4 / 255, 0.6 / 255, 254.6 / 255, 7]]))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), [[0, 0, 1, 255, 255]])


def test_the_array_is_not_changed(tmp_path):
    array = np.array([[-1.0, 2.0]])
    write_image(tmp_path / "a.png", array)
    np.testing.assert_array_equal(array, [[-1, 2]])


@pytest.mark.parametrize("shape", [(2, 4, 4), (4, 4, 3), (4,), (1, 3, 4, 4), (3, 0, 4), (0, 0)])
def test_a_wrong_shape(tmp_path, shape):
    with pytest.raises(
        DataError, match=rf"must be \(C, H, W\) with C = 1 or 3.*got {re.escape(str(shape))}; transpose"
    ):
        write_image(tmp_path / "a.png", np.zeros(shape))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.bool_, np.complex64])
def test_a_wrong_element_type(tmp_path, dtype):
    with pytest.raises(DataError, match=rf"must hold floats in \[0, 1\], got {np.dtype(dtype)}; divide 8-bit values"):
        write_image(tmp_path / "a.png", np.zeros((2, 2), dtype))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity(tmp_path, value):
    with pytest.raises(DataError, match="write_image: the array holds NaN or infinity"):
        write_image(tmp_path / "a.png", np.array([[0.5, value]]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.gif", "a", "a.txt"])
def test_an_unknown_suffix(tmp_path, name):
    with pytest.raises(DataError, match=rf"the suffix of '.*{name}' must be one of \.png, \.jpg.*got '"):
        write_image(tmp_path / name, np.zeros((2, 2)))


def test_a_missing_folder_to_write_into(tmp_path):
    with pytest.raises(DataError, match=r"there is no folder '.*none' to write 'a\.png' into; create it first"):
        write_image(tmp_path / "none" / "a.png", np.zeros((2, 2)))


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", np.zeros((2, 2)))

    def full(self, stream, kind):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(DataError, match=r"a\.png' cannot be written \(OSError: .*No space left"):
        write_image(tmp_path / "a.png", np.ones((2, 2)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert read_image(tmp_path / "a.png").max() == 0


def test_a_target_that_is_a_folder_cannot_be_replaced(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        write_image(tmp_path / "a.png", np.ones((2, 2)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_written_file_has_ordinary_permissions(tmp_path):
    (tmp_path / "plain").touch()
    write_image(tmp_path / "a.png", np.zeros((2, 2)))
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_threads_may_read_and_write_at_once(tmp_path):
    arrays = [np.full((3, 20, 20), i / 255, np.float32) for i in range(8)]
    seen = {}

    def work(i):
        for _ in range(5):
            write_image(tmp_path / f"{i}.png", arrays[i])
            write_image(tmp_path / "shared.png", arrays[i])
            seen[i] = read_image(tmp_path / f"{i}.png"), read_image(tmp_path / "shared.png")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    for i, (own, shared) in seen.items():
        np.testing.assert_array_equal(own, arrays[i])
        assert np.ptp(shared) == 0  # the image of one thread, never a mixture
