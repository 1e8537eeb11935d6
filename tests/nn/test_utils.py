"""Tests of gradient clipping, and of parameters as a vector."""

import numpy as np
import pytest

import minicnn
from minicnn import AutogradError, ShapeError, nn


def parameters(*gradients: list[float]) -> list[nn.Parameter]:
    made = [nn.Parameter(minicnn.zeros(len(g))) for g in gradients]
    for p, g in zip(made, gradients, strict=True):
        p.grad = minicnn.tensor(g)
    return made


def gradients(made: list[nn.Parameter]) -> list[float]:
    return [value for p in made for value in p.grad.tolist()]


def test_gradients_are_scaled_together_to_the_norm():
    made = [*parameters([3.0], [0.0, 4.0]), nn.Parameter(minicnn.zeros(1))]  # the last has no gradient
    assert nn.utils.clip_grad_norm_(made, 1.0).item() == 5
    np.testing.assert_allclose(gradients(made[:2]), [0.6, 0, 0.8], rtol=1e-5)


def test_small_gradients_stay():
    made = parameters([3.0], [4.0])
    nn.utils.clip_grad_norm_(iter(made), 10.0)
    assert gradients(made) == [3, 4]


@pytest.mark.parametrize(("norm_type", "norm"), [(1, 7), (float("inf"), 4), (3, 91 ** (1 / 3))])
def test_other_norms(norm_type, norm):
    made = parameters([3.0], [-4.0])
    assert nn.utils.clip_grad_norm_(made, norm / 2, norm_type).item() == pytest.approx(norm)
    np.testing.assert_allclose(gradients(made), [1.5, -2], rtol=1e-5)


def test_one_parameter_and_none():
    (p,) = parameters([2.0])
    nn.utils.clip_grad_norm_(p, 1.0)
    assert p.grad.item() == pytest.approx(1)
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0


def test_values_are_limited():
    made = parameters([3.0, -0.5], [-4.0])
    nn.utils.clip_grad_value_(made, 1.0)
    assert gradients(made) == [1, -0.5, -1]


def test_vectors_go_round():
    net, other = nn.Linear(2, 3), nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (9,)
    nn.utils.vector_to_parameters(vector, other.parameters())
    assert other.weight.tolist() == net.weight.tolist()
    assert other.bias.tolist() == net.bias.tolist()
    assert other.weight.requires_grad


def test_messages():
    (p,) = parameters([float("nan")])
    with pytest.raises(AutogradError, match=r"clip_grad_norm_: the norm of the gradients is nan; .*detect_anomaly"):
        nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
    with pytest.raises(ShapeError, match=r"vector_to_parameters: the parameters hold 1 numbers, the vector is \(2,\)"):
        nn.utils.vector_to_parameters(minicnn.zeros(2), [p])
