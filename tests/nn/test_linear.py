"""Tests of Linear (initialisation, error messages) and of the layers that change shapes."""

from math import sqrt

import pytest

import minicnn
from minicnn import ShapeError, nn


def test_weight_and_bias_start_uniform_within_one_over_root_in_features():
    minicnn.manual_seed(0)
    net = nn.Linear(100, 300)
    assert 0.0999 < abs(net.weight.detach().numpy()).max() <= 0.1
    assert net.weight.detach().numpy().std() == pytest.approx(0.1 / sqrt(3), rel=0.02)
    assert 0.09 < abs(net.bias.detach().numpy()).max() <= 0.1


def test_reset_parameters_draws_again():
    net = nn.Linear(3, 4)
    before = net.weight.tolist()
    net.reset_parameters()
    assert net.weight.tolist() != before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Linear(0, 3), "Linear: in_features must be an integer >= 1, got 0"),
        (lambda: nn.Linear(3, "4"), "Linear: out_features must be an integer >= 1, got '4'"),
        (
            lambda: nn.Linear(3, 4)(minicnn.ones(2, 5)),
            r"must be in_features = 3; input is \(2, 5\), weight is \(4, 3\)",
        ),
        (lambda: nn.Unflatten(1, (2, 2))(minicnn.ones(2, 5)), r"\(2, 5\) holds 10 elements and does not fit"),
        (lambda: nn.Flatten(2)(minicnn.ones(2, 5)), "flatten: dim=2 is out of range"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ShapeError, match=message):
        call()
