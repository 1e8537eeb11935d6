"""Tests of the training of generators: it learns, keeps the best, resumes exactly, and tells of a collapse."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest

import minicnn
from minicnn.data import read_image
from minicnn.generation import learning
from minicnn.generation.generators import load_generator
from minicnn.generation.learning import GenerativeTrainer, PixelComponents, fit, trainer_for
from minicnn.generation.methods import METHODS
from minicnn.generation.pictures import PictureSet

# enough for even pictures of a bar
STEPS = {"flow": 200, "latent-flow": 200, "ddpm": 300, "dcgan": 400, "vae": 200, "autoencoder": 200}
RATES = {"dcgan": 2e-3}


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(learning, "WATCHED", 48)


def bars(count=200, seed=0):
    """Return pictures of a light bar: standing ones of class 0, lying ones of class 1."""
    rng = np.random.default_rng(seed)
    labels, places = rng.integers(0, 2, count), rng.integers(0, 7, count)
    pictures = np.full((count, 1, 8, 8), 30, np.uint8)
    for picture, label, place in zip(pictures, labels, places, strict=True):
        picture[0][(slice(None), slice(place, place + 2)) if label == 0 else (slice(place, place + 2),)] = 220
    return PictureSet(pictures, labels.astype(np.int64), ("standing", "lying"))


def train(name, folder, steps=200, pictures=None, *, rate=None, **options):
    method = METHODS[name]
    pictures = bars() if pictures is None else pictures
    if not method.takes_labels:
        pictures = PictureSet(pictures.pictures)
    recipe = replace(method.recipe, steps=steps, batch_size=16, **({"learning_rate": rate} if rate else {}))
    minicnn.manual_seed(0)
    model = method.build(1, 8, len(pictures.classes), width=8)
    history = fit(method, model, pictures, pictures.part(slice(0, 70)), recipe, folder, bar=False, **options)
    return model, history


@pytest.mark.long
@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns(name, tmp_path):
    model, history = train(name, tmp_path, STEPS[name], rate=RATES.get(name, 4e-3), about={"method": name})
    scores = history.values(METHODS[name].metric)
    assert len(scores) == STEPS[name] // 100
    assert min(scores) < (0.8 if name == "dcgan" else 0.6) * history.values("nothing")[0]
    saved = load_generator(tmp_path / "model.safetensors")
    assert saved.about["method"] == name
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), saved.model.state_dict()[key].numpy())
    shown = read_image(tmp_path / "samples" / "001.png")
    assert shown.shape[0] == 3
    assert min(shown.shape[1:]) > 16
    parts = json.loads((tmp_path / "losses.jsonl").read_text().splitlines()[0])
    assert {"vae": {"error", "divergence"}, "dcgan": {"generator", "discriminator"}}.get(name, set()) <= parts.keys()


@pytest.mark.long
def test_labels_are_learned(tmp_path):
    train("flow", tmp_path, 300, rate=4e-3)
    made = load_generator(tmp_path / "model.safetensors").sample(40, np.arange(40) % 2)
    lines = np.stack([made.mean((1, 2)).std(1), made.mean((1, 3)).std(1)])  # of the columns, of the rows
    standing = lines[0] > lines[1]
    assert (standing == (np.arange(40) % 2 == 0)).mean() > 0.8


def test_samples_have_the_shares_of_the_classes(tmp_path, monkeypatch):
    asked = []
    sample = learning.Generator.sample

    def remember(self, count, labels=None, **options):
        asked.append(labels)
        return sample(self, count, labels, **options)

    monkeypatch.setattr(learning.Generator, "sample", remember)
    pictures = bars(400)
    rare = np.flatnonzero(pictures.labels == 1)[20:]
    train("vae", tmp_path, 100, pictures.part(np.setdiff1d(np.arange(400), rare)))
    real = pictures.labels[np.setdiff1d(np.arange(400), rare)][:70]
    assert abs((asked[0] == 1).mean() - (real == 1).mean()) < 0.15
    assert asked[1] is None  # the pictures that are shown: all classes in turn


def test_the_best_network_is_kept(tmp_path, monkeypatch):
    scores = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(learning, "frechet_distance", lambda *_: next(scores))
    states = []
    monkeypatch.setattr(learning, "save_generator", lambda path, model, **about: states.append(about))
    with pytest.raises(Exception, match=r"model\.safetensors"):
        train("vae", tmp_path, 300)
    assert len(states) == 2  # after the first and the second epoch


def test_after_ctrl_c_the_result_is_the_same_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr("minicnn.training.recipe.EPOCH_STEPS", 4)
    _, straight = train("dcgan", tmp_path / "straight", 12)
    compute_loss = GenerativeTrainer.compute_loss

    def press(trainer, batch):
        if trainer.step == 6:
            signal.raise_signal(signal.SIGINT)
        return compute_loss(trainer, batch)

    monkeypatch.setattr(GenerativeTrainer, "compute_loss", press)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        train("dcgan", tmp_path / "stopped", 12)
    signal.signal(signal.SIGINT, before)
    monkeypatch.setattr(GenerativeTrainer, "compute_loss", compute_loss)
    _, resumed = train("dcgan", tmp_path / "stopped", 12, resume=True)
    assert straight.values("loss") == resumed.values("loss")
    for name in ("model.safetensors", "losses.jsonl", "samples/003.png"):
        assert (tmp_path / "straight" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes()


def test_a_collapse_is_said_once(tmp_path, monkeypatch):
    model = METHODS["vae"].model
    monkeypatch.setattr(model, "generate", lambda self, noise, labels=None: minicnn.full((len(noise), 1, 8, 8), 0.5))
    said = []
    train("vae", tmp_path, 300, say=said.append)
    assert len(said) == 1
    assert said[0].startswith("after 100 steps all samples are nearly the same picture; if this lasts")


def test_sampling_does_not_change_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr("minicnn.training.recipe.EPOCH_STEPS", 3)
    _, first = train("vae", tmp_path / "a", 6)
    monkeypatch.setattr(learning, "WATCHED", 20)
    _, second = train("vae", tmp_path / "b", 6)
    assert first.values("loss") == second.values("loss")


def test_the_learning_rate_grows_stays_and_falls():
    method = METHODS["vae"]
    model = method.build(1, 8, 0, width=4)
    recipe = replace(method.recipe, steps=100, learning_rate=0.1)
    trainer = trainer_for(method, model, recipe, [])
    rates = []
    for _ in range(100):
        rates.append(trainer.optimizer.param_groups[0]["lr"])
        trainer.optimizer.step()
        trainer.scheduler.step()
    np.testing.assert_allclose(rates[:6], [0.02, 0.04, 0.06, 0.08, 0.1, 0.1])
    assert rates[39] == pytest.approx(0.1)
    assert rates[70] == pytest.approx(0.05)
    assert rates[-1] == pytest.approx(0.1 / 60)


def test_components_keep_most_of_the_variance():
    rng = np.random.default_rng(0)
    pictures = (rng.normal(size=(100, 2)) @ rng.normal(size=(2, 16))).reshape(100, 1, 4, 4).astype(np.float32)
    components = PixelComponents(pictures, 2)
    found = components(pictures)
    assert found.shape == (100, 2)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-5)
    assert found.var(0).sum() == pytest.approx(pictures.var(0).sum(), rel=1e-4)
    assert PixelComponents(pictures[:5]).vectors.shape == (16, 2)


@pytest.mark.parametrize(("channels", "size", "numbers"), [(1, 28, 784), (3, 32, 768), (3, 64, 768), (3, 31, 675)])
def test_large_pictures_are_reduced(channels, size, numbers):
    pictures = np.random.default_rng(0).random((20, channels, size, size)).astype(np.float32)
    components = PixelComponents(pictures)
    assert components.vectors.shape == (numbers, 9)
    even = np.full((1, channels, size, size), 0.5, np.float32)
    np.testing.assert_allclose(components._rows(even), 0.5)
