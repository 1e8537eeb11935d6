"""Functions about the GPU, with PyTorch's names. minicnn uses one GPU, and one generator of random numbers.

The functions after `synchronize` exist for programs that call them; most have no effect.
"""

from typing import Any

from minicnn.errors import MiniCNNError
from minicnn.runtime.devices import CUDA

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "is_available",
    "manual_seed",
    "manual_seed_all",
    "memory_allocated",
    "set_device",
    "synchronize",
]


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


def synchronize() -> None:
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
