"""Tests of datasets: TensorDataset, Subset, random_split and random streams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import Generator
from minicnn.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    at_epoch,
    random_split,
    random_stream,
)
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

    with pytest.raises(NotImplementedError, match="Unfinished has no method __getitem__"):
        Unfinished()[0]
    assert list(Squares() + Squares()) == [0, 1, 4, 0, 1, 4]


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
    with pytest.raises(DataError, match=r"TensorDataset: pass tensors of the same length along axis 0, got shapes"):
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
    parts = random_split(range(size), [first, second, size - first - second], Generator().manual_seed(3))
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
    def split(*generator):
        return [list(part) for part in random_split(range(50), [25, 25], *generator)]

    minicnn.manual_seed(4)
    first = split()
    assert split() != first
    minicnn.manual_seed(4)
    assert split() == first
    assert split(Generator().manual_seed(1)) == split(Generator().manual_seed(1))
    assert split(Generator().manual_seed(1)) != split(Generator().manual_seed(2))
    assert split()[0] != list(range(25))


def test_datasets_one_after_another():
    both = ConcatDataset([[1, 2], [], TensorDataset(np.array([3, 4, 5]))])
    assert len(both) == 5
    assert [both[i] for i in (0, 1, 2, -1)] == [1, 2, (3,), (5,)]
    with pytest.raises(IndexError, match="there are 5 samples, got the number 5"):
        both[5]
    with pytest.raises(DataError, match="ConcatDataset: pass at least one dataset, each with a length"):
        ConcatDataset([])
    with pytest.raises(DataError, match="ConcatDataset: pass at least one dataset, each with a length"):
        ConcatDataset([iter("ab")])


def test_datasets_side_by_side():
    assert list(StackDataset("ab", [0, 1])) == [("a", 0), ("b", 1)]
    stacked = StackDataset(x="ab", y=[0, 1])
    assert len(stacked) == 2
    assert stacked[-1] == {"x": "b", "y": 1}
    for arguments, named in ([("ab", "c"), {}], [("ab",), {"y": "ab"}], [(), {}]):
        with pytest.raises(DataError, match="StackDataset: pass datasets of the same length"):
            StackDataset(*arguments, **named)


def test_iterable_datasets_one_after_another():
    class Letters(IterableDataset[str]):
        def __iter__(self):
            return iter("ab")

    both = Letters() + ChainDataset([Letters(), Letters()])
    assert list(both) == list("ababab")
    with pytest.raises(NotImplementedError, match="IterableDataset has no method __iter__"):
        iter(IterableDataset())


def test_parts_and_unions_follow_the_epoch():
    class Epochs(Dataset[int]):
        def __init__(self, epoch=0):
            self.epoch = epoch

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return 10 * self.epoch + range(2)[index]

        def at_epoch(self, epoch):
            return Epochs(epoch)

    assert list(ConcatDataset([Epochs(), [7]]).at_epoch(3)) == [30, 31, 7]
    assert list(StackDataset(Epochs(), "ab").at_epoch(3)) == [(30, "a"), (31, "b")]
    assert StackDataset(e=Epochs()).at_epoch(3)[1] == {"e": 31}
    assert list(Subset(Epochs(), [1]).at_epoch(3)) == [31]


def test_rows_of_tensors_are_tensors():
    x = minicnn.arange(6).reshape(3, 2)
    (row,) = TensorDataset(x)[1]
    assert isinstance(row, minicnn.Tensor)
    assert row.tolist() == [2, 3]
    row.fill_(9)
    assert x.tolist() == [[0, 1], [9, 9], [4, 5]]
    (rows,) = Subset(TensorDataset(x), [2, 0])[[0, 1]]
    assert rows.tolist() == [[4, 5], [0, 1]]


@pytest.mark.parametrize("lengths", [[3, 3], [11], [-1, 11], [0.5, 0.4], [2.5, 7.5], [], [float("nan"), 1]])
def test_lengths_that_do_not_add_up(lengths):
    with pytest.raises(DataError, match=r"random_split: lengths must be integers with the sum 10"):
        random_split(range(10), lengths)
