"""Tests of the measures of generated clothes."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from minicnn.generation.pictures import PictureSet
from recipes import generated, generators
from recipes.generators import curve, gaussian, main, measures, minutes_of, principal_components, record


@pytest.fixture
def clothes():
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 2
    shapes = np.zeros((240, 1, 28, 28), np.uint8)
    for picture, label in zip(shapes, labels, strict=True):
        top, left = rng.integers(2, 12, 2)
        picture[0, top : top + 14, left : left + 6 + 6 * label] = rng.integers(120, 256)
    return PictureSet(shapes, labels.astype(np.int64), ("narrow", "wide"))


def test_real_pictures_have_better_measures_than_noise(clothes):
    pictures = clothes.floats()
    real, other, training = pictures[:60], pictures[60:120], pictures[120:]
    noise = np.random.default_rng(1).random(other.shape, np.float32)
    found, bad = measures(other, real, training), measures(noise, real, training)
    assert list(found) == ["FID", "FD64", "1-NN", "precision", "recall", "new"]
    assert found["FID"] < bad["FID"] / 3
    assert found["FD64"] < bad["FD64"] / 3
    assert found["1-NN"] < 0.7 < bad["1-NN"]
    assert found["precision"] > 0.3 > bad["precision"]
    assert 0.5 < found["new"] < 2
    assert measures(training[:60], real, training)["new"] < 0.01


def test_the_baseline_has_the_mean_of_each_class(clothes, monkeypatch):
    monkeypatch.setattr(generators, "COUNT", 200)
    made = gaussian(clothes, np.random.default_rng(0))
    assert made.shape == (200, 1, 28, 28)
    assert 0 <= made.min() <= made.max() <= 1
    for label in (0, 1):
        mean = clothes.floats()[clothes.labels == label].mean(0)
        assert np.abs(made[100 * label : 100 * label + 100].mean(0) - mean).mean() < 0.06


def test_principal_components_keep_more_than_the_mean(clothes):
    pictures = clothes.floats()
    kept = principal_components(pictures[:50], pictures[50:])
    assert kept.shape == (50, 1, 28, 28)
    assert ((kept - pictures[:50]) ** 2).mean() < ((pictures[50:].mean(0) - pictures[:50]) ** 2).mean() / 2


def test_results_are_kept_in_order_and_make_a_page(tmp_path, monkeypatch):
    monkeypatch.setattr(generators, "RESULTS", tmp_path / "generators.json")
    monkeypatch.setattr(generated, "RESULTS", tmp_path / "generators.json")
    monkeypatch.setattr(generated, "PICTURES", tmp_path)
    monkeypatch.setattr(generated, "FIGURE", tmp_path / "minutes.png")
    assert generated.section() == ""
    losses = tmp_path / "losses.jsonl"
    lines = [
        {"step": 1, "loss": 3.0},
        {"step": 2, "distance": 8.5, "nothing": 9},
        {"step": 8, "distance": 2, "nothing": 9},
    ]
    losses.write_text("".join(json.dumps(line) + "\n" for line in lines))
    scores = curve(losses, 12)
    assert scores == [[3, 8.5], [12, 2]]
    monkeypatch.setattr(generators, "baselines", lambda: {"real pictures": {"FID": 0.25, "new": 1.0}})
    record("clothes-vae", {"FID": 20.0}, 12.04, scores)
    record("clothes", {"FID": 3.123, "recall": 0.5}, 31, scores)
    Image.new("RGB", (3, 3)).save(tmp_path / "generated-clothes.png")
    page = generated.section()
    assert "| real pictures |  | 0.25 |  |  |  |  | 1.00 |  |\n| clothes | 31.0 | 3.12 |" in page
    assert page.index("| clothes |") < page.index("| clothes-vae | 12.0 | 20.00 |")
    assert "pictures/generated-clothes.png" in page
    assert "generated-clothes-vae" not in page
    with Image.open(tmp_path / "minutes.png") as figure:
        assert figure.width > 500


def test_a_pause_is_no_time_of_training(tmp_path):
    for number, second in enumerate((100, 160, 220, 9000, 9060), start=1):
        path = tmp_path / f"{number:03}.png"
        path.touch()
        os.utime(path, (second, second))
    assert minutes_of(tmp_path) == pytest.approx(5)


def test_unknown_names(tmp_path):
    with pytest.raises(SystemExit, match="there is no training or file cloths; choose from clothes, clothes-latent"):
        main(tmp_path, ["cloths"])
