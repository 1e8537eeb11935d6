"""Tests of the table of vectors. test_against_torch.py compares results and gradients with PyTorch's."""

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError, ShapeError, nn


def test_the_table_begins_as_normal_numbers_and_zeros_for_the_padding():
    minicnn.manual_seed(0)
    table = nn.Embedding(50, 40, padding_idx=-50).weight.detach().numpy()
    assert (table[0] == 0).all()
    assert abs(table[1:].mean()) < 0.1
    assert abs(table[1:].std() - 1) < 0.1


def test_an_empty_batch():
    table = nn.Embedding(3, 2)
    y = table(minicnn.zeros(0, 4, dtype=minicnn.int64))
    assert y.shape == (0, 4, 2)
    y.sum().backward()
    assert (table.weight.grad.numpy() == 0).all()


def test_training_changes_the_used_vectors_alone():
    table = nn.Embedding(4, 2, padding_idx=1)
    before = table.weight.detach().numpy().copy()
    optimizer = minicnn.optim.SGD(table.parameters(), lr=0.1)
    table(minicnn.tensor([3, 1, 3])).sum().backward()
    optimizer.step()
    change = table.weight.detach().numpy() - before
    np.testing.assert_allclose(change, [[0, 0], [0, 0], [0, 0], [-0.2, -0.2]], atol=1e-6)


def test_mistakes():
    for sizes in ((0, 2), (2, 0), (2.0, 2)):
        with pytest.raises(ShapeError, match=r"Embedding: .* must be an integer >= 1"):
            nn.Embedding(*sizes)
    with pytest.raises(ShapeError, match="Embedding: padding_idx must be from -3 to 2, got 3"):
        nn.Embedding(3, 2, padding_idx=3)
    with pytest.raises(ShapeError, match="embedding: numbers must be from 0 to 2, got 0 to 3"):
        nn.Embedding(3, 2)(minicnn.tensor([0, 3]))
    with pytest.raises(ShapeError, match=r"Embedding: _weight must be \(3, 2\), got \(2, 3\)"):
        nn.Embedding(3, 2, _weight=minicnn.ones(2, 3))
    with pytest.raises(ShapeError, match=r"from_pretrained: the table must have 2 axes, got \(3,\)"):
        nn.Embedding.from_pretrained(minicnn.ones(3))
    with pytest.raises(ArgumentError, match="Embedding: sparse must be False"):
        nn.Embedding(3, 2, sparse=True)


def test_a_given_table_is_shared_and_frozen():
    table = minicnn.ones(3, 2)
    layer = nn.Embedding.from_pretrained(table, max_norm=0.5)
    assert not layer.weight.requires_grad
    layer(minicnn.tensor([1]))
    np.testing.assert_allclose((table * table).sum(1).numpy(), [2, 0.25, 2], rtol=1e-5)
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
