"""Tests of the trained models that come with minicnn: small, complete, and of use for unseen photos."""

import numpy as np
import pytest

from minicnn.imaging import HELD_OUT_PHOTOS, TASKS, centre_crop, load_photo, psnr
from minicnn.imaging.editing import edit, load_editor, trained_models
from minicnn.imaging.learning import first_guess

MODELS = trained_models()
GAIN = {  # dB
    "denoise": 6,
    "enlarge-x2": 0.5,
    "enlarge-x3": 0.4,
    "deblur": 1,
    "clean-jpeg": 0.3,
    "inpaint": 0.5,
    "colourise": 0.1,
}


def test_all_models_together_are_small():
    sizes = [path.stat().st_size for path in MODELS.values()]
    assert MODELS.keys() == GAIN.keys() == TASKS.keys()
    assert max(sizes) < 1e6
    assert sum(sizes) < 6e6


@pytest.mark.parametrize("name", MODELS)
def test_a_model_tells_what_it_does_and_how_it_was_made(name):
    editor = load_editor(name)
    assert editor.about["task"] == name
    assert editor.about["summary"] == TASKS[name].summary
    assert editor.about["recipe"].startswith(f"--task {name} ")
    assert editor.about["results"]
    assert {t.dtype for t in editor.model.state_dict().values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", MODELS)
def test_an_unseen_photo_becomes_better(name):
    pytest.importorskip("skimage")
    model, task = load_editor(name).model, TASKS[name]
    gains = []
    for index, photo in enumerate(HELD_OUT_PHOTOS):
        clean = centre_crop(load_photo(photo), 192)
        spoilt, target = task(np.ascontiguousarray(clean), np.random.default_rng(index))
        inside = task.inside(spoilt)
        before, after = (psnr(y[inside], target[inside]) for y in (first_guess(spoilt, model), edit(model, spoilt)))
        gains.append(after - before)
    assert np.mean(gains) > GAIN[name]
    assert min(gains) > 0 or name == "colourise"  # an experiment: wrong colours are worse than none
