"""Tests of messages and of the definitions in loops; oracles/calls/losses.py has more values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn import ArgumentError, DTypeError, ShapeError

X, Y = minicnn.tensor([[0.5, 1.0, 2.0], [1.0, 0.25, 3.0]]), minicnn.tensor([0, 2])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.margin_ranking_loss(X, X, X[0]), ShapeError, "margin_ranking_loss: all tensors must have the same"),
        (lambda: F.multi_margin_loss(X, Y, 3), ArgumentError, "multi_margin_loss: p must be 1 or 2, got 3"),
        (lambda: F.multi_margin_loss(X, Y + 1), ShapeError, "multi_margin_loss: class 3 is outside 0 ... 2"),
        (lambda: F.multi_margin_loss(X, Y.int()), DTypeError, "multi_margin_loss: the target must hold int64"),
        (lambda: F.multi_margin_loss(X, Y[:1]), ShapeError, r"multi_margin_loss: target must be \(2,\) .* got \(1,\)"),
        (
            lambda: F.multi_margin_loss(X, Y, weight=Y),
            ShapeError,
            r"weight must be float32 of .*, got int64 of \(2,\)",
        ),
        (lambda: F.multi_margin_loss(X[None], Y), ShapeError, r"multi_margin_loss: input must be \(N, C\) or \(C,\)"),
        (lambda: F.multilabel_margin_loss(X, X.long() - 3), ShapeError, "class -3 is outside -1 ... 2"),
        (lambda: F.multilabel_margin_loss(X, Y), ShapeError, r"target must have the shape \(2, 3\) .* got \(2,\)"),
        (lambda: F.multilabel_soft_margin_loss(X[0, 0], X), ShapeError, r"input must be \(..., C\), got \(\)"),
        (lambda: F.soft_margin_loss(Y, Y), DTypeError, "soft_margin_loss: the input must be floating point"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_large_scores_do_not_overflow():
    x = minicnn.tensor([1000.0, -1000.0], requires_grad=True)
    loss = F.soft_margin_loss(x, minicnn.tensor([-1.0, -1.0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [1000.0, 0.0]
    assert x.grad.tolist() == [1.0, 0.0]


@given(st.integers(1, 4), st.integers(1, 5), st.sampled_from([1, 2]), st.integers(0, 2**31))
def test_a_loop_gives_the_same(rows, classes, p, seed):
    rng = np.random.default_rng(seed)
    x, y, w = rng.standard_normal((rows, classes)), rng.integers(0, classes, rows), rng.random(classes)
    labels = rng.integers(-1, classes, (rows, classes))
    margin, several = np.zeros(rows), np.zeros(rows)
    for n in range(rows):
        own = [int(c) for c in labels[n]]
        own = own[: own.index(-1)] if -1 in own else own
        for i in range(classes):
            if i != y[n]:
                margin[n] += w[y[n]] * max(0, 0.5 - x[n, y[n]] + x[n, i]) ** p / classes
            several[n] += sum(max(0, 1 - x[n, j] + x[n, i]) for j in own if i not in own) / classes
    t, weight = minicnn.from_numpy(x), minicnn.from_numpy(w)
    found = F.multi_margin_loss(t, minicnn.from_numpy(y), p, 0.5, weight, reduction="none")
    np.testing.assert_allclose(found.numpy(), margin, atol=1e-12)
    found = F.multilabel_margin_loss(t, minicnn.from_numpy(labels), reduction="none")
    np.testing.assert_allclose(found.numpy(), several, atol=1e-12)
