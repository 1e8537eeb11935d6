"""Tests of default_collate and default_convert."""

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import minicnn
from minicnn.data.collate import default_collate, default_convert
from minicnn.errors import DataError

Pair = namedtuple("Pair", "image label")


@pytest.mark.parametrize(
    ("samples", "dtype"),
    [
        ([0.5, 1.5], np.float64),
        ([1, 2], np.int64),
        ([True, False], np.bool_),
        ([np.float64(0.5), np.float64(1)], np.float64),
        ([np.float32(0.5), np.float32(1)], np.float32),
        ([np.zeros((2, 2)), np.ones((2, 2))], np.float64),
        ([np.zeros((0, 2), np.float32)] * 2, np.float32),
    ],
)
def test_numbers_and_arrays_are_stacked(samples, dtype):
    batch = default_collate(samples)
    np.testing.assert_array_equal(batch.numpy(), np.stack(samples))
    assert batch.numpy().dtype == dtype


def test_tensors_and_nested_tuples_are_stacked():
    sample = (minicnn.tensor([1.0, 2.0]), (3, [4.0, 5.0]))
    first, (second, (third, fourth)) = default_collate([sample, sample])
    np.testing.assert_array_equal(first.numpy(), [[1, 2], [1, 2]])
    assert [part.numpy().tolist() for part in (second, third, fourth)] == [[3, 3], [4, 4], [5, 5]]


def test_what_cannot_be_stacked():
    shapes = r"\[\(3, 4, 4\), \(3, 4, 5\)\]"
    with pytest.raises(DataError, match=rf"samples of a batch must have the same shape, got {shapes}; cut patches"):
        default_collate([np.zeros((3, 4, 5)), np.zeros((3, 4, 4))])
    for second in ((1,), (1, 2, 3), 4):
        with pytest.raises(DataError, match="samples of a batch must be tuples of the same length; pass collate_fn="):
            default_collate([(1, 2), second])
    with pytest.raises(DataError, match="must be dicts with the same keys; pass collate_fn="):
        default_collate([{"a": 1}, {"b": 1}])
    with pytest.raises(DataError, match="numbers, arrays, texts, or tuples or dicts of these, got NoneType; pass coll"):
        default_collate([None, None])


def test_texts_dicts_and_named_tuples_keep_their_kind():
    assert default_collate(["a", "b"]) == ["a", "b"]
    batch = default_collate([OrderedDict(x=1, name="a"), OrderedDict(x=2, name="b")])
    assert type(batch) is OrderedDict
    assert (batch["x"].tolist(), batch["name"]) == ([1, 2], ["a", "b"])
    pairs = default_collate([Pair(np.zeros(2), 0), Pair(np.ones(2), 1)])
    assert type(pairs) is Pair
    assert (pairs.image.tolist(), pairs.label.tolist()) == ([[0, 0], [1, 1]], [0, 1])
    assert type(default_collate([(1, 2)])) is list  # PyTorch's way with tuples
    assert type(default_collate([[1, 2]])) is list


def test_arrays_in_a_sample_become_tensors():
    sample = default_convert(
        {"x": np.ones(2), "n": np.int32(3), "pair": Pair("a", [np.zeros(1)]), "i": 1, "t": (1, "b")}
    )
    assert sample["x"].tolist() == [1, 1]
    assert sample["n"].dtype == minicnn.int32
    assert type(sample["pair"]) is Pair
    assert sample["pair"].label[0].tolist() == [0]
    assert (sample["i"], sample["t"], sample["pair"].image) == (1, [1, "b"], "a")
