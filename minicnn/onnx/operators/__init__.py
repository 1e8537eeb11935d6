"""The operators of ONNX, by subject; importing this package registers them."""

from minicnn.onnx.operators import (
    activation,
    arithmetic,
    control,
    convolution,
    creation,
    detection,
    grid,
    indexing,
    normalization,
    pooling,
    recurrent,
    reduction,
    resizing,
    shape,
    signal,
)

__all__ = [
    "activation",
    "arithmetic",
    "control",
    "convolution",
    "creation",
    "detection",
    "grid",
    "indexing",
    "normalization",
    "pooling",
    "recurrent",
    "reduction",
    "resizing",
    "shape",
    "signal",
]
