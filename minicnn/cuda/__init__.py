"""Functions about the GPU, with PyTorch's names. minicnn uses one GPU, and one generator of random numbers.

What follows after `synchronize` exists for programs that call it; most of it has no effect.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from minicnn.cuda import amp
from minicnn.errors import MiniCNNError
from minicnn.ops import typed
from minicnn.runtime.devices import CUDA

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "amp",
    "current_device",
    "device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "ipc_collect",
    "is_available",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device",
    "synchronize",
]

BoolTensor, ByteTensor, IntTensor, LongTensor, HalfTensor, FloatTensor, DoubleTensor = (
    typed.TypedTensor(made.__name__, made.dtype, CUDA)
    for made in (
        typed.BoolTensor,
        typed.ByteTensor,
        typed.IntTensor,
        typed.LongTensor,
        typed.HalfTensor,
        typed.FloatTensor,
        typed.DoubleTensor,
    )
)


def is_available() -> bool:
    """Return whether device "cuda" works on this machine: CuPy is installed and finds a GPU.

    Examples
    --------
    >>> device = "cuda" if is_available() else "cpu"
    """
    try:
        CUDA.check()
    except MiniCNNError:
        return False
    return True


def device_count() -> int:
    """Return the number of GPUs that minicnn can use: 1, or 0 if there is none."""
    return int(is_available())


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has finished all its work. Call this before you measure times.

    Raises
    ------
    DeviceError, MissingPackageError
        If there is no GPU, or CuPy is not installed.
    """
    CUDA.check()
    CUDA.xp.cuda.Device().synchronize()


def current_device() -> int:
    """Return the number of the GPU, 0."""
    return 0


def set_device(device: Any) -> None:
    """Do nothing: choose the GPU with the environment variable CUDA_VISIBLE_DEVICES."""


def manual_seed(seed: int) -> None:
    """Do nothing: `minicnn.manual_seed` sets the generator, whose numbers are the same on every device."""


def manual_seed_all(seed: int) -> None:
    """Do nothing, as `manual_seed`."""


def empty_cache() -> None:
    """Give memory that is not used back to the GPU. Without a GPU, do nothing."""
    if is_available():
        CUDA.xp.get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """Return the number of bytes of all arrays on the GPU; 0 without a GPU."""
    return int(CUDA.xp.get_default_memory_pool().used_bytes()) if is_available() else 0


def memory_reserved(device: Any = None) -> int:
    """Return the number of bytes that are kept for arrays on the GPU; 0 without a GPU."""
    return int(CUDA.xp.get_default_memory_pool().total_bytes()) if is_available() else 0


def max_memory_allocated(device: Any = None) -> int:
    """Return `memory_reserved`, which the largest use of the GPU's memory determines."""
    return memory_reserved()


def reset_peak_memory_stats(device: Any = None) -> None:
    """Do nothing: no statistics are kept."""


def ipc_collect() -> None:
    """Do nothing: no memory is shared with other processes."""


def get_device_name(device: Any = None) -> str:
    """Return the name of the GPU.

    Raises
    ------
    DeviceError, MissingPackageError
        If there is no GPU, or CuPy is not installed.
    """
    CUDA.check()
    return str(CUDA.xp.cuda.runtime.getDeviceProperties(0)["name"].decode())


def device(device: Any) -> AbstractContextManager[None]:
    """Return a context without effect: there is one GPU."""
    return nullcontext()


def __getattr__(name: str) -> object:
    if name in ("Event", "Stream", "StreamContext", "current_stream", "default_stream", "stream"):
        raise AttributeError(
            f"minicnn.cuda has no {name!r}: all kernels run one after another; to measure times, call "
            f"minicnn.cuda.synchronize() and read Python's clock"
        )
    raise AttributeError(f"minicnn.cuda has no {name!r}")
