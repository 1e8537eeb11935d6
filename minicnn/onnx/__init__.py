"""Models of ONNX, the format in which frameworks exchange networks: `minicnn.onnx.load`."""

from minicnn.onnx.model import OnnxModel
from minicnn.onnx.reading import load

__all__ = ["OnnxModel", "load"]
