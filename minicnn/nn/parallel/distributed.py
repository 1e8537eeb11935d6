"""`DistributedDataParallel`: PyTorch's wrapper of a module that several processes train. Here there is one process."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from minicnn import distributed
from minicnn.errors import ArgumentError
from minicnn.nn.module import Module
from minicnn.nn.parallel.data_parallel import DataParallel

__all__ = ["DistributedDataParallel"]


class DistributedDataParallel(DataParallel):
    """Call the module in `module`, in a world of one process; see `minicnn.distributed`.

    Parameters
    ----------
    module : Module
    device_ids, output_device, dim, broadcast_buffers, init_sync, process_group, bucket_cap_mb, find_unused_parameters,
    check_reduction, gradient_as_bucket_view, static_graph, and the following
        How PyTorch exchanges gradients; no effect.

    Raises
    ------
    ArgumentError
        If `minicnn.distributed.init_process_group` was not called, or no parameter requires a gradient.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool | None = None,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
        delay_all_reduce_named_params: Any = None,
        param_to_hook_all_reduce: Any = None,
        mixed_precision: Any = None,
        device_mesh: Any = None,
        skip_all_reduce_unused_params: bool = False,
        bucket_cap_mb_list: Sequence[int] | None = None,
        batched_grad_copy: bool = False,
        forward_sync_buffers: bool | None = None,
    ) -> None:
        distributed.barrier()
        if not any(p.requires_grad for p in module.parameters()):
            raise ArgumentError("DistributedDataParallel: no parameter requires a gradient; use the module itself")
        super().__init__(module, device_ids, output_device, dim)
        self.device_ids, self.output_device, self.process_group = device_ids, output_device, process_group
        self.require_backward_grad_sync = True

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Exchange no gradients in a `with` block; there is nobody to exchange them with."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    def join(self, *_: Any, **__: Any) -> AbstractContextManager[None]:
        """Return a context without effect: there are no other processes that could have more batches."""
        return nullcontext()
