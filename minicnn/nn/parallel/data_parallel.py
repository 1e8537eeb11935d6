"""`DataParallel`: PyTorch splits a batch over several GPUs. Here there is one device."""

from collections.abc import Sequence
from typing import Any

from minicnn.nn.module import Module

__all__ = ["DataParallel", "data_parallel"]


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


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """Return module(*inputs, **module_kwargs); the other arguments have no effect."""
    return module(*(inputs if isinstance(inputs, tuple) else (inputs,)), **(module_kwargs or {}))
