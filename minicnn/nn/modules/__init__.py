"""PyTorch's addresses of layers, such as ``nn.modules.batchnorm``. The layers stand in the files of `minicnn.nn`."""

from minicnn.nn.modules import (
    activation,
    batchnorm,
    container,
    conv,
    dropout,
    flatten,
    instancenorm,
    lazy,
    linear,
    loss,
    module,
    normalization,
    padding,
    pixelshuffle,
    pooling,
    rnn,
    sparse,
    transformer,
    upsampling,
    utils,
)

__all__ = [
    "activation",
    "batchnorm",
    "container",
    "conv",
    "dropout",
    "flatten",
    "instancenorm",
    "lazy",
    "linear",
    "loss",
    "module",
    "normalization",
    "padding",
    "pixelshuffle",
    "pooling",
    "rnn",
    "sparse",
    "transformer",
    "upsampling",
    "utils",
]


def __getattr__(name: str) -> object:
    """Return a layer: PyTorch has all of them here too."""
    from minicnn import nn

    if name in nn.__all__:
        return getattr(nn, name)
    raise AttributeError(f"minicnn.nn.modules has no {name!r}")
