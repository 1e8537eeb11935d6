"""Functions about the GPU, with PyTorch's names: `minicnn.cuda.is_available()`, `synchronize()`, `device_count()`."""

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
