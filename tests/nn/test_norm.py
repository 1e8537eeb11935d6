"""Tests of normalisation layers: running statistics by hand, and error messages. See also test_against_torch.py."""

import numpy as np
import pytest

import minicnn
from minicnn import ShapeError, nn


def test_the_biased_variance_normalises_and_the_unbiased_one_is_tracked():
    net = nn.BatchNorm1d(1, eps=1e-300)
    y = net(minicnn.tensor([[1.0], [3.0]]))  # mean 2, biased variance 1, unbiased variance 2
    assert y.tolist() == [[-1], [1]]
    assert net.running_mean.item() == pytest.approx(0.9 * 0 + 0.1 * 2)
    assert net.running_var.item() == pytest.approx(0.9 * 1 + 0.1 * 2)
    assert net.num_batches_tracked.item() == 1


def test_without_momentum_the_statistics_are_the_mean_over_all_batches():
    net = nn.BatchNorm1d(1, momentum=None)
    for mean in (1.0, 2.0, 6.0):
        net(minicnn.tensor([[mean - 1], [mean + 1]]))
    assert net.running_mean.item() == pytest.approx(3)
    assert net.running_var.item() == pytest.approx(2)


def test_use_leaves_the_statistics_alone():
    net = nn.BatchNorm2d(2).eval()
    net(minicnn.rand(4, 2, 3, 3))
    assert net.running_mean.tolist() == [0, 0]
    assert net.num_batches_tracked.item() == 0


def test_reset():
    net = nn.BatchNorm2d(2)
    net(minicnn.rand(4, 2, 3, 3))
    net.weight.data.fill_(3)
    net.reset_parameters()
    assert net.running_mean.tolist() == [0, 0]
    assert net.running_var.tolist() == net.weight.tolist() == [1, 1]
    assert net.num_batches_tracked.item() == 0


def test_a_saved_model_normalises_alike():
    net, other, x = nn.BatchNorm2d(2), nn.BatchNorm2d(2), minicnn.rand(4, 2, 3, 3)
    net(x)
    other.load_state_dict(net.state_dict())
    np.testing.assert_array_equal(net.eval()(x).detach().numpy(), other.eval()(x).detach().numpy())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.BatchNorm2d(0), "BatchNorm2d: num_features must be an integer >= 1, got 0"),
        (lambda: nn.BatchNorm2d(3)(minicnn.ones(2, 3)), r"BatchNorm2d: input must have 4 axes, got \(2, 3\)"),
        (lambda: nn.BatchNorm1d(3)(minicnn.ones(2, 3, 4, 4)), r"BatchNorm1d: input must have 2 or 3 axes, got"),
        (
            lambda: nn.BatchNorm2d(3)(minicnn.ones(2, 4, 5, 5)),
            r"BatchNorm2d: input has 4 channels but the layer has num_features=3; input is \(2, 4, 5, 5\)",
        ),
        (lambda: nn.InstanceNorm2d(3)(minicnn.ones(4, 5, 5)), "InstanceNorm2d: input has 4 channels but the layer has"),
        (lambda: nn.InstanceNorm2d(3)(minicnn.ones(4, 5)), "InstanceNorm2d: input must have 3 or 4 axes"),
        (
            lambda: nn.GroupNorm(3, 4),
            "GroupNorm: num_channels=4 cannot be split into groups=3; groups that fit: 1, 2, 4",
        ),
        (lambda: nn.LayerNorm((3, 0)), "LayerNorm: normalized_shape must be an integer >= 1, got 0"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ShapeError, match=message):
        call()
