"""Tests of `minicnn edit`: input formats, results, and no lost files after an error."""

import numpy as np
import pytest
from PIL import Image

import minicnn
from minicnn.data import read_image, write_image
from minicnn.imaging.editing import load_editor, save_editor
from minicnn.models import CNNGenerator, ResidualEditor
from minicnn.training import save_model


def untiled(model, picture):
    """Return the network's result for a whole picture, without tiles, in 8 bits."""
    with minicnn.no_grad():
        out = load_editor(model).model(minicnn.from_numpy(picture[None])).numpy()[0]
    return np.rint(out.clip(0, 1) * 255)


def pixels(*shape, dtype=np.uint8):
    return np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize(
    ("name", "image", "written"),
    [
        ("colour.png", Image.fromarray(pixels(17, 23, 3)), "colour.png"),
        ("grey.png", Image.fromarray(pixels(9, 8)), "grey.png"),
        ("deep.png", Image.fromarray(pixels(6, 5, dtype=np.uint16)), "deep.png"),
        ("clear.png", Image.fromarray(pixels(7, 7, 4), "RGBA"), "clear.png"),
        ("palette.gif", Image.fromarray(pixels(8, 12)).convert("P"), "palette.png"),
        ("one.bmp", Image.fromarray(pixels(1, 1, 3)), "one.bmp"),
        ("line.tif", Image.fromarray(pixels(1, 30, 3)), "line.tif"),
        ("loud.PNG", Image.fromarray(pixels(5, 4, 3)), "loud.PNG"),
        ("photo.webp", Image.fromarray(pixels(16, 16, 3)), "photo.webp"),
    ],
)
def test_kinds_and_sizes_of_pictures(run, model, tmp_path, name, image, written):
    image.save(tmp_path / name)
    out = tmp_path / "edited"
    result = run("edit", model, tmp_path / name, "--out", out, "--tile", 6)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"{out / written}\n"
    expected = untiled(model, read_image(tmp_path / name))
    assert expected.shape == (3, image.height, image.width)
    assert np.abs(read_image(out / written) * 255 - expected).max() < 1.01
    assert [path.name for path in out.iterdir()] == [written]


def test_a_jpeg_stays_one(run, model, photos, tmp_path):
    Image.open(photos / "0.png").save(tmp_path / "a.jpg", quality=95)
    assert run("edit", model, tmp_path / "a.jpg", "--out", tmp_path / "edited").code == 0
    with Image.open(tmp_path / "edited" / "a.jpg") as image:
        assert image.format == "JPEG"
    write_image(tmp_path / "expected.jpg", untiled(model, read_image(tmp_path / "a.jpg")) / 255)
    difference = read_image(tmp_path / "edited" / "a.jpg") - read_image(tmp_path / "expected.jpg")
    assert np.abs(difference).max() < 0.03


