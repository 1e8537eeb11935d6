"""Tests of the steps from noise to pictures with exact networks, and of the loss."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.models import DDPM
from minicnn.models.ddpm import TIMES, _amounts


def with_network(function, channels=1, size=4):
    """Return a DDPM whose network sees the noise as a function (x, ā) tells."""
    model = DDPM(channels=channels, size=size, width=8).eval()

    def seen(x, a):
        noise = function(x, a)
        return a**0.5 * noise - (1 - a) ** 0.5 * (x - (1 - a) ** 0.5 * noise) / a**0.5

    model.network.guided = lambda x, t, labels, guidance: seen(x, model.amounts[round(float(t[0].item()) * TIMES)])
    return model


def test_the_amounts_fall_from_one_to_nearly_zero():
    a = np.array(_amounts())
    assert len(a) == TIMES + 1
    assert a[0] == 1
    assert a[-1] <= 1e-3
    assert (np.diff(a) <= 0).all()
    assert a[TIMES // 2] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 10, 50])
def test_a_network_that_knows_the_picture_finds_it(eta, steps):
    picture = np.random.default_rng(0).random((1, 1, 4, 4)).astype(np.float32)
    x0 = minicnn.tensor(2 * picture - 1)
    model = with_network(lambda x, a: (x - a**0.5 * x0) / (1 - a) ** 0.5)
    made = model.generate(minicnn.randn(3, 1, 4, 4), steps=steps, eta=eta).numpy()
    np.testing.assert_allclose(made, picture.repeat(3, axis=0), atol=1e-5)


@pytest.mark.parametrize(("eta", "steps"), [(1.0, 200), (0.0, 50)])
def test_normal_pictures_keep_their_deviation(eta, steps):
    deviation = 0.2  # of normal pixels with mean 0, for which the best network is linear
    model = with_network(lambda x, a: x * (1 - a) ** 0.5 / (a * deviation**2 + 1 - a))
    minicnn.manual_seed(0)
    made = 2 * model.generate(minicnn.randn(200, 1, 4, 4), steps=steps, eta=eta).numpy() - 1
    assert made.mean() == pytest.approx(0, abs=0.02)
    assert made.std() == pytest.approx(deviation, rel=0.08)


def test_ddim_draws_no_new_noise():
    model = with_network(lambda x, a: x * 0.5)
    noise = minicnn.randn(1, 1, 4, 4)
    first, second, third = (model.generate(noise, steps=5, eta=eta).numpy() for eta in (0.0, 0.0, 1.0))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - third).max() > 1e-3


def test_the_loss_is_that_of_a_mixture_of_noise_and_picture():
    model = DDPM(size=8, width=8)
    minicnn.manual_seed(0)
    loss = model.losses(minicnn.full((2000, 1, 8, 8), 0.75))["loss"].item()  # the network begins as 0
    left = np.array(_amounts()[1:]).mean()
    assert loss == pytest.approx(left + (1 - left) * 0.25, rel=0.03)


def test_mistakes():
    model = DDPM(size=8, width=8).eval()
    for options in ({"steps": 0}, {"steps": 1001}, {"eta": -0.1}, {"eta": 1.1}):
        with pytest.raises(ArgumentError, match="DDPM: steps must be from 1 to 1000 and eta from 0 to 1, got"):
            model.sample(1, **options)
