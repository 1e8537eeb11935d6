"""`SyncBatchNorm`: PyTorch's batch norm over several processes. Here there is one."""

from typing import Any

from minicnn.nn.module import Module
from minicnn.nn.norm import _BatchNorm
from minicnn.runtime.devices import Device

__all__ = ["SyncBatchNorm"]


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
