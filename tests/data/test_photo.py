"""Tests of photos: a file that is read and written again has the same pixels, and everything else that it carried."""

import os
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, TiffImagePlugin, features
from PIL.PngImagePlugin import PngInfo

from minicnn.data.exif import updated_exif, updated_xmp
from minicnn.data.images import read_image
from minicnn.data.photo import Photo, read_photo
from minicnn.data.png import read_chunks
from minicnn.data.samples import Frame
from minicnn.data.write_photo import PHOTO_SUFFIXES, check_writable, write_photo
from minicnn.errors import DataError
from tests.data.test_frames import CASES, RGB8, RGB16
from tests.data.test_images import png

SUFFIX = {kind: suffix for suffix, kind in reversed(PHOTO_SUFFIXES.items())}
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SMOOTH = np.add.outer(np.arange(24), np.arange(32))[..., None] * np.array([2, 3, 4]) % 256
SMOOTH = SMOOTH.astype(np.uint8)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" dc:creator="A"/></x:xmpmeta>'


def photo_of(samples, kind="PNG", **options):
    spaces = {1: "grey", 3: "rgb", 4: "cmyk"}
    return Photo([Frame(samples, spaces[samples.shape[-1]])], kind, **options)


def exif_of(orientation=6, camera="Leica", size=None):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x013B] = orientation, camera, "Ann Author"
    folder = exif.get_ifd(0x8769)
    folder[0x9003], folder[0x927C] = "2024:05:06 07:08:09", b"maker note \x00\xff" * 9
    if size:
        folder[0xA002], folder[0xA003] = size
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes()


def read_again(tmp_path, photo, suffix):
    write_photo(tmp_path / f"out{suffix}", photo)
    return read_photo(tmp_path / f"out{suffix}")


# pixels


@pytest.mark.parametrize("name", CASES)
def test_the_same_pixels_in_every_format(tmp_path, name):
    (tmp_path / "in").write_bytes(CASES[name][0])
    before = read_photo(tmp_path / "in")
    after = read_again(tmp_path, before, ".tif" if name == "PFM" else SUFFIX[before.format])
    (a,), (b,) = before.frames, after.frames
    assert (a.space, a.samples.dtype) == (b.space, b.samples.dtype)
    np.testing.assert_array_equal(a.samples, b.samples)
    assert (a.alpha is None) == (b.alpha is None)
    if a.alpha is not None:
        np.testing.assert_array_equal(a.alpha, b.alpha)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_the_same_animation(tmp_path, suffix, alpha):
    rng = np.random.default_rng(0)
    opacity = [255 * rng.integers(0, 2, (6, 8), np.uint8) for _ in range(3)] if alpha else [None] * 3
    colours = [rng.integers(0, 4, (6, 8, 3), np.uint8) * np.uint8(85) for _ in range(3)]
    frames = [Frame(c, "rgb", o, d) for c, o, d in zip(colours, opacity, (40, 100, 200), strict=True)]
    after = read_again(tmp_path, Photo(frames, "GIF", loop=3), suffix)
    assert len(after.frames) == 3
    for a, b in zip(frames, after.frames, strict=True):
        seen = slice(None) if a.alpha is None else a.alpha > 0
        np.testing.assert_array_equal(a.samples[seen], b.samples[seen])
        if a.alpha is not None:
            np.testing.assert_array_equal(a.alpha, b.alpha)
    if suffix != ".tif":
        assert [f.duration for f in after.frames] == [40, 100, 200]
        assert after.loop == 3


def test_a_photo_with_many_colours_becomes_a_gif_with_a_palette(tmp_path):
    after = read_again(tmp_path, photo_of(SMOOTH), ".gif")
    assert abs(after.frames[0].samples.astype(int) - SMOOTH).mean() < 8


def test_a_jpeg_keeps_its_quality_and_every_colour(tmp_path):
    Image.fromarray(SMOOTH).save(tmp_path / "a.jpg", quality=37)
    before = read_photo(tmp_path / "a.jpg")
    write_photo(tmp_path / "b.jpg", before)
    with Image.open(tmp_path / "a.jpg") as a, Image.open(tmp_path / "b.jpg") as b:
        assert a.quantization == b.quantization
        assert b.layer[1][1:3] == (1, 1)  # 4:4:4
    assert abs(read_photo(tmp_path / "b.jpg").frames[0].samples.astype(int) - before.frames[0].samples).mean() < 2


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_a_lower_quality_is_a_smaller_file(tmp_path, suffix):
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("Pillow was built without AVIF")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    photo = replace(photo_of(noise, "JPEG"), tables={0: [1] * 64})
    sizes = []
    for quality in (20, 80, None):
        write_photo(tmp_path / f"a{suffix}", replace(photo, quality=quality))
        sizes.append((tmp_path / f"a{suffix}").stat().st_size)
    assert sizes == sorted(sizes)
    assert sizes[0] < 0.6 * sizes[2]


