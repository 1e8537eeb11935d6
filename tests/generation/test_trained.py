"""Tests of the generators that come with minicnn."""

import json

import numpy as np
import pytest

from minicnn.generation.generators import load_generator, trained_generators
from recipes.generators import RESULTS, SUMMARIES, TRAININGS

NAMES = list(trained_generators())


@pytest.mark.parametrize("name", NAMES)
def test_a_generator_tells_what_it_does_and_how_it_was_made(name):
    assert trained_generators()[name].stat().st_size < 3e6
    about = load_generator(name).about
    assert about["recipe"] == " ".join(TRAININGS[name])
    assert about["summary"] == SUMMARIES[name]
    assert about["results"]["FID"] < 15
    measured = json.loads(RESULTS.read_text(encoding="utf-8")).get(TRAININGS[name][0], {"models": {}})
    if name in measured["models"]:  # the others were measured before the file was there
        assert about["results"] == measured["models"][name]["measures"]
        assert about["results"]["FID"] < measured["baselines"]["a normal distribution of each class"]["FID"]
        assert about["results"]["new"] > 0.8


@pytest.mark.parametrize("name", [name for name in NAMES if TRAININGS[name][0] == "fashion-mnist"])
def test_clothes_differ_and_look_like_their_class(name):
    generator = load_generator(name)
    trouser, bag = generator.label("trouser"), generator.label("bag")
    made = generator.sample(16, np.repeat([trouser, bag], 8))
    assert made.shape == (16, 1, 28, 28)
    assert made.std(0).mean() > 0.05
    widths = (made[:, 0].max(1) > 0.3).sum(1)  # columns with something light
    assert widths[:8].mean() + 6 < widths[8:].mean()  # trousers are narrow


def test_emoji_differ_and_look_like_their_class():
    generator = load_generator("emoji")
    people, symbols = generator.label("twitter-people"), generator.label("twitter-symbols")
    made = generator.sample(16, np.repeat([people, symbols], 8))
    assert made.shape == (16, 3, 32, 32)
    assert made.std(0).mean() > 0.05
    blue_minus_red = (made[:, 2] - made[:, 0]).mean((1, 2))
    assert blue_minus_red[:8].mean() < 0 < blue_minus_red[8:].mean()  # skin is yellow, and symbols are blue squares
