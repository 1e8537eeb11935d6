"""Discrete Fourier transforms with PyTorch's names: `minicnn.fft.fft2(image)`. Gradients of any order.

The functions and their equations are in ops/fourier.py.
"""

from minicnn.ops.fourier import *  # noqa: F403
from minicnn.ops.fourier import __all__ as __all__