# metadata


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_metadata_is_kept(tmp_path, suffix):
    exif = updated_exif(exif_of(), (32, 24))
    photo = photo_of(SMOOTH, exif=exif, icc=PROFILE, xmp=updated_xmp(XMP), dpi=(300.0, 150.0))
    after = read_again(tmp_path, photo, suffix)
    assert after.icc == PROFILE
    assert after.xmp == updated_xmp(XMP)
    tags = Image.Exif()
    tags.load(after.exif)
    assert (tags[0x010F], tags[0x013B], tags.get(0x0112, 1)) == ("Leica", "Ann Author", 1)
    assert tags.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
    assert tags.get_ifd(0x8769)[0x927C] == b"maker note \x00\xff" * 9
    assert tags.get_ifd(0x8825)[1] == "N"
    if suffix in (".jpg", ".png", ".tif"):
        assert after.dpi == pytest.approx((300, 150), abs=0.05)


def test_a_tiff_of_16_bits_keeps_metadata_too(tmp_path):
    photo = photo_of(RGB16, exif=updated_exif(exif_of(), (7, 5)), icc=PROFILE, dpi=(300.0, 150.0))
    after = read_again(tmp_path, photo, ".tif")
    tags = Image.Exif()
    tags.load(after.exif)
    assert tags.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
    assert (after.icc, after.dpi) == (PROFILE, (300, 150))
    np.testing.assert_array_equal(after.frames[0].samples, RGB16)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_data_in_a_file_is_kept_byte_by_byte(tmp_path, kind):
    exif = exif_of(orientation=1)
    Image.fromarray(SMOOTH).save(tmp_path / "in", kind, exif=exif)
    photo = read_photo(tmp_path / "in")
    after = read_again(tmp_path, photo, SUFFIX[kind])
    assert after.exif == photo.exif
    assert photo.exif.removeprefix(b"Exif\0\0") == exif.removeprefix(b"Exif\0\0")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_applied_once(tmp_path, kind):
    Image.fromarray(SMOOTH).save(tmp_path / "in", kind, exif=exif_of(orientation=6))
    shown = read_image(tmp_path / "in")
    after = read_again(tmp_path, read_photo(tmp_path / "in"), SUFFIX[kind])
    assert after.frames[0].samples.shape == (32, 24, 3)
    np.testing.assert_allclose(read_image(tmp_path / f"out{SUFFIX[kind]}"), shown, atol=0.05)


def test_the_size_in_exif_data_follows_the_picture(tmp_path):
    photo = photo_of(SMOOTH, "JPEG", exif=exif_of(size=(32, 24)))
    larger = photo.with_frames([Frame(SMOOTH.repeat(2, 0).repeat(2, 1), "rgb")])
    tags = Image.Exif()
    tags.load(read_again(tmp_path, larger, ".jpg").exif)
    assert (tags.get_ifd(0x8769)[0xA002], tags.get_ifd(0x8769)[0xA003]) == (64, 48)


def test_a_thumbnail_of_the_old_picture_is_left_out():
    folder = TiffImagePlugin.ImageFileDirectory_v2()
    folder[0x010F] = "Leica"
    data = bytearray(b"II*\0\x08\0\0\0" + folder.tobytes(8))
    (count,) = struct.unpack_from("<H", data, 8)
    struct.pack_into("<I", data, 10 + 12 * count, len(data))  # the next directory: of a thumbnail
    after = updated_exif(b"Exif\0\0" + bytes(data), (1, 1))
    assert after[:6] == b"Exif\0\0"
    assert struct.unpack_from("<I", after, 6 + 10 + 12 * count) == (0,)
    assert after[6 + 14 + 12 * count :] == bytes(data[14 + 12 * count :])


@pytest.mark.parametrize(
    "data", [b"", b"Exif\0\0", b"Exif\0\0garbage!", b"II*\0\xff\xff\xff\x7f", b"II*\0\x08\0\0\0\xff\xff"]
)
def test_damaged_exif_data_is_left_out(data):
    assert updated_exif(data, (3, 4)) == b""


