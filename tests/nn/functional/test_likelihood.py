"""Tests of messages and laws; oracles/calls/losses.py has the values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn import ArgumentError, DTypeError, ShapeError

X = minicnn.tensor([[0.5, 1.0, 2.0], [1.0, 0.25, 3.0]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.kl_div(X.long(), X), DTypeError, "kl_div: the input must be floating point, got int64"),
        (
            lambda: F.kl_div(X, X, reduction="batch"),
            ArgumentError,
            "kl_div: reduction must be 'mean', 'sum', 'none' or 'batchmean', got 'batch'",
        ),
        (lambda: F.gaussian_nll_loss(X, X, -X), ArgumentError, "gaussian_nll_loss: var must not be negative, got -3"),
        (lambda: F.gaussian_nll_loss(X, X, X[0]), ShapeError, r"gaussian_nll_loss: var must have .*, got \(3,\)"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_mean_of_the_divergence_warns():
    with pytest.warns(UserWarning, match="kl_div: reduction='mean' is not the divergence; use reduction='batchmean'"):
        F.kl_div(X, X)


@given(st.lists(st.floats(0.05, 5), min_size=3, max_size=3), st.lists(st.floats(0.05, 5), min_size=3, max_size=3))
def test_the_divergence_is_0_for_equal_distributions_and_positive_for_others(first, second):
    p, q = (minicnn.tensor([v], dtype=minicnn.float64) for v in (first, second))
    p, q = p / p.sum(), q / q.sum()
    divergence = F.kl_div(q.log(), p, reduction="batchmean").item()
    assert divergence >= -1e-12
    assert abs(F.kl_div(p.log(), p, reduction="batchmean").item()) < 1e-12
    logarithms = F.kl_div(q.log(), p.log(), reduction="batchmean", log_target=True).item()
    np.testing.assert_allclose(logarithms, divergence, atol=1e-12)


def test_the_best_poisson_rate_is_the_mean_count():
    counts = minicnn.tensor([0.0, 2.0, 7.0, 3.0]).double()
    rate = minicnn.tensor(3.0, dtype=minicnn.float64, requires_grad=True)
    F.poisson_nll_loss(rate.expand(4), counts, log_input=False, eps=0.0).backward()
    assert abs(rate.grad.item()) < 1e-12


def test_the_best_variance_is_the_mean_square():
    x = minicnn.tensor([1.0, -3.0, 2.0, 0.5]).double()
    var = (x * x).mean().detach().requires_grad_()
    F.gaussian_nll_loss(x * 0, x, var.expand(4)).backward()
    assert abs(var.grad.item()) < 1e-12
