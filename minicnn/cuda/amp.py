"""PyTorch's older address of `minicnn.amp`."""

from typing import Any

from minicnn import amp
from minicnn.amp import GradScaler

__all__ = ["GradScaler", "autocast"]


class autocast(amp.autocast):  # noqa: N801 (PyTorch's name)
    """A context, or a decorator of functions, without effect; arguments are ignored."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda")
