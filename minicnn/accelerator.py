"""Questions about the GPU, at PyTorch's newer address ``torch.accelerator``; see `minicnn.cuda`."""

from minicnn import cuda
from minicnn.runtime.devices import CUDA, Device

__all__ = ["current_accelerator", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """Return whether a GPU works on this machine."""
    return cuda.is_available()


def device_count() -> int:
    """Return the number of GPUs that minicnn can use: 1, or 0 if there is none."""
    return cuda.device_count()


def current_accelerator(check_available: bool = False) -> Device | None:
    """Return the device "cuda", or None if there is no GPU."""
    return CUDA if cuda.is_available() else None


def synchronize(device: object = None) -> None:
    """Wait until the GPU has finished all its work."""
    cuda.synchronize()