@pytest.mark.parametrize("form", [b'<a tiff:Orientation="8"/>', b"<a><tiff:Orientation>8</tiff:Orientation></a>"])
def test_the_orientation_in_xmp_data(form):
    assert updated_xmp(form) == form.replace(b"8", b"1")
    assert updated_xmp(b"<a/>") == b"<a/>"


def test_a_jpeg_keeps_comments_and_iptc(tmp_path):
    iptc = b"\xff\xed" + struct.pack(">H", 2 + 24) + b"Photoshop 3.0\0caption..\x01\x02"[:24]
    Image.fromarray(SMOOTH).save(tmp_path / "a.jpg", comment=b"holiday", extra=iptc, dpi=(240, 240))
    after = read_again(tmp_path, read_photo(tmp_path / "a.jpg"), ".jpg")
    assert (after.comment, after.dpi) == (b"holiday", (240, 240))
    assert iptc in (tmp_path / "out.jpg").read_bytes()
    assert (tmp_path / "out.jpg").read_bytes().count(b"JFIF\0") == 1


def test_a_png_keeps_texts_of_any_length_and_its_gamma(tmp_path):
    texts = PngInfo()
    texts.add_text("Title", "A walk")
    texts.add_itxt("Story", "once " * 500_000, zip=True)
    texts.add(b"gAMA", struct.pack(">I", 60000))
    texts.add(b"cHRM", bytes(32))
    Image.fromarray(RGB8).save(tmp_path / "a.png", pnginfo=texts)
    read_again(tmp_path, read_photo(tmp_path / "a.png"), ".png")
    before, after = (
        [c for c, _ in read_chunks((tmp_path / name).read_bytes()) if c[0] not in (b"IDAT", b"IHDR", b"IEND")]
        for name in ("a.png", "out.png")
    )
    assert sorted(before) == sorted(after)
    assert len(before) == 4


def test_a_large_profile_of_a_png(tmp_path):
    profile = PROFILE + os.urandom(2_000_000)
    chunk = (b"iCCP", b"large\0\0" + zlib.compress(profile))
    (tmp_path / "a.png").write_bytes(png(1, 1, 8, 2, b"\0abc", chunk))
    assert read_again(tmp_path, read_photo(tmp_path / "a.png"), ".png").icc == profile


def test_a_gif_keeps_its_comment(tmp_path):
    Image.fromarray(RGB8[..., 0]).save(tmp_path / "a.gif", comment=b"hello")
    assert read_again(tmp_path, read_photo(tmp_path / "a.gif"), ".gif").comment == b"hello"


def test_the_pages_of_a_tiff(tmp_path):
    Image.fromarray(RGB8).save(tmp_path / "a.tif", save_all=True, append_images=[Image.fromarray(RGB8[::-1])])
    after = read_again(tmp_path, read_photo(tmp_path / "a.tif"), ".tif")
    np.testing.assert_array_equal([f.samples for f in after.frames], [RGB8, RGB8[::-1]])


def test_the_default_image_of_an_animated_png_is_no_frame(tmp_path):
    images = [Image.new("RGB", (4, 3), colour) for colour in ("red", "green", "blue")]
    images[0].save(tmp_path / "a.png", save_all=True, append_images=images[1:], default_image=True, duration=80)
    after = read_again(tmp_path, read_photo(tmp_path / "a.png"), ".png")
    assert [tuple(f.samples[0, 0].tolist()) for f in after.frames] == [(0, 128, 0), (0, 0, 255)]


def test_an_animated_avif(tmp_path):
    if not features.check("avif"):
        pytest.skip("Pillow was built without AVIF")
    frames = [Frame(np.full((32, 32, 3), value, np.uint8), "rgb", duration=120) for value in (10, 120, 240)]
    after = read_again(tmp_path, Photo(frames, "AVIF"), ".avif")
    assert [round(f.samples.mean() / 10) for f in after.frames] == [1, 12, 24]
    assert [f.duration for f in after.frames] == [120] * 3


# formats with fewer possibilities


@pytest.mark.parametrize(("suffix", "dtype"), [(".png", np.uint16), (".jpg", np.uint8), (".bmp", np.uint8)])
def test_floats_become_integers(tmp_path, suffix, dtype):
    values = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8, 1)
    samples = read_again(tmp_path, photo_of(values, "TIFF"), suffix).frames[0].samples
    assert samples.dtype == dtype
    np.testing.assert_allclose(samples / np.iinfo(dtype).max, values, atol=0.02 if suffix == ".jpg" else 0.002)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".ppm"])
