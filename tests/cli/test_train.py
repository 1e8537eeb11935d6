"""Tests of `minicnn train`: from a folder to a model, errors, Ctrl-C and resuming."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import minicnn
from minicnn import optional
from minicnn.data import read_image
from minicnn.imaging import TASKS
from minicnn.imaging.editing import load_editor, save_editor
from minicnn.imaging.learning import spoilt_patches, steps_for
from minicnn.imaging.tasks import PatchRecipe
from minicnn.models import ResidualEditor

# Restores SIGINT as in a terminal, because a test runner in the background may ignore it.
CHILD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from minicnn.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("task", TASKS)
def test_every_task_gives_a_model_that_edits(run, make_photos, tmp_path, tiny, task):
    photos = make_photos(tmp_path / "photos", height=36, width=48)
    out = tmp_path / "run"
    result = run("train", photos, "--task", task, "--out", out, *tiny)
    assert result.code == 0
    assert result.err == ""
    assert "6 photos\n" in result.out
    assert f"training for {task}: 3 steps, batch size 2" in result.out
    assert f"PSNR and SSIM of 1 held-out images{' inside the holes' * (task == 'inpaint')} together: " in result.out
    assert f"wrote {out / 'preview.png'}" in result.out
    assert {path.name for path in out.iterdir()} == {
        "checkpoint.safetensors", "curves.png", "losses.jsonl", "model.safetensors", "preview.png", "samples",
        "settings.json",
    }  # fmt: skip
    editor = load_editor(out / "model.safetensors")
    assert editor.about["task"] == task
    assert editor.about["training"] == json.loads((out / "settings.json").read_text())
    assert editor.model.scale == TASKS[task].scale
    assert read_image(out / "preview.png").shape[2] > 3 * 192
    mask = ["--mask", photos / "2.png"] * (task == "inpaint")
    assert run("edit", out / "model.safetensors", photos / "1.png", "--out", tmp_path / "edited", *mask).code == 0
    assert read_image(tmp_path / "edited" / "1.png").shape == (3, 36 * editor.model.scale, 48 * editor.model.scale)


@pytest.mark.parametrize("scale", [1, 2])
def test_pairs(run, make_photos, tmp_path, tiny, scale):
    inputs = make_photos(tmp_path / "in")
    targets = make_photos(tmp_path / "goal", height=24 * scale, width=32 * scale)
    result = run("train", "--inputs", inputs, "--targets", targets, "--out", tmp_path / "run", *tiny)
    assert result.code == 0
    assert "6 pairs\n" in result.out
    editor = load_editor(tmp_path / "run" / "model.safetensors")
    assert (editor.model.scale, editor.about["task"]) == (scale, "pairs")


def test_grey_inputs_with_targets_in_colour_become_colours(run, make_photos, tmp_path, tiny):
    targets = make_photos(tmp_path / "goal")
    (tmp_path / "in").mkdir()
    for path in targets.iterdir():
        Image.open(path).convert("L").save(tmp_path / "in" / path.name)
    arguments = ["--inputs", tmp_path / "in", "--targets", targets, "--out", tmp_path / "run", *tiny]
    assert run("train", *arguments).code in (0, 1)
    model = load_editor(tmp_path / "run" / "model.safetensors").model
    assert (model.in_channels, model.out_channels) == (1, 3)
    with minicnn.no_grad():
        model.tail.bias.copy_(minicnn.tensor([0.1] * 4 + [0.0] * 4 + [-0.1] * 4))
    save_editor(tmp_path / "tinted.safetensors", model)
    result = run("edit", tmp_path / "tinted.safetensors", tmp_path / "in" / "0.png", "--out", tmp_path / "edited")
    assert result.code == 0
    red, _, blue = read_image(tmp_path / "edited" / "0.png")
    assert (red - blue).mean() > 0.1


def test_grey_pairs_keep_the_channels_of_a_trained_model(run, make_photos, tmp_path, tiny):
    for name in ("in", "goal"):
        folder = make_photos(tmp_path / name)
        for path in folder.iterdir():
            Image.open(path).convert("L").save(path)
    arguments = ["--inputs", tmp_path / "in", "--targets", tmp_path / "goal", "--out", tmp_path / "run"]
    assert run("train", *arguments, "--from", "denoise", *tiny[4:]).code in (0, 1)
    assert load_editor(tmp_path / "run" / "model.safetensors").model.in_channels == 3


def test_few_photos_are_all_used_and_it_is_said(run, make_photos, tmp_path, tiny):
    result = run("train", make_photos(tmp_path / "few", 2), "--out", tmp_path / "run", *tiny)
    assert result.code == 0
    assert "no images are held out for evaluation; this needs at least 5 images" in result.out
    assert not (tmp_path / "run" / "preview.png").exists()
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["pictures"] == 2


def test_the_same_seed_gives_the_same_file(run, photos, tmp_path, tiny):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        assert run("train", photos, "--out", tmp_path / name, "--seed", seed, *tiny).code == 0
    first, again, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_without_matplotlib_there_is_a_model_and_a_hint(run, photos, tmp_path, tiny, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(optional, "import_module", missing)
    result = run("train", photos, "--out", tmp_path / "run", *tiny)
    assert result.code == 0
    assert "no curves.png: loss_curve: needs matplotlib, which is not installed; " in result.out
    assert not (tmp_path / "run" / "curves.png").exists()
    assert (tmp_path / "run" / "preview.png").exists()


# --- mistakes: what to learn from -----------------------------------------------------------------------------


def test_a_missing_folder(mistake, tmp_path, tiny):
    line = mistake("train", tmp_path / "none", "--out", tmp_path / "run", *tiny)
    assert line.endswith("none' must be a folder of images, but it does not exist; check the path")
    assert not (tmp_path / "run").exists()


def test_an_empty_folder(mistake, make_photos, tmp_path, tiny):
    line = mistake("train", make_photos(tmp_path / "empty", 0), "--out", tmp_path / "run", *tiny)
    assert "empty' holds no files (hidden ones do not count); put images into it" in line


def test_a_broken_file(mistake, run, photos, tmp_path, tiny):
    (photos / "3.png").write_bytes((photos / "3.png").read_bytes()[:60])
    (photos / "diary.txt").write_text("Dear diary")
    line = mistake("train", photos, "--out", tmp_path / "run", *tiny)
    assert "3.png' is damaged or truncated" in line
    assert line.endswith("get the file again, or add --skip-broken")
    result = run("train", photos, "--out", tmp_path / "run", "--skip-broken", *tiny)
    assert result.code == 0
    assert "5 photos, 2 skipped:\n" in result.out
    assert f"  {photos / '3.png'}: read_image: " in result.out
    assert f"  {photos / 'diary.txt'}: read_image: " in result.out


def test_nothing_but_broken_files(mistake, photos, tmp_path, tiny):
    for path in photos.iterdir():
        path.write_text("no image")
    line = mistake("train", photos, "--out", tmp_path / "run", "--skip-broken", *tiny)
    assert "none of the 6 files in" in line
    assert "; and 3 more" in line


def test_a_photo_smaller_than_the_patch(mistake, run, photos, tmp_path, tiny):
    Image.new("RGB", (7, 9)).save(photos / "tiny.png")
    line = mistake("train", photos, "--out", tmp_path / "run", *tiny)
    assert "tiny.png' has 7 x 9 pixels, but --patch 8 needs 8 x 8; choose a smaller --patch" in line
    result = run("train", photos, "--out", tmp_path / "run", "--skip-broken", *tiny)
    assert result.code == 0
    assert "6 photos, 1 skipped:\n" in result.out
    line = mistake("train", photos, "--out", tmp_path / "other", "--skip-broken", *tiny, "--patch", 99)
    assert line.endswith("none of the photos is large enough; choose a smaller --patch than 99")


def test_the_patch_of_an_enlargement_counts_input_pixels(mistake, photos, tmp_path, tiny):
    line = mistake("train", photos, "--task", "enlarge-x3", "--out", tmp_path / "run", *tiny, "--patch", 9)
    assert "has 32 x 24 pixels, but --patch 9 needs 27 x 27" in line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--inputs", "a"], "--inputs and --targets belong together; name both folders"),
        (["--targets", "a"], "--inputs and --targets belong together; name both folders"),
        (["p", "--inputs", "a", "--targets", "b"], "name either a folder of photos (minicnn train PHOTOS) or --inputs"),
        ([], "name either a folder of photos (minicnn train PHOTOS) or --inputs DIR --targets DIR"),
        (
            ["--inputs", "a", "--targets", "b", "--task", "deblur"],
            "--task needs a folder of photos, not --inputs",
        ),
    ],
)
def test_arguments_that_contradict_each_other(mistake, tmp_path, arguments, line):
    assert line in mistake("train", *arguments, "--out", tmp_path / "run")


def test_unmatched_pairs(mistake, make_photos, tmp_path, tiny):
    inputs, targets = make_photos(tmp_path / "in"), make_photos(tmp_path / "goal", 5)
    line = mistake("train", "--inputs", inputs, "--targets", targets, "--out", tmp_path / "run", *tiny)
    assert f"1 of the files have no partner: '{inputs / '5.png'}'; rename or remove them" in line


def test_pairs_whose_sizes_do_not_fit(mistake, make_photos, tmp_path, tiny):
    small, large = make_photos(tmp_path / "small"), make_photos(tmp_path / "large", height=48, width=64)
    line = mistake("train", "--inputs", large, "--targets", small, "--out", tmp_path / "run", *tiny)
    assert f"'{large / '0.png'}': pairs: target size / input size must be the same integer" in line
    assert "got 0.5 x 0.5; a network keeps or enlarges the size of an image, so resize the inputs or" in line
    shutil.copy(small / "2.png", large / "2.png")
    line = mistake("train", "--inputs", small, "--targets", large, "--out", tmp_path / "run", *tiny)
    assert f"but it is 2 for '{small / '0.png'}' and 1 for '{small / '2.png'}'; a network" in line
    Image.new("RGB", (40, 30)).save(large / "2.png")
    line = mistake("train", "--inputs", small, "--targets", large, "--out", tmp_path / "run", *tiny)
    assert "2.png': the sizes must be equal or integer multiples, got 24 x 32 and 30 x 40" in line


# --- mistakes: numbers and places -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--steps", "0"], "argument --steps: must be an integer of at least 1, got 0; see minicnn train --help"),
        (["--batch-size", "-4"], "argument --batch-size: must be an integer of at least 1, got -4"),
        (["--patch", "8.5"], "argument --patch: must be an integer of at least 1, got 8.5"),
        (["--learning-rate", "0"], "argument --learning-rate: must be a number above 0, got 0"),
        (["--learning-rate", "quick"], "argument --learning-rate: must be a number above 0, got quick"),
        (["--seed", "-1"], "argument --seed: must be an integer of at least 0, got -1"),
    ],
)
def test_bad_numbers(mistake, photos, tmp_path, arguments, line):
    assert line in mistake("train", photos, "--out", tmp_path / "run", *arguments)


def test_a_place_that_cannot_be_written(mistake, photos, tmp_path, tiny):
    (tmp_path / "file").touch()
    line = mistake("train", photos, "--out", tmp_path / "file", *tiny)
    assert f"argument --out: '{tmp_path / 'file'}' is a file; name a folder" in line
    line = mistake("train", photos, "--out", tmp_path / "file" / "run", *tiny)
    assert f"Not a directory '{tmp_path / 'file' / 'run'}'; check the path, its permissions" in line


def test_a_full_disk(mistake, photos, tmp_path, tiny, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    line = mistake("train", photos, "--out", tmp_path / "run", *tiny)
    assert "samples/001.jpg' cannot be written (OSError: [Errno 28] No space left on device); free space, or" in line
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"samples", "settings.json"}


def test_a_training_that_breaks_down_says_so(mistake, photos, tmp_path, tiny):
    line = mistake("train", photos, "--out", tmp_path / "run", *tiny, "--steps", 40, "--learning-rate", "1e30")
    assert "StopOnNaN: in step" in line
    assert "try a smaller learning rate" in line


# --- going on -------------------------------------------------------------------------------------------------


def test_there_must_be_a_checkpoint_to_resume(mistake, photos, tmp_path, tiny):
    line = mistake("train", photos, "--out", tmp_path / "run", "--resume", *tiny)
    assert line.endswith(
        "there is no checkpoint '" + f"{tmp_path / 'run' / 'checkpoint.safetensors'}'; leave --resume out to begin"
    )


@pytest.mark.usefixtures("tiny")
def test_a_network_of_ones_choice(run, mistake, photos, tmp_path):
    tiny = ["--patch", 8, "--batch-size", 1, "--steps", 2]
    for name, arguments in (
        ("EditingUNet", ["--width", 4, "--levels", 2]),
        ("DnCNN", ["--width", 4]),
        ("ResidualEditor", []),
    ):
        out = tmp_path / name
        assert run("train", photos, "--out", out, "--network", name, *arguments, *tiny).code == 0
        assert type(load_editor(out / "model.safetensors").model).__name__ == name
        assert json.loads((out / "settings.json").read_text())["network"] == name
    line = mistake("train", photos, "--out", tmp_path / "a", "--network", "DnCNN", "--task", "enlarge-x2", *tiny)
    assert "--network: DnCNN has no --scale: it cannot enlarge; add --network ResidualEditor" in line
    line = mistake("train", photos, "--out", tmp_path / "a", "--network", "EDSR", *tiny)
    assert "--network: EDSR has scale 2 (not 1); name another network for this task" in line
    line = mistake("train", photos, "--out", tmp_path / "a", "--network", "Inpainter", *tiny)
    assert "--network: Inpainter has only learned to fill in holes; name another" in line
    line = mistake("train", photos, "--out", tmp_path / "a", "--levels", 2, *tiny)
    assert "--network: ResidualEditor has no --levels: leave it out" in line


def test_samples_show_input_result_and_target(run, photos, tmp_path, tiny):
    assert run("train", photos, "--out", tmp_path / "run", *tiny).code == 0
    samples = sorted((tmp_path / "run" / "samples").iterdir())
    assert [sample.name for sample in samples] == ["001.jpg", "002.jpg"]  # before the training, and after the epoch
    assert read_image(samples[1]).shape == (3, 3 * 24, 32)


def test_a_network_that_learned_nothing_gives_exit_code_1(run, photos, tmp_path):
    arguments = ["train", photos, "--width", 4, "--blocks", 1, "--patch", 8, "--batch-size", 1, "--out"]
    result = run(*arguments, tmp_path / "bad", "--steps", 10, "--learning-rate", 3)
    assert result.code == 1
    assert result.err.startswith("minicnn train: the network has learned nothing: its results are no better")
    assert (tmp_path / "bad" / "model.safetensors").exists()


def test_crops_without_holes_are_not_watched(run, make_photos, tmp_path, tiny, monkeypatch):
    monkeypatch.setattr("minicnn.cli.train.WATCHED_SIZE", 2)
    photos = make_photos(tmp_path / "p", 10)
    assert run("train", photos, "--task", "inpaint", "--out", tmp_path / "run", *tiny).code == 0


def test_an_early_end_is_said(run, photos, tmp_path, tiny, monkeypatch):
    monkeypatch.setattr("minicnn.cli.train._watch", lambda *_: lambda model: 1.0)
    result = run("train", photos, "--out", tmp_path / "run", *tiny[:-1], 900)
    assert "ended after 700 steps, because nothing improved any more" in result.out


def test_a_checkpoint_is_not_overwritten_and_goes_on_only_as_it_began(mistake, run, photos, tmp_path, tiny):
    out = tmp_path / "run"
    assert run("train", photos, "--out", out, *tiny).code == 0
    before = (out / "model.safetensors").read_bytes()
    assert "exists already; add --resume to continue from it, or name another" in mistake("train", photos, "--out", out)
    for change, told in (
        (["--task", "clean-jpeg"], "task denoise (now clean-jpeg)"),
        (["--steps", "4", "--width", "8"], "steps 3 (now 4), width 4 (now 8)"),
        (["--seed", "1"], "seed 0 (now 1)"),
    ):
        line = mistake("train", photos, "--out", out, "--resume", *tiny, *change)
        assert f"began with {told}; use the same settings, or name another --out to start a new training" in line
    shutil.copy(photos / "1.png", photos / "2.png")
    line = mistake("train", photos, "--out", out, "--resume", *tiny)
    assert re.search(r"began with pictures_checksum [0-9a-f]{8} \(now [0-9a-f]{8}\); use", line)
    (photos / "0.png").unlink()
    (photos / "1.png").unlink()
    assert "began with pictures 5 (now 4)," in mistake("train", photos, "--out", out, "--resume", *tiny)
    (out / "settings.json").write_text("{")
    line = mistake("train", photos, "--out", out, "--resume", *tiny)
    assert "settings.json', the settings of the training, cannot be read" in line
    assert (out / "model.safetensors").read_bytes() == before


def test_a_damaged_checkpoint(mistake, run, photos, tmp_path, tiny):
    assert run("train", photos, "--out", tmp_path / "run", *tiny).code == 0
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-9])
    line = mistake("train", photos, "--out", tmp_path / "run", "--resume", *tiny)
    assert "checkpoint.safetensors' is damaged, or not a safetensors file" in line
    assert "use another copy" in line


def test_ctrl_c_keeps_a_checkpoint_from_which_the_result_is_the_same_bit_for_bit(run, photos, tmp_path, tiny):
    arguments = ["train", str(photos), *tiny, "--steps", "300"]
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
    assert line.startswith("minicnn train: training stopped after step ")
    assert line.endswith("checkpoint.safetensors': add --resume to the same command")

    assert run(*arguments, "--out", tmp_path / "stopped", "--resume").code == 0
    assert run(*arguments, "--out", tmp_path / "straight").code == 0
    for name in ("model.safetensors", "losses.jsonl", "preview.png"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_ctrl_c_before_the_first_step(run, photos, tmp_path, tiny, monkeypatch):
    def press(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("minicnn.cli.train.gather", press)
    result = run("train", photos, "--out", tmp_path / "run", *tiny)
    assert (result.code, result.err.strip()) == (130, "minicnn train: stopped")


def test_a_finished_training_may_be_resumed_and_stays_what_it_is(run, photos, tmp_path, tiny):
    assert run("train", photos, "--out", tmp_path / "run", *tiny).code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").rglob("*.*")}
    assert run("train", photos, "--out", tmp_path / "run", *tiny, "--resume").code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").rglob("*.*")} == before
    assert np.isfinite([json.loads(line)["loss"] for line in before["losses.jsonl"].splitlines()[:3]]).all()


def test_the_same_network_on_every_device(run, photos, tmp_path, tiny, device):
    folders = {name: tmp_path / name for name in ("here", str(device))}
    for name, folder in folders.items():
        where = "cpu" if name == "here" else name
        assert run("train", photos, "--out", folder, *tiny, "--device", where).code == 0
    expected, got = (
        [json.loads(line)["loss"] for line in (folder / "losses.jsonl").read_text().splitlines() if '"loss"' in line]
        for folder in folders.values()
    )
    assert len(got) == 3
    assert got == pytest.approx(expected, rel=1e-4)
    result = run(
        "edit",
        folders[str(device)] / "model.safetensors",
        photos / "0.png",
        "--out",
        tmp_path / "e",
        "--device",
        device,
    )
    assert (result.code, (tmp_path / "e" / "0.png").is_file()) == (0, True)


@pytest.mark.usefixtures("tiny")
def test_a_training_may_begin_with_a_trained_model(run, mistake, photos, tmp_path, model):
    arguments = ["train", photos, "--task", "denoise", "--patch", "8", "--batch-size", "2", "--steps", "3"]
    before = load_editor(model).model.state_dict()
    assert run(*arguments, "--from", model, "--out", tmp_path / "a", "--learning-rate", "1e-9").code == 0
    after = load_editor(tmp_path / "a" / "model.safetensors")
    assert after.model.arguments["width"] == 4
    assert after.about["training"]["from"] == str(model)
    assert run(*arguments, "--from", model, "--out", tmp_path / "fine").code == 0
    settings = json.loads((tmp_path / "fine" / "settings.json").read_text())
    assert settings["learning_rate"] == pytest.approx(TASKS["denoise"].recipe.learning_rate / 10)
    for name, value in after.model.state_dict().items():
        np.testing.assert_allclose(value.numpy(), before[name].numpy(), atol=1e-6)
    line = mistake(*arguments, "--from", model, "--width", "8", "--out", tmp_path / "b")
    assert "--from: the network has its own size; leave --network, --width, --blocks and" in line
    line = mistake("train", photos, "--task", "enlarge-x2", "--patch", "8", "--from", model, "--out", tmp_path / "b")
    assert f"--from: the network of '{model}' has scale 1 (not 2); name another network for this task" in line
    assert "there is no file" in mistake(*arguments, "--from", tmp_path / "none.safetensors", "--out", tmp_path / "b")


@pytest.mark.usefixtures("tiny")
def test_minutes_become_steps_and_a_resumed_training_keeps_them(run, photos, tmp_path, monkeypatch):
    arguments = ["train", photos, "--width", "4", "--blocks", "1", "--patch", "8", "--batch-size", "1"]
    arguments += ["--minutes", "0.0001", "--out", tmp_path / "a"]
    assert "training for denoise: 100 steps" in run(*arguments).out
    assert (tmp_path / "a" / "losses.jsonl").read_text().count('"loss"') == 100
    monkeypatch.setattr("minicnn.cli.train.steps_for", lambda *_: 1 / 0)
    assert run(*arguments, "--resume").code == 0
    assert json.loads((tmp_path / "a" / "settings.json").read_text())["steps"] == 100


def test_more_minutes_are_more_steps():
    minicnn.manual_seed(0)
    network, recipe = ResidualEditor(width=4, blocks=0), PatchRecipe(batch_size=1, patch=8)
    patches = spoilt_patches([np.zeros((3, 9, 9), np.float32)], TASKS["denoise"], recipe)
    state = minicnn.get_rng_state()
    short, long = (steps_for(minutes, network, patches, recipe) for minutes in (1, 100))
    assert 100 <= short < long
    assert minicnn.get_rng_state() == state
    assert all(p.grad is None for p in network.parameters())
