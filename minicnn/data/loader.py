"""`DataLoader`: batches of a dataset in a reproducible order, prepared by threads, resumable at any batch.

Threads are enough, because decoding images and NumPy's arithmetic release the GIL. Nothing is pickled or copied between
processes. Batch k is a task of a thread pool. Results are taken in order, so the number of workers changes only the
speed. This holds for random samples too: while batch k of an epoch is prepared, `minicnn.rand` and the like draw from
a stream that the seed, the epoch and k determine.
"""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from minicnn.data.arguments import check_integer
from minicnn.data.collate import default_collate, default_convert
from minicnn.data.dataset import IterableDataset, Samples, at_epoch, random_stream
from minicnn.data.sampler import BatchSampler, EpochSampler, SequentialSampler
from minicnn.errors import DataError
from minicnn.runtime import random

__all__ = ["DataLoader", "WorkerInfo", "get_worker_info"]

PREFETCH_FACTOR = 2
END = object()  # after the last batch of an IterableDataset
DRAWS = 1  # the last part of the key of a batch's random stream; the keys of orders and samples do not have it


@dataclass(frozen=True)
class WorkerInfo:
    """The worker that prepares a sample: its number, the number of workers, the loader's seed, and its dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_worker: ContextVar[WorkerInfo | None] = ContextVar("_worker", default=None)


def get_worker_info() -> WorkerInfo | None:
    """Return the worker that calls, or None outside of the workers."""
    return _worker.get()


@dataclass
class _Progress:
    """The position of a loop: the epoch, and the number of its batches that the loop has received."""

    epoch: int = 0
    batch: int = 0


class DataLoader:
    """Batches of a dataset. Each `for` loop over the loader is an epoch.

    Parameters
    ----------
    dataset : object with a length and samples numbered from 0, or an IterableDataset
        If it has a method `at_epoch`, the loader calls it at the start of each epoch.
    batch_size : int, optional
        The number of samples in a batch. None: no batches, the loop gets sample after sample.
    shuffle : bool
        Use a new order in each epoch. The seed and the epoch determine the order.
    sampler : iterable of integers, optional
        The order of the samples, instead of `shuffle` (see sampler.py).
    batch_sampler : iterable of lists of integers, optional
        The samples of each batch, instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
    num_workers : int
        The number of threads that prepare batches. 0: the loop prepares each batch. An IterableDataset is read by one.
    collate_fn : callable, optional
        Makes a batch from a list of samples, by default `default_collate`; without batches, it gets a sample.
    drop_last : bool
        Leave out the last batch if it is smaller than `batch_size`.
    timeout : float
        How many seconds the loop waits for a batch of the workers. 0: without end.
    worker_init_fn : callable, optional
        Each worker calls it with its number before its first batch.
    generator : Generator, optional
        Draws the seed of the order.
    prefetch_factor : int, optional
        The number of batches that each worker prepares in advance, by default 2.
    seed : int, optional
        The seed of the order. Default: the seed of `minicnn.manual_seed`.
    pin_memory, multiprocessing_context, persistent_workers, pin_memory_device, in_order
        Arguments of PyTorch about its processes; no effect. Batches always come in order.

    Raises
    ------
    DataError
        If an argument is out of range, two arguments exclude each other, or the dataset has no sample or no full batch.

    Notes
    -----
    An exception in a worker is raised in the loop, when the loop reaches this batch.
    The threads stop when the loop ends, also by `break` or an exception; a thread finishes at most its current sample.
    A loop that was left early cannot be continued: the next loop is the next epoch. A loop starts within an epoch only
    after `load_state_dict`. If two loops run at the same time, `state_dict` describes the loop that started last.
    Python's `random` and NumPy's global generator are shared by all threads, so with workers the order of their numbers
    is not reproducible. Draw with minicnn's functions.
    """

    def __init__(
        self,
        dataset: Samples[Any] | IterableDataset[Any],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: random.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        seed: int | None = None,
    ) -> None:
        self.dataset, self.drop_last, self.timeout, self.worker_init_fn = dataset, drop_last, timeout, worker_init_fn
        self.shuffle, self.generator = bool(shuffle), generator
        self.num_workers = check_integer("DataLoader", "num_workers", num_workers, 0)
        factor = PREFETCH_FACTOR if prefetch_factor is None else prefetch_factor
        self.prefetch_factor = check_integer("DataLoader", "prefetch_factor", factor, 1)
        if seed is None:
            seed = random.initial_seed() if generator is None else int(random.generator(generator).integers(2**63))
        self.seed = check_integer("DataLoader", "seed", seed, 0)
        _check_combination(dataset, batch_size, shuffle, sampler, batch_sampler, drop_last)
        self.batch_size = None
        if batch_size is not None and batch_sampler is None:
            self.batch_size = check_integer("DataLoader", "batch_size", batch_size, 1)
        self.collate_fn = collate_fn or (
            default_convert if self.batch_size is None and batch_sampler is None else default_collate
        )
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self._progress, self._resumed = _Progress(), False
        if isinstance(dataset, IterableDataset):
            return
        if sampler is None and batch_sampler is None and len(dataset) == 0:
            raise DataError("DataLoader: the dataset must have at least 1 sample, got 0; pass another dataset")
        if sampler is None:
            self.sampler = EpochSampler(dataset, self.seed) if shuffle else SequentialSampler(dataset)
        if self.batch_size is not None:
            assert self.sampler is not None
            self.batch_sampler = BatchSampler(self.sampler, self.batch_size, drop_last)
            if sampler is None and len(self) == 0:
                raise DataError(
                    f"DataLoader: drop_last=True leaves no batch of {batch_size} from {len(dataset)} samples; "
                    f"choose a smaller batch_size or drop_last=False"
                )

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self._items)  # type: ignore[arg-type]
        size = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return size
        return size // self.batch_size + (size % self.batch_size > 0 and not self.drop_last)

    @property
    def _items(self) -> Iterable[Any]:
        """What an epoch runs through: lists of numbers, or numbers where there are no batches."""
        items = self.sampler if self.batch_sampler is None else self.batch_sampler
        assert items is not None
        return items

    def __iter__(self) -> Iterator[Any]:
        last = self._progress
        if self._resumed or last.batch == 0:
            self._progress = _Progress(last.epoch, last.batch)
        else:
            self._progress = _Progress(last.epoch + 1, 0)
        self._resumed = False
        return self._epoch(self._progress)

    def _epoch(self, progress: _Progress) -> Iterator[Any]:
        dataset = at_epoch(self.dataset, progress.epoch)
        stop = threading.Event()
        read: Callable[[Any], Any]
        if isinstance(self.dataset, IterableDataset):  # one worker reads it, and after a resume again from the start
            source, tasks, workers = iter(dataset), itertools.repeat(None), min(self.num_workers, 1)
            read, unread, again = lambda _: self._next(source), 0, progress.batch
        else:
            tasks, workers = iter(at_epoch(self._items, progress.epoch)), self.num_workers
            read, unread, again = lambda task: self._fetch(dataset, task, stop), progress.batch, 0

        def prepare(number: int, task: Any) -> Any:
            with random.drawing_from(random_stream(self.seed, progress.epoch, number, DRAWS)):
                return read(task)

        numbered = itertools.islice(enumerate(tasks), unread, None)
        batches = self._prefetch(prepare, numbered, workers, stop) if workers else (prepare(*n) for n in numbered)
        for batch in itertools.islice(itertools.takewhile(lambda batch: batch is not END, batches), again, None):
            progress.batch += 1  # before the yield: a batch counts as used when the loop receives it
            yield batch
        progress.epoch, progress.batch = progress.epoch + 1, 0

    def _fetch(self, dataset: Any, task: Any, stop: threading.Event) -> Any:
        """Return the batch of a list of numbers, or the sample of a number; None if the loop has ended."""
        if self.batch_sampler is None:
            return self.collate_fn(dataset[task])
        if hasattr(dataset, "__getitems__"):  # PyTorch's name for: all samples of a batch at once
            return self.collate_fn(dataset.__getitems__(task))
        samples = []
        for index in task:
            if stop.is_set():
                return None
            samples.append(dataset[index])
        return self.collate_fn(samples)

    def _next(self, source: Iterator[Any]) -> Any:
        """Return the next batch, or the next sample, of an IterableDataset; END after the last one."""
        samples = list(itertools.islice(source, self.batch_size or 1))
        if not samples or (self.drop_last and len(samples) < (self.batch_size or 1)):
            return END
        return self.collate_fn(samples[0] if self.batch_size is None else samples)

    def _prefetch(
        self, prepare: Callable[..., Any], tasks: Iterator[tuple[int, Any]], workers: int, stop: threading.Event
    ) -> Iterator[Any]:
        """Yield the results of the tasks, in order, while threads prepare the next ones."""
        count = itertools.count()

        def start() -> None:
            number = next(count)
            _worker.set(WorkerInfo(number, workers, self.seed, self.dataset))
            if self.worker_init_fn is not None:
                self.worker_init_fn(number)

        pool = ThreadPoolExecutor(workers, thread_name_prefix="minicnn-loader", initializer=start)
        try:
            pending: deque[Future[Any]] = deque()
            for task in tasks:
                pending.append(pool.submit(prepare, *task))
                if len(pending) > workers * self.prefetch_factor:
                    yield self._result(pending.popleft())
            while pending:
                yield self._result(pending.popleft())
        finally:  # also after break, an exception or the deletion of the iterator
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _result(self, task: Future[Any]) -> Any:
        try:
            return task.result(self.timeout or None)
        except TimeoutError as error:
            if task.done():  # raised by the dataset
                raise
            raise DataError(f"DataLoader: a worker has given no batch within {self.timeout} seconds") from error

    def state_dict(self) -> dict[str, int]:
        """Return the position and the settings that it depends on, as ints.

        A batch counts only after the loop has received it. Batches prepared in advance do not count.
        """
        return {"epoch": self._progress.epoch, "batch": self._progress.batch, **self._settings()}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Load a position. The next loop yields the remaining batches of its epoch.

        With a sampler of your own, these are the same batches only if its order is the same again.

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
            "samples": len(self.dataset) if hasattr(self.dataset, "__len__") else 0,
            "batch_size": self.batch_size or 0,
            "seed": self.seed,
            "shuffle": int(self.shuffle),
            "drop_last": int(self.drop_last),
        }


def _check_combination(
    dataset: Any, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    """Raise DataError if two arguments exclude each other, or the dataset cannot be read."""
    ordered = {"shuffle": shuffle, "sampler": sampler, "batch_sampler": batch_sampler}
    given = [name for name, value in ordered.items() if value is not None and value is not False]
    if isinstance(dataset, IterableDataset):
        if given:
            raise DataError(f"DataLoader: an IterableDataset has its own order; leave out {', '.join(given)}")
    elif not hasattr(dataset, "__getitem__") or not (hasattr(dataset, "__len__") or sampler or batch_sampler):
        raise DataError(
            f"DataLoader: dataset must have a length and be indexed by integers, got {type(dataset).__name__}; "
            f"pass e.g. list(dataset)"
        )
    if batch_sampler is not None and (batch_size != 1 or drop_last):
        given += [f"batch_size={batch_size}"] * (batch_size != 1) + ["drop_last"] * drop_last
    if len(given) > 1:
        raise DataError(f"DataLoader: {' and '.join(given)} exclude each other; pass one of them")
    if batch_size is None and drop_last:
        raise DataError("DataLoader: without batches (batch_size=None) there is no last one; leave out drop_last")
