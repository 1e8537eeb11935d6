"""`DataParallel`, with which programs of PyTorch use several GPUs. Here there is one device, so it calls its module."""

from collections.abc import Sequence
from typing import Any

from minicnn.nn.module import Module

__all__ = ["DataParallel"]


class DataParallel(Module):
    """Call the module in `module`. Names of parameters begin with "module.", as in files of PyTorch.

    Parameters
    ----------
    module : Module
    device_ids, output_device, dim
        No effect.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
