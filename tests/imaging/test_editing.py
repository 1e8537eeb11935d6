"""Tests of editors: save and load, and the same result with and without tiles."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import minicnn
from minicnn.errors import ArgumentError, CheckpointError, DTypeError, ShapeError
from minicnn.imaging import to_grey
from minicnn.imaging.editing import Editor, edit, load_editor, save_editor
from minicnn.models import CNNGenerator, Inpainter, ResidualEditor
from minicnn.training import save_model


def make(channels=(3, 3), scale=1, blocks=1, seed=0):
    minicnn.manual_seed(seed)
    return ResidualEditor(*channels, scale=scale, width=4, blocks=blocks).eval()


def picture(channels, height, width, seed=0):
    return np.random.default_rng(seed).random((channels, height, width), dtype=np.float32)


def whole(model, image):
    with minicnn.no_grad():
        return model(minicnn.from_numpy(image[np.newaxis])).numpy()[0].clip(0, 1)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 45), st.integers(1, 45)),
    tile=st.integers(1, 50),
    scale=st.integers(1, 3),
    channels=st.sampled_from([(3, 3), (1, 3), (1, 1)]),
    blocks=st.integers(0, 2),
)
def test_in_tiles_it_is_what_the_whole_picture_gives(size, tile, scale, channels, blocks):
    model = make(channels, scale, blocks)
    image = picture(channels[0], *size)
    edited = edit(model, image, tile=max(tile, min(size) // 4, 1))
    assert edited.dtype == np.float32
    np.testing.assert_allclose(edited, whole(model, image), atol=1e-5)


def test_four_tiles_of_an_odd_photo_and_their_progress():
    model, image, told = make(), picture(3, 101, 99), []
    edited = edit(model, image, tile=64, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    np.testing.assert_allclose(edited, whole(model, image), atol=1e-5)


@pytest.mark.parametrize(("width", "tiles"), [(512, 1), (513, 2)])
def test_tiles_have_512_pixels_by_default(width, tiles):
    told = []
    edit(make(blocks=0), picture(3, 2, width), progress=lambda done, total: told.append((done, total)))
    assert told == [(done, tiles) for done in range(1, tiles + 1)]


def test_the_picture_is_left_alone_and_no_graph_is_built():
    image = picture(3, 8, 9)
    before = image.copy()
    image.flags.writeable = False
    model = make()
    edit(model, image)
    np.testing.assert_array_equal(image, before)
    assert all(p.grad is None for p in model.parameters())


def test_a_colour_picture_becomes_grey_for_a_network_of_grey_ones():
    model, image = make((1, 3)), picture(3, 12, 10)
    np.testing.assert_allclose(edit(model, image), edit(model, to_grey(image)), atol=1e-6)


def test_results_lie_between_black_and_white():
    edited = edit(make(), (picture(3, 20, 20) > 0.5).astype(np.float32))
    assert edited.min() == 0
    assert edited.max() == 1


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_integers_are_edited_as_fractions_of_white(dtype, white):
    image = np.random.default_rng(0).integers(0, white, (3, 21, 18), dtype, endpoint=True)
    edited = edit(make(), image, tile=8)
    assert edited.dtype == dtype
    expected = whole(make(), image.astype(np.float32) / np.float32(white)) * white
    np.testing.assert_allclose(edited, expected, atol=0.51 + white * 1e-6)


def test_a_grey_picture_is_three_equal_channels_for_a_network_of_colour():
    image = picture(1, 9, 14)
    expected = whole(make(), image.repeat(3, 0)).mean(0, keepdims=True)
    np.testing.assert_allclose(edit(make(), image), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [1, 2])
def test_the_strength_mixes_the_first_guess_and_the_result(scale):
    model, image = make(scale=scale), picture(3, 10, 13)
    none, full = edit(model, image, strength=0), edit(model, image)
    np.testing.assert_allclose(edit(model, image, strength=0.25), 0.75 * none + 0.25 * full, atol=1e-2)
    if scale == 1:
        np.testing.assert_array_equal(none, image)
    else:
        assert none.shape == full.shape


def test_the_mask_is_the_strength_of_each_pixel():
    model, image = make(), picture(3, 20, 30)
    mask = np.zeros((20, 30), np.float32)
    mask[4:9, 5:25], mask[9, 5:25] = 1, 0.5
    edited, full = edit(model, image, mask=mask, tile=8), edit(model, image)
    np.testing.assert_array_equal(edited[:, mask == 0], image[:, mask == 0])
    np.testing.assert_allclose(edited[:, mask == 1], full[:, mask == 1], atol=1e-6)
    np.testing.assert_allclose(edited[:, 9, 5:25], (image + full)[:, 9, 5:25] / 2, atol=1e-6)


def test_the_mask_of_a_network_that_enlarges():
    model, image = make(scale=2), picture(3, 12, 12)
    mask = np.zeros((12, 12), np.float32)
    mask[:, 6:] = 1
    edited, none, full = edit(model, image, mask=mask), edit(model, image, strength=0), edit(model, image)
    np.testing.assert_allclose(edited[..., :11], none[..., :11], atol=1e-6)
    np.testing.assert_allclose(edited[..., 13:], full[..., 13:], atol=1e-6)


@pytest.mark.parametrize(("scale", "channels"), [(1, (3, 3)), (2, (3, 3)), (1, (1, 3))])
def test_the_best_result_is_the_mean_of_all_flips_and_rotations(scale, channels):
    model, image = make(channels, scale), picture(channels[0], 14, 14)
    turned = []
    for flipped in (False, True):
        for quarters in range(4):
            x = np.rot90(image[:, :, ::-1] if flipped else image, quarters, (1, 2))
            with minicnn.no_grad():
                y = model(minicnn.from_numpy(np.ascontiguousarray(x[np.newaxis]))).numpy()[0]
            y = np.rot90(y, -quarters, (1, 2))
            turned.append(y[:, :, ::-1] if flipped else y)
    np.testing.assert_allclose(edit(model, image, best=True), np.mean(turned, 0).clip(0, 1), atol=1e-5)


def inpainter():
    minicnn.manual_seed(0)
    model = Inpainter(width=4).eval()
    with minicnn.no_grad():
        model.editor.tail.weight.mul_(30)
    return model


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_filled_in_is_hidden_from_the_network(channels):
    model, image = inpainter(), picture(channels, 20, 30)
    mask = np.zeros((20, 30), np.float32)
    mask[4:9, 5:9] = 1
    mask[9, 5:9] = 0.5
    painted = np.where(mask > 0, np.float32([1, 0, 1])[:, None, None], image.repeat(3 // channels, 0))
    expected = whole(model, painted).clip(0, 1)
    expected = expected if channels == 3 else expected.mean(0, keepdims=True)
    edited = edit(model, image, mask=mask, tile=8)
    np.testing.assert_array_equal(edited[:, mask == 0], image[:, mask == 0])
    np.testing.assert_allclose(edited[:, mask == 1], expected[:, mask == 1], atol=1e-6)
    np.testing.assert_allclose(edited[:, 9, 5:9], (image + expected)[:, 9, 5:9] / 2, atol=1e-6)
    other = image.copy()
    other[:, mask == 1] = 0.123
    np.testing.assert_array_equal(edit(model, other, mask=mask)[:, mask == 1], edited[:, mask == 1])


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.uint16])
def test_holes_are_painted_or_masked(dtype):
    model, white = inpainter(), 1 if dtype is np.float32 else np.iinfo(dtype).max
    image = (picture(3, 40, 50) * white).astype(dtype)
    mask = np.zeros((40, 50), dtype)
    mask[10:20, 5:30] = white
    painted = image.copy()
    painted[:, mask > 0] = np.array([[white], [0], [white]], dtype)
    expected = edit(model, image, mask=mask)
    np.testing.assert_array_equal(edit(model, painted), expected)
    assert (expected[:, mask > 0] != painted[:, mask > 0]).any(0).mean() > 0.9
    np.testing.assert_array_equal(edit(model, painted, strength=0), painted)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_result_is_written_to_an_array(channels):
    model, image = make(), (picture(channels, 20, 30) * 255).astype(np.uint8)
    expected = edit(model, image, tile=8)
    pixels = np.full((20, 30, channels), 7, np.uint8)
    out = pixels.transpose(2, 0, 1)
    assert edit(model, image, tile=8, out=out) is out
    np.testing.assert_array_equal(pixels.transpose(2, 0, 1), expected)
    with pytest.raises(ShapeError, match=r"out must be .*, got \(2, 20, 30\)"):
        edit(model, image, out=np.zeros((2, 20, 30), np.uint8))
    with pytest.raises(DTypeError, match="edit: the array out must be uint8, as the image, got float32"):
        edit(model, image, out=np.zeros((channels, 20, 30), np.float32))


def test_tiles_without_anything_to_edit_are_skipped(monkeypatch):
    model, image = make(), picture(3, 64, 64)
    mask = np.zeros((64, 64), np.float32)
    mask[:4, :4] = 1
    calls = []
    monkeypatch.setattr(type(model), "forward", lambda self, x: calls.append(x.shape) or x)
    edit(model, image, mask=mask, tile=16)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (picture(2, 5, 5), {}, ShapeError, r"edit: the image must be \(1, H, W\) or \(3, H, W\), got \(2, 5, 5\)"),
        (picture(3, 5, 5)[0], {}, ShapeError, r"edit: the image must be .* got \(5, 5\)"),
        (picture(3, 5, 5).astype(float), {}, DTypeError, "edit: pixels must be float32 .*, got float64; convert"),
        (picture(3, 5, 5), {"mask": picture(1, 5, 4)[0]}, ShapeError, r"the mask must be \(5, 5\), .* got \(5, 4\)"),
        (picture(3, 5, 5), {"mask": np.zeros((5, 5))}, DTypeError, "the mask must be float32, .* got float64"),
        (picture(3, 5, 5), {"strength": 1.5}, ArgumentError, "strength must be from 0 .* to 1 .*, got 1.5"),
        (picture(3, 5, 5), {"strength": float("nan")}, ArgumentError, "strength must be .* got nan"),
    ],
)
def test_wrong_arguments(image, options, error, message):
    with pytest.raises(error, match=message):
        edit(make(), image, **options)


# --- files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "scale"), [((3, 3), 1), ((1, 3), 2)])
def test_what_is_saved_comes_back(tmp_path, channels, scale):
    model, image = make(channels, scale), picture(channels[0], 9, 11)
    save_editor(tmp_path / "m.safetensors", model, task="t", sigma=0.1)
    editor = load_editor(tmp_path / "m.safetensors")
    assert isinstance(editor, Editor)
    assert not editor.model.training
    assert editor.about == {
        "architecture": "ResidualEditor", "arguments": model.arguments, "task": "t", "sigma": 0.1,
    }  # fmt: skip
    np.testing.assert_array_equal(edit(editor.model, image), edit(model, image))


def test_an_editor_reads_in_colour_or_in_grey(tmp_path):
    Image.new("RGB", (4, 3), "red").save(tmp_path / "a.png")
    assert Editor(make((3, 3)), {}).read(tmp_path / "a.png").shape == (3, 3, 4)
    assert Editor(make((1, 3)), {}).read(tmp_path / "a.png").shape == (1, 3, 4)


def test_files_that_hold_no_editor(tmp_path):
    with pytest.raises(CheckpointError, match="there is no file"):
        load_editor(tmp_path / "none")
    save_model(tmp_path / "g", CNNGenerator(), architecture="CNNGenerator", arguments={})
    with pytest.raises(CheckpointError, match=r"load_editor: '.*g' holds CNNGenerator, which cannot edit photos"):
        load_editor(tmp_path / "g")
    save_model(tmp_path / "bare", make())
    with pytest.raises(CheckpointError, match="holds weights without the name of their model, which cannot edit"):
        load_editor(tmp_path / "bare")
