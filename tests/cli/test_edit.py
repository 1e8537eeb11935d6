"""Tests of `minicnn edit`: input formats, results, and no lost files after an error."""

import base64
import io
import warnings

import numpy as np
import pytest
from PIL import Image

import minicnn
from minicnn.data import read_image
from minicnn.imaging import editing
from minicnn.imaging.editing import load_editor, save_editor
from minicnn.imaging.photo_editing import edit_photo
from minicnn.models import CNNGenerator, Inpainter, ResidualEditor
from minicnn.training import save_model


def untiled(model, picture):
    """Return the network's result for a whole picture, without tiles, in 8 bits."""
    with minicnn.no_grad():
        out = load_editor(model).model(minicnn.from_numpy(picture[None])).numpy()[0]
    return np.rint(out.clip(0, 1) * 255)


def pixels(*shape, dtype=np.uint8):
    return np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize(
    ("name", "image", "written", "mode"),
    [
        ("colour.png", Image.fromarray(pixels(17, 23, 3)), "colour.png", "RGB"),
        ("grey.png", Image.fromarray(pixels(9, 8)), "grey.png", "L"),
        ("deep.png", Image.fromarray(pixels(6, 5, dtype=np.uint16)), "deep.png", "I;16"),
        ("clear.png", Image.fromarray(pixels(7, 7, 4), "RGBA"), "clear.png", "RGBA"),
        ("palette.gif", Image.fromarray(pixels(8, 12)).convert("P"), "palette.gif", "P"),
        ("one.bmp", Image.fromarray(pixels(1, 1, 3)), "one.bmp", "RGB"),
        ("line.tif", Image.fromarray(pixels(1, 30, 3)), "line.tif", "RGB"),
        ("loud.PNG", Image.fromarray(pixels(5, 4, 3)), "loud.PNG", "RGB"),
        ("photo.webp", Image.fromarray(pixels(16, 16, 3)), "photo.webp", "RGB"),
        ("icon.ico", Image.fromarray(pixels(16, 16, 3)), "icon.png", "RGB"),
    ],
)
def test_kinds_and_sizes_of_pictures(run, model, tmp_path, name, image, written, mode):
    image.save(tmp_path / name)
    out = tmp_path / "edited"
    result = run("edit", model, tmp_path / name, "--out", out, "--tile", 6)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"{out / written}\n"
    with Image.open(out / written) as edited:
        assert (edited.size, edited.mode) == (image.size, mode)
    if mode in ("RGB", "L", "I;16"):
        expected = untiled(model, read_image(tmp_path / name))
        expected = expected if mode == "RGB" else np.rint(expected.mean(0, keepdims=True))
        assert np.abs(read_image(out / written) * 255 - expected).max() < 1.01
    assert [path.name for path in out.iterdir()] == [written]


def test_a_jpeg_keeps_its_quality(run, model, photos, tmp_path):
    Image.open(photos / "0.png").save(tmp_path / "a.jpg", quality=60, dpi=(300, 300))
    assert run("edit", model, tmp_path / "a.jpg").code == 0
    with Image.open(tmp_path / "a.jpg") as before, Image.open(tmp_path / "a-edited.jpg") as after:
        assert after.format == "JPEG"
        assert after.quantization == before.quantization
        assert after.info["dpi"] == (300, 300)


