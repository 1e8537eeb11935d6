"""Tests of edited photos: a network that changes nothing changes no sample, in every format and colour space."""

import numpy as np
import pytest

import minicnn
from minicnn.data.photo import Photo, read_photo
from minicnn.data.samples import Frame
from minicnn.data.write_photo import write_photo
from minicnn.errors import ArgumentError, ShapeError
from minicnn.imaging.editing import edit
from minicnn.imaging.photo_editing import before_and_after, edit_photo
from minicnn.models import Inpainter, ResidualEditor, StyleNetwork
from tests.data.test_frames import CASES, FOUR8, RGB8
from tests.data.test_photo import SUFFIX


def make(channels=(3, 3), scale=1, seed=0):
    minicnn.manual_seed(seed)
    return ResidualEditor(*channels, scale=scale, width=4, blocks=1).eval()


def identity():
    model = make()
    with minicnn.no_grad():
        model.tail.weight.zero_()
        model.tail.bias.zero_()
    return model


@pytest.mark.parametrize("name", CASES)
def test_colours_do_not_shift_in_any_format(tmp_path, name):
    (tmp_path / "in").write_bytes(CASES[name][0])
    photo = read_photo(tmp_path / "in")
    output = tmp_path / f"out{'.tif' if name == 'PFM' else SUFFIX[photo.format]}"
    write_photo(output, edit_photo(identity(), photo, tile=4))
    (before,), (after,) = photo.frames, read_photo(output).frames
    assert (after.space, after.samples.dtype) == (before.space, before.samples.dtype)
    exact = before.samples.dtype.kind == "u"
    np.testing.assert_allclose(after.samples, before.samples, rtol=0, atol=0 if exact else 2e-7)
    assert (before.alpha is None) == (after.alpha is None)
    if before.alpha is not None:
        np.testing.assert_array_equal(after.alpha, before.alpha)


def frame(space, samples, **options):
    return Photo([Frame(samples, space, **options)], "TIFF", icc=b"profile")


def test_cmyk_is_edited_as_inverted_colours_and_inverted_black():
    edited = edit_photo(make(), frame("cmyk", FOUR8)).frames[0].samples
    planes = (255 - FOUR8).transpose(2, 0, 1)
    np.testing.assert_array_equal(edited[..., :3], 255 - edit(make(), planes[:3]).transpose(1, 2, 0))
    np.testing.assert_array_equal(edited[..., 3], 255 - edit(make(), planes[3:])[0])


def test_the_channels_of_lab_are_edited_alone():
    edited = edit_photo(make(), frame("lab", RGB8)).frames[0].samples
    for i in range(3):
        np.testing.assert_array_equal(edited[..., i], edit(make(), RGB8[np.newaxis, ..., i])[0])


def test_a_style_gives_a_grey_photo_its_colours():
    network = StyleNetwork(width=4, blocks=0)
    with minicnn.no_grad():
        network.tail.bias.copy_(minicnn.tensor([3.0, 0.0, -3.0]))
    edited = edit_photo(network, frame("grey", RGB8[..., :1])).frames[0]
    assert (edited.space, edited.samples.shape) == ("rgb", RGB8.shape)
    assert edited.samples[..., 0].mean() > edited.samples[..., 2].mean() + 100


def test_a_colourised_photo_loses_the_profile_of_its_greys():
    edited = edit_photo(make((1, 3)), frame("grey", RGB8[..., :1]))
    assert edited.frames[0].space == "rgb"
    assert edited.frames[0].samples.shape == RGB8.shape
    assert edited.icc == b""
    assert edit_photo(make(), frame("grey", RGB8[..., :1])).icc == b"profile"


def test_alpha_is_enlarged_with_the_picture():
    alpha = np.zeros((5, 7), np.uint8)
    alpha[:, 3:] = 255
    edited = edit_photo(make(scale=2), frame("rgb", RGB8, alpha=alpha)).frames[0]
    assert edited.alpha.shape == edited.samples.shape[:2] == (10, 14)
    np.testing.assert_array_equal(edited.alpha[:, :4], 0)
    np.testing.assert_array_equal(edited.alpha[:, 10:], 255)


