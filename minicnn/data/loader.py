"""`DataLoader`: batches of a dataset in a fixed order, prepared ahead by threads, resumable at any batch.

Threads suffice because decoding images and NumPy's arithmetic release the GIL; nothing is pickled or copied.
Batch k is a task; tasks start and are taken in order, so the number of workers changes the speed and nothing else.
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
    samples : arrays or tensors of one shape (...), or numbers, or tuples of these

    Returns
    -------
    tensor (N, ...), or a tuple of them
        Arrays keep their type; Python's floats become float32, ints int64.

    Raises
    ------
    DataError
        The samples differ in shape or kind, or are nothing that can be stacked.
    """
    first = samples[0]
    if isinstance(first, tuple | list):
        lengths = {len(sample) if isinstance(sample, tuple | list) else None for sample in samples}
        if lengths != {len(first)}:
            raise DataError("default_collate: samples of a batch must all be tuples of one length; pass collate=")
        return tuple(default_collate(list(column)) for column in zip(*samples, strict=True))
    arrays = [np.asarray(sample, np.float32 if type(sample) is float else None) for sample in samples]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise DataError(
            f"default_collate: samples of a batch must have one shape, got {shapes}; cut patches of one size "
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
    """Where one pass over the data stands: batches handed out so far in this epoch."""

    epoch: int = 0
    batch: int = 0


class DataLoader:
    """Batches of a dataset; each `for` loop over it is one epoch.

    Parameters
    ----------
    dataset : anything with a length and samples numbered from 0
        If it has `at_epoch`, it is asked for the dataset of each epoch.
    batch_size : samples a batch
    shuffle : a new order each epoch, determined by the seed and the epoch
    drop_last : leave out a last batch that is smaller
    num_workers : threads that prepare batches; 0 prepares each when it is asked for
    prefetch : batches that each worker holds ready
    seed : of the order
    collate : function from a list of samples to a batch

    Raises
    ------
    DataError
        An argument out of range, or a dataset without samples or without a full batch.

    Notes
    -----
    An exception while a batch is prepared is raised in the loop, with its own type, when that batch's turn comes.
    The threads end with the loop, also when it is left by break or an exception: none outlives the batch at hand.
    A loop that was left is not taken up again; the next one is the next epoch. Only after `load_state_dict` does a
    loop begin within an epoch. Of two loops at once, the state is that of the one begun last.

    Examples
    --------
    >>> loader = DataLoader([10, 11, 12], batch_size=2, collate=list)
    >>> list(loader)
    [[10, 11], [12]]
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
            raise DataError("DataLoader: the dataset is empty; there is nothing to load")
        if len(self) == 0:
            raise DataError(
                f"DataLoader: drop_last=True leaves no batch of {batch_size} from {len(dataset)} samples; "
                f"choose a smaller batch_size or drop_last=False"
            )
        self._progress = _Progress()
        self._resumed = False

    def __len__(self) -> int:
        """Batches in an epoch."""
        samples = len(self.dataset) if self.drop_last else len(self.dataset) + self.batch_size - 1
        return samples // self.batch_size

    def __iter__(self) -> Iterator[Any]:
        at = self._progress
        if self._resumed or at.batch == 0:
            self._progress = _Progress(at.epoch, at.batch)
        else:
            self._progress = _Progress(at.epoch + 1, 0)
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

        todo = range(progress.batch, len(self))
        batches = self._ahead(prepare, todo, stop) if self.num_workers else (prepare(k) for k in todo)
        for batch in batches:
            progress.batch += 1  # a batch counts as used from the moment that the loop has it
            yield batch
        progress.epoch, progress.batch = progress.epoch + 1, 0

    def _ahead(self, prepare: Callable[[int], Any], todo: range, stop: threading.Event) -> Iterator[Any]:
        """Yield prepare(k) for each k in `todo`, in order, while threads work on the next ones."""
        pool = ThreadPoolExecutor(self.num_workers, thread_name_prefix="minicnn-loader")
        try:
            waiting: deque[Future[Any]] = deque()
            for k in todo:
                waiting.append(pool.submit(prepare, k))
                if len(waiting) > self.num_workers * self.prefetch:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # also when the loop is left by break, by an exception or by dropping the iterator
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def state_dict(self) -> dict[str, int]:
        """Return the position, and the settings it depends on, as plain ints.

        Batches that threads have prepared but the loop has not taken count as not used.
        """
        return {"epoch": self._progress.epoch, "batch": self._progress.batch, **self._settings()}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Take up the position of `state`: the next loop gives exactly the rest of its epoch.

        Raises
        ------
        DataError
            The state is incomplete, or it lies within an epoch and was saved with other settings, so that the
            rest of that epoch is not known.
        """
        settings = self._settings()
        missing = sorted({"epoch", "batch", *settings} - state.keys())
        if missing:
            raise DataError(f"DataLoader.load_state_dict: the state lacks {missing}; pass what state_dict() returned")
        epoch, batch = (check_integer("DataLoader.load_state_dict", key, state[key], 0) for key in ("epoch", "batch"))
        changed = [f"{key}={state[key]} (here {here})" for key, here in settings.items() if state[key] != here]
        if batch and changed:
            raise DataError(
                f"DataLoader.load_state_dict: the state lies within an epoch and was saved with {', '.join(changed)}; "
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
