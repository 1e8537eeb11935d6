"""Tests of messages and a law; oracles/calls/losses.py has the values."""

import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn import ArgumentError, ShapeError, nn

X, S = minicnn.tensor([[0.5, 1.0], [1.0, 0.25]]), minicnn.tensor([1, -1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.cosine_embedding_loss(X, X[0], S), ShapeError, r"cosine_embedding_loss: give inputs \(N, D\) and"),
        (lambda: F.triplet_margin_loss(X, X[0], X), ShapeError, "triplet_margin_loss: all tensors must have the same"),
        (
            lambda: F.triplet_margin_loss(X, X, X, 0),
            ArgumentError,
            "_margin_loss: margin must be above 0, got 0",
        ),
        (lambda: nn.TripletMarginLoss(-1), ArgumentError, "TripletMarginLoss: margin must be above 0, got -1"),
        (lambda: nn.MultiMarginLoss(3), ArgumentError, "MultiMarginLoss: p must be 1 or 2, got 3"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_vectors_that_are_right_by_the_margin_cost_nothing():
    assert F.triplet_margin_loss(X, X, X + 9).item() == 0
    assert F.triplet_margin_loss(X, X, X + 0.1).item() > 0
    assert F.cosine_embedding_loss(X, minicnn.tensor([[1.0, 2.0], [-1.0, 4.0]]), S).item() == pytest.approx(0, abs=1e-6)
