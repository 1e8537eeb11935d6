"""Tests of parameters as one vector."""

import pytest

import minicnn
from minicnn import ShapeError, nn


def test_vectors_go_round():
    net, other = nn.Linear(2, 3), nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (9,)
    nn.utils.vector_to_parameters(vector, other.parameters())
    assert other.weight.tolist() == net.weight.tolist()
    assert other.bias.tolist() == net.bias.tolist()
    assert other.weight.requires_grad


def test_a_vector_of_another_size_is_an_error():
    p = nn.Parameter(minicnn.zeros(1))
    with pytest.raises(ShapeError, match=r"vector_to_parameters: the parameters hold 1 numbers, the vector is \(2,\)"):
        nn.utils.vector_to_parameters(minicnn.zeros(2), [p])
