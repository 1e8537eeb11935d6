"""Declarations of the primitives of complex numbers and of Fourier transforms; see strategies.py."""

import numpy as np

from minicnn.testing.draw import Array, Draw, Drawn, declare

__all__: list[str] = []

SIZES = (2, 1, 3, 5)  # a transform needs an element; odd and even sizes take different paths


def _numbers(d: Draw, shape: tuple[int, ...]) -> Array:
    return d.layout(d.array(shape) + 1j * d.array(shape))


@declare("conj", "real", "imag", "view_as_real")
def _parts(d: Draw) -> Drawn:
    return _numbers(d, d.shape()), {}


@declare("complex")
def _complex(d: Draw) -> Drawn:
    shape = d.shape()
    return (d.array(shape), d.array(shape)), {}


@declare("view_as_complex")
def _view_as_complex(d: Draw) -> Drawn:
    x = d.array((*d.shape(), 2))
    return np.ascontiguousarray(x), {}


@declare("dft")
def _dft(d: Draw) -> Drawn:
    x = _numbers(d, d.shape(1, 3, SIZES))
    return x, {"axis": d.integer(0, x.ndim - 1), "back": d.boolean()}


@declare("real_dft")
def _real_dft(d: Draw) -> Drawn:
    x = d.array(d.shape(1, 3, SIZES))
    return x, {"axis": d.integer(0, x.ndim - 1)}


@declare("dft_to_real")
def _dft_to_real(d: Draw) -> Drawn:
    x = _numbers(d, d.shape(1, 3, SIZES))
    axis = d.integer(0, x.ndim - 1)
    even = 2 * (x.shape[axis] - 1)
    return x, {"axis": axis, "size": even + 1 if d.boolean() or not even else even}
