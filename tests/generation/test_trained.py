"""Tests of the generators that come with minicnn."""

import numpy as np
import pytest

from minicnn.generation.generators import load_generator, trained_generators
from recipes.generators import SUMMARIES, TRAININGS

NAMES = list(trained_generators())


@pytest.mark.parametrize("name", NAMES)
def test_a_generator_tells_what_it_does_and_how_it_was_made(name):
    assert trained_generators()[name].stat().st_size < 3e6
    about = load_generator(name).about
    assert about["recipe"] == " ".join(TRAININGS[name])
    assert about["summary"] == SUMMARIES[name]
    assert about["results"]["FID"] < 15


@pytest.mark.parametrize("name", NAMES)
def test_its_pictures_differ_and_look_like_their_class(name):
    generator = load_generator(name)
    trouser, bag = generator.label("trouser"), generator.label("bag")
    made = generator.sample(16, np.repeat([trouser, bag], 8))
    assert made.shape == (16, 1, 28, 28)
    assert made.std(0).mean() > 0.05
    widths = (made[:, 0].max(1) > 0.3).sum(1)  # columns with something light
    assert widths[:8].mean() + 6 < widths[8:].mean()  # trousers are narrow
