"""Tests of datasets: TensorDataset, Subset, random_split and random streams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn.data.dataset import Dataset, Subset, TensorDataset, at_epoch, random_split, random_stream
from minicnn.errors import DataError


class Epochs:
    """A dataset whose samples are the epoch number."""

    epoch = 0

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return self.epoch, index

    def at_epoch(self, epoch):
        other = Epochs()
        other.epoch = epoch
        return other


def test_a_class_may_derive_from_dataset():
    class Squares(Dataset[int]):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return index**2

    assert Squares()[2] == 4

    class Unfinished(Dataset[int]):
        def __len__(self):
            return 3

    with pytest.raises(TypeError, match="__getitem__"):
        Unfinished()


# random_stream


def test_streams_are_repeatable_and_differ_by_every_number():
    keys = [(0,), (1,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (0, 1, 0), (2**70, 3)]
    draws = [random_stream(*key).integers(2**62) for key in keys]
    assert draws == [random_stream(*key).integers(2**62) for key in keys]
    assert len(set(draws)) == len(keys)


# TensorDataset


def test_rows_of_arrays_are_paired_without_a_copy():
    x, y = np.arange(12.0).reshape(4, 3), np.arange(4)
    dataset = TensorDataset(x, y)
    assert len(dataset) == 4
    row, label = dataset[2]
    np.testing.assert_array_equal(row, [6, 7, 8])
    assert label == 2
    assert np.shares_memory(row, x)
    assert len(list(dataset)) == 4
    assert TensorDataset([1, 2, 3])[0] == (1,)
    tensor = minicnn.tensor([[1.0, 2.0], [3.0, 4.0]])
    (row,) = TensorDataset(tensor)[1]
    np.testing.assert_array_equal(row, [3, 4])
    assert np.shares_memory(row, tensor.numpy())


@pytest.mark.parametrize(
    "arrays", [(), (np.float32(3),), (np.zeros(3), np.zeros(4)), (np.zeros((2, 3)), np.zeros((3, 2)))]
)
def test_arrays_must_have_one_length(arrays):
    with pytest.raises(DataError, match=r"TensorDataset: pass arrays of the same length along axis 0, got shapes"):
        TensorDataset(*arrays)


# Subset


def test_a_subset_has_its_own_order():
    subset = Subset(range(10, 20), np.array([5, 0, 5]))
    assert len(subset) == 3
    assert list(subset) == [15, 10, 15]


@pytest.mark.parametrize("index", [-1, 10])
def test_a_subset_within_range(index):
    with pytest.raises(DataError, match=rf"Subset: indices must lie in \[0, 10\) for this dataset, got {index}"):
        Subset(range(10), [3, index])


def test_the_epoch_reaches_through_a_subset():
    subset = Subset(Subset(Epochs(), [3, 2, 1]), [0, 2])
    assert list(at_epoch(subset, 5)) == [(5, 3), (5, 1)]
    assert list(subset) == [(0, 3), (0, 1)]
    plain = [1, 2]
    assert at_epoch(plain, 5) is plain


# random_split


@given(size=st.integers(1, 200), data=st.data())
def test_parts_are_disjoint_and_complete(size, data):
    first = data.draw(st.integers(0, size))
    second = data.draw(st.integers(0, size - first))
    parts = random_split(range(size), [first, second, size - first - second], np.random.default_rng(3))
    assert [len(part) for part in parts] == [first, second, size - first - second]
    assert sorted(sample for part in parts for sample in part) == list(range(size))


@given(size=st.integers(1, 1000), weights=st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_fractions_are_shared_out_whole(size, weights):
    fractions = [weight / sum(weights) for weight in weights]
    lengths = [len(part) for part in random_split(range(size), fractions)]
    assert sum(lengths) == size
    assert all(abs(length - size * part) <= 1 + 1e-6 for length, part in zip(lengths, fractions, strict=True))


def test_fractions_round_as_one_expects():
    assert [len(part) for part in random_split(range(100), [0.29, 0.71])] == [29, 71]
    assert [len(part) for part in random_split(range(10), [0.5, 0.25, 0.25])] == [6, 2, 2]
    assert [len(part) for part in random_split(range(1), [1, 0])] == [1, 0]


def test_a_split_is_repeatable_and_follows_the_generator():
    def split(generator=None):
        return [list(part) for part in random_split(range(50), [25, 25], generator)]

    assert split() == split()
    assert split(np.random.default_rng(1)) == split(np.random.default_rng(1))
    assert split(np.random.default_rng(1)) != split(np.random.default_rng(2))
    assert split()[0] != list(range(25))


@pytest.mark.parametrize("lengths", [[3, 3], [11], [-1, 11], [0.5, 0.4], [2.5, 7.5], [], [float("nan"), 1]])
def test_lengths_that_do_not_add_up(lengths):
    with pytest.raises(DataError, match=r"random_split: lengths must be integers with the sum 10"):
        random_split(range(10), lengths)
