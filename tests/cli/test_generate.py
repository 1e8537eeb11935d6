"""Tests of `minicnn generate` and its relatives, with small models that are not trained."""

import numpy as np
import pytest
from PIL import Image

import minicnn
from minicnn.data import read_image
from minicnn.generation import generators
from minicnn.generation.generators import save_generator
from minicnn.models import VAE, Autoencoder, FlowMatching


def make(path, model, **about):
    with minicnn.no_grad():
        for p in model.parameters():
            p.add_(0.05 * minicnn.randn(*p.shape))
    save_generator(path, model.eval(), **about)
    return path


@pytest.fixture
def flow(tmp_path):
    minicnn.manual_seed(0)
    return make(tmp_path / "flow.safetensors", FlowMatching(3, 8, 2, width=8), classes=["cat", "dog"])


@pytest.fixture
def picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def test_a_grid_of_new_pictures(run, flow, tmp_path):
    arguments = ["generate", flow, "-n", 5, "--steps", 2, "--out"]
    result = run(*arguments, tmp_path / "a.png", "--seed", 3)
    assert result.code == 0
    assert result.out.strip() == f"wrote {tmp_path / 'a.png'}, 5 pictures of 8 x 8 pixels"
    first = read_image(tmp_path / "a.png")
    assert first.shape == (3, 3 * 10 + 2, 2 * 10 + 2)  # a column for each class
    assert run(*arguments, tmp_path / "b.png", "--seed", 3).code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert run(*arguments, tmp_path / "c.png", "--seed", 4, "--zoom", 3).code == 0
    large = read_image(tmp_path / "c.png")
    assert large.shape == (3, 3 * 26 + 2, 2 * 26 + 2)


def test_labels_and_guidance(run, flow, tmp_path):
    found = []
    for label, guidance in (("cat", 1), ("dog", 1), ("1", 1), ("dog", 3)):
        name = tmp_path / f"{label}-{guidance}.png"
        arguments = ["generate", flow, "-n", 1, "--steps", 2, "--label", label, "--guidance", guidance]
        assert run(*arguments, "--out", name).code == 0
        found.append(read_image(name))
    assert np.abs(found[0] - found[1]).max() > 0
    np.testing.assert_array_equal(found[1], found[2])
    assert np.abs(found[1] - found[3]).max() > 0


def test_a_walk_is_an_animation_or_a_strip(run, flow, tmp_path):
    arguments = ["generate", "between", flow, "-n", 3, "--steps", 1, "--out"]
    for suffix in ("gif", "webp"):
        assert f"walk.{suffix}, 25 frames" in run(*arguments, tmp_path / f"walk.{suffix}", "--zoom", 2).out
        with Image.open(tmp_path / f"walk.{suffix}") as animation:
            assert animation.size == (16, 16)
            assert animation.n_frames > 10  # equal frames become one
            assert animation.info["loop"] == 0
    assert run(*arguments, tmp_path / "walk.png").code == 0
    rows = read_image(tmp_path / "walk.png")
    assert rows.shape == (3, 2 * 10 + 2, 13 * 10 + 2)
    np.testing.assert_allclose(rows[:, 2:10, 122:130], rows[:, 12:20, 2:10], atol=0.02)  # the next walk begins there
    one = run("generate", "between", flow, "-n", 1, "--steps", 1, "--out", tmp_path / "one.gif")
    assert one.out.strip().endswith("one.gif, 1 frame")


def test_variations_stand_beside_the_picture(run, flow, picture, tmp_path):
    arguments = ["generate", "vary", flow, picture, "-n", 3, "--steps", 2, "--strength", "0.01", "--label", "cat"]
    assert run(*arguments, "--out", tmp_path / "vary.png").code == 0
    grid = read_image(tmp_path / "vary.png")
    first, *others = (grid[:, 2:10, 10 * i + 2 : 10 * i + 10] for i in range(4))
    np.testing.assert_array_equal(first, read_image(picture))
    for other in others:
        assert 0 < np.abs(other - first).mean() < 0.1


def repaired(run, flow, source, tmp_path, *arguments, count=2):
    out = tmp_path / "repaired.png"
    result = run("generate", "repair", flow, source, "-n", count, "--steps", 3, *arguments, "--out", out)
    assert (result.code, result.err) == (0, "")
    grid = read_image(out)
    return [grid[:, 2:10, 10 * i + 2 : 10 * i + 10] for i in range(count + 1)]


def test_inpaint_keeps_what_is_known(run, flow, picture, tmp_path):
    mask = np.zeros((8, 8), np.uint8)
    mask[2:5, 3:6] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    shown, first, second = repaired(run, flow, picture, tmp_path, "--task", "inpaint", "--mask", tmp_path / "mask.png")
    known, original = mask == 0, read_image(picture)
    for result in (shown, first, second):
        np.testing.assert_allclose(result[:, known], original[:, known], atol=0.5 / 255)
    assert np.abs(first - second).max() > 0.01


