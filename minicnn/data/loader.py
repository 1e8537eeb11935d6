"""`DataLoader`: batches of a dataset in a reproducible order, prepared by threads, resumable at any batch.

Threads are enough, because decoding images and NumPy's arithmetic release the GIL. Nothing is pickled or copied between
processes. Batch k is a task of a thread pool. Results are taken in order, so the number of workers changes only the
speed.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.data.arguments import check_integer
from minicnn.data.dataset import Dataset, at_epoch, random_stream
from minicnn.errors import DataError
from minicnn.ops.create import from_numpy

__all__ = ["DataLoader", "default_collate"]


def default_collate(samples: list[Any]) -> Any:
    """Stack samples into a batch of tensors.

    Parameters
    ----------
    samples : list of N arrays or tensors of the same shape (...), or of numbers, or of tuples of these

    Returns
    -------
    Tensor, (N, ...), or a tuple of Tensors
        Arrays keep their dtype. Python's floats become float32, ints int64.

    Raises
    ------
    DataError
        If the samples have different shapes or kinds, or cannot be stacked.
    """
    first = samples[0]
    if isinstance(first, tuple | list):
        lengths = {len(sample) if isinstance(sample, tuple | list) else None for sample in samples}
        if lengths != {len(first)}:
            raise DataError("default_collate: samples of a batch must be tuples of the same length; pass collate=")
        return tuple(default_collate(list(column)) for column in zip(*samples, strict=True))
    arrays = [np.asarray(sample, np.float32 if type(sample) is float else None) for sample in samples]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise DataError(
            f"default_collate: samples of a batch must have the same shape, got {shapes}; cut patches of the same size "
            f"(PatchDataset), use batch_size=1, or pass collate="
        )
    stacked = np.stack(arrays)  # (N, ...)
    if stacked.dtype.kind not in "biuf":
        raise DataError(
            f"default_collate: samples must be numbers, arrays or tuples of these, got {type(first).__name__}; "
            f"pass collate="
        )
    return from_numpy(stacked)


@dataclass
class _Progress:
    """The position of a loop: the epoch, and the number of its batches that the loop has received."""

    epoch: int = 0
    batch: int = 0


class DataLoader:
    """Batches of a dataset. Each `for` loop over the loader is an epoch.

    Parameters
    ----------
    dataset : object with a length and samples numbered from 0
        If it has a method `at_epoch`, the loader calls it at the start of each epoch.
    batch_size : int
        The number of samples in a batch.
    shuffle : bool
        Use a new order in each epoch. The seed and the epoch determine the order.
    drop_last : bool
        Leave out the last batch if it is smaller than `batch_size`.
    num_workers : int
        The number of threads that prepare batches. 0: the loop prepares each batch.
    prefetch : int
        The number of batches that each worker prepares in advance.
    seed : int
        The seed of the order.
    collate : callable
        Makes a batch from a list of samples.

    Raises
    ------
    DataError
        If an argument is out of range, or the dataset has no sample or no full batch.

    Notes
    -----
    An exception in a worker is raised in the loop, when the loop reaches this batch.
    The threads stop when the loop ends, also by `break` or an exception; a thread finishes at most its current sample.
    A loop that was left early cannot be continued: the next loop is the next epoch. A loop starts within an epoch only
    after `load_state_dict`. If two loops run at the same time, `state_dict` describes the loop that started last.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        num_workers: int = 0,
        prefetch: int = 2,
        seed: int = 0,
        collate: Callable[[list[Any]], Any] = default_collate,
    ) -> None:
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            raise DataError(
                f"DataLoader: dataset must have a length and be indexed by integers, got {type(dataset).__name__}; "
                f"pass e.g. list(dataset)"
            )
        self.batch_size = check_integer("DataLoader", "batch_size", batch_size, 1)
        self.num_workers = check_integer("DataLoader", "num_workers", num_workers, 0)
        self.prefetch = check_integer("DataLoader", "prefetch", prefetch, 1)
        self.seed = check_integer("DataLoader", "seed", seed, 0)
        self.dataset, self.shuffle, self.drop_last, self.collate = dataset, shuffle, drop_last, collate
        if len(dataset) == 0:
            raise DataError("DataLoader: the dataset must have at least 1 sample, got 0; pass another dataset")
        if len(self) == 0:
            raise DataError(
                f"DataLoader: drop_last=True leaves no batch of {batch_size} from {len(dataset)} samples; "
                f"choose a smaller batch_size or drop_last=False"
            )
        self._progress = _Progress()
        self._resumed = False

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        samples = len(self.dataset) if self.drop_last else len(self.dataset) + self.batch_size - 1
        return samples // self.batch_size

    def __iter__(self) -> Iterator[Any]:
        last = self._progress
        if self._resumed or last.batch == 0:
            self._progress = _Progress(last.epoch, last.batch)
        else:
            self._progress = _Progress(last.epoch + 1, 0)
        self._resumed = False
        return self._epoch(self._progress)

    def _epoch(self, progress: _Progress) -> Iterator[Any]:
        size = len(self.dataset)
        order = random_stream(self.seed, progress.epoch).permutation(size) if self.shuffle else np.arange(size)
        dataset = at_epoch(self.dataset, progress.epoch)
        stop = threading.Event()

        def prepare(batch: int) -> Any:
            samples = []
            for index in order[batch * self.batch_size : (batch + 1) * self.batch_size]:
                if stop.is_set():
                    return None
                samples.append(dataset[int(index)])
            return self.collate(samples)

        remaining = range(progress.batch, len(self))
        batches = self._prefetch(prepare, remaining, stop) if self.num_workers else (prepare(k) for k in remaining)
        for batch in batches:
            progress.batch += 1  # before the yield: a batch counts as used when the loop receives it
            yield batch
        progress.epoch, progress.batch = progress.epoch + 1, 0

    def _prefetch(self, prepare: Callable[[int], Any], remaining: range, stop: threading.Event) -> Iterator[Any]:
        """Yield prepare(k) for each remaining batch k, in order, while threads prepare the next batches."""
        pool = ThreadPoolExecutor(self.num_workers, thread_name_prefix="minicnn-loader")
        try:
            pending: deque[Future[Any]] = deque()
            for k in remaining:
                pending.append(pool.submit(prepare, k))
                if len(pending) > self.num_workers * self.prefetch:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:  # also after break, an exception or the deletion of the iterator
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def state_dict(self) -> dict[str, int]:
        """Return the position and the settings that it depends on, as ints.

        A batch counts only after the loop has received it. Batches prepared in advance do not count.
        """
        return {"epoch": self._progress.epoch, "batch": self._progress.batch, **self._settings()}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Load a position. The next loop yields the remaining batches of its epoch.

        Raises
        ------
        DataError
            If the state is incomplete, or its position is within an epoch and it was saved with other settings.
        """
        settings = self._settings()
        missing = sorted({"epoch", "batch", *settings} - state.keys())
        if missing:
            raise DataError(f"DataLoader.load_state_dict: the state lacks {missing}; pass the result of state_dict()")
        epoch, batch = (check_integer("DataLoader.load_state_dict", key, state[key], 0) for key in ("epoch", "batch"))
        changed = [f"{key}={state[key]} (here {here})" for key, here in settings.items() if state[key] != here]
        if batch and changed:
            raise DataError(
                f"DataLoader.load_state_dict: the state is within an epoch and was saved with {', '.join(changed)}; "
                f"build the loader with the same dataset and settings"
            )
        self._progress, self._resumed = _Progress(epoch, batch), True

    def _settings(self) -> dict[str, int]:
        return {
            "samples": len(self.dataset),
            "batch_size": self.batch_size,
            "seed": self.seed,
            "shuffle": int(self.shuffle),
            "drop_last": int(self.drop_last),
        }
