"""What programs of PyTorch use for several GPUs: `DataParallel` and `SyncBatchNorm`. Here there is one device."""

from collections.abc import Sequence
from typing import Any

from minicnn.nn.module import Module
from minicnn.nn.norm import _BatchNorm
from minicnn.runtime.devices import Device

__all__ = ["DataParallel", "SyncBatchNorm", "data_parallel"]


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


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation of (N, C, ...); see `BatchNorm2d`. On one device there is nothing to synchronise.

    `process_group` has no effect.

    Raises
    ------
    ShapeError
        If `num_features` is not an integer >= 1.
    """

    _ndims = tuple(range(2, 33))

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: str | Device | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """Return the module with each batch norm in it replaced by one of this class, which shares its tensors."""
        if isinstance(module, _BatchNorm):
            converted = cls.__new__(cls)
            converted.__dict__.update(module.__dict__)
            return converted
        for name, child in module.named_children():
            setattr(module, name, cls.convert_sync_batchnorm(child, process_group))
        return module