def test_every_frame_is_edited_and_progress_reaches_one():
    frames = [Frame(np.roll(RGB8, i, 0), "rgb", duration=10 * i) for i in range(3)]
    told = []
    edited = edit_photo(make(), Photo(frames, "GIF", loop=2), progress=told.append, tile=4)
    assert (edited.loop, [f.duration for f in edited.frames]) == (2, [0, 10, 20])
    for before, after in zip(frames, edited.frames, strict=True):
        expected = edit(make(), before.samples.transpose(2, 0, 1), tile=4).transpose(1, 2, 0)
        np.testing.assert_array_equal(after.samples, expected)
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) == 3 * 4


def test_a_mask_of_another_size_than_a_frame():
    with pytest.raises(ShapeError, match=r"the mask must be \(5, 7\), as the image, got \(4, 7\)"):
        edit_photo(make(), frame("rgb", RGB8), mask=np.zeros((4, 7), np.float32))


def test_before_and_after_of_a_network_that_removes_colours():
    photo = frame("rgb", RGB8)
    (both,) = before_and_after(photo, edit_photo(make((3, 1)), photo))
    grey = np.rint(RGB8 @ np.array([0.299, 0.587, 0.114]))
    np.testing.assert_allclose(both.samples[:, :3, 0], grey[:, :3], atol=1)


@pytest.mark.parametrize("scale", [1, 2])
def test_before_is_left_and_after_is_right(scale):
    photo = frame("rgb", RGB8)
    edited = edit_photo(make(scale=scale), photo)
    (both,) = before_and_after(photo, edited)
    half = 7 * scale // 2
    np.testing.assert_array_equal(both.samples[:, half], 255)
    np.testing.assert_array_equal(both.samples[:, half + 1 :], edited.frames[0].samples[:, half + 1 :])
    if scale == 1:
        np.testing.assert_array_equal(both.samples[:, :half], RGB8[:, :half])


def test_painted_holes_are_filled_in_and_nothing_else_changes():
    samples = RGB8.copy()
    samples[1:3, 2:4] = 255, 0, 255
    model = Inpainter(width=4).eval()
    edited = edit_photo(model, frame("rgb", samples)).frames[0].samples
    holes = (samples == (255, 0, 255)).all(-1)
    assert holes.sum() == 4
    np.testing.assert_array_equal(edited[~holes], samples[~holes])
    expected = edit(model, samples.transpose(2, 0, 1)).transpose(1, 2, 0)
    np.testing.assert_array_equal(edited[holes], expected[holes])
    assert (edited[holes] != samples[holes]).any(-1).all()


@pytest.mark.parametrize("space", ["cmyk", "lab"])
def test_a_network_that_adds_colours_needs_grey_or_rgb(space):
    samples = np.zeros((4, 5, 4 if space == "cmyk" else 3), np.uint8)
    with pytest.raises(ShapeError, match=rf"1 input and 3 output channels\) cannot edit a picture in {space.upper()}"):
        edit_photo(ResidualEditor(1, 3, width=4).eval(), frame(space, samples))


def test_painted_holes_of_cmyk_are_filled_in_in_all_channels():
    samples = np.full((12, 14, 4), 90, np.uint8)
    samples[4:7, 5:9] = 0, 255, 0, 0  # magenta without black
    edited = edit_photo(Inpainter(width=4).eval(), frame("cmyk", samples)).frames[0].samples
    hole = np.zeros((12, 14), bool)
    hole[4:7, 5:9] = True
    np.testing.assert_array_equal(edited[~hole], samples[~hole])
    assert np.abs(edited[hole].astype(int).mean(0) - 90).max() < 25  # black too


@pytest.mark.parametrize("space", ["rgb", "grey"])
def test_a_picture_without_holes_is_no_success(space):
    samples = np.full((6, 7, 3 if space == "rgb" else 1), 90, np.uint8)
    with pytest.raises(ArgumentError, match=r"there is nothing to fill in: no pixel is exactly magenta \(#FF00FF\)"):
        edit_photo(Inpainter(width=4).eval(), frame(space, samples))
    with pytest.raises(ArgumentError, match="or the mask is black"):
        edit_photo(Inpainter(width=4).eval(), frame(space, samples), mask=np.zeros((6, 7), np.float32))
