"""Layers."""

from minicnn.nn import functional

__all__ = ["functional"]
