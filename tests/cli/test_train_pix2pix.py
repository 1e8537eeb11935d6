"""Tests of `minicnn train pix2pix`: from pairs to a model, errors, Ctrl-C and resuming."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from minicnn.cli.train import exit_code
from minicnn.data import read_image, write_image
from minicnn.imaging.editing import edit, load_editor
from minicnn.imaging.learning import first_guess
from minicnn.imaging.pix2pix import trainer_for
from tests.cli.test_train import CHILD

TINY = ("--width", "4", "--levels", "1", "--patch", "16", "--batch-size", "1", "--steps", "3")


@pytest.fixture
def pairs(make_photos, tmp_path):
    """The arguments that name two folders: six photos, and the same photos."""
    return ["--inputs", make_photos(tmp_path / "in"), "--targets", make_photos(tmp_path / "goal")]


@pytest.mark.parametrize("scale", [1, 2])
def test_pairs_give_a_model_that_edits(run, make_photos, tmp_path, scale):
    inputs = make_photos(tmp_path / "in")
    targets = make_photos(tmp_path / "goal", height=24 * scale, width=32 * scale)
    network = ["--network", "ResidualEditor", "--width", 4, "--patch", 16, "--batch-size", 1, "--steps", 3]
    out = tmp_path / "run"
    result = run("train", "pix2pix", "--inputs", inputs, "--targets", targets, "--out", out, *network)
    assert (result.code, result.err) == (0, "")
    assert "6 pairs\n" in result.out
    assert "training for pix2pix: 3 steps, batch size 1" in result.out
    assert {path.name for path in out.iterdir()} == {
        "checkpoint.safetensors", "curves.png", "losses.jsonl", "model.safetensors", "preview.png", "samples",
        "settings.json",
    }  # fmt: skip
    editor = load_editor(out / "model.safetensors")
    assert (editor.about["task"], editor.model.scale) == ("pix2pix", scale)
    assert editor.about["training"] == json.loads((out / "settings.json").read_text())
    assert editor.about["training"]["learning_rate"] == 5e-4
    assert read_image(out / "samples" / "001.jpg").shape == (3, 3 * 24 * scale, 32 * scale)
    image, target = read_image(inputs / "0.png"), read_image(targets / "0.png")
    before, after = (np.abs(y - target).mean() for y in (first_guess(image, editor.model), edit(editor.model, image)))
    assert f"mean absolute error of 1 held-out images: {before:.4f} before, {after:.4f} edited" in result.out
    assert run("edit", out / "model.safetensors", inputs / "1.png", "--out", tmp_path / "edited").code == 0
    assert read_image(tmp_path / "edited" / "1.png").shape == (3, 24 * scale, 32 * scale)


def test_the_default_network_is_a_u_net(run, pairs, tmp_path):
    assert run("train", "pix2pix", *pairs, "--out", tmp_path / "a", "--width", 4, "--patch", 16, "--steps", 1).code == 0
    assert load_editor(tmp_path / "a" / "model.safetensors").about["arguments"]["levels"] == 3
    assert json.loads((tmp_path / "a" / "settings.json").read_text())["network"] == "EditingUNet"


@pytest.fixture(autouse=True)
def _need_not_learn(monkeypatch):
    """The inputs of most tests are their targets, so that there is nothing to learn."""
    monkeypatch.setattr("minicnn.cli.train_pix2pix.exit_code", lambda options, learned: 0)


def test_a_network_that_learned_nothing_is_reported(run, pairs, make_photos, tmp_path, monkeypatch):
    monkeypatch.setattr("minicnn.cli.train_pix2pix.exit_code", exit_code)
    result = run("train", "pix2pix", *pairs, "--out", tmp_path / "a", *TINY)
    assert result.code == 1
    assert result.err.startswith("minicnn train pix2pix: the network has learned nothing: its results are no better")
    faded = make_photos(tmp_path / "faded")
    for path in faded.iterdir():
        write_image(path, read_image(path) / 4 + 0.6)
    pairs[1] = faded
    result = run("train", "pix2pix", *pairs, "--out", tmp_path / "b", *TINY, "--steps", 20, "--learning-rate", 5e-3)
    assert (result.code, result.err) == (0, "")


def test_few_pairs_are_all_used(run, make_photos, tmp_path):
    folders = make_photos(tmp_path / "in", 2), make_photos(tmp_path / "goal", 2)
    result = run("train", "pix2pix", "--inputs", folders[0], "--targets", folders[1], "--out", tmp_path / "a", *TINY)
    assert result.code == 0
    assert "no images are held out for evaluation; this needs at least 5 images" in result.out
    assert "mean absolute error of 2 training images: 0.0000 before, " in result.out
    assert not (tmp_path / "a" / "preview.png").exists()


def test_a_training_may_begin_with_a_trained_model(run, pairs, tmp_path, model):
    tiny = ["--patch", 16, "--batch-size", 1, "--steps", 2, "--learning-rate", 1e-9]
    assert run("train", "pix2pix", *pairs, "--out", tmp_path / "a", "--from", model, *tiny).code == 0
    before, after = (load_editor(path).model.state_dict() for path in (model, tmp_path / "a" / "model.safetensors"))
    for name, value in after.items():
        np.testing.assert_allclose(value.numpy(), before[name].numpy(), atol=1e-6)


# --- mistakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "the following arguments are required: --inputs, --targets, --out; see minicnn train pix2pix --help"),
        (("--inputs", "a", "--out", "b"), "the following arguments are required: --targets; see"),
        (("p", "--inputs", "a", "--targets", "b", "--out", "c"), "unrecognized arguments: p; see"),
        (("--inputs", "none", "--targets", "none", "--out", "c"), "none' must be a folder of images, but it does not"),
        (("--inputs", "a", "--targets", "b", "--out", "c", "--steps", "0"), "must be an integer of at least 1, got 0"),
        (("--inputs", "a", "--targets", "b", "--out", "c", "--minutes", "0"), "must be a number above 0, got 0"),
    ],
)
def test_wrong_arguments(mistake, tmp_path, monkeypatch, arguments, line):
    monkeypatch.chdir(tmp_path)
    assert line in mistake("train", "pix2pix", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_pairs_that_do_not_fit(mistake, pairs, make_photos, tmp_path):
    out = tmp_path / "a"
    large = make_photos(tmp_path / "large", height=48, width=64)
    line = mistake("train", "pix2pix", "--inputs", large, "--targets", pairs[3], "--out", out, *TINY)
    assert "target size / input size must be the same integer for every pair, got 0.5 x 0.5" in line
    (pairs[3] / "5.png").unlink()
    line = mistake("train", "pix2pix", *pairs, "--out", out, *TINY)
    assert f"1 of the files have no partner: '{pairs[1] / '5.png'}'; rename or remove them" in line
    assert not out.exists()


def test_patches_that_are_too_small(mistake, pairs, tmp_path):
    line = mistake("train", "pix2pix", *pairs, "--out", tmp_path / "a", *TINY, "--patch", 11)
    assert "--patch: the discriminator needs at least 12 pixels a side, got 11" in line
    assert not (tmp_path / "a").exists()
    line = mistake("train", "pix2pix", *pairs, "--out", tmp_path / "a", *TINY, "--patch", 25)
    assert "has 32 x 24 pixels, but --patch 25 needs 25 x 25; choose a smaller --patch" in line


def test_a_network_of_another_shape(mistake, pairs, tmp_path):
    small = ["--width", 4, "--patch", 16]
    line = mistake("train", "pix2pix", *pairs, "--out", tmp_path / "a", *small, "--network", "EDSR")
    assert "--network: EDSR has scale 2 (not 1); name another network for this task" in line
    line = mistake("train", "pix2pix", *pairs, "--out", tmp_path / "a", *small, "--network", "Inpainter")
    assert "--network: Inpainter has only learned to fill in holes" in line


def test_a_training_that_breaks_down_says_so(mistake, pairs, tmp_path):
    line = mistake("train", "pix2pix", *pairs, "--out", tmp_path / "a", *TINY, "--learning-rate", "1e30")
    assert line.startswith("minicnn train pix2pix: StopOnNaN: in step")
    assert "try a smaller learning rate" in line


# --- going on -------------------------------------------------------------------------------------------------


def test_a_checkpoint_goes_on_only_as_it_began(mistake, run, pairs, tmp_path):
    out = tmp_path / "a"
    command = ["train", "pix2pix", *pairs, "--out", out, *TINY]
    assert "there is no checkpoint" in mistake(*command, "--resume")
    assert run(*command).code == 0
    before = {path.name: path.read_bytes() for path in out.rglob("*.*")}
    assert "exists already; add --resume to continue from it, or name another" in mistake(*command)
    for change, told in ((("--seed", 1), "seed 0 (now 1)"), (("--width", 8), "width 4 (now 8)")):
        assert f"began with {told}; use the same settings" in mistake(*command, "--resume", *change)
    other = ["train", *pairs, "--out", out, "--network", "EditingUNet", *TINY, "--learning-rate", 5e-4]
    assert "began with task pix2pix (now pairs); use" in mistake(*other, "--resume")
    assert run(*command, "--resume").code == 0
    assert {path.name: path.read_bytes() for path in out.rglob("*.*")} == before


def test_minutes_become_steps_and_a_resumed_training_keeps_them(run, pairs, tmp_path, monkeypatch):
    command = ["train", "pix2pix", *pairs, "--out", tmp_path / "a", *TINY[:-2], "--minutes", "7"]
    asked = []
    monkeypatch.setattr("minicnn.cli.train.steps_for", lambda *arguments: asked.append(arguments) or 3)
    assert "training for pix2pix: 3 steps" in run(*command).out
    assert (asked[0][0], asked[0][-1]) == (7, trainer_for)
    assert (tmp_path / "a" / "losses.jsonl").read_text().count('"loss"') == 3
    assert run(*command, "--resume").code == 0
    assert len(asked) == 1


def test_ctrl_c_keeps_a_checkpoint_from_which_the_result_is_the_same_bit_for_bit(run, pairs, tmp_path):
    arguments = ["train", "pix2pix", *map(str, pairs), *TINY, "--steps", "40"]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments, "--out", str(tmp_path / "stopped")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    losses = tmp_path / "stopped" / "losses.jsonl"
    until = time.monotonic() + 60
    while not (losses.exists() and losses.read_text().count("\n") >= 5) and child.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    [line] = err.split("\n", 1)[1].splitlines()  # after the line with ^C
    assert line.startswith("minicnn train pix2pix: training stopped after step ")
    assert line.endswith("checkpoint.safetensors': add --resume to the same command")
    assert not (tmp_path / "stopped" / "model.safetensors").exists()

    assert run(*arguments, "--out", tmp_path / "stopped", "--resume").code == 0
    assert run(*arguments, "--out", tmp_path / "straight").code == 0
    for name in ("model.safetensors", "checkpoint.safetensors", "losses.jsonl", "preview.png"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_the_same_network_on_every_device(run, pairs, tmp_path, device):
    records = []
    for number, name in enumerate(("cpu", device)):
        out = tmp_path / str(number)
        assert run("train", "pix2pix", *pairs, "--out", out, *TINY, "--device", name).code == 0
        lines = (out / "losses.jsonl").read_text().splitlines()[:3]
        records.append([[json.loads(line)[loss] for loss in ("l1", "generator", "discriminator")] for line in lines])
    np.testing.assert_allclose(records[1], records[0], rtol=1e-3)