@pytest.mark.parametrize(("name", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF")])
def test_another_format(run, model, photos, tmp_path, name, kind):
    assert run("edit", model, photos / "0.png", photos / "1.png", "--out", tmp_path / "e", "--format", name).code == 0
    assert sorted(path.name for path in (tmp_path / "e").iterdir()) == [f"0.{name}", f"1.{name}"]
    with Image.open(tmp_path / "e" / f"0.{name}") as image:
        assert image.format == kind


@pytest.mark.parametrize(("channels", "scale"), [((3, 3), 2), ((3, 3), 3), ((1, 3), 1), ((1, 1), 1), ((3, 1), 1)])
def test_models_that_enlarge_and_colour(run, photos, tmp_path, channels, scale):
    save_editor(tmp_path / "m.safetensors", ResidualEditor(*channels, scale=scale, width=4, blocks=1))
    assert run("edit", tmp_path / "m.safetensors", photos / "0.png", "--out", tmp_path / "e").code == 0
    with Image.open(tmp_path / "e" / "0.png") as image:
        assert (image.width, image.height) == (32 * scale, 24 * scale)
        assert image.mode == ("RGB" if channels[1] == 3 else "L")


# --- mistakes -------------------------------------------------------------------------------------------------


def test_models_that_are_none(mistake, photos, tmp_path):
    def line(name):
        return mistake("edit", tmp_path / name, photos / "0.png", "--out", tmp_path / "e")

    assert "load_state: there is no file" in line("none.safetensors")
    assert "load_state: there is a folder" in line("photos")
    (tmp_path / "text").write_text("hello")
    assert "text' is damaged, or not a safetensors file" in line("text")
    save_model(tmp_path / "g", CNNGenerator(), architecture="CNNGenerator", arguments={})
    assert "g' holds CNNGenerator, but only a ResidualEditor can edit photos; use a model that" in line("g")
    save_model(tmp_path / "bare", minicnn.nn.Linear(2, 2))
    assert "bare' holds weights without the name of their model, but only" in line("bare")
    save_model(tmp_path / "odd", ResidualEditor(width=4), architecture="ResidualEditor", arguments={"depth": 3})
    assert "ResidualEditor does not take the arguments {'depth': 3}" in line("odd")
    save_model(tmp_path / "half", minicnn.nn.Linear(2, 2), architecture="ResidualEditor", arguments={"width": 4})
    assert "load_state_dict: the state does not fit ResidualEditor" in line("half")
    assert not (tmp_path / "e").exists()


def test_a_damaged_model(mistake, model, photos, tmp_path):
    content = bytearray(model.read_bytes())
    content[-3] ^= 1
    model.write_bytes(content)
    line = mistake("edit", model, photos / "0.png", "--out", tmp_path / "e")
    assert "model.safetensors' is damaged (its checksum is wrong); use another copy" in line


def test_pictures_that_are_none(mistake, model, photos, tmp_path):
    def line(name):
        return mistake("edit", model, tmp_path / name, "--out", tmp_path / "e")

    assert "none.png'; check the path" in line("none.png")
    assert "photos' is a folder; pass a file" in line("photos")
    (tmp_path / "cut.png").write_bytes((photos / "0.png").read_bytes()[:80])
    assert "cut.png' is damaged or truncated" in line("cut.png")
    (tmp_path / "text.png").write_text("hello")
    assert "text.png' is not an image of a known format" in line("text.png")
    assert not any((tmp_path / "e").iterdir())


def test_a_photo_is_not_overwritten(mistake, model, photos):
    before = (photos / "0.png").read_bytes()
    line = mistake("edit", model, photos / "1.png", photos / "0.png", "--out", photos)
    assert line.endswith("1.png is the photo itself and would be overwritten; name another folder")
    (photos.parent / "link").symlink_to(photos)
    line = mistake("edit", model, photos.parent / "link" / "0.png", "--out", photos)
    assert "is the photo itself" in line
    assert (photos / "0.png").read_bytes() == before


def test_two_photos_of_one_name(mistake, model, photos, tmp_path):
    (tmp_path / "more").mkdir()
    Image.open(photos / "0.png").save(tmp_path / "more" / "0.png")
    Image.open(photos / "0.png").save(tmp_path / "more" / "0.jpg")
    for others, options in (
        ((tmp_path / "more" / "0.png",), ()),
        ((tmp_path / "more" / "0.jpg",), ("--format", "png")),
    ):
        line = mistake("edit", model, photos / "0.png", *others, "--out", tmp_path / "e", *options)
        assert f"two photos would be written to {tmp_path / 'e' / '0.png'}; edit them into separate" in line
    assert not (tmp_path / "e").exists()


def test_a_place_that_cannot_be_written(mistake, model, photos, tmp_path):
    (tmp_path / "file").touch()
    line = mistake("edit", model, photos / "0.png", "--out", tmp_path / "file")
    assert f"argument --out: '{tmp_path / 'file'}' is a file; name a folder" in line
    line = mistake("edit", model, photos / "0.png", "--out", tmp_path / "file" / "e")
    assert "Not a directory" in line
    (tmp_path / "e" / "0.png").mkdir(parents=True)
    assert "0.png' cannot be written" in mistake("edit", model, photos / "0.png", "--out", tmp_path / "e")


def test_a_full_disk(mistake, model, photos, tmp_path, monkeypatch):
    def full(self, stream, kind):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    line = mistake("edit", model, photos / "0.png", "--out", tmp_path / "e")
    assert "No space left on device); free space, or choose another place" in line
    assert list((tmp_path / "e").iterdir()) == []


def test_a_bad_tile(mistake, model, photos, tmp_path):
    line = mistake("edit", model, photos / "0.png", "--out", tmp_path / "e", "--tile", 0)
    assert "argument --tile: must be an integer of at least 1, got 0" in line
