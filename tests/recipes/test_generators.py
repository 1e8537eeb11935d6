"""Tests of the recipe of the generators: its records, and the part of the page about them."""

import json
import os
from types import SimpleNamespace

import pytest
from PIL import Image

from recipes import generated, generators
from recipes.generators import curve, main, minutes_of, record, source_of


def test_results_are_kept_in_order_and_make_a_page(tmp_path, monkeypatch):
    monkeypatch.setattr(generators, "RESULTS", tmp_path / "generators.json")
    monkeypatch.setattr(generated, "RESULTS", tmp_path / "generators.json")
    monkeypatch.setattr(generated, "PICTURES", tmp_path)
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
    clothes = SimpleNamespace(real=range(2000), baselines={"real pictures": {"FID": 0.25, "new": 1.0}})
    record("clothes-vae", clothes, {"FID": 20.0}, 12.04, scores)
    record("clothes", clothes, {"FID": 3.123, "recall": 0.5}, 31, scores)
    record("emoji", SimpleNamespace(real=range(381), baselines={"real pictures": {"FID": 5}}), {"FID": 7}, 30, scores)
    Image.new("RGB", (3, 3)).save(tmp_path / "generated-clothes.png")
    page = generated.section()
    assert "| real pictures |  | 0.25 |  |  |  |  | 1.00 |  |\n| clothes | 31.0 | 3.12 |" in page
    assert page.index("| clothes |") < page.index("| clothes-vae | 12.0 | 20.00 |")
    assert "pictures/generated-clothes.png" in page
    assert "generated-clothes-vae" not in page
    assert page.index("| 2000 pictures |") < page.index("### Emoji") < page.index("| 381 pictures |")
    assert page.endswith("\n")
    for source in ("fashion-mnist", "emoji-pictures"):
        with Image.open(tmp_path / f"generators-{source}.png") as figure:
            assert figure.width > 500


def test_a_pause_is_no_time_of_training(tmp_path):
    for number, second in enumerate((100, 160, 220, 9000, 9060), start=1):
        path = tmp_path / f"{number:03}.png"
        path.touch()
        os.utime(path, (second, second))
    assert minutes_of(tmp_path) == pytest.approx(5)


def test_the_folder_of_emoji_is_made_first(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(generators.emoji, "main", made.append)
    assert source_of("clothes", tmp_path) == "fashion-mnist"
    assert not made
    assert source_of("emoji", tmp_path) == str(tmp_path / "emoji-pictures")
    assert made == [tmp_path / "emoji-pictures"]


def test_unknown_names(tmp_path):
    with pytest.raises(SystemExit, match="there is no training cloths; choose from clothes, clothes-latent"):
        main(tmp_path, ["cloths"])
