"""The interface `Dataset`; `TensorDataset`, a dataset of tensors; parts and unions of datasets.

A dataset is any object with `len(dataset)` and `dataset[index]`, for example a list. A dataset with random samples also
has `at_epoch(epoch)`, which returns a dataset with the samples of this epoch. It returns a new object and changes
nothing in place, so threads that still read the last epoch are not affected. An `IterableDataset` is read from its
beginning to its end.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from minicnn.errors import DataError
from minicnn.runtime import random

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "Samples",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "at_epoch",
    "random_split",
    "random_stream",
]

Sample = TypeVar("Sample", covariant=True)


class Samples(Protocol[Sample]):
    """The type of everything that a loader reads by number: datasets, lists, arrays."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...


class Dataset(Generic[Sample]):
    """The base class of datasets. A subclass has `__getitem__` and `__len__`; `a + b` is a ConcatDataset."""

    def __getitem__(self, index: Any) -> Sample:
        raise NotImplementedError(f"{type(self).__name__} has no method __getitem__")

    def _repr_html_(self) -> str | None:  # for notebooks; None: they show the text
        from minicnn.data.html import dataset_html  # late: few programs show datasets

        try:
            count = len(self)  # type: ignore[arg-type]
        except Exception:  # without a length, or it cannot be known: a notebook must not fail to show an object
            return None
        return dataset_html(self, count)

    def __add__(self, other: "Samples[Any]") -> "ConcatDataset":
        return ConcatDataset([self, other])  # type: ignore[list-item]


class IterableDataset(Dataset[Sample]):
    """The base class of datasets without numbers: a subclass has `__iter__`, which yields the samples of a pass."""

    def __iter__(self) -> Iterator[Sample]:
        raise NotImplementedError(f"{type(self).__name__} has no method __iter__")

    def __add__(self, other: Any) -> Any:
        return ChainDataset([self, other])


def at_epoch(dataset: Any, epoch: int) -> Any:
    """Return the dataset with the samples of `epoch`: `dataset` itself, if it has no method `at_epoch`."""
    method = getattr(dataset, "at_epoch", None)
    return dataset if method is None else method(epoch)


def random_stream(seed: int, *key: int) -> np.random.Generator:
    """Return the random generator of (seed, *key). Generators of different keys are independent.

    The same numbers always give the same stream. So random data needs no state: the epoch and the index are enough.

    Examples
    --------
    >>> int(random_stream(0, 3, 7).integers(100)) == int(random_stream(0, 3, 7).integers(100))
    True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


class TensorDataset(Dataset[tuple[Any, ...]]):
    """A dataset of tensors or arrays of the same length N. Sample i is the tuple of their rows i.

    Parameters
    ----------
    *tensors : tensors or arrays, (N, ...)
        They are not copied.

    Raises
    ------
    DataError
        If there is no array, an array has no axis, or the lengths differ.

    Examples
    --------
    >>> TensorDataset(np.array([1.0, 2.0]), np.array([3, 4]))[1]
    (np.float64(2.0), np.int64(4))
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple(t if hasattr(t, "shape") else np.asarray(t) for t in tensors)
        shapes = [tuple(t.shape) for t in self.tensors]
        if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise DataError(f"TensorDataset: pass tensors of the same length along axis 0, got shapes {shapes}")

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)


class Subset(Dataset[Sample]):
    """The samples of `dataset` at `indices`, in this order.

    Parameters
    ----------
    dataset : dataset of n samples
    indices : integers in [0, n); they may repeat

    Raises
    ------
    DataError
        If an index is out of range.

    Examples
    --------
    >>> list(Subset("abcd", [3, 0]))
    ['d', 'a']
    """

    def __init__(self, dataset: Samples[Sample], indices: Sequence[int] | npt.NDArray[np.int64]) -> None:
        self.dataset = dataset
        self.indices = [int(index) for index in indices]
        for index in self.indices:
            if not 0 <= index < len(dataset):
                raise DataError(f"Subset: indices must lie in [0, {len(dataset)}) for this dataset, got {index}")

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]  # type: ignore[index]
        return self.dataset[self.indices[index]]

    def at_epoch(self, epoch: int) -> "Subset[Sample]":
        """Return the subset with the samples of `epoch`."""
        return Subset(at_epoch(self.dataset, epoch), self.indices)


