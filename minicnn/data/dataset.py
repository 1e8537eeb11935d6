"""What a dataset is, and the small ones: arrays (`TensorDataset`), a part of another (`Subset`, `random_split`).

A dataset is anything with `len(dataset)` and `dataset[index]`; a list is one. A dataset whose samples are drawn
at random also has `at_epoch(epoch)`, which returns the dataset as it is in that epoch. It is a new object and
nothing is changed in place, so threads that still read the last epoch see no difference.
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
    """Anything with a length and samples numbered from 0; derive from it or do not."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int, /) -> Sample: ...


def at_epoch(dataset: Any, epoch: int) -> Any:
    """Return `dataset` as it is in `epoch`: itself, unless its samples are drawn anew in every epoch."""
    method = getattr(dataset, "at_epoch", None)
    return dataset if method is None else method(epoch)


def random_stream(seed: int, *key: int) -> np.random.Generator:
    """Return the generator that belongs to (seed, key...), independent of those of all other keys.

    The same numbers always give the same stream, so random data needs no state beyond its position.

    Examples
    --------
    >>> int(random_stream(0, 3, 7).integers(100)) == int(random_stream(0, 3, 7).integers(100))
    True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


class TensorDataset:
    """Samples are tuples of the i-th rows of arrays (or tensors) that all have the same length.

    Parameters
    ----------
    *tensors : arrays or detached CPU tensors, (N, ...); they are not copied

    Raises
    ------
    DataError
        No array, an array without rows to index, or arrays of different lengths.

    Examples
    --------
    >>> TensorDataset(np.array([1.0, 2.0]), np.array([3, 4]))[1]
    (np.float64(2.0), np.int64(4))
    """

    def __init__(self, *tensors: npt.ArrayLike) -> None:
        self.arrays = tuple(np.asarray(tensor) for tensor in tensors)
        shapes = [array.shape for array in self.arrays]
        if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise DataError(f"TensorDataset: pass one or more arrays of one length along axis 0, got shapes {shapes}")

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return tuple(array[index] for array in self.arrays)


class Subset:
    """The samples of `dataset` at `indices`, in that order.

    Parameters
    ----------
    dataset : dataset of n samples
    indices : integers in [0, n); they may repeat

    Raises
    ------
    DataError
        An index is out of range.

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
        """Return the same subset of the dataset as it is in `epoch`."""
        return Subset(at_epoch(self.dataset, epoch), self.indices)


def random_split(
    dataset: Dataset[Any], lengths: Sequence[float], generator: np.random.Generator | None = None
) -> list[Subset]:
    """Split a dataset at random into parts that do not overlap and together are the whole.

    Parameters
    ----------
    dataset : dataset of n samples
    lengths : whole numbers that sum to n, or fractions that sum to 1
        Fractions are rounded down, and what is left over goes one by one to the first parts.
    generator : source of randomness; the same split every time if left out

    Raises
    ------
    DataError
        The lengths are negative or do not sum to n or 1.

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
        counts = [int(size * part + 1e-9) for part in lengths]  # 0.29 * 100 is 28.999999999999996
        for i in range(size - sum(counts)):
            counts[i % len(counts)] += 1
        return counts
    if sum(lengths) != size or any(part < 0 or part != int(part) for part in lengths):
        raise DataError(
            f"random_split: lengths must be whole numbers that sum to the dataset's {size} samples, or fractions that "
            f"sum to 1, got {lengths} with sum {sum(lengths)}"
        )
    return [int(part) for part in lengths]
