"""Tests of `minicnn train generate`: from pictures to a generator, errors, resuming."""

import json
import signal

import numpy as np
import pytest
from PIL import Image

from minicnn.generation import learning
from minicnn.generation.generators import load_generator
from minicnn.generation.learning import GenerativeTrainer

TINY = ("--size", "8", "--width", "8", "--batch-size", "4", "--steps", "3")


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(learning, "WATCHED", 12)


@pytest.fixture
def pictures(tmp_path):
    for name in ("dogs", "cats"):
        (tmp_path / "animals" / name).mkdir(parents=True)
        for i in range(8):
            pixels = np.random.default_rng(i).integers(0, 256, (9, 12, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "animals" / name / f"{i}.png")
    return tmp_path / "animals"


@pytest.mark.parametrize("model", ["flow", "latent-flow", "ddpm", "dcgan", "vae", "autoencoder"])
def test_from_a_folder_to_new_pictures(run, pictures, tmp_path, model):
    out = tmp_path / "run"
    result = run("train generate", pictures, "--model", model, "--out", out, *TINY)
    assert result.code in (0, 1)
    assert "16 pictures of 8 x 8 pixels" in result.out
    assert (" in 2 classes, 0 held out" in result.out) == (model != "autoencoder")
    assert f"training {model}: 3 steps, batch size 4" in result.out
    assert {path.name for path in out.iterdir()} == {
        "checkpoint.safetensors", "curves.png", "losses.jsonl", "model.safetensors", "samples", "settings.json",
    }  # fmt: skip
    settings = json.loads((out / "settings.json").read_text())
    assert (settings["method"], settings["pictures"], settings["size"], settings["channels"]) == (model, 16, 8, 3)
    generator = load_generator(out / "model.safetensors")
    assert generator.about["training"] == settings
    assert generator.classes == ([] if model == "autoencoder" else ["cats", "dogs"])
    made = run("generate", out / "model.safetensors", "-n", 3, "--out", tmp_path / "made.png")
    assert made.code == 0
    assert "made.png, 3 pictures of 8 x 8 pixels" in made.out


def test_grey_without_labels_in_two_words(run, pictures, tmp_path):
    arguments = [pictures, "--model", "vae", "--grey", "--no-labels", "--out", tmp_path / "run", *TINY]
    assert "16 pictures of 8 x 8 pixels, 0 held out" in run("train", "generate", *arguments).out
    model = load_generator(tmp_path / "run" / "model.safetensors").model
    assert (model.channels, model.classes) == (1, 0)


def test_a_model_that_learns_nothing_gives_exit_code_1(run, pictures, tmp_path, monkeypatch):
    for distance, code in ((0.0, 0), (1e9, 1)):
        monkeypatch.setattr(learning, "frechet_distance", lambda *_, distance=distance: distance)
        result = run("train generate", pictures, "--model", "vae", "--out", tmp_path / str(code), *TINY)
        assert result.code == code
        assert ("the network has learned nothing: its pictures are no closer to" in result.err) == bool(code)
        assert f"distance: {distance:.3g} at best; " in result.out


def test_minutes_become_steps_and_a_resumed_training_keeps_them(run, pictures, tmp_path, monkeypatch):
    arguments = [pictures, "--model", "vae", "--out", tmp_path / "run", *TINY[:-2], "--minutes", "0.5"]
    monkeypatch.setattr("minicnn.cli.train_generate.steps_for", lambda *_: 4)
    assert "training vae: 4 steps" in run("train generate", *arguments).out
    monkeypatch.setattr("minicnn.cli.train_generate.steps_for", lambda *_: 1 / 0)
    assert run("train generate", *arguments, "--resume").code in (0, 1)


def test_minutes_are_measured(run, pictures, tmp_path):
    arguments = [pictures, "--model", "vae", "--out", tmp_path / "run", *TINY[:-2], "--minutes", "0.0001"]
    assert "training vae: 100 steps" in run("train generate", *arguments).out


def test_other_held_out_pictures_are_noticed(run, mistake, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("minicnn.generation.pictures.ENOUGH", 16)
    monkeypatch.setattr("minicnn.generation.pictures.HELD_OUT_EVERY", 5)
    arguments = ["train generate", pictures, "--model", "vae", *TINY, "--out", tmp_path / "run"]
    assert "3 held out" in run(*arguments).out
    Image.new("RGB", (9, 12)).save(pictures / "dogs" / "1.png")  # the tenth, held out
    assert "began with pictures_checksum " in mistake(*arguments, "--resume")


def test_a_stopped_training_goes_on(run, mistake, pictures, tmp_path, monkeypatch):
    arguments = ["train generate", pictures, "--model", "dcgan", *TINY[:-1], "6"]
    compute_loss = GenerativeTrainer.compute_loss

    def press(trainer, batch):
        if trainer.step == 3:
            signal.raise_signal(signal.SIGINT)
        return compute_loss(trainer, batch)

    assert run(*arguments, "--out", tmp_path / "straight").code in (0, 1)
    monkeypatch.setattr(GenerativeTrainer, "compute_loss", press)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    result = run(*arguments, "--out", tmp_path / "stopped")
    signal.signal(signal.SIGINT, before)
    monkeypatch.setattr(GenerativeTrainer, "compute_loss", compute_loss)
    assert result.code == 130
    assert result.err.strip().endswith("add --resume to the same command")
    line = mistake(*arguments, "--out", tmp_path / "stopped", "--resume", "--width", 16)
    assert "began with width 8 (now 16); use the same settings" in line
    Image.new("RGB", (9, 12)).save(pictures / "dogs" / "3.png")
    assert "began with pictures_checksum " in mistake(*arguments, "--out", tmp_path / "stopped", "--resume")
    pixels = np.random.default_rng(3).integers(0, 256, (9, 12, 3), np.uint8)
    Image.fromarray(pixels).save(pictures / "dogs" / "3.png")
    assert run(*arguments, "--out", tmp_path / "stopped", "--resume").code in (0, 1)
    for name in ("model.safetensors", "losses.jsonl"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_mistakes(mistake, run, pictures, tmp_path):
    def line(*arguments, folder=pictures):
        return mistake("train generate", folder, "--out", tmp_path / "run", *TINY, *arguments)

    assert "must be a folder of images, but it does not exist" in line(folder=tmp_path / "none")
    assert "invalid choice: 'gan'" in line("--model", "gan")
    assert "DCGAN: size must be a multiple of 4, got 30; choose 32" in line("--model", "dcgan", "--size", 30)
    assert "convolutional_encoder: size must be 8 or less" in line("--model", "vae", "--size", 27)
    assert "--model vae has no --blocks; leave it out" in line("--model", "vae", "--blocks", 2)
    assert "there is no checkpoint" in line("--resume")
    (pictures / "cats" / "broken.png").write_text("no picture")
    assert "broken.png'" in line()
    assert not (tmp_path / "run").exists()
    result = run("train generate", pictures, "--out", tmp_path / "run", *TINY, "--skip-broken")
    assert result.code in (0, 1)
    assert f"skipped {pictures / 'cats' / 'broken.png'}: " in result.out
    assert "exists already; add --resume" in line()
