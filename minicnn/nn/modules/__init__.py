"""PyTorch's addresses of layers, such as ``nn.modules.batchnorm``. The layers stand in the files of `minicnn.nn`."""

from minicnn.nn.modules import batchnorm, container, conv, loss, module, utils

__all__ = ["batchnorm", "container", "conv", "loss", "module", "utils"]
