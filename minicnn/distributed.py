"""Training on several machines, which minicnn does not have. Programs ask here, and hear that it is not available.

Use one process, and `nn.DataParallel` where a program wants a wrapper. (Python's environment variables RANK and
WORLD_SIZE have no effect.)
"""

__all__ = ["get_rank", "get_world_size", "is_available", "is_initialized"]


def is_available() -> bool:
    """Return False."""
    return False


def is_initialized() -> bool:
    """Return False."""
    return False


def get_rank(group: object = None) -> int:
    """Return 0, the number of the only process."""
    return 0


def get_world_size(group: object = None) -> int:
    """Return 1, the number of processes."""
    return 1


def __getattr__(name: str) -> object:
    raise AttributeError(
        f"minicnn.distributed has no {name!r}: minicnn trains in one process; leave out distributed training, as "
        f"programs do where is_available() is False"
    )
