"""Tests of the network that fills in holes: the smooth filling, unchanged pixels outside the holes, and exact tiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn.errors import ShapeError
from minicnn.imaging.editing import edit, load_editor, save_editor
from minicnn.imaging.filling import smooth_fill
from minicnn.models import HOLE_COLOUR, Inpainter
from minicnn.models.inpainter import coarse_fill, pyramid_fill

HOLE = np.array(HOLE_COLOUR, np.float32)[:, np.newaxis, np.newaxis]


def make():
    minicnn.manual_seed(0)
    model = Inpainter(width=4, blocks=2)
    with minicnn.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(0.3 / parameter.std())
        model.editor.tail.weight.mul_(0.002)
        model.editor.tail.bias.mul_(0.01)
    return model.eval()


def punched(height, width, hole, seed=0):
    """Return a picture (3, H, W) with the colour of holes in a part of it, and the mask."""
    image = 0.4 + np.random.default_rng(seed).random((3, height, width), dtype=np.float32) / 4
    mask = np.zeros((height, width), bool)
    mask[hole] = True
    return np.where(mask, HOLE, image), mask


def fill(image, mask):
    """Fill in a picture (C, H, W) whose sides are multiples of 32."""
    hole = minicnn.from_numpy(mask[np.newaxis, np.newaxis].astype(image.dtype))
    return pyramid_fill(minicnn.from_numpy(image[np.newaxis]), hole).numpy()[0]


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.98))
def test_known_pixels_stay_and_holes_get_values_between_them(seed, share):
    rng = np.random.default_rng(seed)
    image, mask = rng.random((2, 32, 64)), rng.random((32, 64)) < share
    filled = fill(np.where(mask, 9.0, image), mask)
    np.testing.assert_array_equal(filled[:, ~mask], image[:, ~mask])
    for plane, own in zip(filled, image, strict=True):
        assert own[~mask].min() - 1e-12 <= plane.min()
        assert plane.max() <= own[~mask].max() + 1e-12


def test_a_hole_in_a_ramp_is_filled_smoothly():
    ramp = np.linspace(0, 1, 64)[np.newaxis, np.newaxis] * np.ones((1, 64, 1))
    mask = np.zeros((64, 64), bool)
    mask[24:40, 24:40] = True
    filled = fill(ramp, mask)
    assert np.abs(filled - ramp).max() < 0.15
    assert np.abs(np.diff(filled, axis=2)).max() < 0.1


def test_the_mean_of_a_cell_is_the_mean_of_its_known_pixels():
    image = np.zeros((1, 32, 32))
    image[0, 0, 0], image[0, 31, 31] = 1, 0.5
    mask = np.ones((32, 32), bool)
    mask[0, 0] = mask[31, 31] = False
    filled = fill(image, mask)
    assert filled[0, 0, 0] == 1
    assert filled[0, 1, 1] == pytest.approx(1, abs=0.05)
    assert 0.5 < filled[0, 16, 16] < 1


@pytest.mark.parametrize(("known", "expected"), [(False, 0.5), (True, 0.25)])
def test_without_known_pixels_near_there_is_their_mean_or_grey(known, expected):
    image, mask = np.full((1, 64, 128), 0.25), np.ones((64, 128), bool)
    mask[:32, :32] = not known
    np.testing.assert_allclose(fill(image, mask)[0, 40:, 100:], expected)


def test_only_holes_change():
    image, mask = punched(40, 50, np.s_[10:20, 15:30])
    with minicnn.no_grad():
        out = make()(minicnn.from_numpy(image[np.newaxis])).numpy()[0]
    np.testing.assert_array_equal(out[:, ~mask], image[:, ~mask])
    assert (np.abs(out[:, mask] - image[:, mask]) > 0.01).mean() > 0.9


def test_a_pixel_that_is_nearly_magenta_is_no_hole():
    image = np.full((3, 32, 32), 0.5, np.float32)
    image[:, 5, 5] = 1, 1 / 255, 1
    model = make()
    np.testing.assert_array_equal(edit(model, image), image)
    np.testing.assert_array_equal(model.first_guess(minicnn.from_numpy(image[np.newaxis])).numpy()[0], image)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 2)])
def test_any_size(size):
    assert make()(minicnn.zeros(2, 3, *size)).shape == (2, 3, *size)
    assert make().first_guess(minicnn.zeros(2, 3, *size)).shape == (2, 3, *size)


def test_every_parameter_gets_a_gradient():
    model = make().train()
    image, _ = punched(64, 64, np.s_[10:40, 15:50])
    (model(minicnn.from_numpy(image[np.newaxis])) ** 2).mean().backward()
    for name, parameter in model.named_parameters():
        assert float((parameter.grad != 0).to(minicnn.float32).mean()) > 0.3, name


@pytest.mark.parametrize(
    "hole",
    [np.s_[100:130, 190:218], np.s_[60:260, 100:310], np.s_[:, 130:390]],
    ids=["small", "large", "to the border"],
)
def test_tiles_give_the_result_of_the_whole_image(hole):
    model = make()
    image, mask = punched(300, 420, hole)
    image = np.where(mask, image, image + np.linspace(-0.3, 0.3, 420, dtype=np.float32))
    with minicnn.no_grad():
        whole = model(minicnn.from_numpy(image[np.newaxis])).numpy()[0]
        learned = whole - model.first_guess(minicnn.from_numpy(image[np.newaxis])).numpy()[0]
    assert 0 < whole[:, mask].min() < whole[:, mask].max() < 1  # results of tiles are clipped
    assert learned[:, mask].std() > 0.005
    edited = edit(model, image, tile=64)
    np.testing.assert_allclose(edited[:, mask], whole[:, mask], atol=2e-5)
    np.testing.assert_array_equal(edited[:, ~mask], image[:, ~mask])


@pytest.mark.parametrize(("dtype", "white", "step"), [(np.float32, 1, 1e-5), (np.uint8, 255, 1), (np.uint16, 65535, 1)])
def test_a_smooth_filling_in_tiles_is_that_of_the_whole_image(dtype, white, step):
    rng = np.random.default_rng(0)
    image = (rng.integers(0, 2, (3, 320, 416)) * white).astype(dtype)
    mask = rng.random((320, 416)) < 0.9
    mask[60:260, 100:310] = True
    filled = smooth_fill(image, (mask * white).astype(dtype), tile=32)
    assert filled.dtype == dtype
    np.testing.assert_allclose(filled, white * fill(image / white, mask), atol=1.6 * step)  # rounded twice


def test_every_mask_of_holes_is_accepted_and_without_holes_the_image_is_the_result():
    image, mask = (np.arange(3 * 40 * 50) % 200).astype(np.uint8).reshape(3, 40, 50), np.eye(40, 50)
    expected = smooth_fill(image, (mask * 255).astype(np.uint8))
    for dtype in (bool, np.float32, np.int64, np.uint16):
        np.testing.assert_array_equal(smooth_fill(image, mask.astype(dtype)), expected)
    np.testing.assert_array_equal(smooth_fill(image, 0 * mask), image)


def test_nan_in_a_hole_is_missing_data():
    image, mask = punched(70, 40, np.s_[20:30, 20:30])
    model, mask = make(), mask.astype(np.float32)
    missing = np.where(mask > 0, np.float32(np.nan), image)
    np.testing.assert_array_equal(edit(model, missing, mask=mask), edit(model, image, mask=mask))


def test_a_pixel_of_the_colour_of_holes_outside_the_mask_is_known():
    image = np.full((3, 40, 40), 0.5, np.float32)
    image[:, 10:20, 10:30] = HOLE
    mask = np.zeros((40, 40), np.float32)
    mask[10:20, 20:30] = 1
    model = make()
    other = image.copy()
    other[1, 10:20, 10:20] = 1e-6  # nearly the same colour
    edited = edit(model, image, mask=mask)
    np.testing.assert_array_equal(edited[:, 10:20, 10:20], image[:, 10:20, 10:20])
    np.testing.assert_allclose(edited, edit(model, other, mask=mask), atol=1e-4)


def test_a_thin_line_in_a_ramp_is_filled_nearly_exactly():
    ramp = np.linspace(0, 1, 64)[np.newaxis, :, np.newaxis] * np.ones((1, 1, 64))
    mask = np.zeros((64, 64), bool)
    mask[30:33] = True
    assert np.abs(fill(ramp, mask) - ramp).max() < 0.006  # 0.0074 without the sweeps


def test_a_coarse_picture_has_the_means_of_its_known_pixels():
    image, mask = punched(70, 100, np.s_[0:64, 32:64])
    coarse = coarse_fill(image, mask)
    assert coarse.shape == (3, 3, 4)
    np.testing.assert_allclose(coarse[:, 0, 0], image[:, :32, :32].mean((1, 2)), rtol=1e-4)
    last = np.pad(image, ((0, 0), (0, 26), (0, 28)), mode="edge")[:, 64:, 96:]  # as the network pads a whole picture
    np.testing.assert_allclose(coarse[:, 2, 3], last.mean((1, 2)), rtol=1e-4)
    assert (coarse[:, 0, 1] < 0.9).all()  # not the colour of holes
    eight = (255 * image).astype(np.uint8)
    np.testing.assert_allclose(coarse_fill(eight, mask), coarse, atol=0.01)


def test_it_is_saved_and_loaded(tmp_path):
    model = make()
    save_editor(tmp_path / "a.safetensors", model)
    again = load_editor(tmp_path / "a.safetensors").model
    assert again.arguments == model.arguments
    image, _ = punched(40, 40, np.s_[5:20, 5:20])
    np.testing.assert_array_equal(edit(again, image), edit(model, image))


def test_grey_tensors_are_refused():
    with pytest.raises(ShapeError, match=r"Inpainter: input must be \(N, 3, H, W\), got"):
        make()(minicnn.zeros(1, 1, 8, 8))
