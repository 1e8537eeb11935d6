"""PyTorch's address ``torch.utils.data.distributed``."""

from minicnn.data import DistributedSampler

__all__ = ["DistributedSampler"]
