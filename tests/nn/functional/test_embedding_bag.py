"""embedding_bag beside what PyTorch recorded (tests/oracles/calls/sequences.py)."""

import pytest

import minicnn
from minicnn import nn
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn import functional as F


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_gradients_to_second_order(mode):
    minicnn.manual_seed(0)
    table = minicnn.randn(5, 2, dtype=minicnn.float64, requires_grad=True)
    numbers, offsets = minicnn.tensor([0, 4, 4, 1]), minicnn.tensor([0, 0, 3])
    assert gradcheck(lambda w: F.embedding_bag(numbers, w, offsets, mode=mode), (table,))
    assert gradgradcheck(lambda w: F.embedding_bag(numbers, w, offsets, mode=mode) ** 2, (table,))


def test_frequent_rows_have_smaller_gradients():
    table = minicnn.ones(3, 1, requires_grad=True)
    numbers = minicnn.tensor([[0, 0], [1, 0]])  # PyTorch 2.13 takes the counts of other rows
    F.embedding_bag(numbers, table, mode="sum", scale_grad_by_freq=True).sum().backward()
    assert table.grad.tolist() == [[1.0], [1.0], [0.0]]


def test_what_comes_after_the_last_offset_does_not_count():
    table = minicnn.arange(4.0).reshape(4, 1)
    numbers, offsets = minicnn.tensor([0, 2, 3]), minicnn.tensor([0, 1, 2])
    for mode in ("sum", "mean", "max"):
        assert F.embedding_bag(numbers, table, offsets, mode=mode, include_last_offset=True).tolist() == [[0], [2]]


def test_it_runs_on_a_device():
    layer = nn.EmbeddingBag(4, 2, mode="max", padding_idx=0, device="cudasim")
    y = layer(minicnn.tensor([[1, 0], [0, 0]], device="cudasim"))
    assert (y.device.name, y[1].tolist()) == ("cudasim", [0.0, 0.0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"mode": "min"}, ArgumentError, "mode must be 'sum', 'mean' or 'max', got 'min'"),
        ({"mode": "max", "scale_grad_by_freq": True}, ArgumentError, "scale_grad_by_freq does not go with mode='max'"),
        ({"per_sample_weights": minicnn.ones(3)}, ArgumentError, "per_sample_weights needs mode='sum', got 'mean'"),
        (
            {"per_sample_weights": minicnn.ones(2), "mode": "sum"},
            ShapeError,
            r"per_sample_weights must have the input's shape \(3,\), got \(2,\)",
        ),
        ({"padding_idx": 4}, ShapeError, "padding_idx must be from -4 to 3, got 4"),
        ({"offsets": None}, ShapeError, r"give an input \(N, L\), or \(L,\) with offsets \(N,\), got \(3,\) and None"),
        ({"offsets": minicnn.tensor([0.0])}, DTypeError, "offsets must be integers, got float32"),
        ({"offsets": minicnn.tensor([0, 2, 1])}, ShapeError, r"offsets must rise from 0 to at most 3, got \[0, 2, 1\]"),
        ({"input": minicnn.ones(2, 2).long()}, ShapeError, "offsets must be None"),
    ],
)
def test_messages(arguments, error, message):
    given = {"input": minicnn.tensor([0, 2, 3]), "offsets": minicnn.tensor([0, 1]), **arguments}
    with pytest.raises(error, match=f"embedding_bag: .*{message}"):
        F.embedding_bag(weight=minicnn.ones(4, 2), **given)
