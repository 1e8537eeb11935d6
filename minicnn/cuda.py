"""The GPU, with PyTorch's words: `minicnn.cuda.is_available()`, `synchronize()`, `device_count()`."""

from minicnn.errors import MiniCNNError
from minicnn.runtime.devices import CUDA

__all__ = ["device_count", "is_available", "synchronize"]


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
    """Return how many GPUs minicnn uses: one, or none where there is none."""
    return int(is_available())


def synchronize() -> None:
    """Wait until the GPU has done all that was asked of it, as one must before reading a clock.

    Raises
    ------
    DeviceError, MissingPackageError
        If there is no GPU, or no CuPy.
    """
    CUDA.check()
    CUDA.xp.cuda.Device().synchronize()