def test_enlarge_keeps_the_means(run, flow, tmp_path):
    small = np.random.default_rng(0).integers(90, 160, (4, 4, 3), np.uint8)
    Image.fromarray(small).save(tmp_path / "small.png")
    _, first, _ = repaired(run, flow, tmp_path / "small.png", tmp_path, "--task", "enlarge")
    inside = (first > 0.02) & (first < 0.98)  # results are clamped
    means = first.reshape(3, 4, 2, 4, 2).mean((2, 4))
    whole = inside.reshape(3, 4, 2, 4, 2).all((2, 4))
    assert whole.any()
    np.testing.assert_allclose(means[whole], (small.transpose(2, 0, 1) / 255)[whole], atol=0.01)


def test_colourise_keeps_the_grey(run, flow, picture, tmp_path):
    shown, first, second = repaired(run, flow, picture, tmp_path, "--task", "colourise")
    grey = read_image(picture, "grey")[0]
    np.testing.assert_allclose(shown, np.stack([grey] * 3), atol=0.01)
    weights = np.array([0.299, 0.587, 0.114]).reshape(3, 1, 1)
    inside = ((first > 0.02) & (first < 0.98)).all(0)
    assert inside.any()
    np.testing.assert_allclose((weights * first).sum(0)[inside], grey[inside], atol=0.01)
    assert np.abs(first - second).max() > 0.01


def test_pictures_through_the_codes_of_an_autoencoder(run, picture, flow, mistake, tmp_path):
    minicnn.manual_seed(0)
    model = make(tmp_path / "codes.safetensors", Autoencoder(1, 8, width=4, latent=3))
    assert run("generate", "repeat", model, picture, picture, "--out", tmp_path / "both.png").code == 0
    grid = read_image(tmp_path / "both.png")
    np.testing.assert_allclose(grid[0, 2:10, 2:10], read_image(picture, "grey")[0], atol=0.5 / 255)
    np.testing.assert_array_equal(grid[:, :, 12:22], grid[:, :, 32:42])
    line = mistake("generate", "repeat", flow, picture, "--out", tmp_path / "x.png")
    assert "has no codes for pictures; train a model with --model autoencoder" in line


def test_the_list(run, flow, tmp_path, monkeypatch):
    monkeypatch.setattr(generators, "TRAINED", tmp_path)
    assert run("generate", "list").out.startswith("flow ")
    monkeypatch.setattr(generators, "TRAINED", tmp_path / "none")
    assert run("generate", "list").out.startswith("no generators come with this version; train one")


def test_mistakes(mistake, flow, picture, tmp_path):
    out = ["--out", tmp_path / "x.png"]
    assert "name the file to write, for example: --out pictures.png" in mistake("generate", flow)
    assert "there is no folder" in mistake("generate", flow, "--out", tmp_path / "none" / "x.png")
    assert "there is no file 'shoes'" in mistake("generate", "shoes", *out)
    assert "label 'bird' fits no class; the classes are cat, dog" in mistake("generate", flow, *out, "--label", "bird")
    assert "must be an integer of at least 1, got 0" in mistake("generate", flow, *out, "-n", 0)
    assert "x.txt' must be one of .png, .jpg" in mistake("generate", "no model", "--out", tmp_path / "x.txt")
    vae = make(tmp_path / "vae.safetensors", VAE(3, 8, width=4, latent=3))
    assert "VAE has no option 'steps'; it has none" in mistake("generate", vae, *out, "--steps", 3)
    line = mistake("generate", "vary", vae, picture, *out)
    assert "is a VAE, but this needs flow matching; train with --model flow" in line
    repair = ["generate", "repair", flow, picture, *out, "--task"]
    assert "--mask belongs to --task inpaint: pass both, or neither" in mistake(*repair, "inpaint")
    assert "--mask belongs to --task inpaint" in mistake(*repair, "enlarge", "--mask", picture)
    Image.new("L", (8, 8)).save(tmp_path / "black.png")
    assert "has no white pixel, so there is nothing to fill in" in mistake(
        *repair, "inpaint", "--mask", tmp_path / "black.png"
    )
    assert "the model makes 8 x 8; pass a square picture of 1, 2, 4 pixels a side" in mistake(*repair, "enlarge")
    Image.new("L", (8, 16), 255).save(tmp_path / "long.png")
    line = mistake(*repair, "inpaint", "--mask", tmp_path / "long.png")
    assert "has 8 x 16 pixels, but the picture 8 x 8; paint the mask on a copy of the picture" in line
    grey = make(tmp_path / "grey.safetensors", FlowMatching(1, 8, width=8))
    assert "the model makes grey pictures; use a model for colours" in mistake(
        "generate", "repair", grey, picture, *out, "--task", "colourise"
    )
    for command in (["vary", grey, picture], ["repair", grey, picture, "--task", "enlarge"], [grey]):
        assert "label '0': the model has no classes" in mistake("generate", *command, *out, "--label", 0)
        assert "has no classes; leave it out" in mistake("generate", *command, *out, "--guidance", 2)
    assert "need labels; train it with --no-labels" in mistake(
        "generate", "repeat", make(tmp_path / "v2.safetensors", VAE(3, 8, 2, width=4)), picture, *out
    )
    assert not (tmp_path / "x.png").exists()