class ConcatDataset(Dataset[Any]):
    """The samples of several datasets, one dataset after another.

    Raises
    ------
    DataError
        If there is no dataset, or one has no length.

    Examples
    --------
    >>> list(ConcatDataset(["ab", "c"]))
    ['a', 'b', 'c']
    """

    def __init__(self, datasets: Iterable[Samples[Any]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets or not all(hasattr(dataset, "__len__") for dataset in self.datasets):
            raise DataError("ConcatDataset: pass at least one dataset, each with a length; or use ChainDataset")
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"ConcatDataset: there are {size} samples, got the number {index}")
        index %= size
        k = bisect_right(self.cumulative_sizes, index)
        return self.datasets[k][index - (self.cumulative_sizes[k - 1] if k else 0)]

    def at_epoch(self, epoch: int) -> "ConcatDataset":
        """Return the datasets with the samples of `epoch`."""
        return ConcatDataset([at_epoch(dataset, epoch) for dataset in self.datasets])


class StackDataset(Dataset[Any]):
    """Sample i is the tuple of the samples i of several datasets, or a dict of them for datasets with names.

    Raises
    ------
    DataError
        If there is no dataset, their lengths differ, or some have names and others do not.

    Examples
    --------
    >>> StackDataset(image="ab", label=[0, 1])[1]
    {'image': 'b', 'label': 1}
    """

    def __init__(self, *args: Samples[Any], **kwargs: Samples[Any]) -> None:
        self.datasets: Any = kwargs or args
        lengths = {len(dataset) for dataset in (*args, *kwargs.values())}
        if len(lengths) != 1 or (args and kwargs):
            raise DataError(
                f"StackDataset: pass datasets of the same length, all with names or all without, got lengths "
                f"{sorted(lengths)}"
            )

    def __len__(self) -> int:
        return len(next(iter(self.datasets.values() if isinstance(self.datasets, dict) else self.datasets)))

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def at_epoch(self, epoch: int) -> "StackDataset":
        """Return the datasets with the samples of `epoch`."""
        if isinstance(self.datasets, dict):
            return StackDataset(**{name: at_epoch(dataset, epoch) for name, dataset in self.datasets.items()})
        return StackDataset(*(at_epoch(dataset, epoch) for dataset in self.datasets))


class ChainDataset(IterableDataset[Any]):
    """The samples of several iterable datasets, one dataset after another."""

    def __init__(self, datasets: Iterable[Iterable[Any]]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for dataset in self.datasets:
            yield from dataset

    def __len__(self) -> int:
        return sum(map(len, self.datasets))  # type: ignore[arg-type]

    def at_epoch(self, epoch: int) -> "ChainDataset":
        """Return the datasets with the samples of `epoch`."""
        return ChainDataset([at_epoch(dataset, epoch) for dataset in self.datasets])


def random_split(
    dataset: Samples[Sample], lengths: Sequence[float], generator: random.Generator | None = None
) -> list[Subset[Sample]]:
    """Split a dataset at random into parts. Each sample is in exactly one part.

    Parameters
    ----------
    dataset : dataset of n samples
    lengths : integers with the sum n, or fractions with the sum 1
        The sizes of fractions are rounded down. The remaining samples go to the first parts, a sample to each.
    generator : Generator
        Default: the shared generator, which `minicnn.manual_seed` seeds.

    Raises
    ------
    DataError
        If the lengths are negative, or their sum is neither n nor 1.

    Examples
    --------
    >>> [len(part) for part in random_split(range(10), [0.75, 0.25])]
    [8, 2]
    """
    size = len(dataset)
    counts = _part_sizes(list(lengths), size)
    order = random.generator(generator).permutation(size)
    ends = np.cumsum(counts)
    return [Subset(dataset, order[end - count : end]) for count, end in zip(counts, ends, strict=True)]


def _part_sizes(lengths: list[float], size: int) -> list[int]:
    if all(0 <= part <= 1 for part in lengths) and math.isclose(sum(lengths), 1):
        counts = [int(size * part + 1e-9) for part in lengths]  # 1e-9: 0.29 * 100 is 28.999999999999996
        for i in range(size - sum(counts)):
            counts[i % len(counts)] += 1
        return counts
    if sum(lengths) != size or any(part < 0 or part != int(part) for part in lengths):
        raise DataError(
            f"random_split: lengths must be integers with the sum {size}, the number of samples, or fractions with the "
            f"sum 1, got {lengths} with the sum {sum(lengths)}"
        )
    return [int(part) for part in lengths]
