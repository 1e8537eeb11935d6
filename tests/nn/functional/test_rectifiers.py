"""Tests of messages and random numbers; oracles/calls/activations.py has the values."""

import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn import ArgumentError, DTypeError, ShapeError

X = minicnn.tensor([-1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.hardtanh(X, 2, 1), ArgumentError, "hardtanh: min_val must be at most max_val, got 2 and 1"),
        (lambda: F.hardtanh(X.byte()), DTypeError, "hardtanh: limits -1.0 and 1.0 do not fit a tensor of uint8"),
        (lambda: F.threshold(X > 0, 0, 1), DTypeError, "threshold: the tensor holds bool"),
        (lambda: F.softsign(X > 0), DTypeError, "softsign: the tensor holds bool"),
        (lambda: F.celu(X, 0.0), ArgumentError, "celu: alpha must not be 0"),
        (lambda: F.softshrink(X, -1.0), ArgumentError, "softshrink: lambd must be at least 0, got -1.0"),
        (lambda: F.rrelu(X, 0.5, 0.2), ArgumentError, "rrelu: lower must be at most upper, got 0.5 and 0.2"),
        (lambda: F.selu(X.long()), DTypeError, "selu: the input must be floating point, got int64"),
        (lambda: F.hardshrink(X.long()), DTypeError, "hardshrink: the tensor holds int64"),
        (
            lambda: F.prelu(X, X.double()),
            DTypeError,
            "prelu: input and weight must .* float32 and float64",
        ),
        (lambda: F.prelu(X, X), ShapeError, r"prelu: weight must .* each of the 1 channels, got \(2,\)"),
        (lambda: F.glu(minicnn.ones(3)), ShapeError, r"glu: the axis -1 must have an even size, got \(3,\)"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_choice_of_gumbel_softmax_has_the_probabilities_of_the_classes():
    logits = minicnn.tensor([0.0, 1.0, 2.0]).expand(20_000, 3)
    hard, expected = F.gumbel_softmax(logits, hard=True), logits[0].softmax(0)
    assert abs(hard.mean(0) - expected).amax().item() < 0.02
    assert set(hard.flatten().tolist()) == {0.0, 1.0}


def test_the_gradient_of_a_hard_choice_is_that_of_the_soft_one():
    gradients = []
    for hard in (False, True):
        logits = minicnn.tensor([0.5, 1.0], requires_grad=True)
        minicnn.manual_seed(1)
        (F.gumbel_softmax(logits, hard=hard) * minicnn.tensor([1.0, 3.0])).sum().backward()
        gradients.append(logits.grad.tolist())
    assert gradients[0] == gradients[1]
    with pytest.warns(UserWarning, match="gumbel_softmax: eps has no effect"):
        F.gumbel_softmax(X, eps=0.1)
