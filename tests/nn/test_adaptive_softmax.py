"""The adaptive softmax beside what PyTorch recorded (tests/oracles/calls/sequences.py)."""

import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ArgumentError, ShapeError


def test_the_probabilities_of_all_classes_sum_to_one_and_are_those_of_the_targets():
    minicnn.manual_seed(0)
    layer, x = nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 7], 2.0), minicnn.randn(12, 8)
    table = layer.log_prob(x)
    assert minicnn.allclose(table.exp().sum(1), minicnn.ones(12), atol=1e-6)
    output, loss = layer(x, minicnn.arange(12))
    assert minicnn.allclose(output, table.diagonal(), atol=1e-6)
    assert loss.item() == pytest.approx(-output.mean().item())


def test_messages():
    with pytest.raises(ArgumentError, match=r"at least one; got \[5, 2\] for 10 classes"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 10, [5, 2])
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 10, [5], 2.0)
    with pytest.raises(ShapeError, match=r"targets must be from 0 to 9, got \[10\]"):
        layer(minicnn.ones(1, 8), minicnn.tensor([10]))
    with pytest.raises(ShapeError, match=r"give \(N, in_features\) and \(N,\), got \(2, 8\) and \(1,\)"):
        layer(minicnn.ones(2, 8), minicnn.tensor([1]))