@pytest.mark.parametrize(("name", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF")])
def test_another_format(run, model, photos, tmp_path, name, kind):
    assert run("edit", model, photos / "0.png", photos / "1.png", "--out", tmp_path / "e", "--format", name).code == 0
    assert sorted(path.name for path in (tmp_path / "e").iterdir()) == [f"0.{name}", f"1.{name}"]
    with Image.open(tmp_path / "e" / f"0.{name}") as image:
        assert image.format == kind


def test_without_a_folder_the_result_lies_beside_the_photo(run, model, photos):
    assert run("edit", model, photos / "0.png").out == f"{photos / '0-edited.png'}\n"
    assert run("edit", model, photos / "0.png", "--suffix", "_b").out == f"{photos / '0_b.png'}\n"
    assert run("edit", model, photos / "0.png").code == 0  # once more


def test_a_single_photo_may_have_a_file_of_its_own(run, mistake, model, photos, tmp_path):
    out = tmp_path / "new" / "result.jpg"
    assert run("edit", model, photos / "0.png", "--out", out).out == f"{out}\n"
    with Image.open(out) as image:
        assert image.format == "JPEG"
    assert run("edit", model, photos / "1.png", "--out", out, "--compare").code == 0  # replaces its own result
    assert {path.name for path in out.parent.iterdir()} == {"result.jpg", "result-compare.jpg"}
    line = mistake("edit", model, photos / "0.png", photos / "1.png", "--out", out)
    assert f"--out: '{out}' is a file, but there are 2 photos; name a folder" in line
    line = mistake("edit", model, photos / "0.png", "--out", out, "--format", "png")
    assert "is a file, so its name is known; leave --suffix and --format out" in line
    before = (photos / "0.png").read_bytes()
    assert "is one of the photos and would be" in mistake("edit", model, photos / "0.png", "--out", photos / "0.png")
    assert "lies among the photos" in mistake("edit", model, photos / "1.png", "--out", photos / "0.png")
    assert (photos / "0.png").read_bytes() == before
    (tmp_path / "folder.png").mkdir()
    assert run("edit", model, photos / "0.png", "--out", tmp_path / "folder.png").code == 0
    assert (tmp_path / "folder.png" / "0.png").exists()


def test_folders_and_patterns(run, model, photos, tmp_path, make_photos):
    make_photos(photos / "deep" / "er", count=1)
    make_photos(photos / ".hidden", count=1)
    (photos / "notes.txt").write_text("hello")
    out = tmp_path / "e"
    assert run("edit", model, photos, "--out", out).code == 0
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png")) == [f"{i}.png" for i in range(6)]
    assert run("edit", model, photos, "--out", out, "--recursive").code == 0
    assert {p.relative_to(out).as_posix() for p in out.rglob("*.png")} == {
        "deep/er/0.png", *(f"{i}.png" for i in range(6))
    }  # fmt: skip
    assert run("edit", model, photos / "[01].png", "--out", tmp_path / "f").code == 0
    assert sorted(p.name for p in (tmp_path / "f").iterdir()) == ["0.png", "1.png"]


def test_a_photo_that_is_named_twice_is_edited_once(run, model, photos, tmp_path):
    assert run("edit", model, photos, photos / "0.png", "--out", tmp_path / "e").out.count("0.png") == 1


def test_existing_results_can_be_skipped(run, model, photos, tmp_path):
    assert run("edit", model, photos / "0.png", "--out", tmp_path).code == 0
    before = (tmp_path / "0.png").stat().st_mtime_ns
    result = run("edit", model, photos / "0.png", photos / "1.png", "--out", tmp_path, "--skip-existing")
    assert result.out == f"{tmp_path / '1.png'}\n"
    assert (tmp_path / "0.png").stat().st_mtime_ns == before


def test_a_batch_goes_on_after_a_broken_file(run, model, photos, tmp_path):
    (photos / "2.png").write_bytes((photos / "2.png").read_bytes()[:90])
    (photos / "4.png").write_text("hello")
    result = run("edit", model, photos, "--out", tmp_path / "e")
    assert result.code == 1
    assert sorted(p.name for p in (tmp_path / "e").iterdir()) == ["0.png", "1.png", "3.png", "5.png"]
    first, second, last = result.err.splitlines()
    assert "2.png' is damaged or truncated" in first
    assert "4.png' is not an image" in second
    assert last == "minicnn edit: 2 of 6 photos could not be edited"


def test_ctrl_c_says_how_to_go_on(run, model, photos, tmp_path, monkeypatch):
    calls = []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return edit_photo(*arguments, **options)

    monkeypatch.setattr("minicnn.cli.edit.edit_photo", interrupted)
    result = run("edit", model, photos, "--out", tmp_path / "e")
    assert result.code == 130
    assert "stopped; 2 of 6 photos are edited, --skip-existing continues with the others" in result.err
    assert len(list((tmp_path / "e").iterdir())) == 2


def test_a_quality(run, mistake, model, photos, tmp_path):
    sizes = []
    for quality in (10, 90):
        assert (
            run("edit", model, photos / "0.png", "--out", tmp_path, "--format", "jpg", "--quality", quality).code == 0
        )
        sizes.append((tmp_path / "0.jpg").stat().st_size)
    assert sizes[0] < sizes[1]
    assert "argument --quality: must be at most 100, got 101" in mistake("edit", model, "x.png", "--quality", 101)


@pytest.mark.parametrize("strength", [0, 0.5, 1])
def test_strength(run, model, photos, tmp_path, strength):
    assert run("edit", model, photos / "0.png", "--out", tmp_path, "--strength", strength).code == 0
    before = read_image(photos / "0.png")
    expected = before + strength * (untiled(model, before) / 255 - before)
    np.testing.assert_allclose(read_image(tmp_path / "0.png"), expected, atol=0.004)


def test_a_mask_keeps_what_lies_outside_bit_by_bit(run, model, photos, tmp_path):
    mask = np.zeros((24, 32), np.uint8)
    mask[5:15, 8:20], mask[5:15, 20] = 255, 128
    Image.fromarray(mask).save(tmp_path / "mask.png")
    assert run("edit", model, photos / "0.png", "--out", tmp_path, "--mask", tmp_path / "mask.png").code == 0
    before, after = read_image(photos / "0.png"), read_image(tmp_path / "0.png")
    full = untiled(model, before) / 255
    np.testing.assert_array_equal(after[:, mask == 0], before[:, mask == 0])
    np.testing.assert_allclose(after[:, mask == 255], full[:, mask == 255], atol=0.003)
    np.testing.assert_allclose(after[:, 5:15, 20], (before + full)[:, 5:15, 20] / 2, atol=0.005)


def test_a_mask_shows_what_is_filled_in(run, photos, tmp_path):
    save_editor(tmp_path / "fill.safetensors", Inpainter(width=4).eval(), task="inpaint")
    mask = np.zeros((24, 32), np.uint8)
    mask[5:15, 8:20] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    results = []
    for colour in (0, 200):
        pixels = np.array(Image.open(photos / "0.png"))
        pixels[mask > 0] = colour
        Image.fromarray(pixels).save(tmp_path / "a.png")
        arguments = ["edit", tmp_path / "fill.safetensors", tmp_path / "a.png", "--mask", tmp_path / "mask.png"]
        assert run(*arguments).code == 0
        results.append(read_image(tmp_path / "a-edited.png"))
    np.testing.assert_array_equal(*results)


def test_a_comparison(run, model, photos, tmp_path):
    assert run("edit", model, photos / "0.png", "--out", tmp_path, "--compare").code == 0
    before, after, both = (read_image(p) for p in (photos / "0.png", tmp_path / "0.png", tmp_path / "0-compare.png"))
    np.testing.assert_array_equal(both[..., :16], before[..., :16])
    np.testing.assert_array_equal(both[..., 16], np.ones((3, 24)))
    np.testing.assert_array_equal(both[..., 17:], after[..., 17:])


def test_large_pictures_need_an_option(run, model, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    result = run("edit", model, photos / "0.png", "--out", tmp_path)
    assert result.code == 1
    assert "0.png' has more than 89 million pixels and may be a trap; --large edits it all the same" in result.err
    assert run("edit", model, photos / "0.png", "--out", tmp_path, "--large").code == 0


@pytest.mark.parametrize(("channels", "scale"), [((3, 3), 2), ((3, 3), 3), ((1, 3), 1), ((1, 1), 1), ((3, 1), 1)])
def test_models_that_enlarge_and_colour(run, photos, tmp_path, channels, scale):
    save_editor(tmp_path / "m.safetensors", ResidualEditor(*channels, scale=scale, width=4, blocks=1))
    assert run("edit", tmp_path / "m.safetensors", photos / "0.png", "--out", tmp_path / "e").code == 0
    with Image.open(tmp_path / "e" / "0.png") as image:
        assert (image.width, image.height) == (32 * scale, 24 * scale)
        assert image.mode == ("RGB" if channels[1] == 3 else "L")


def thumbnail():
    file = io.BytesIO()
    Image.new("RGB", (60, 30), (255, 0, 0)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_trained_models_are_named(run, mistake, model, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(editing, "TRAINED", tmp_path / "trained")
    assert "no trained models come with this installation" in run("edit", "list").out
    assert "no trained model of this name, only none" in mistake("edit", "clean", photos / "0.png")
    (tmp_path / "trained").mkdir()
    network = load_editor(model).model
    results = [
        {"photos": "noise", "psnr": {"input": 20.1, "mean*": 25.5, "minicnn": 30.0, "minicnn --best": 30.2}},
        {"photos": "holes", "psnr": {"minicnn": 31.0, "minicnn --best": 31.5}},
    ]
    about = {"summary": "removes noise", "results": results, "thumbnail": thumbnail()}
    save_editor(tmp_path / "trained" / "clean.safetensors", network, **about)
    lines = [" ".join(line.split()) for line in run("edit", "list").out.splitlines()]
    assert lines[:3] == [
        "clean 0.01 MB removes noise",
        "noise: 20.1 -> 30.0 dB, --best 30.2, mean* 25.5",
        "holes: 31.0 dB, --best 31.5",
    ]
    assert lines[3].startswith("PSNR in dB")
    monkeypatch.setattr("minicnn.cli.edit.shows_pictures", lambda: True)
    lines = run("edit", "list").out.splitlines()
    assert len(lines) == 4 + 14  # 56 letters for 2 x 28 rows of pixels
    assert all("\x1b[38;2;255;0;0m" in line for line in lines[3:-1])
    assert run("edit", "clean", photos / "0.png", "--out", tmp_path).code == 0
    assert run("edit", model, photos / "0.png", "--out", tmp_path / "e").code == 0
    assert (tmp_path / "0.png").read_bytes() == (tmp_path / "e" / "0.png").read_bytes()
    assert "no trained model of this name, only clean" in mistake("edit", "cleam", photos / "0.png")
    assert "name the photos to edit" in mistake("edit", "clean")


# --- mistakes -------------------------------------------------------------------------------------------------


def test_models_that_are_none(mistake, photos, tmp_path):
    def line(name):
        return mistake("edit", tmp_path / name, photos / "0.png", "--out", tmp_path / "e")

    assert "load_state: there is no file" in line("none.safetensors")
    assert "load_state: there is a folder" in line("photos")
    (tmp_path / "text").write_text("hello")
    assert "text' is damaged, or not a safetensors file" in line("text")
    save_model(tmp_path / "g", CNNGenerator(), architecture="CNNGenerator", arguments={})
    assert "g' holds CNNGenerator, which cannot edit photos; use a model that" in line("g")
    save_model(tmp_path / "bare", minicnn.nn.Linear(2, 2))
    assert "bare' holds weights without the name of their model, which cannot edit" in line("bare")
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


def test_pictures_that_are_none(run, mistake, model, photos, tmp_path):
    def line(name):
        result = run("edit", model, tmp_path / name, "--out", tmp_path / "e")
        assert result.code == 1
        assert result.err.count("\n") == 1
        return result.err

    assert "there is no file" in mistake("edit", model, tmp_path / "none.png", "--out", tmp_path / "e")
    (tmp_path / "empty").mkdir()
    assert "there is no picture in the folder" in mistake("edit", model, tmp_path / "empty", "--out", tmp_path / "e")
    (tmp_path / "cut.png").write_bytes((photos / "0.png").read_bytes()[:80])
    assert "cut.png' is damaged or truncated" in line("cut.png")
    (tmp_path / "text.png").write_text("hello")
    assert "text.png' is not an image of a known format" in line("text.png")
    assert not (tmp_path / "e").exists()


def test_no_photo_is_overwritten(mistake, model, photos):
    before = {p: p.read_bytes() for p in photos.iterdir()}
    line = mistake("edit", model, photos / "1.png", photos / "0.png", "--out", photos)
    assert line.endswith("1.png is one of the photos and would be overwritten; name another folder or --suffix")
    (photos.parent / "link").symlink_to(photos)
    line = mistake("edit", model, photos.parent / "link" / "0.png", "--out", photos)
    assert "is one of the photos" in line
    Image.open(photos / "0.png").save(photos / "1.ico")
    line = mistake("edit", model, photos / "1.ico", "--out", photos)
    assert line.endswith("1.png lies among the photos and would be overwritten; name another folder or --suffix")
    (photos / "1.ico").unlink()
    assert before == {p: p.read_bytes() for p in photos.iterdir()}


def test_two_photos_of_one_name(mistake, model, photos, tmp_path):
    (tmp_path / "more").mkdir()
    Image.open(photos / "0.png").save(tmp_path / "more" / "0.png")
    Image.open(photos / "0.png").save(tmp_path / "more" / "0.jpg")
    for others, options in (
        ((tmp_path / "more" / "0.png",), ()),
        ((tmp_path / "more" / "0.jpg",), ("--format", "png")),
    ):
        line = mistake("edit", model, photos / "0.png", *others, "--out", tmp_path / "e", *options)
        assert f"would both be written to {tmp_path / 'e' / '0.png'}; edit them into separate folders" in line
    assert not (tmp_path / "e").exists()


def test_warnings_of_pillow_do_not_reach_the_user(run, model, tmp_path):
    image = Image.new("RGB", (8, 8))
    image.save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01")  # cut short
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run("edit", model, tmp_path / "a.jpg")
    assert (result.code, result.err) == (0, "")


def test_a_mask_of_another_size(run, mistake, model, photos, tmp_path):
    Image.new("L", (31, 24)).save(tmp_path / "mask.png")
    result = run("edit", model, photos / "0.png", "--out", tmp_path, "--mask", tmp_path / "mask.png")
    assert result.code == 1
    assert "--mask: the mask has 31 x 24 pixels and '" in result.err
    assert "0.png' 32 x 24; resize one of them" in result.err
    assert "there is no file" in mistake("edit", model, photos / "0.png", "--mask", tmp_path / "none.png")


def test_an_animation_needs_a_format_with_frames(run, model, tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100)
    result = run("edit", model, tmp_path / "a.gif", "--format", "jpg")
    assert "cannot hold 2 frames or pages; choose PNG, TIFF, WEBP, GIF, AVIF" in result.err
    assert run("edit", model, tmp_path / "a.gif").code == 0
    with Image.open(tmp_path / "a-edited.gif") as image:
        assert image.n_frames == 2


def test_a_place_that_cannot_be_written(run, mistake, model, photos, tmp_path):
    (tmp_path / "file").touch()
    line = mistake("edit", model, photos / "0.png", "--out", tmp_path / "file")
    assert f"--out: '{tmp_path / 'file'}' is a file; name a folder, or a file with the suffix of a picture" in line
    result = run("edit", model, photos / "0.png", "--out", tmp_path / "file" / "e")
    assert result.code == 1
    assert "Not a directory" in result.err
    (tmp_path / "e" / "0.png").mkdir(parents=True)
    assert "0.png' cannot be written" in run("edit", model, photos / "0.png", "--out", tmp_path / "e").err


def test_a_full_disk(run, model, photos, tmp_path, monkeypatch):
    def full(self, stream, kind):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    result = run("edit", model, photos / "0.png", "--out", tmp_path / "e")
    assert result.code == 1
    assert "No space left on device); free space, or choose another place" in result.err
    assert list((tmp_path / "e").iterdir()) == []


@pytest.mark.parametrize("text", ["-0.1", "1.1", "nan", "much"])
def test_a_bad_strength(mistake, model, photos, text):
    line = mistake("edit", model, photos / "0.png", f"--strength={text}")
    assert f"argument --strength: must be a number from 0 to 1, got {text}" in line


def test_a_bad_tile(mistake, model, photos, tmp_path):
    line = mistake("edit", model, photos / "0.png", "--out", tmp_path / "e", "--tile", 0)
    assert "argument --tile: must be an integer of at least 1, got 0" in line
