"""A world of one process, as PyTorch with the backend gloo: tests/oracles/calls/distributed.py has its results."""

import pytest

import minicnn
from minicnn import distributed as dist
from minicnn import nn
from minicnn.errors import ArgumentError


@pytest.fixture
def world():
    dist.init_process_group("gloo", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_the_world_begins_and_ends(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("RANK", "0")
    assert dist.is_available()
    assert not dist.is_initialized()
    for call in (dist.get_rank, dist.get_world_size, dist.barrier, dist.destroy_process_group):
        with pytest.raises(ArgumentError, match=r"call init_process_group\(\) first"):
            call()
    dist.init_process_group(backend="nccl", init_method="env://")
    assert (dist.is_initialized(), dist.get_rank(), dist.get_world_size(), dist.get_backend()) == (True, 0, 1, "nccl")
    assert dist.group.WORLD.size() == 1
    assert dist.get_process_group_ranks(dist.group.WORLD) == [0]
    with pytest.raises(ArgumentError, match="exists already"):
        dist.init_process_group()
    dist.destroy_process_group()
    assert not dist.is_initialized()


@pytest.mark.parametrize("arguments", [{"world_size": 2, "rank": 0}, {"world_size": 1, "rank": 1}, {}])
def test_more_processes_are_refused(arguments, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(ArgumentError, match=r"minicnn trains in one process, got rank \d of \d processes"):
        dist.init_process_group(**arguments)
    assert not dist.is_initialized()


def test_communication(world):
    x, y = minicnn.arange(6.0).reshape(2, 3), minicnn.zeros(2, 3)
    assert dist.all_reduce(x, op=dist.ReduceOp.AVG) is None
    assert dist.all_reduce(x, async_op=True).wait()
    dist.reduce(x, dst=0)
    dist.broadcast(x, 0)
    assert x.flatten().tolist() == [0, 1, 2, 3, 4, 5]
    for copy in (
        lambda: dist.all_gather([y], x),
        lambda: dist.gather(x, [y], dst=0),
        lambda: dist.scatter(y, [x], src=0),
        lambda: dist.reduce_scatter(y, [x]),
        lambda: dist.all_gather_into_tensor(y, x),
        lambda: dist.reduce_scatter_tensor(y, x),
    ):
        y.zero_()
        assert copy() is None
        assert y.tolist() == x.tolist()
    objects = [None]
    dist.all_gather_object(objects, {"a": 1})
    assert objects == [{"a": 1}]
    dist.gather_object(2, objects)
    dist.broadcast_object_list(objects, src=0)
    assert objects == [2]
    assert dist.new_group([0]).size() == 1
    assert dist.new_group([]) is dist.GroupMember.NON_GROUP_MEMBER


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: dist.broadcast(x, src=1), "rank 0, got 1"),
        (lambda x: dist.reduce(x, dst=2), "rank 0, got 2"),
        (lambda x: dist.all_gather([x, x], x), "1 element, one for each process, got 2"),
        (lambda x: dist.scatter(x), "1 element, one for each process, got 0"),
        (lambda x: dist.gather_object(1), "1 element, one for each process, got 0"),
        (lambda x: dist.new_group([0, 1]), "rank 0, got 1"),
    ],
)
def test_there_is_one_process(call, words, world):
    with pytest.raises(ArgumentError, match=words):
        call(minicnn.zeros(2))


def test_distributed_data_parallel(world):
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    wrapped = nn.parallel.DistributedDataParallel(net, device_ids=[0], find_unused_parameters=True)
    x = minicnn.randn(4, 3)
    with wrapped.no_sync():
        assert not wrapped.require_backward_grad_sync
        wrapped(x).sum().backward()
    with wrapped.join():
        assert wrapped.require_backward_grad_sync
    assert net[0].weight.grad is not None
    assert list(wrapped.state_dict()) == [f"module.{name}" for name in net.state_dict()]
    with pytest.raises(ArgumentError, match="no parameter requires a gradient"):
        nn.parallel.DistributedDataParallel(nn.ReLU())


def test_distributed_data_parallel_needs_a_world():
    with pytest.raises(ArgumentError, match=r"call init_process_group\(\) first"):
        nn.parallel.DistributedDataParallel(nn.Linear(1, 1))


def test_what_is_not_there_is_named():
    with pytest.raises(AttributeError, match=r"minicnn\.distributed has no 'send'"):
        dist.send  # noqa: B018
