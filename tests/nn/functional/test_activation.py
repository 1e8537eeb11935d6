"""Tests of in-place activations: the tensor changes, and gradients are correct for the new value.

tests/ops/test_activation.py tests the values, tests/test_signatures.py the default arguments.
"""

import numpy as np
import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn.errors import AutogradError


@pytest.mark.parametrize("function", [F.relu, F.leaky_relu, F.elu, F.silu])
def test_in_place_gives_the_same_values_and_gradients(function):
    x = minicnn.tensor(np.linspace(-2, 2, 7), requires_grad=True)
    expected = function(x * 1.5)
    (gradient,) = minicnn.autograd.grad(expected.sum(), x)
    inside = x * 1.5
    result = function(inside, inplace=True)
    assert result is inside
    np.testing.assert_array_equal(inside.detach().numpy(), expected.detach().numpy())
    np.testing.assert_allclose(minicnn.autograd.grad(inside.sum(), x)[0].numpy(), gradient.numpy())


def test_a_leaf_cannot_be_changed_while_recording():
    with pytest.raises(AutogradError, match="a leaf that requires a gradient, or a view of it, cannot be modified"):
        F.relu(minicnn.zeros(3, requires_grad=True), inplace=True)
