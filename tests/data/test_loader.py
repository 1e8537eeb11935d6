"""Tests of DataLoader: order, resuming a state, worker threads, arguments, and default_collate."""

import gc
import itertools
import json
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn.data.crops import PatchDataset
from minicnn.data.dataset import Subset, TensorDataset
from minicnn.data.loader import DataLoader, default_collate
from minicnn.errors import DataError

configurations = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 7),
        "shuffle": st.booleans(),
        "num_workers": st.integers(0, 4),
        "prefetch": st.integers(1, 3),
        "seed": st.integers(0, 5),
    }
)


class Slow:
    """A dataset whose samples take different times, so workers finish out of order; counts the reads."""

    def __init__(self, size, seconds=0.001):
        self.size, self.seconds, self.read = size, seconds, 0

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        self.read += 1
        time.sleep(self.seconds * (index % 3))
        return index


class Failing(Slow):
    """A dataset that raises `error` at index 5."""

    def __init__(self, size, error):
        super().__init__(size, 0)
        self.error = error

    def __getitem__(self, index):
        if index == 5:
            raise self.error
        return super().__getitem__(index)


def workers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("minicnn-loader")]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    deadline = time.monotonic() + 5
    while workers() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert not workers()


# order


def test_batches_come_in_order_and_the_last_may_be_smaller():
    assert list(DataLoader(range(7), 3, collate=list)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(DataLoader(range(7), 3, drop_last=True, collate=list)) == [[0, 1, 2], [3, 4, 5]]
    assert list(DataLoader(range(2), collate=list)) == [[0], [1]]


@pytest.mark.parametrize(("drop_last", "lengths"), [(False, [7, 4, 3, 1, 1]), (True, [7, 3, 2, 1])])
def test_the_length_counts_batches(drop_last, lengths):
    for batch_size, length in zip((1, 2, 3, 7, 8), lengths, strict=False):
        loader = DataLoader(range(7), batch_size, drop_last=drop_last)
        assert len(loader) == length
        assert len(list(loader)) == length


@settings(deadline=None, max_examples=40)
@given(size=st.integers(1, 30), configuration=configurations)
def test_the_order_does_not_depend_on_the_workers(size, configuration):
    loader = DataLoader(Slow(size, 0.0002), **configuration, collate=list)
    serial = DataLoader(range(size), **configuration | {"num_workers": 0}, collate=list)
    for _ in range(2):
        batches = list(loader)
        assert batches == list(serial)
        assert sorted(itertools.chain(*batches)) == list(range(size))


def test_shuffling_changes_with_the_epoch_and_the_seed_alone():
    def epochs(seed):
        loader = DataLoader(range(100), 100, shuffle=True, seed=seed, collate=tuple)
        return [next(iter(loader)) for _ in range(3)]

    assert epochs(0) == epochs(0)
    assert len({*epochs(0), *epochs(1), tuple(range(100))}) == 7


def test_the_dataset_is_asked_for_its_epoch():
    patches = PatchDataset([np.random.default_rng(0).random((1, 90, 90))], 4, 10)
    loader = DataLoader(Subset(patches, range(10)), 10, num_workers=2, collate=np.stack)
    for epoch in range(3):
        (batch,) = loader
        np.testing.assert_array_equal(batch, np.stack(list(patches.at_epoch(epoch))))


# resuming


@settings(deadline=None, max_examples=60)
@given(size=st.integers(1, 20), configuration=configurations, other_workers=st.integers(0, 3), data=st.data())
def test_a_resumed_loader_gives_exactly_the_rest(size, configuration, other_workers, data):
    whole = DataLoader(range(size), **configuration, collate=list)
    expected = [list(whole) for _ in range(4)]
    first = DataLoader(range(size), **configuration, collate=list)
    epoch = data.draw(st.integers(0, 2))
    taken = data.draw(st.integers(0, len(first)))
    for _ in range(epoch):
        list(first)
    batches = iter(first)
    assert list(itertools.islice(batches, taken)) == expected[epoch][:taken]
    state = json.loads(json.dumps(first.state_dict()))
    assert (state["epoch"], state["batch"]) == (epoch, taken)
    second = DataLoader(range(size), **configuration | {"num_workers": other_workers}, collate=list)
    second.load_state_dict(state)
    assert second.state_dict() == state
    assert list(second) == expected[epoch][taken:]
    assert list(second) == expected[epoch + 1]
    assert list(batches) == expected[epoch][taken:]
    assert first.state_dict() | second.state_dict() == first.state_dict() | {"epoch": epoch + 2}


def test_a_state_is_made_of_plain_ints():
    loader = DataLoader(range(5), np.int64(2), shuffle=True, drop_last=np.True_, seed=np.int32(3))
    next(iter(loader))
    state = loader.state_dict()
    assert state == {"epoch": 0, "batch": 1, "samples": 5, "batch_size": 2, "seed": 3, "shuffle": 1, "drop_last": 1}
    assert {type(value) for value in state.values()} == {int}


def test_prepared_batches_count_as_not_used():
    dataset = Slow(40, 0)
    loader = DataLoader(dataset, 2, num_workers=2, prefetch=3, collate=list)
    batches = iter(loader)
    next(batches)
    deadline = time.monotonic() + 5
    while dataset.read < 2 * 7 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert dataset.read == 2 * 7  # the batch that was taken, and exactly 2 * 3 batches ahead
    assert loader.state_dict()["batch"] == 1


def test_a_state_at_the_end_of_an_epoch_leaves_an_empty_rest():
    loader = DataLoader(range(4), 2, collate=list)
    for _ in loader:
        state = loader.state_dict()
    assert (state["epoch"], state["batch"]) == (0, 2)
    assert loader.state_dict()["epoch"] == 1
    loader.load_state_dict(state)
    assert list(loader) == []
    assert loader.state_dict()["epoch"] == 1
    assert list(loader) == [[0, 1], [2, 3]]


def test_a_loop_that_was_left_is_followed_by_the_next_epoch():
    loader = DataLoader(range(50), 10, shuffle=True, collate=list)
    epochs = [list(DataLoader(range(50), 10, shuffle=True, collate=list))]
    assert next(iter(loader)) == epochs[0][0]
    second = list(loader)
    assert second[0] != epochs[0][0]
    assert sorted(itertools.chain(*second)) == list(range(50))
    assert (loader.state_dict()["epoch"], loader.state_dict()["batch"]) == (2, 0)


def test_a_loader_may_be_looped_over_twice_at_once():
    loader = DataLoader(range(6), 2, num_workers=2, collate=list)
    assert list(zip(loader, loader, strict=True)) == [([0, 1],) * 2, ([2, 3],) * 2, ([4, 5],) * 2]
    outer = iter(loader)
    next(outer)
    inner = iter(loader)
    next(inner)
    state = loader.state_dict()
    next(outer)
    assert loader.state_dict() == state


def test_a_state_of_other_settings_is_refused_within_an_epoch():
    loader = DataLoader(range(10), 2, shuffle=True)
    next(iter(loader))
    state = loader.state_dict()
    other = DataLoader(range(9), 3, seed=1)
    with pytest.raises(
        DataError,
        match=r"DataLoader\.load_state_dict: the state is within an epoch and was saved with samples=10 \(here 9\), "
        r"batch_size=2 \(here 3\), seed=0 \(here 1\), shuffle=1 \(here 0\); build the loader with the same",
    ):
        other.load_state_dict(state)
    other.load_state_dict(state | {"epoch": 3, "batch": 0})
    assert other.state_dict()["epoch"] == 3


def test_a_damaged_state():
    loader = DataLoader(range(10))
    with pytest.raises(DataError, match=r"the state lacks \['batch', 'seed'\]; pass the result of state_dict\(\)"):
        loader.load_state_dict({k: v for k, v in loader.state_dict().items() if k not in ("batch", "seed")})
    with pytest.raises(DataError, match=r"load_state_dict: epoch must be an integer of at least 0, got -1"):
        loader.load_state_dict(loader.state_dict() | {"epoch": -1})
    with pytest.raises(DataError, match=r"load_state_dict: batch must be an integer of at least 0, got 1\.5"):
        loader.load_state_dict(loader.state_dict() | {"batch": 1.5})


# threads


@pytest.mark.parametrize("num_workers", [0, 1, 4])
@pytest.mark.parametrize("error", [DataError("a bad file"), KeyError("x"), MemoryError(), KeyboardInterrupt()])
def test_an_exception_arrives_with_its_own_type_after_the_good_batches(num_workers, error):
    loader = DataLoader(Failing(20, error), 2, num_workers=num_workers, collate=list)
    seen = []
    with pytest.raises(type(error)) as caught:
        seen.extend(iter(loader))
    assert caught.value is error
    assert seen == [] or seen == [[0, 1], [2, 3]]
    assert loader.state_dict()["batch"] == 2


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_stop_iteration_does_not_end_the_epoch_silently(num_workers):
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(Failing(20, StopIteration()), 2, num_workers=num_workers, collate=list))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_exception_in_collate_arrives_too(num_workers):
    with pytest.raises(ZeroDivisionError):
        list(DataLoader(range(4), num_workers=num_workers, collate=lambda samples: 1 / samples[0]))


