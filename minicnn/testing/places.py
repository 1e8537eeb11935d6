"""Declarations of the primitives that read and write at places that arrays of integers name."""

import numpy as np

from minicnn.testing.draw import Draw, Drawn, declare

__all__: list[str] = []


@declare("scatter_extremum")
def _scatter_extremum(d: Draw) -> Drawn:
    n = d.integer(1, 5)
    values = d.distinct((n + 4,))  # of one drawing, so that no value of x is near one of v
    return (np.array(values[:n]), np.array(values[n:])), {"index": (d.choice(n, 4, True),), "largest": d.boolean()}


@declare("affine")
def _affine(d: Draw) -> Drawn:
    """Draw a view with one or two axes that steps through a matrix."""
    n, m = d.integer(1, 5), d.integer(1, 5)
    start = (d.integer(0, n - 1), d.integer(0, m - 1))
    steps = [(d.integer(0, 1), d.integer(0, 2)) for _ in range(d.integer(1, 2))]
    shape: list[int] = []
    room = [n - 1 - start[0], m - 1 - start[1]]
    for step in steps:
        most = min([r // s for r, s in zip(room, step, strict=True) if s] or [2])
        shape.append(d.integer(0, most + 1))
        room = [r - s * max(shape[-1] - 1, 0) for r, s in zip(room, step, strict=True)]
    return d.array((n, m)), {"shape": tuple(shape), "start": start, "steps": tuple(steps)}
