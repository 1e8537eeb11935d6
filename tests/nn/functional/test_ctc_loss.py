"""ctc_loss beside what PyTorch recorded (tests/oracles/calls/sequences.py)."""

from itertools import groupby, product

import pytest

import minicnn
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.errors import DTypeError, ShapeError
from minicnn.nn import functional as F


def reads(path):
    return [label for label, _ in groupby(path) if label]


@pytest.mark.parametrize("target", [[], [1], [1, 2], [2, 2], [1, 2, 1]])
def test_it_is_the_sum_over_all_paths(target):
    minicnn.manual_seed(0)
    probabilities = minicnn.rand(5, 3, dtype=minicnn.float64).softmax(1)
    total = sum(
        minicnn.stack([probabilities[t, label] for t, label in enumerate(path)]).prod().item()
        for path in product(range(3), repeat=5)
        if reads(path) == target
    )
    labels = minicnn.tensor(target, dtype=minicnn.int64)
    loss = F.ctc_loss(probabilities.log(), labels, (5,), (len(target),), reduction="sum")
    assert (-loss).exp().item() == pytest.approx(total, rel=1e-9)


def test_gradients_to_second_order():
    minicnn.manual_seed(0)
    x = minicnn.randn(4, 2, 3, dtype=minicnn.float64, requires_grad=True)

    def loss(x):
        return F.ctc_loss(x.log_softmax(2), minicnn.tensor([[1, 1], [2, 0]]), (4, 3), (2, 1), reduction="none")

    assert gradcheck(loss, (x,))
    assert gradgradcheck(loss, (x,))


def test_labels_behind_a_target_do_not_count():
    x = minicnn.randn(4, 2, 3).log_softmax(2)
    losses = [F.ctc_loss(x, minicnn.tensor([[1, 2], [1, n]]), (4, 4), (2, 1)).item() for n in (0, 2, 99, -1)]
    assert len(set(losses)) == 1


def test_a_probability_of_zero_is_a_number():
    x = minicnn.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0]]]).log()
    assert F.ctc_loss(x, minicnn.tensor([[1]]), (3,), (1,)).item() == 0.0
    assert F.ctc_loss(x, minicnn.tensor([[1, 1]]), (3,), (2,)).item() == float("inf")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"input_lengths": (5,)}, ShapeError, r"input_lengths must be 1 numbers from 0 to 4, got \[5\]"),
        ({"input_lengths": minicnn.tensor([4.0])}, DTypeError, "input_lengths must be integers, got float32"),
        ({"target_lengths": (3,)}, ShapeError, r"target_lengths must be 1 numbers from 0 to 2, got \[3\]"),
        ({"targets": minicnn.tensor([1, 2, 1])}, ShapeError, "targets must hold the 2 labels of all sequences, got 3"),
        ({"targets": minicnn.ones(2, 2)}, ShapeError, r"targets must be \(1, S\) or the labels of all sequences"),
        ({"targets": minicnn.tensor([[1, 3]])}, ShapeError, "labels must be from 0 to 2, got 1 to 3"),
        ({"blank": 3}, ShapeError, r"log_probs must be \(T, N, C\), with blank=3 below C; got \(4, 1, 3\)"),
    ],
)
def test_messages(change, error, message):
    targets = minicnn.tensor([[1, 2]])
    arguments = {"targets": targets, "input_lengths": (4,), "target_lengths": (2,), **change}
    with pytest.raises(error, match=f"ctc_loss: {message}"):
        F.ctc_loss(minicnn.zeros(4, 1, 3), **arguments)
