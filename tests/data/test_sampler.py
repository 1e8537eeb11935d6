"""Tests of the samplers: each is a permutation, a subset or a distribution, and follows its generator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn.data.sampler import (
    BatchSampler,
    DistributedSampler,
    EpochSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from minicnn.errors import DataError


def seeded(seed):
    return minicnn.Generator().manual_seed(seed)


def test_in_order():
    sampler = SequentialSampler("abc")
    assert (list(sampler), len(sampler)) == ([0, 1, 2], 3)
    with pytest.raises(NotImplementedError, match="Sampler has no method __iter__"):
        iter(Sampler())


@given(size=st.integers(1, 50), seed=st.integers(0, 9))
def test_a_random_order_is_a_permutation(size, seed):
    sampler = RandomSampler(range(size), generator=seeded(seed))
    assert sorted(sampler) == list(range(size)) == sorted(sampler)
    assert len(sampler) == size


def test_each_pass_has_a_new_order_and_the_generator_determines_them():
    sampler = RandomSampler(range(30), generator=seeded(1))
    first, second = list(sampler), list(sampler)
    assert first != second
    again = RandomSampler(range(30), generator=seeded(1))
    assert [list(again), list(again)] == [first, second]
    minicnn.manual_seed(1)
    assert list(RandomSampler(range(30))) == first  # the shared generator, with the same seed


def test_more_or_fewer_numbers_than_samples():
    many = list(RandomSampler(range(4), num_samples=10, generator=seeded(0)))
    assert sorted(many[:4]) == sorted(many[4:8]) == [0, 1, 2, 3]
    assert len(many) == 10
    assert len(set(RandomSampler(range(9), num_samples=5, generator=seeded(0)))) == 5
    drawn = list(RandomSampler(range(3), True, 3000, seeded(0)))
    np.testing.assert_allclose(np.bincount(drawn) / 3000, 1 / 3, atol=0.04)
    for size, number in ((0, None), (3, 0), (3, 1.5)):
        with pytest.raises(DataError, match="RandomSampler: num_samples must be an integer of at least 1"):
            RandomSampler(range(size), num_samples=number)


def test_the_epoch_determines_the_order():
    sampler = EpochSampler(range(20), seed=3)
    assert list(sampler) == list(sampler) == list(sampler.at_epoch(0)) != list(sampler.at_epoch(1))


def test_a_subset_in_random_order():
    sampler = SubsetRandomSampler([7, 3, 5], seeded(2))
    assert sorted(sampler) == [3, 5, 7]
    assert len(sampler) == 3
    assert len({tuple(sampler) for _ in range(60)}) == 6


def test_weights_are_probabilities():
    drawn = list(WeightedRandomSampler([1, 0, 3], 4000, generator=seeded(0)))
    np.testing.assert_allclose(np.bincount(drawn) / 4000, [0.25, 0, 0.75], atol=0.03)
    once = WeightedRandomSampler(minicnn.tensor([0.5, 2.0, 1.0, 0.0]), 3, replacement=False)
    assert sorted(once) == [0, 1, 2]
    assert len(once) == 3


@pytest.mark.parametrize("weights", [[[1.0]], [-1, 2], [np.nan, 1]])
def test_weights_that_are_none(weights):
    with pytest.raises(DataError, match="WeightedRandomSampler: weights must be a vector of numbers >= 0"):
        WeightedRandomSampler(weights, 1)


def test_too_few_weights():
    with pytest.raises(DataError, match="1 positive weights, but 2 are needed to draw 2 numbers with repl"):
        WeightedRandomSampler([0, 1], 2, replacement=False)
    with pytest.raises(DataError, match="0 positive weights, but 1 are needed"):
        WeightedRandomSampler([0, 0], 2)


@given(size=st.integers(0, 30), batch_size=st.integers(1, 7), drop_last=st.booleans())
def test_batches(size, batch_size, drop_last):
    sampler = BatchSampler(SequentialSampler(range(size)), batch_size, drop_last)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert all(len(batch) == batch_size for batch in batches[:-1])
    kept = [index for batch in batches for index in batch]
    assert kept == list(range(size - size % batch_size if drop_last else size))


def test_batches_follow_the_epoch():
    sampler = BatchSampler(EpochSampler(range(10), 0), 4, True)
    assert list(sampler.at_epoch(2)) == list(BatchSampler(list(EpochSampler(range(10), 0, 2)), 4, True))
    with pytest.raises(DataError, match="BatchSampler: batch_size must be an integer of at least 1, got 0"):
        BatchSampler([1], 0, False)


@given(size=st.integers(1, 30), replicas=st.integers(1, 5), drop_last=st.booleans(), shuffle=st.booleans())
def test_shares_of_processes_are_the_whole(size, replicas, drop_last, shuffle):
    shares = [DistributedSampler(range(size), replicas, rank, shuffle, 1, drop_last) for rank in range(replicas)]
    numbers = [list(share) for share in shares]
    assert {len(n) for n in numbers} == {len(share) for share in shares}
    together = sorted(n for share in numbers for n in share)
    if drop_last:
        assert len(together) == len(set(together)) == size - size % replicas
    else:
        assert set(together) == set(range(size))


def test_processes_agree_on_the_order_of_an_epoch():
    sampler = DistributedSampler(range(20), 2, 1)
    before = list(sampler)
    assert before == list(sampler)
    sampler.set_epoch(1)
    assert before != list(sampler)
    with pytest.raises(DataError, match=r"DistributedSampler: rank must be in \[0, 2\), got 2"):
        DistributedSampler(range(3), 2, 2)
