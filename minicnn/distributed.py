"""PyTorch's functions of distributed training, for a world of one process: rank 0 of 1.

Programs that are written for several processes run in one: a sum over all processes is the tensor itself. A program
that asks for more than one process gets an error.
"""

import os
from collections.abc import Sequence
from typing import Any

from minicnn.errors import ArgumentError

__all__ = [
    "GroupMember",
    "ProcessGroup",
    "ReduceOp",
    "Work",
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_object",
    "all_reduce",
    "barrier",
    "broadcast",
    "broadcast_object_list",
    "destroy_process_group",
    "gather",
    "gather_object",
    "get_backend",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "group",
    "init_process_group",
    "is_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "monitored_barrier",
    "new_group",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "scatter",
]


class ReduceOp:
    """The names of reductions. Over one process, each of them gives the tensor itself."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR = "sum", "avg", "product", "min", "max", "band", "bor", "bxor"


class ProcessGroup:
    """The group of the only process."""

    def rank(self) -> int:
        """Return 0."""
        return 0

    def size(self) -> int:
        """Return 1."""
        return 1


class Work:
    """The result of a call with async_op=True. Its work is finished at once."""

    def wait(self, timeout: Any = None) -> bool:
        """Return True."""
        return True

    def is_completed(self) -> bool:
        """Return True."""
        return True


class GroupMember:
    """`WORLD` is the group of all processes, None before `init_process_group`."""

    WORLD: ProcessGroup | None = None
    NON_GROUP_MEMBER = object()


group = GroupMember
_backend = ""


# --- the world ------------------------------------------------------------------------------------------------


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: Any = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Begin a world of one process. Only the sizes count; the other arguments have no effect.

    Parameters
    ----------
    world_size, rank : int
        By default the environment variables WORLD_SIZE and RANK, or else 1 and 0.

    Raises
    ------
    ArgumentError
        If the world is to have more than one process, or exists already.
    """
    global _backend
    if GroupMember.WORLD is not None:
        raise ArgumentError("init_process_group: the process group exists already; call destroy_process_group() first")
    size = world_size if world_size >= 0 else int(os.environ.get("WORLD_SIZE", "1"))
    own = rank if rank >= 0 else int(os.environ.get("RANK", "0"))
    if size != 1 or own != 0:
        raise ArgumentError(
            f"init_process_group: minicnn trains in one process, got rank {own} of {size} processes; start one, "
            "with WORLD_SIZE=1 and RANK=0"
        )
    GroupMember.WORLD, _backend = ProcessGroup(), backend or "gloo"


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """End the world, so that another one can begin; errors as in `barrier`."""
    _world()
    if group is None or group is GroupMember.WORLD:
        GroupMember.WORLD = None


def _world() -> ProcessGroup:
    """Return the world.

    Raises
    ------
    ArgumentError
        If it does not exist.
    """
    if GroupMember.WORLD is None:
        raise ArgumentError("distributed: there is no process group; call init_process_group() first")
    return GroupMember.WORLD


def is_available() -> bool:
    """Return True: a world of one process is available."""
    return True


def is_initialized() -> bool:
    """Return whether `init_process_group` was called."""
    return GroupMember.WORLD is not None


def is_nccl_available() -> bool:
    """Return False: nothing connects processes."""
    return False


is_gloo_available = is_mpi_available = is_torchelastic_launched = is_nccl_available


def get_rank(group: ProcessGroup | None = None) -> int:
    """Return 0, the number of the only process; errors as in `barrier`."""
    return _world().rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    """Return 1, the number of processes; errors as in `barrier`."""
    return _world().size()


def get_backend(group: ProcessGroup | None = None) -> str:
    """Return the name that `init_process_group` got; errors as in `barrier`."""
    _world()
    return _backend


def get_process_group_ranks(group: ProcessGroup | None) -> list[int]:
    """Return [0]; errors as in `barrier`."""
    _world()
    return [0]


def new_group(
    ranks: Sequence[int] | None = None,
    timeout: Any = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
    sort_ranks: bool = True,
) -> Any:
    """Return a group of the processes `ranks`, by default of all; errors as in `barrier`.

    Raises
    ------
    ArgumentError
        If a rank is not 0.
    """
    _world()
    for rank in ranks or ():
        _check_rank("new_group", rank)
    return ProcessGroup() if ranks is None or len(ranks) else GroupMember.NON_GROUP_MEMBER


