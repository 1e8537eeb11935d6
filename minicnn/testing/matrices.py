"""The declarations of the primitives on pixels of any index, on probabilities and on matrices."""

from typing import Any

import numpy as np

from minicnn.testing.draw import Draw, Drawn, declare

__all__: list[str] = []

Array = np.ndarray[Any, Any]


@declare("sample")
def _sample(d: Draw) -> Drawn:
    n, c, size, index = _pixels(d)
    return (d.array((n, c, size)), d.array(index.shape), index), {}


@declare("sample_input_grad")
def _sample_input_grad(d: Draw) -> Drawn:
    n, c, size, index = _pixels(d)
    return (d.array((n, c, index.shape[2])), d.array(index.shape), index), {"size": size}


@declare("sample_weight_grad")
def _sample_weight_grad(d: Draw) -> Drawn:
    n, c, size, index = _pixels(d)
    return (d.array((n, c, size)), d.array((n, c, index.shape[2])), index), {}


def _pixels(d: Draw) -> tuple[int, int, int, Array]:
    """Draw sizes, and the numbers of the pixels of each point; the last number is outside of the image."""
    n, c, taps, points = (d.one_of(*sizes) for sizes in ((2, 1, 0), (2, 1, 3, 0), (1, 2, 4), (3, 1, 5, 0)))
    size = d.integer(1, 5)
    return n, c, size, d.integers((n, taps, points), 0, size)


@declare("normal_quantile")
def _normal_quantile(d: Draw) -> Drawn:
    return d.array(d.shape(), *((0.05, 0.95) if d.smooth else (0, 1))), {}
