"""Tests of gradient clipping."""

import numpy as np
import pytest

import minicnn
from minicnn import AutogradError, nn


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


def test_huge_gradients_are_scaled_and_not_lost():
    """The squares overflow in float32. PyTorch's norm is infinite there, and its gradients become 0."""
    for norm_type in (2.0, 3.0, 1.0, float("inf")):
        made = parameters([3e30], [0.0, -4e30])
        total = nn.utils.clip_grad_norm_(made, 1.0, norm_type).item()
        expected = np.linalg.norm([3e30, 4e30], norm_type)
        assert total == pytest.approx(expected)
        np.testing.assert_allclose(gradients(made), np.array([3e30, 0, -4e30]) / expected, rtol=1e-5)


def test_infinite_and_missing_gradients_show():
    assert nn.utils.get_total_norm([minicnn.tensor([1.0, float("inf")])]).item() == float("inf")
    assert np.isnan(nn.utils.get_total_norm([minicnn.tensor([1.0, float("nan")]), minicnn.ones(2)]).item())
    assert nn.utils.get_total_norm([]).item() == 0
    assert nn.utils.get_total_norm([minicnn.zeros(0), minicnn.tensor([3.0, 4.0])]).item() == 5


def test_the_norm_may_be_computed_before():
    made = parameters([3.0], [0.0, 4.0])
    total = nn.utils.get_total_norm([p.grad for p in made])
    assert nn.utils.clip_grads_with_norm_(made, 1.0, total) is None
    np.testing.assert_allclose(gradients(made), [0.6, 0, 0.8], rtol=1e-5)


def test_a_norm_that_is_not_finite_can_be_an_error():
    (p,) = parameters([float("nan")])
    with pytest.raises(AutogradError, match=r"get_total_norm: the norm of the gradients is nan; .*detect_anomaly"):
        nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
