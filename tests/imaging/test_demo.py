"""Tests of the demonstration with a few training steps: it writes every file, and the report matches the files."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from minicnn.data import read_image
from minicnn.imaging import HELD_OUT_PHOTOS, demo, load_photo, psnr
from minicnn.imaging.classical import CLASSICAL_DENOISERS
from minicnn.imaging.editing import load_editor, trained_models
from minicnn.imaging.tasks import PatchRecipe
from minicnn.training import load_state

pytest.importorskip("skimage")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the demonstration once, on small windows of the photos; return folder, report and printed lines."""
    folder, said = tmp_path_factory.mktemp("demo") / "deep" / "demo", []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "load_photo", lambda name: np.ascontiguousarray(load_photo(name)[:, 40:168, 60:200]))
        patch.setattr(demo, "GENERATOR", replace(demo.GENERATOR, steps=60, batch_size=8))
        patch.setattr(demo, "DENOISER", replace(demo.DENOISER, steps=79, batch_size=2, patch=16))
        patch.setattr(demo, "CROP_SIZE", 100)
        patch.setattr(demo, "TEST_PATCHES", 48)
        report = demo.run_demo(folder, quick=True, seed=1, say=said.append)
    assert report == folder / "report.md"
    return folder, report.read_text(encoding="utf-8"), said


def test_every_file_is_there(run):
    folder, _, _ = run
    photos = {f"{name}-{kind}.png" for name in HELD_OUT_PHOTOS for kind in ("noisy", "edited", "clean")}
    assert {path.name for path in folder.iterdir()} == photos | {
        "report.md", "generator", "denoiser", "generator.safetensors", "denoiser.safetensors",
        "trained.jpg", "generator.png", "denoiser.jpg", "generator-loss.png", "denoiser-loss.png",
    }  # fmt: skip
    for part in ("generator", "denoiser"):
        records = [json.loads(line) for line in (folder / part / "losses.jsonl").read_text().splitlines()]
        assert [record["step"] for record in records if "loss" in record] == [1, 2, 3]  # a twentieth of 60, and of 79


def test_the_folder_may_exist(tmp_path, monkeypatch):
    def stop(name):
        raise RuntimeError("photos come after the folder")

    monkeypatch.setattr(demo, "load_photo", stop)
    with pytest.raises(RuntimeError, match="photos come after the folder"):
        demo.run_demo(tmp_path, quick=True, seed=1, say=print)


def test_the_models_can_be_used(run):
    folder, _, _ = run
    editor = load_editor(folder / "denoiser.safetensors")
    assert editor.about["task"] == "denoise"
    assert editor.about["sigma"] == demo.SIGMA
    _, about = load_state(folder / "generator.safetensors")
    assert about == {"architecture": "CNNGenerator", "arguments": {}}


def test_the_links_of_the_report_resolve(run):
    folder, report, _ = run
    links = re.findall(r"\]\(([^)]+)\)", report)
    assert len(links) == 5
    assert all((folder / link).is_file() for link in links)
    for name in re.findall(r"`(\w+\.safetensors)`", report):
        assert (folder / name).is_file()


def test_the_networks_of_the_demo_see_the_patches_that_the_docstring_tells():
    assert demo.GENERATOR.patch == 32
    assert demo.DENOISER.patch == PatchRecipe().patch


def test_the_times_of_the_report(run):
    _, report, said = run
    times = re.findall(r"(?:: |, )([a-zA-Z -]+) \d+\.\d\d s\b", report.replace("\n", " "))
    assert times == ["ResidualEditor", *CLASSICAL_DENOISERS]
    minutes = re.search(r"Total time: (\S+) minutes", report)[1]
    assert 0 <= float(minutes) < 30
    assert said[-1].startswith(f"done in {minutes} minutes; ")


def tables(report):
    """Return each table as a list of rows of cells."""
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in report.splitlines() if line.startswith("|")]
    starts = [i - 1 for i, row in enumerate(rows) if set(row[0]) == {"-"}] + [len(rows)]
    return [rows[start:end] for start, end in pairwise(starts)]


def test_the_tables_of_the_report(run):
    _, report, _ = run
    _, photos, patches = tables(report)
    assert photos[0] == ["whole photo", "noisy", "ResidualEditor", *CLASSICAL_DENOISERS]
    assert [row[0] for row in photos[2:]] == [*HELD_OUT_PHOTOS, "**mean**"]
    assert patches[0] == ["", "noisy", "CNNGenerator", *CLASSICAL_DENOISERS]
    for row in (*photos[2:], *patches[2:]):
        assert all(re.fullmatch(r"\d+\.\d\d dB, -?\d\.\d{3}", cell) for cell in row[1:])
    for column in range(1, len(photos[0])):
        values = [float(row[column].split(" dB")[0]) for row in photos[2:]]
        assert values[-1] == pytest.approx(np.mean(values[:-1]), abs=0.02)


def test_the_trained_models_repair_photos(run):
    _, report, _ = run
    rows = tables(report)[0][2:]
    assert {row[1] for row in rows} == trained_models().keys()
    for _, model, before, classical, own in rows:
        own = float(own.strip("*"))
        assert 10 < own < 60
        if before and model != "colourise":
            assert own > float(before) + 0.2
        if "*" not in classical and classical and model != "inpaint":  # thin scratches are easy without a network
            assert own > float(classical.split()[-1])


def test_what_is_made_of_noisy_patches(run):
    """Classical denoisers that know how strong the noise is, and a network that was hardly trained and paints grey."""
    _, report, _ = run
    values = {name: float(cell.split(" dB")[0]) for name, cell in zip(*tables(report)[2][::2], strict=True) if name}
    assert values["total variation"] > values["noisy"] + 8.8
    assert all(values[name] > values["noisy"] + 4 for name in CLASSICAL_DENOISERS)
    assert values["CNNGenerator"] > 14


def test_the_figures_are_those_of_the_pictures_beside_them(run):
    folder, report, _ = run
    for row in tables(report)[1][2:-1]:
        clean = read_image(folder / f"{row[0]}-clean.png")
        for column, kind in ((1, "noisy"), (2, "edited")):
            told = float(row[column].split(" dB")[0])
            assert psnr(read_image(folder / f"{row[0]}-{kind}.png"), clean) == pytest.approx(told, abs=0.03)


def test_the_noise_has_the_strength_that_is_told(run):
    folder, report, _ = run
    assert "Gaussian noise with σ = 25/255" in report
    noise = read_image(folder / "coffee-noisy.png") - read_image(folder / "coffee-clean.png")
    assert noise.std() == pytest.approx(demo.SIGMA, rel=0.15)  # slightly less, because values are clipped to [0, 1]


def test_a_quick_run_says_that_its_figures_say_nothing(run):
    _, report, said = run
    assert "**A quick run: the networks were hardly trained, and the numbers mean nothing.**" in report
    assert re.search(r"ResidualEditor is \d+\.\d\d dB (above|below) the best classical denoiser on average", report)
    assert said[0].startswith("(a) the trained models repair photos: denoise")
    assert said[1].startswith("(b) CNNGenerator")
    assert "read" in said[-1]


def test_the_pictures_can_be_judged(run):
    folder, _, _ = run
    sheet = read_image(folder / "denoiser.jpg")
    columns = len(CLASSICAL_DENOISERS) + 3  # plus noisy, edited and clean
    assert sheet.shape[1] > len(HELD_OUT_PHOTOS) * 100
    assert sheet.shape[2] > columns * 100
    assert read_image(folder / "generator.png").shape[2] > 4 * 192 * 28 // 32
    assert read_image(folder / "generator-loss.png").std() > 0.01
