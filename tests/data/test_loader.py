"""Tests of DataLoader: order, resuming a state, worker threads, samplers, and arguments."""

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
from minicnn.data.dataset import IterableDataset, Subset, TensorDataset
from minicnn.data.loader import DataLoader, get_worker_info
from minicnn.errors import DataError

configurations = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 7),
        "shuffle": st.booleans(),
        "num_workers": st.integers(0, 4),
        "prefetch_factor": st.integers(1, 3),
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
    assert list(DataLoader(range(7), 3, collate_fn=list)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(DataLoader(range(7), 3, drop_last=True, collate_fn=list)) == [[0, 1, 2], [3, 4, 5]]
    assert list(DataLoader(range(2), collate_fn=list)) == [[0], [1]]


@pytest.mark.parametrize(("drop_last", "lengths"), [(False, [7, 4, 3, 1, 1]), (True, [7, 3, 2, 1])])
def test_the_length_counts_batches(drop_last, lengths):
    for batch_size, length in zip((1, 2, 3, 7, 8), lengths, strict=False):
        loader = DataLoader(range(7), batch_size, drop_last=drop_last)
        assert len(loader) == length
        assert len(list(loader)) == length


@settings(deadline=None, max_examples=40)
@given(size=st.integers(1, 30), configuration=configurations)
def test_the_order_does_not_depend_on_the_workers(size, configuration):
    loader = DataLoader(Slow(size, 0.0002), **configuration, collate_fn=list)
    serial = DataLoader(range(size), **configuration | {"num_workers": 0}, collate_fn=list)
    for _ in range(2):
        batches = list(loader)
        assert batches == list(serial)
        assert sorted(itertools.chain(*batches)) == list(range(size))


def test_shuffling_changes_with_the_epoch_and_the_seed_alone():
    def epochs(seed):
        loader = DataLoader(range(100), 100, shuffle=True, seed=seed, collate_fn=tuple)
        return [next(iter(loader)) for _ in range(3)]

    assert epochs(0) == epochs(0)
    assert len({*epochs(0), *epochs(1), tuple(range(100))}) == 7


def test_the_dataset_is_asked_for_its_epoch():
    patches = PatchDataset([np.random.default_rng(0).random((1, 90, 90))], 4, 10)
    loader = DataLoader(Subset(patches, range(10)), 10, num_workers=2, collate_fn=np.stack)
    for epoch in range(3):
        (batch,) = loader
        np.testing.assert_array_equal(batch, np.stack(list(patches.at_epoch(epoch))))


# resuming


@settings(deadline=None, max_examples=60)
@given(size=st.integers(1, 20), configuration=configurations, other_workers=st.integers(0, 3), data=st.data())
def test_a_resumed_loader_gives_exactly_the_rest(size, configuration, other_workers, data):
    whole = DataLoader(range(size), **configuration, collate_fn=list)
    expected = [list(whole) for _ in range(4)]
    first = DataLoader(range(size), **configuration, collate_fn=list)
    epoch = data.draw(st.integers(0, 2))
    taken = data.draw(st.integers(0, len(first)))
    for _ in range(epoch):
        list(first)
    batches = iter(first)
    assert list(itertools.islice(batches, taken)) == expected[epoch][:taken]
    state = json.loads(json.dumps(first.state_dict()))
    assert (state["epoch"], state["batch"]) == (epoch, taken)
    second = DataLoader(range(size), **configuration | {"num_workers": other_workers}, collate_fn=list)
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
    loader = DataLoader(dataset, 2, num_workers=2, prefetch_factor=3, collate_fn=list)
    batches = iter(loader)
    next(batches)
    deadline = time.monotonic() + 5
    while dataset.read < 2 * 7 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert dataset.read == 2 * 7  # the batch that was taken, and exactly 2 * 3 batches ahead
    assert loader.state_dict()["batch"] == 1


def test_a_state_at_the_end_of_an_epoch_leaves_an_empty_rest():
    loader = DataLoader(range(4), 2, collate_fn=list)
    for _ in loader:
        state = loader.state_dict()
    assert (state["epoch"], state["batch"]) == (0, 2)
    assert loader.state_dict()["epoch"] == 1
    loader.load_state_dict(state)
    assert list(loader) == []
    assert loader.state_dict()["epoch"] == 1
    assert list(loader) == [[0, 1], [2, 3]]


def test_a_loop_that_was_left_is_followed_by_the_next_epoch():
    loader = DataLoader(range(50), 10, shuffle=True, collate_fn=list)
    epochs = [list(DataLoader(range(50), 10, shuffle=True, collate_fn=list))]
    assert next(iter(loader)) == epochs[0][0]
    second = list(loader)
    assert second[0] != epochs[0][0]
    assert sorted(itertools.chain(*second)) == list(range(50))
    assert (loader.state_dict()["epoch"], loader.state_dict()["batch"]) == (2, 0)


def test_a_loader_may_be_looped_over_twice_at_once():
    loader = DataLoader(range(6), 2, num_workers=2, collate_fn=list)
    assert list(zip(loader, loader, strict=True)) == [([0, 1],) * 2, ([2, 3],) * 2, ([4, 5],) * 2]
    outer = iter(loader)
    next(outer)
    inner = iter(loader)
    next(inner)
    state = loader.state_dict()
    next(outer)
    assert loader.state_dict() == state


def test_a_state_of_other_settings_is_refused_within_an_epoch():
    loader = DataLoader(range(10), 2, shuffle=True, seed=0)
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
    loader = DataLoader(Failing(20, error), 2, num_workers=num_workers, collate_fn=list)
    seen = []
    with pytest.raises(type(error)) as caught:
        seen.extend(iter(loader))
    assert caught.value is error
    assert seen == [] or seen == [[0, 1], [2, 3]]
    assert loader.state_dict()["batch"] == 2


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_stop_iteration_does_not_end_the_epoch_silently(num_workers):
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(Failing(20, StopIteration()), 2, num_workers=num_workers, collate_fn=list))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_exception_in_collate_arrives_too(num_workers):
    with pytest.raises(ZeroDivisionError):
        list(DataLoader(range(4), num_workers=num_workers, collate_fn=lambda samples: 1 / samples[0]))


