"""Conversions of weights to another order in memory. All tensors are in row-major order, so nothing changes."""

from typing import Any, TypeVar

from minicnn.nn.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

Layer = TypeVar("Layer", bound=Module)


def convert_conv2d_weight_memory_format(module: Layer, memory_format: Any) -> Layer:
    """Return the module as it is."""
    return module


def convert_conv3d_weight_memory_format(module: Layer, memory_format: Any) -> Layer:
    """Return the module as it is."""
    return module
