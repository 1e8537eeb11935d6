"""Tests of initialisers: bounds, variances and error messages."""

from math import sqrt

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError, ShapeError, nn
from minicnn.nn import init

SHAPE = (40, 30, 3, 3)  # fan_in 270, fan_out 360


def values(fill) -> np.ndarray:
    minicnn.manual_seed(1)
    parameter = nn.Parameter(minicnn.zeros(SHAPE))
    assert fill(parameter) is parameter
    return parameter.detach().numpy()


@pytest.mark.parametrize(
    ("fill", "low", "high"),
    [
        (lambda t: init.uniform_(t, -2, 5), -2, 5),
        (init.uniform_, 0, 1),
        (lambda t: init.xavier_uniform_(t, gain=2), -2 * sqrt(6 / 630), 2 * sqrt(6 / 630)),
        (init.kaiming_uniform_, -sqrt(6 / 270), sqrt(6 / 270)),
        (lambda t: init.kaiming_uniform_(t, a=sqrt(5)), -1 / sqrt(270), 1 / sqrt(270)),
        (lambda t: init.kaiming_uniform_(t, mode="fan_out", nonlinearity="linear"), -sqrt(3 / 360), sqrt(3 / 360)),
    ],
)
def test_uniform_ones_fill_their_range(fill, low, high):
    x = values(fill)
    assert low <= x.min() < low + 0.001 * (high - low)
    assert high - 0.001 * (high - low) < x.max() <= high
    assert x.std() == pytest.approx((high - low) / sqrt(12), rel=0.02)


@pytest.mark.parametrize(
    ("fill", "mean", "std"),
    [
        (lambda t: init.normal_(t, 3, 2), 3, 2),
        (init.xavier_normal_, 0, sqrt(2 / 630)),
        (init.kaiming_normal_, 0, sqrt(2 / 270)),
        (lambda t: init.kaiming_normal_(t, 0.5, "fan_out"), 0, sqrt(2 / 1.25 / 360)),
        (lambda t: init.trunc_normal_(t, std=0.02), 0, 0.02),
        (init.trunc_normal_, 0, 0.8796),  # standard deviation of a normal distribution truncated at ±2
    ],
)
def test_normal_ones_have_their_mean_and_deviation(fill, mean, std):
    x = values(fill)
    assert x.mean() == pytest.approx(mean, abs=6 * std / sqrt(x.size))
    assert x.std() == pytest.approx(std, rel=0.03)


def test_a_truncated_one_stays_inside():
    x = values(lambda t: init.trunc_normal_(t, 0.5, 1, -1, 1))
    assert -1 <= x.min() < -0.99
    assert 0.99 < x.max() <= 1


def test_constants():
    assert set(values(lambda t: init.constant_(t, 0.25)).flat) == {0.25}
    assert set(values(init.ones_).flat) == {1}
    assert set(values(init.zeros_).flat) == {0}


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (4, 2, 3), (5, 5)])
def test_orthogonal_rows_or_columns(shape):
    w = init.orthogonal_(minicnn.zeros(shape, dtype=minicnn.float64), gain=3).numpy().reshape(shape[0], -1)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, 9 * np.eye(len(gram)), atol=1e-12)


def test_gains():
    expected = {
        "linear": 1,
        "conv2d": 1,
        "conv_transpose3d": 1,
        "sigmoid": 1,
        "tanh": 5 / 3,
        "relu": sqrt(2),
        "selu": 0.75,
    }
    assert {name: init.calculate_gain(name) for name in expected} == expected
    assert init.calculate_gain("leaky_relu") == sqrt(2 / 1.0001)
    assert init.calculate_gain("leaky_relu", 1.0) == 1


