"""What programs of PyTorch use for several GPUs and processes. Here there is one device and one process."""

from minicnn.nn.parallel import distributed
from minicnn.nn.parallel.data_parallel import DataParallel, data_parallel
from minicnn.nn.parallel.distributed import DistributedDataParallel

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel", "distributed"]