# --- communication --------------------------------------------------------------------------------------------


def _check_rank(call: str, rank: int | None) -> None:
    if rank not in (None, 0):
        raise ArgumentError(f"{call}: the only process has the rank 0, got {rank}")


def _only(call: str, values: Sequence[Any]) -> Any:
    """Return the only element of a list with an element for each process."""
    if len(values) != 1:
        raise ArgumentError(f"{call}: the list must have 1 element, one for each process, got {len(values)}")
    return values[0]


def _done(async_op: bool) -> Work | None:
    _world()
    return Work() if async_op else None


def _copied(to: Any, source: Any, async_op: bool) -> Work | None:
    work = _done(async_op)
    to.detach().copy_(source.detach())
    return work


def barrier(
    group: ProcessGroup | None = None, async_op: bool = False, device_ids: Any = None, timeout: Any = None
) -> Work | None:
    """Wait for all processes: there is one.

    Raises
    ------
    ArgumentError
        If `init_process_group` was not called.
    """
    return _done(async_op)


def monitored_barrier(group: ProcessGroup | None = None, timeout: Any = None, wait_all_ranks: bool = False) -> None:
    """As `barrier`; errors as in `barrier`."""
    _done(False)


def all_reduce(
    tensor: Any, op: str = ReduceOp.SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Leave the tensor as it is: the reduction of one tensor; errors as in `barrier`."""
    return _done(async_op)


def reduce(
    tensor: Any,
    dst: int | None = None,
    op: str = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """As `all_reduce`, for the process `dst` alone.

    Raises
    ------
    ArgumentError
        If `dst` is not 0, or `init_process_group` was not called.
    """
    _check_rank("reduce", group_dst if dst is None else dst)
    return _done(async_op)


def broadcast(
    tensor: Any,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Send the tensor of the process `src` to all; errors as in `reduce`."""
    _check_rank("broadcast", group_src if src is None else src)
    return _done(async_op)


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: ProcessGroup | None = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """Send the objects of the process `src` to all; errors as in `reduce`."""
    _check_rank("broadcast_object_list", group_src if src is None else src)
    _done(False)


def all_gather(
    tensor_list: Sequence[Any], tensor: Any, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Copy the tensor into the only tensor of the list.

    Raises
    ------
    ArgumentError
        If the list does not have 1 element, or `init_process_group` was not called.
    """
    return _copied(_only("all_gather", tensor_list), tensor, async_op)


def all_gather_into_tensor(
    output_tensor: Any, input_tensor: Any, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Copy the input into the output, (1 · N, ...); errors as in `barrier`."""
    return _copied(output_tensor.view(input_tensor.shape), input_tensor, async_op)


def all_gather_object(object_list: list[Any], obj: Any, group: ProcessGroup | None = None) -> None:
    """Put the object into the list; errors as in `all_gather`."""
    _only("all_gather_object", object_list)
    _done(False)
    object_list[0] = obj


def gather(
    tensor: Any,
    gather_list: Sequence[Any] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """As `all_gather`, for the process `dst` alone; errors as in `all_gather` and `reduce`."""
    _check_rank("gather", group_dst if dst is None else dst)
    return _copied(_only("gather", gather_list or ()), tensor, async_op)


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    group_dst: int | None = None,
) -> None:
    """As `all_gather_object`, for the process `dst` alone; errors as in `gather`."""
    _check_rank("gather_object", group_dst if dst is None else dst)
    all_gather_object(object_gather_list if object_gather_list is not None else [], obj)


def scatter(
    tensor: Any,
    scatter_list: Sequence[Any] | None = None,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Copy the only tensor of the list into `tensor`; errors as in `gather`."""
    _check_rank("scatter", group_src if src is None else src)
    return _copied(tensor, _only("scatter", scatter_list or ()), async_op)


def reduce_scatter(
    output: Any,
    input_list: Sequence[Any],
    op: str = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Copy the only tensor of the list into `output`; errors as in `all_gather`."""
    return _copied(output, _only("reduce_scatter", input_list), async_op)


def reduce_scatter_tensor(
    output: Any, input: Any, op: str = ReduceOp.SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Copy the input into the output; errors as in `barrier`."""
    return _copied(output, input.reshape(output.shape), async_op)


def __getattr__(name: str) -> object:
    raise AttributeError(f"minicnn.distributed has no {name!r}: minicnn trains in one process, rank 0 of 1")
