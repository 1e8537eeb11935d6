"""Tests of `minicnn train style`: from a picture to a model that edits, errors, resuming."""

import json
import signal

import numpy as np
import pytest
from PIL import Image

from minicnn.data import read_image
from minicnn.imaging.editing import load_editor
from minicnn.training import Trainer

TINY = ("--width", "4", "--blocks", "1", "--patch", "32", "--batch-size", "1", "--steps", "3")


@pytest.fixture
def photos(tmp_path, make_photos):
    return make_photos(tmp_path / "photos", height=40, width=48)


@pytest.fixture
def style(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    Image.fromarray(pixels).resize((96, 80), Image.Resampling.NEAREST).save(tmp_path / "style.png")
    return tmp_path / "style.png"


def test_from_a_picture_to_an_edited_photo(run, photos, style, tmp_path):
    out = tmp_path / "run"
    result = run("train style", style, "--photos", photos, "--out", out, "--size", 40, *TINY)
    assert (result.code, result.err) == (0, "")
    assert "6 photos\n" in result.out
    assert "training for style: 3 steps, batch size 1" in result.out
    assert {path.name for path in out.iterdir()} == {
        "checkpoint.safetensors", "curves.png", "losses.jsonl", "model.safetensors", "preview.png", "samples",
        "settings.json",
    }  # fmt: skip
    settings = json.loads((out / "settings.json").read_text())
    assert (settings["size"], settings["pictures"], settings["width"]) == (40, 5, 4)
    editor = load_editor(out / "model.safetensors")
    assert type(editor.model).__name__ == "StyleNetwork"
    assert editor.about["training"] == settings
    records = [json.loads(line) for line in (out / "losses.jsonl").read_text().splitlines()]
    assert len([r for r in records if "loss" in r]) == 3
    assert {"content", "style", "tv"} <= records[-1].keys()
    assert read_image(out / "samples" / "001.jpg").shape == (3, 80, 48)
    assert run("edit", out / "model.safetensors", photos / "1.png", "--out", tmp_path / "e", "--tile", 16).code == 0
    assert read_image(tmp_path / "e" / "1.png").shape == (3, 40, 48)


def test_the_command_may_be_two_words(run, photos, style, tmp_path):
    assert run("train", "style", style, "--photos", photos, "--out", tmp_path / "run", *TINY).code == 0


def test_few_photos_are_all_used(run, make_photos, style, tmp_path):
    few = make_photos(tmp_path / "few", 2, height=40, width=48)
    assert run("train style", style, "--photos", few, "--out", tmp_path / "run", *TINY).code == 0
    assert (tmp_path / "run" / "preview.png").is_file()


def test_mistakes(mistake, photos, style, tmp_path):
    def line(*arguments, picture=style, folder=photos):
        return mistake("train style", picture, "--photos", folder, "--out", tmp_path / "run", *TINY, *arguments)

    assert "none.png'" in line(picture=tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no picture")
    assert "text.png'" in line(picture=tmp_path / "text.png")
    Image.new("RGB", (31, 90)).save(tmp_path / "small.png")
    assert "the style picture must be (3, H, W) with H and W at least 32, got (3, 90, 31)" in line(
        picture=tmp_path / "small.png"
    )
    assert "--size: the style picture needs at least 32 pixels a side, got 20" in line("--size", 20)
    assert "must be a folder of images, but it does not exist" in line(folder=tmp_path / "none")
    assert "--patch: a patch needs at least 32 pixels a side, got 31" in line("--patch", 31)
    assert "but --patch 64 needs 64 x 64; choose a smaller --patch" in line("--patch", 64)
    assert "argument --strength: must be a number above 0, got 0" in line("--strength", 0)
    assert "there is no checkpoint" in line("--resume")
    assert "the following arguments are required: --photos" in mistake("train style", style, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_stopped_training_goes_on_bit_for_bit(run, mistake, photos, style, tmp_path, monkeypatch):
    arguments = ["train style", style, "--photos", photos, *TINY[:-1], "6", "--seed", 3]
    compute_loss = Trainer.compute_loss

    def press(trainer, batch):
        if trainer.step == 3:
            signal.raise_signal(signal.SIGINT)
        return compute_loss(trainer, batch)

    assert run(*arguments, "--out", tmp_path / "straight").code == 0
    monkeypatch.setattr(Trainer, "compute_loss", press)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner in the background may ignore it
    result = run(*arguments, "--out", tmp_path / "stopped")
    signal.signal(signal.SIGINT, before)
    monkeypatch.undo()
    assert result.code == 130
    assert "training stopped after step 4; resume from" in result.err
    assert result.err.strip().endswith("checkpoint.safetensors': add --resume to the same command")
    assert not (tmp_path / "stopped" / "model.safetensors").exists()
    line = mistake(*arguments, "--out", tmp_path / "stopped", "--resume", "--strength", 2)
    assert "began with strength 1.0 (now 2.0); use the same settings" in line
    pixels = style.read_bytes()
    Image.new("RGB", (96, 80)).save(style)
    assert "began with style_checksum " in mistake(*arguments, "--out", tmp_path / "stopped", "--resume")
    style.write_bytes(pixels)
    assert run(*arguments, "--out", tmp_path / "stopped", "--resume").code == 0
    for name in ("model.safetensors", "losses.jsonl", "preview.png", "samples/001.jpg"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_minutes_become_steps_and_a_resumed_training_keeps_them(run, photos, style, tmp_path, monkeypatch):
    arguments = ["train style", style, "--photos", photos, *TINY[:-2], "--minutes", "0.5", "--out", tmp_path / "run"]
    monkeypatch.setattr("minicnn.cli.train_style.steps_for", lambda *_: 4)
    assert "training for style: 4 steps" in run(*arguments).out
    monkeypatch.setattr("minicnn.cli.train_style.steps_for", lambda *_: 1 / 0)
    assert run(*arguments, "--resume").code == 0
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["steps"] == 4
    records = [json.loads(line) for line in (tmp_path / "run" / "losses.jsonl").read_text().splitlines()]
    assert len([r for r in records if "loss" in r]) == 4


def test_the_same_network_on_every_device(run, photos, style, tmp_path, device):
    arguments = ["train style", style, "--photos", photos, *TINY[:-1], "1", "--out", tmp_path / "run"]
    assert run(*arguments, "--device", device).code == 0
