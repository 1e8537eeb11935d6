"""The interface `Dataset`; `TensorDataset`, a dataset of arrays; `Subset` and `random_split`, parts of a dataset.

A dataset is any object with `len(dataset)` and `dataset[index]`, for example a list. A dataset with random samples also
has `at_epoch(epoch)`, which returns a dataset with the samples of this epoch. It returns a new object and changes
nothing in place, so threads that still read the last epoch are not affected.
"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from minicnn.errors import DataError

__all__ = ["Dataset", "Subset", "TensorDataset", "at_epoch", "random_split", "random_stream"]

Sample = TypeVar("Sample", covariant=True)


class Dataset(Protocol[Sample]):
    """Any object with a length and samples numbered from 0. Subclassing is optional."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int, /) -> Sample: ...


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


class TensorDataset:
    """A dataset of arrays or tensors of the same length N. Sample i is the tuple of their rows i.

    Parameters
    ----------
    *tensors : arrays or detached CPU tensors, (N, ...)
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

    def __init__(self, *tensors: npt.ArrayLike) -> None:
        self.arrays = tuple(np.asarray(tensor) for tensor in tensors)
        shapes = [array.shape for array in self.arrays]
        if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise DataError(f"TensorDataset: pass arrays of the same length along axis 0, got shapes {shapes}")

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return tuple(array[index] for array in self.arrays)


class Subset:
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

    def __init__(self, dataset: Dataset[Any], indices: Sequence[int] | npt.NDArray[np.int64]) -> None:
        self.dataset = dataset
        self.indices = [int(index) for index in indices]
        for index in self.indices:
            if not 0 <= index < len(dataset):
                raise DataError(f"Subset: indices must lie in [0, {len(dataset)}) for this dataset, got {index}")

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]

    def at_epoch(self, epoch: int) -> "Subset":
        """Return the subset with the samples of `epoch`."""
        return Subset(at_epoch(self.dataset, epoch), self.indices)


def random_split(
    dataset: Dataset[Any], lengths: Sequence[float], generator: np.random.Generator | None = None
) -> list[Subset]:
    """Split a dataset at random into parts. Each sample is in exactly one part.

    Parameters
    ----------
    dataset : dataset of n samples
    lengths : integers with the sum n, or fractions with the sum 1
        The sizes of fractions are rounded down. The remaining samples go to the first parts, a sample to each.
    generator : numpy.random.Generator, optional
        Without it, every call gives the same split.

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
    order = (generator or random_stream(0)).permutation(size)
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
