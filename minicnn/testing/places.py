"""Declarations of the primitives that read and write at places that arrays of integers name."""

import numpy as np

from minicnn.testing.draw import Draw, Drawn, declare

__all__: list[str] = []


@declare("scatter_extremum")
def _scatter_extremum(d: Draw) -> Drawn:
    n = d.integer(1, 5)
    values = d.distinct((n + 4,))  # of one drawing, so that no value of x is near one of v
    return (np.array(values[:n]), np.array(values[n:])), {"index": (d.choice(n, 4, True),), "largest": d.boolean()}