def test_leaving_the_loop_stops_the_threads():
    dataset = Slow(1000)
    for _ in DataLoader(dataset, 10, num_workers=3, collate=list):
        assert workers()
        break
    deadline = time.monotonic() + 5
    while workers() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert not workers()
    assert dataset.read < 100


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_in_the_loop_stops_the_threads(error):
    dataset = Slow(1000)

    def train():
        for _ in DataLoader(dataset, 10, num_workers=3, collate=list):
            raise error

    with pytest.raises(error):
        train()
    gc.collect()
    deadline = time.monotonic() + 5
    while workers() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert not workers()
    assert dataset.read < 100


def test_dropping_the_iterator_stops_the_threads():
    loader = DataLoader(Slow(1000), 10, num_workers=2, collate=list)
    batches = iter(loader)
    next(batches)
    assert workers()
    del batches
    gc.collect()
    deadline = time.monotonic() + 5
    while workers() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert not workers()


def test_an_iterator_that_was_never_used_starts_no_thread():
    batches = iter(DataLoader(range(9), num_workers=2))
    assert not workers()
    del batches


@pytest.mark.parametrize("ending", ["pass", "raise KeyboardInterrupt", "import sys; sys.exit(3)"])
def test_a_program_ends_though_an_iterator_is_alive(ending):
    program = f"""
import time
from minicnn.data.loader import DataLoader
class Slow:
    def __len__(self):
        return 1000
    def __getitem__(self, index):
        time.sleep(0.01)
        return index
batches = iter(DataLoader(Slow(), 2, num_workers=2, collate=list))
print(next(batches), flush=True)
{ending}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == "[0, 1]\n"


def test_workers_work_at_the_same_time():
    barrier = threading.Barrier(3, timeout=5)

    class Meeting(Slow):
        def __getitem__(self, index):
            barrier.wait()
            return index

    assert list(DataLoader(Meeting(6), num_workers=3, collate=list)) == [[i] for i in range(6)]


@pytest.mark.parametrize(
    ("name", "value", "minimum"),
    [("batch_size", 0, 1), ("batch_size", 2.0, 1), ("num_workers", -1, 0), ("prefetch", 0, 1), ("seed", -1, 0)],
)
def test_arguments_out_of_range(name, value, minimum):
    with pytest.raises(DataError, match=f"DataLoader: {name} must be an integer of at least {minimum}, got {value}"):
        DataLoader(range(4), **{name: value})


def test_datasets_that_give_no_batch():
    with pytest.raises(DataError, match="DataLoader: the dataset must have at least 1 sample, got 0"):
        DataLoader([])
    with pytest.raises(DataError, match="drop_last=True leaves no batch of 5 from 4 samples; choose a smaller"):
        DataLoader(range(4), 5, drop_last=True)
    with pytest.raises(DataError, match="dataset must have a length and be indexed by integers, got generator; pass"):
        DataLoader(i for i in range(4))


# default_collate


@pytest.mark.parametrize("num_workers", [0, 2])
def test_batches_are_tensors_by_default(num_workers):
    x, y = np.random.default_rng(0).random((5, 3, 4, 4), dtype=np.float32), np.arange(5)
    batches = list(DataLoader(TensorDataset(x, y), 2, num_workers=num_workers))
    assert [type(part) for batch in batches for part in batch] == [minicnn.Tensor] * 6
    images, labels = batches[1]
    assert images.dtype == minicnn.float32
    assert labels.dtype == minicnn.int64
    assert not images.requires_grad
    np.testing.assert_array_equal(images.numpy(), x[2:4])
    np.testing.assert_array_equal(labels.numpy(), [2, 3])


@pytest.mark.parametrize(
    ("samples", "dtype"),
    [
        ([0.5, 1.5], np.float32),
        ([1, 2], np.int64),
        ([True, False], np.bool_),
        ([np.float64(0.5), np.float64(1)], np.float64),
        ([np.float32(0.5), np.float32(1)], np.float32),
        ([np.zeros((2, 2)), np.ones((2, 2))], np.float64),
        ([np.zeros((0, 2), np.float32)] * 2, np.float32),
    ],
)
def test_numbers_and_arrays_are_stacked(samples, dtype):
    batch = default_collate(samples)
    np.testing.assert_array_equal(batch.numpy(), np.stack(samples))
    assert batch.numpy().dtype == dtype


def test_tensors_and_nested_tuples_are_stacked():
    sample = (minicnn.tensor([1.0, 2.0]), (3, [4.0, 5.0]))
    first, (second, (third, fourth)) = default_collate([sample, sample])
    np.testing.assert_array_equal(first.numpy(), [[1, 2], [1, 2]])
    assert [part.numpy().tolist() for part in (second, third, fourth)] == [[3, 3], [4, 4], [5, 5]]


def test_what_cannot_be_stacked():
    shapes = r"\[\(3, 4, 4\), \(3, 4, 5\)\]"
    with pytest.raises(DataError, match=rf"samples of a batch must have the same shape, got {shapes}; cut patches"):
        default_collate([np.zeros((3, 4, 5)), np.zeros((3, 4, 4))])
    for second in ((1,), (1, 2, 3), 4):
        with pytest.raises(DataError, match="samples of a batch must be tuples of the same length; pass collate="):
            default_collate([(1, 2), second])
    for sample, kind in (("text", "str"), ({"a": 1}, "dict"), (None, "NoneType")):
        with pytest.raises(DataError, match=f"must be numbers, arrays or tuples of these, got {kind}; pass collate="):
            default_collate([sample, sample])
