"""Projections, with which `flow` repairs pictures.

x is the unknown picture, and y = A x is given: a part of x, its means over squares, or its grey. A projection changes a
generated picture to the nearest one with A x = y. The flow invents the rest (Wang et al., "Zero-shot image restoration
using denoising diffusion null-space model", 2023). So one trained model solves tasks that it was never trained for.
"""

from collections.abc import Callable

import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.data.images import LUMA
from minicnn.errors import ShapeError
from minicnn.ops.comparison import where
from minicnn.ops.create import from_numpy

__all__ = ["known_grey", "known_means", "known_part"]

Projection = Callable[[Tensor], Tensor]


def known_part(picture: Tensor, hole: Tensor) -> Projection:
    """Return the projection on pictures that equal `picture` (1, C, S, S) outside the hole (S, S), a mask of bool."""
    return lambda x: where(hole, x, picture)


def known_means(small: Tensor, factor: int) -> Projection:
    """Return the projection on pictures whose means over squares of factor × factor pixels are `small` (1, C, s, s).

    The nearest picture adds the same number to all pixels of a square.

    Raises
    ------
    ShapeError
        If the factor is below 1.
    """
    if factor < 1:
        raise ShapeError(f"known_means: the factor must be at least 1, got {factor}")
    return lambda x: x + F.interpolate(small - F.avg_pool2d(x, factor), scale_factor=factor)


def known_grey(grey: Tensor) -> Projection:
    """Return the projection on pictures in colour whose grey w · (red, green, blue) is `grey` (1, 1, S, S).

    w is `LUMA`. The nearest picture adds w (y - w · x) / (w · w) to the colours of a pixel.
    """
    weights = from_numpy(LUMA).to(grey.device).reshape(1, 3, 1, 1)
    square = float((LUMA**2).sum())
    return lambda x: x + weights * ((grey - (weights * x).sum(1, keepdim=True)) / square)
