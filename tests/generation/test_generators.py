"""Tests of trained generators: files, labels, batches, walks."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError, CheckpointError, DataError
from minicnn.generation import generators as module
from minicnn.generation.generators import Generator, load_generator, save_generator, spherical_mean
from minicnn.imaging.editing import save_editor
from minicnn.models import VAE, FlowMatching, ResidualEditor

NAMES = ["Shirt", "T-shirt", "Ankle boot"]


@pytest.fixture
def generator():
    minicnn.manual_seed(0)
    return Generator(VAE(size=8, width=4, latent=3, classes=3).eval(), {"classes": NAMES})


def test_a_file_goes_round(generator, tmp_path, monkeypatch):
    save_generator(tmp_path / "model.safetensors", generator.model, classes=NAMES)
    found = load_generator(tmp_path / "model.safetensors")
    assert found.classes == NAMES
    np.testing.assert_array_equal(found.sample(4, seed=3), generator.sample(4, seed=3))
    monkeypatch.setattr(module, "TRAINED", tmp_path)
    assert load_generator("model").classes == NAMES


def test_files_that_are_no_generators(tmp_path):
    with pytest.raises(CheckpointError, match="there is no file 'shoes', and no trained model of this name"):
        load_generator("shoes")
    save_editor(tmp_path / "editor.safetensors", ResidualEditor(width=4, blocks=1))
    with pytest.raises(CheckpointError, match="holds ResidualEditor, which cannot generate pictures"):
        load_generator(tmp_path / "editor.safetensors")
    with pytest.raises(CheckpointError):
        load_generator(tmp_path / "none.safetensors")


def test_batches_change_nothing(generator, monkeypatch):
    together = generator.sample(7, seed=1)
    assert together.shape == (7, 1, 8, 8)
    monkeypatch.setattr(module, "BATCH", 3)
    counted = []
    apart = generator.sample(7, seed=1, progress=counted.append)
    assert counted == [3, 3, 1]
    np.testing.assert_allclose(apart, together, atol=1e-6)
    np.testing.assert_allclose(generator.sample(4, seed=1), together[:4], atol=1e-6)
    assert np.abs(generator.sample(7, seed=2) - together).max() > 1e-3


def test_without_labels_the_classes_follow_each_other(generator):
    labels = np.array([0, 1, 2, 0, 1])
    np.testing.assert_array_equal(generator.sample(5), generator.sample(5, labels))


def test_a_label_has_a_number_or_a_part_of_a_name(generator):
    assert [generator.label(n) for n in ("1", "shirt", "T-shirt", "boot")] == [1, 0, 1, 2]
    with pytest.raises(DataError, match="label 't' fits Shirt, T-shirt, Ankle boot; the classes are Shirt"):
        generator.label("t")
    for wrong in ("3", "dress"):
        with pytest.raises(DataError, match=f"label '{wrong}' fits no class; the classes are Shirt, T-shirt, Ankle"):
            generator.label(wrong)
    numbers = Generator(generator.model, {"classes": ["1", "10", "2"]})
    assert [numbers.label(n) for n in ("1", "10", "2", "0")] == [0, 1, 2, 0]
    with pytest.raises(DataError, match="label '0': the model has no classes; leave the label out"):
        Generator(VAE(size=8, width=4), {}).label("0")


def test_options_that_the_model_does_not_have(generator):
    with pytest.raises(ArgumentError, match="VAE has no option 'steps'; it has none"):
        generator.sample(1, steps=5)
    flow = Generator(FlowMatching(size=8, width=8).eval(), {})
    with pytest.raises(ArgumentError, match="FlowMatching has no option 'eta'; it has steps, method, guidance, start"):
        flow.sample(1, eta=0.5)
    with pytest.raises(ArgumentError, match="count must be at least 1, got 0"):
        generator.sample(0)


def test_a_walk_between_two_noises_keeps_their_length():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 1, 30, 30)).astype(np.float32)
    np.testing.assert_allclose(spherical_mean(a, b, 0), a, atol=1e-5)
    np.testing.assert_allclose(spherical_mean(a, b, 1), b, atol=1e-5)
    middle = spherical_mean(a, b, 0.5)
    assert np.linalg.norm(middle) == pytest.approx(np.linalg.norm(a), rel=0.1)
    np.testing.assert_allclose(spherical_mean(a, a, 0.3), a, atol=1e-5)
    np.testing.assert_array_equal(spherical_mean(0 * a, 0 * a, 0.3), 0 * a)