def test_leaving_the_loop_stops_the_threads():
    dataset = Slow(1000)
    for _ in DataLoader(dataset, 10, num_workers=3, collate_fn=list):
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
        for _ in DataLoader(dataset, 10, num_workers=3, collate_fn=list):
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
    loader = DataLoader(Slow(1000), 10, num_workers=2, collate_fn=list)
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
batches = iter(DataLoader(Slow(), 2, num_workers=2, collate_fn=list))
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

    assert list(DataLoader(Meeting(6), num_workers=3, collate_fn=list)) == [[i] for i in range(6)]


@pytest.mark.parametrize(
    ("name", "value", "minimum"),
    [("batch_size", 0, 1), ("batch_size", 2.0, 1), ("num_workers", -1, 0), ("prefetch_factor", 0, 1), ("seed", -1, 0)],
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


# tensors


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


# samplers


def test_samplers_give_the_order():
    assert list(DataLoader("abcd", 2, sampler=[3, 0, 0], collate_fn="".join)) == ["da", "a"]
    loader = DataLoader("abcd", batch_sampler=[[3, 2], [0]], collate_fn="".join, num_workers=2)
    assert (list(loader), len(loader), loader.batch_size) == (["dc", "a"], 2, None)
    keyed = DataLoader({"x": "a", "y": "b"}, sampler=["y", "x"], batch_size=None)
    assert list(keyed) == ["b", "a"]


def test_without_batches_samples_come_as_they_are():
    loader = DataLoader(TensorDataset(np.arange(6).reshape(3, 2)), batch_size=None, shuffle=True, seed=1)
    rows = sorted(row.tolist() for (row,) in loader)
    assert rows == [[0, 1], [2, 3], [4, 5]]
    assert len(loader) == 3


class Letters(IterableDataset[str]):
    def __init__(self, size=7):
        self.size = size

    def __iter__(self):
        return iter("abcdefghij"[: self.size])

    def __len__(self):
        return self.size


@pytest.mark.parametrize("num_workers", [0, 3])
def test_iterable_datasets_are_read_once(num_workers):
    loader = DataLoader(Letters(), 3, num_workers=num_workers, collate_fn="".join)
    assert (list(loader), list(loader), len(loader)) == (["abc", "def", "g"], ["abc", "def", "g"], 3)
    whole = DataLoader(Letters(), 3, num_workers=num_workers, collate_fn="".join, drop_last=True)
    assert (list(whole), len(whole)) == (["abc", "def"], 2)
    single = DataLoader(Letters(2), None, num_workers=num_workers)
    assert (list(single), len(single)) == (["a", "b"], 2)
    assert list(DataLoader(Letters(0), 2, num_workers=num_workers)) == []

    batches = iter(loader)
    next(batches)
    state = loader.state_dict()
    other = DataLoader(Letters(), 3, num_workers=num_workers, collate_fn="".join)
    other.load_state_dict(state)
    assert list(other) == ["def", "g"]


class Drawing(Slow):
    def __getitem__(self, index):
        super().__getitem__(index)
        return float(minicnn.rand(1))


def test_workers_do_not_change_the_random_numbers_of_samples():
    minicnn.manual_seed(5)
    state = minicnn.get_rng_state()
    epochs = [list(loader) for loader in [DataLoader(Drawing(20), 3, collate_fn=list, seed=2)] for _ in range(2)]
    for num_workers in (1, 4):
        loader = DataLoader(Drawing(20), 3, num_workers=num_workers, collate_fn=list, seed=2)
        assert [list(loader), list(loader)] == epochs
    assert minicnn.get_rng_state() == state
    drawn = [number for epoch in epochs for batch in epoch for number in batch]
    assert len(set(drawn)) == 40


def test_a_resumed_epoch_draws_the_same_numbers():
    loader = DataLoader(Drawing(10), 2, collate_fn=list, seed=2)
    batches = iter(loader)
    next(batches)
    other = DataLoader(Drawing(10), 2, collate_fn=list, seed=2, num_workers=2)
    other.load_state_dict(loader.state_dict())
    assert list(other) == list(batches)


def test_the_seed_is_that_of_the_program_or_the_generator():
    def order(**options):
        return list(DataLoader(range(40), 40, True, collate_fn=tuple, **options))

    minicnn.manual_seed(1)
    first = order()
    assert order(seed=1) == first
    minicnn.manual_seed(2)
    assert order() != first
    own = [order(generator=minicnn.Generator().manual_seed(k)) for k in (3, 3, 4)]
    assert own[0] == own[1] != own[2]


def test_workers_know_themselves():
    seen = set()

    class Asking(Slow):
        def __getitem__(self, index):
            time.sleep(0.002)
            seen.add(get_worker_info().id)
            assert get_worker_info().dataset is self
            return index

    started = []
    list(DataLoader(Asking(40), 1, num_workers=3, worker_init_fn=started.append))
    assert sorted(started) == [0, 1, 2]
    assert seen <= {0, 1, 2}
    assert get_worker_info() is None


def test_all_samples_of_a_batch_at_once():
    class Whole(Slow):
        def __getitems__(self, indices):
            return [-index for index in indices]

    assert list(DataLoader(Whole(5), 2, collate_fn=list)) == [[0, -1], [-2, -3], [-4]]


def test_a_worker_that_takes_too_long():
    with pytest.raises(DataError, match=r"a worker has given no batch within 0\.02 seconds"):
        list(DataLoader(Slow(6, 0.2), 3, num_workers=1, timeout=0.02))
    with pytest.raises(TimeoutError, match="its own"):
        list(DataLoader(Failing(20, TimeoutError("its own")), 2, num_workers=1, timeout=9))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shuffle": True, "sampler": [0]}, "shuffle and sampler exclude each other"),
        ({"sampler": [0], "batch_sampler": [[0]]}, "sampler and batch_sampler exclude each other"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler and batch_size=2 exclude each other"),
        ({"batch_sampler": [[0]], "drop_last": True}, "batch_sampler and drop_last exclude each other"),
        ({"batch_size": None, "drop_last": True}, r"without batches \(batch_size=None\) there is no last one"),
    ],
)
def test_arguments_that_exclude_each_other(options, message):
    with pytest.raises(DataError, match=f"DataLoader: {message}"):
        DataLoader(range(4), **options)


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}])
def test_iterable_datasets_have_their_own_order(options):
    with pytest.raises(DataError, match=f"an IterableDataset has its own order; leave out {next(iter(options))}"):
        DataLoader(Letters(), **options)