def test_element_type_and_gradient_flag_stay():
    p = init.trunc_normal_(nn.Parameter(minicnn.zeros(3, 4, dtype=minicnn.float64)))
    assert p.dtype == minicnn.float64
    assert p.requires_grad
    assert p.is_leaf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: init.kaiming_uniform_(minicnn.zeros(3)),
            r"need a weight of at least 2 axes, \(F, C, ...\), got \(3,\)",
        ),
        (lambda: init.orthogonal_(minicnn.zeros(3)), "at least 2 axes"),
        (lambda: init.kaiming_normal_(minicnn.zeros(3, 3), mode="in"), "mode must be 'fan_in' or 'fan_out', got 'in'"),
        (lambda: init.calculate_gain("swish"), "nonlinearity must be one of linear, .* leaky_relu, selu, got 'swish'"),
        (lambda: init.calculate_gain("leaky_relu", True), "calculate_gain: param must be a number, got True"),
        (lambda: init.trunc_normal_(minicnn.zeros(3), a=9, b=8), r"trunc_normal_: a must be at most b .* got \[9, 8\]"),
        (lambda: init.uniform_(minicnn.zeros(3), 2, 1), "uniform_: a must be at most b, got 2 and 1"),
        (lambda: init.normal_(minicnn.zeros(3), 0, -1), "normal_: std must be at least 0, got -1"),
        (lambda: init.eye_(minicnn.zeros(3)), r"eye_: the tensor must have 2 axes, got \(3,\)"),
        (lambda: init.dirac_(minicnn.zeros(3, 2, 3), 2), r"dirac_: the tensor must be .* groups=2, got \(3, 2, 3\)"),
        (lambda: init.sparse_(minicnn.zeros(3, 3), 1.5), "sparse_: sparsity must be from 0 to 1 .* got 1.5"),
    ],
)
def test_messages(call, message):
    with pytest.raises((ArgumentError, ShapeError), match=message):
        call()


@pytest.mark.parametrize("name", sorted(name for name in init.__all__ if f"{name}_" in init.__all__))
def test_older_names_warn_and_do_the_same(name):
    arguments = {"sparse": (0.5,), "constant": (3.0,)}.get(name, ())
    shape, results = ((3, 4, 5) if name == "dirac" else (3, 4)), []
    for function in (getattr(init, name), getattr(init, f"{name}_")):
        minicnn.manual_seed(0)
        if function.__name__ == name:
            with pytest.warns(FutureWarning, match=f"^{name} is an older name of {name}_$"):
                results.append(function(minicnn.zeros(shape), *arguments).tolist())
        else:
            results.append(function(minicnn.zeros(shape), *arguments).tolist())
    assert results[0] == results[1]


def test_a_dirac_weight_passes_the_channels():
    x = minicnn.randn(2, 4, 6, 7)
    w = init.dirac_(minicnn.empty(4, 4, 3, 5))
    assert nn.functional.conv2d(x, w, padding=(1, 2)).tolist() == x.tolist()
    w = init.dirac_(minicnn.empty(4, 2, 3, 3), groups=2)
    assert nn.functional.conv2d(x, w, padding=1, groups=2).tolist() == x.tolist()


@pytest.mark.parametrize(
    ("interval", "mean", "std"),
    [  # of the truncated normal distribution, from scipy.stats.truncnorm
        ((3.0, 9.0), 3.28309865, 0.26562979),
        ((-0.1, 0.2), 0.04962613, 0.08647219),
        ((-60.0, -50.0), -50.01998403, 0.01997607),
    ],
)
def test_narrow_and_far_intervals_have_the_moments_of_the_distribution(interval, mean, std):
    x = init.trunc_normal_(minicnn.empty(40_000, dtype=minicnn.float64), 5.0, 2.0, *(5 + 2 * v for v in interval))
    z = (x.numpy() - 5) / 2
    assert interval[0] <= z.min()
    assert z.max() <= interval[1]
    np.testing.assert_allclose(z.mean(), mean, atol=std / 30)
    np.testing.assert_allclose(z.std(), std, rtol=0.03)