def test_transparent_pixels_become_white_where_there_is_no_alpha(tmp_path, suffix):
    alpha = np.zeros((8, 8), np.uint8)
    alpha[:, 4:] = 255
    photo = Photo([Frame(np.full((8, 8, 3), 40, np.uint8), "rgb", alpha)], "PNG")
    samples = read_again(tmp_path, photo, suffix).frames[0].samples.astype(int)
    assert abs(samples[:, :3] - 255).max() < 9
    assert abs(samples[:, 5:] - 40).max() < 9


def test_cmyk_becomes_rgb_in_a_png(tmp_path):
    ink = np.zeros((4, 4, 4), np.uint8)
    ink[..., 1:3] = 255  # magenta and yellow: red
    after = read_again(tmp_path, photo_of(ink, "JPEG", icc=b"not a profile"), ".png")
    assert after.icc == b""
    np.testing.assert_array_equal(after.frames[0].samples, np.full((4, 4, 3), [255, 0, 0]))


def test_lab_becomes_rgb_in_a_jpeg(tmp_path):
    lab = np.zeros((8, 8, 3), np.uint8)
    lab[...] = [137, 128 + 81, 128 + 70]  # L 53.7, a 81, b 70: near the red of sRGB
    photo = Photo([Frame(lab, "lab")], "TIFF")
    red = read_again(tmp_path, photo, ".jpg").frames[0].samples.reshape(-1, 3).mean(0)
    np.testing.assert_allclose(red, [255, 0, 0], atol=12)


@pytest.mark.parametrize("value", [0, 20, 128, 255])
def test_grey_in_lab_is_grey(tmp_path, value):
    tifffile.imwrite(tmp_path / "a.tif", np.uint8([[[value, 0, 0]]]), photometric="cielab")
    lightness = 100 * value / 255
    light = ((lightness + 16) / 116) ** 3 if lightness > 8 else lightness / 903.3
    grey = 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(read_image(tmp_path / "a.tif").ravel(), [grey] * 3, atol=0.004)


@pytest.mark.parametrize(("gamma", "expected"), [(45455, 0.5), (100000, 0.5 ** (1 / 2.2)), (20000, 0.5 ** (5 / 2.2))])
def test_the_gamma_of_a_png_is_shown(tmp_path, gamma, expected):
    grey = png(1, 1, 16, 0, b"\0\x80\0", (b"gAMA", struct.pack(">I", gamma)))
    (tmp_path / "a.png").write_bytes(grey)
    assert read_image(tmp_path / "a.png").ravel()[0] == pytest.approx(expected, abs=1e-4)
    (tmp_path / "b.png").write_bytes(grey[:33] + png(1, 1, 8, 0, b"", (b"sRGB", b"\0"))[33:46] + grey[33:])
    assert read_image(tmp_path / "b.png").ravel()[0] == pytest.approx(0.5, abs=1e-4)


# errors


def test_a_suffix_that_cannot_be_written():
    with pytest.raises(DataError, match=r"the suffix of 'a\.xyz' must be one of \.png, \.apng"):
        check_writable("a.xyz", 1, 2, 2)


def test_an_animation_in_a_format_without_frames(tmp_path):
    photo = Photo([Frame(RGB8, "rgb")] * 3, "GIF")
    with pytest.raises(DataError, match="cannot hold 3 frames or pages; choose PNG, TIFF, WEBP, GIF, AVIF"):
        write_photo(tmp_path / "a.jpg", photo)


@pytest.mark.parametrize(("suffix", "side"), [(".jpg", 65501), (".webp", 16384), (".gif", 65536)])
def test_more_pixels_than_a_format_can_hold(tmp_path, suffix, side):
    with pytest.raises(DataError, match=f"cannot hold {side} x 1 pixels: a side of a .* has at most {side - 1}; write"):
        write_photo(tmp_path / f"a{suffix}", photo_of(np.zeros((1, side, 1), np.uint8)))


def test_a_missing_folder(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        write_photo(tmp_path / "b" / "a.png", photo_of(RGB8))


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    write_photo(tmp_path / "a.png", photo_of(RGB8))
    before = (tmp_path / "a.png").read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(DataError, match=r"a\.png' cannot be written .*No space left"):
        write_photo(tmp_path / "a.png", replace(photo_of(RGB8), dpi=(1.0, 1.0)))
    assert (tmp_path / "a.png").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]
