"""Samplers: the order in which a loader takes the samples of a dataset.

A sampler is anything that can be iterated over and yields the numbers of samples, for example a list. As a dataset, it
may have a method `at_epoch(epoch)`, which returns a sampler with the order of this epoch. Only such a sampler gives the
same order when a training is resumed; the loader's own samplers have it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from minicnn.data.arguments import check_integer
from minicnn.data.dataset import at_epoch, random_stream
from minicnn.errors import DataError
from minicnn.runtime import random

__all__ = [
    "BatchSampler",
    "DistributedSampler",
    "EpochSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

Item = TypeVar("Item", covariant=True)


class Sampler(Generic[Item]):
    """The base class of samplers. A subclass has `__iter__`, and `__len__` if the number of its items is known."""

    def __iter__(self) -> Iterator[Item]:
        raise NotImplementedError(f"{type(self).__name__} has no method __iter__")


class SequentialSampler(Sampler[int]):
    """The numbers 0, 1, ..., n - 1 of a dataset with n samples."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """The numbers of a dataset in a random order.

    Parameters
    ----------
    data_source : dataset with n samples
    replacement : bool
        Draw each number from all n, so that numbers repeat.
    num_samples : int, optional
        How many numbers to draw, by default n. Without `replacement`, more than n are several permutations.
    generator : Generator, optional
        Default: the shared generator. Each pass draws a new order.

    Raises
    ------
    DataError
        If `num_samples`, or the number of samples, is not an integer of at least 1.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: random.Generator | None = None,
    ) -> None:
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        check_integer("RandomSampler", "num_samples", self.num_samples, 1)

    @property
    def num_samples(self) -> int:
        """How many numbers a pass yields."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        return iter(self._order(random.generator(self.generator)).tolist())

    def _order(self, numbers: np.random.Generator) -> Any:
        size = len(self.data_source)
        if self.replacement:
            return numbers.integers(0, size, self.num_samples)
        passes = [numbers.permutation(size) for _ in range(math.ceil(self.num_samples / size))]
        return np.concatenate(passes)[: self.num_samples]

    def __len__(self) -> int:
        return self.num_samples


class EpochSampler(RandomSampler):
    """A random order that the seed and the epoch determine; the loader's choice for `shuffle=True`."""

    def __init__(self, data_source: Sized, seed: int, epoch: int = 0) -> None:
        super().__init__(data_source)
        self.seed, self.epoch = seed, epoch

    def __iter__(self) -> Iterator[int]:
        return iter(self._order(random_stream(self.seed, self.epoch)).tolist())

    def at_epoch(self, epoch: int) -> "EpochSampler":
        """Return the sampler with the order of `epoch`."""
        return EpochSampler(self.data_source, self.seed, epoch)


class SubsetRandomSampler(Sampler[int]):
    """The given numbers in a random order, each once; `generator` as in RandomSampler."""

    def __init__(self, indices: Sequence[int], generator: random.Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        order = random.generator(self.generator).permutation(len(self.indices))
        return (self.indices[i] for i in order.tolist())

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Draw number i with a probability proportional to weights[i].

    Parameters
    ----------
    weights : sequence of n floats >= 0
    num_samples : int
        How many numbers to draw.
    replacement : bool
        Whether a number may be drawn again.
    generator : Generator, optional
        Default: the shared generator. Each pass draws new numbers.

    Raises
    ------
    DataError
        If the weights are not a vector of finite numbers >= 0, or too few of them are positive.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: random.Generator | None = None,
    ) -> None:
        self.num_samples = check_integer("WeightedRandomSampler", "num_samples", num_samples, 1)
        self.weights, self.replacement, self.generator = np.asarray(weights, np.float64), replacement, generator
        if self.weights.ndim != 1 or not np.isfinite(self.weights).all() or (self.weights < 0).any():
            raise DataError(f"WeightedRandomSampler: weights must be a vector of numbers >= 0, got {weights!r:.80}")
        needed, positive = 1 if replacement else num_samples, int((self.weights > 0).sum())
        if positive < needed:
            raise DataError(
                f"WeightedRandomSampler: {positive} positive weights, but {needed} are needed to draw {num_samples} "
                f"numbers with replacement={replacement}"
            )

    def __iter__(self) -> Iterator[int]:
        shares = self.weights / self.weights.sum()
        numbers = random.generator(self.generator)
        return iter(numbers.choice(len(shares), self.num_samples, self.replacement, shares).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of `batch_size` numbers of another sampler; the last one is shorter, or left out with `drop_last`.

    Raises
    ------
    DataError
        If `batch_size` is not an integer of at least 1.
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        self.sampler, self.drop_last = sampler, drop_last
        self.batch_size = check_integer("BatchSampler", "batch_size", batch_size, 1)

    def __iter__(self) -> Iterator[list[int]]:
        batch = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return whole + (rest > 0 and not self.drop_last)

    def at_epoch(self, epoch: int) -> "BatchSampler":
        """Return the batches of `epoch`."""
        return BatchSampler(at_epoch(self.sampler, epoch), self.batch_size, self.drop_last)


class DistributedSampler(Sampler[int]):
    """The share of one of several processes: the numbers rank, rank + num_replicas, ... of a common order.

    Parameters
    ----------
    dataset : dataset with n samples
    num_replicas, rank : int
        The number of processes, and the number of this one. Default: one process.
    shuffle : bool
        A random order, which the seed and the epoch determine; without it 0, 1, ..., n - 1.
    seed : int
    drop_last : bool
        Leave out the last samples, so that all shares are equally long. Otherwise the first samples are repeated.

    Raises
    ------
    DataError
        If `rank` is not in [0, num_replicas).
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.dataset, self.shuffle, self.seed, self.drop_last, self.epoch = dataset, shuffle, seed, drop_last, 0
        self.num_replicas, self.rank = num_replicas or 1, rank or 0
        if not 0 <= self.rank < self.num_replicas:
            raise DataError(f"DistributedSampler: rank must be in [0, {self.num_replicas}), got {rank}")
        rounded = math.floor if drop_last else math.ceil
        self.num_samples = rounded(len(dataset) / self.num_replicas)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        order = random_stream(self.seed, self.epoch).permutation(size) if self.shuffle else np.arange(size)
        return iter(np.resize(order, self.total_size)[self.rank :: self.num_replicas].tolist())

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Use the order of this epoch in the next pass."""
        self.epoch = epoch
