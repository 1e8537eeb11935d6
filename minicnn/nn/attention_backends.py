"""Switches of PyTorch for the kernels of attention. minicnn has one, so they have no effect."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

from minicnn.errors import DTypeError

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(IntEnum):
    """The kernels of PyTorch."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends: SDPBackend | Sequence[SDPBackend], set_priority: bool = False) -> Iterator[None]:
    """Do nothing: ``with sdpa_kernel(SDPBackend.MATH): ...`` runs the one kernel that there is.

    Raises
    ------
    DTypeError
        If an argument is no SDPBackend.
    """
    several = [backends] if isinstance(backends, SDPBackend) else backends
    if not isinstance(several, Sequence) or not all(isinstance(b, SDPBackend) for b in several):
        raise DTypeError(f"sdpa_kernel: expected SDPBackend, or a list of them, got {backends!r}")
    yield
