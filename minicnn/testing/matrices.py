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


@declare("gamma_derivative")
def _gamma_derivative(d: Draw) -> Drawn:
    return d.array(d.shape(), 0.5, 3), {"order": d.one_of(0, 1, 2, 3)}


# --- matrices: the diagonal is larger than the rest, so they are regular, with different singular values ------


def _diagonal(d: Draw, rows: int, columns: int, low: float, step: float) -> Array:
    batch = tuple(d.one_of(2, 1, 0) for _ in range(d.integer(0, 1)))
    noise = d.array((*batch, rows, columns), -0.25, 0.25)
    return d.layout(noise + np.eye(rows, columns) * (low + step * np.arange(columns)))


@declare("inv", "det", "slogdet", "cholesky", "lu")
def _regular(d: Draw) -> Drawn:
    n = d.one_of(2, 1, 3, 0)
    return _diagonal(d, n, n, 2, 0), {}


@declare("solve")
def _solve(d: Draw) -> Drawn:
    n = d.one_of(2, 1, 3, 0)
    a = _diagonal(d, n, n, 2, 0)
    return (a, d.array((*a.shape[:-1], d.one_of(2, 1, 0)))), {}


@declare("eigh")
def _eigh(d: Draw) -> Drawn:
    n = d.one_of(2, 1, 3, 0)
    return _diagonal(d, n, n, 1, 3), {}


@declare("eig")
def _eig(d: Draw) -> Drawn:
    n = d.one_of(2, 1, 3, 0)
    return _diagonal(d, n, n, 1, 3).astype(complex), {}


@declare("pinv")
def _pinv(d: Draw) -> Drawn:
    return _diagonal(d, d.one_of(2, 1, 3), d.one_of(2, 1, 3), 1, 3), {"atol": d.one_of(0.0, 0.1), "rtol": 1e-6}


@declare("svd")
def _svd(d: Draw) -> Drawn:
    full = d.boolean()
    m = d.one_of(2, 1, 3)
    n = m if full and d.smooth else d.one_of(2, 1, 3)  # further columns of a full U have no gradient
    return _diagonal(d, m, n, 1, 3), {"full": full}


@declare("qr")
def _qr(d: Draw) -> Drawn:
    m, n, mode = d.one_of(2, 1, 3), d.one_of(2, 1, 3), d.one_of("reduced", "complete")
    return _diagonal(d, m, n, 1, 3), {"mode": mode if m <= n or not d.smooth else "reduced"}
