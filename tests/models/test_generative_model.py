"""Tests that hold for every generative model, from the list of methods."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError, ShapeError
from minicnn.generation.methods import METHODS
from minicnn.models import GenerativeModel, build

FEW = {"flow": {"steps": 2}, "latent-flow": {"steps": 2}, "ddpm": {"steps": 2}}
SMALL = {"autoencoder": {"latent": 4}, "vae": {"latent": 4}, "dcgan": {"latent": 4}}


def make(name, channels=1, size=8, classes=0, seed=0):
    minicnn.manual_seed(seed)
    return METHODS[name].build(channels, size, classes, width=8, **SMALL.get(name, {}))


def kinds(name):
    return [0, 3] if METHODS[name].takes_labels else [0]


CASES = [(name, classes) for name in METHODS for classes in kinds(name)]


def labels_for(model, count=4):
    return minicnn.tensor(np.arange(count) % model.classes) if model.classes else None


@pytest.mark.parametrize(("name", "classes"), CASES)
@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 16)])
def test_losses_reach_every_parameter_and_samples_are_pictures(name, classes, channels, size):
    model = make(name, channels, size, classes)
    with minicnn.no_grad():
        for p in model.parameters():  # layers that begin as zeros stop the gradients of others
            p.add_(0.05 * minicnn.randn(*p.shape))
    losses = model.losses(minicnn.rand(4, channels, size, size), labels_for(model))
    assert next(iter(losses)) == "loss"
    assert all(np.isfinite(value.item()) for value in losses.values())
    assert not any(value.requires_grad for name, value in losses.items() if name != "loss")
    losses["loss"].backward()
    assert all(p.grad is not None and np.isfinite(p.grad.numpy()).all() for p in model.parameters())
    model.eval()
    pictures = model.sample(4, labels_for(model), **FEW.get(name, {}))
    assert pictures.shape == (4, channels, size, size)
    assert not pictures.requires_grad
    if name != "autoencoder":
        assert 0 <= pictures.min().item() <= pictures.max().item() <= 1


@pytest.mark.parametrize(("name", "classes"), CASES)
def test_pictures_of_a_batch_do_not_depend_on_each_other(name, classes):
    model = make(name, classes=classes).eval()
    labels, noise = labels_for(model), model.noise(4)
    together = model.generate(noise, labels, **FEW.get(name, {})).numpy()
    for i in range(4):
        label = None if labels is None else labels[i : i + 1]
        alone = model.generate(noise[i : i + 1], label, **FEW.get(name, {})).numpy()
        np.testing.assert_allclose(together[i], alone[0], atol=2e-5)
    assert np.abs(together[0] - together[3]).max() > 1e-4


@pytest.mark.parametrize(("name", "classes"), CASES)
def test_a_model_is_built_again_from_its_arguments(name, classes):
    model = make(name, classes=classes).eval()
    other = build(type(model).__name__, model.arguments)
    other.load_state_dict(model.state_dict())
    noise = model.noise(2)
    labels = labels_for(model, 2)
    first, second = (m.eval().generate(noise, labels, **FEW.get(name, {})).numpy() for m in (model, other))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("name", "classes"), CASES)
def test_float64(name, classes):
    model = make(name, classes=classes).double()
    pictures = minicnn.rand(4, 1, 8, 8, dtype=minicnn.float64)
    loss = model.losses(pictures, labels_for(model))["loss"]
    loss.backward()
    assert loss.dtype == minicnn.float64
    options = {**FEW.get(name, {}), **({"eta": 1.0} if name == "ddpm" else {})}
    assert model.eval().sample(2, labels_for(model, 2), **options).dtype == minicnn.float64


@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name].takes_labels])
def test_labels_must_fit(name):
    model, plain = make(name, classes=3), make(name)
    pictures = minicnn.rand(4, 1, 8, 8)
    with pytest.raises(ArgumentError, match="the model has 3 classes; pass labels from 0 to 2"):
        model.losses(pictures, None)
    with pytest.raises(ArgumentError, match="the model has no classes; leave the labels out"):
        plain.losses(pictures, labels_for(model))
    with pytest.raises(ShapeError, match=r"4 pictures need labels of shape \(4,\), got \(3,\)"):
        model.losses(pictures, labels_for(model)[:3])
    if name == "flow":
        assert model.eval().sample(2, steps=2).shape == (2, 1, 8, 8)  # of any class
    else:
        with pytest.raises(ArgumentError, match="the model has 3 classes"):
            model.eval().sample(2, **FEW.get(name, {}))
    with pytest.raises(ArgumentError, match="leave the labels out"):
        plain.eval().sample(2, labels_for(model)[:2], **FEW.get(name, {}))


@pytest.mark.parametrize("name", METHODS)
def test_arguments_are_checked(name):
    with pytest.raises(
        ArgumentError, match=f"{METHODS[name].model.__name__}: channels must be a positive integer, got 0"
    ):
        METHODS[name].build(0, 8, 0)
    with pytest.raises(ArgumentError, match=r"width must be a positive integer, got 8\.0"):
        METHODS[name].build(1, 8, 0, width=8.0)
    with pytest.raises(ArgumentError, match="classes must be an integer of at least 0, got -1"):
        METHODS[name].build(1, 8, -1)


def test_a_subclass_must_define_losses_and_generate():
    model = GenerativeModel(channels=1, size=8, classes=0)
    with pytest.raises(NotImplementedError):
        model.losses(minicnn.zeros(1, 1, 8, 8), None)
    with pytest.raises(NotImplementedError):
        model.generate(minicnn.zeros(1, 1, 8, 8))
