"""Declarations of elementary and special functions."""

import numpy as np

from minicnn.testing.draw import Draw, Drawn, declare

__all__: list[str] = []


@declare("sinh", "cosh", "asinh", "atan", "exp2", "erfc", "erfcx")
def _smooth(d: Draw) -> Drawn:
    return d.array(d.shape()), {}


@declare("tan", "asin", "acos", "atanh", "erfinv")
def _inside_one(d: Draw) -> Drawn:
    return d.array(d.shape(), -0.75, 0.75), {}


@declare("acosh", "log2", "log10", "lgamma", "digamma")
def _above_one(d: Draw) -> Drawn:
    return d.array(d.shape(), 1.25, 4), {}


@declare("polygamma")
def _polygamma(d: Draw) -> Drawn:
    return d.array(d.shape(), 1.25, 4), {"n": d.integer(1, 2)}


@declare("bessel_i")
def _bessel_i(d: Draw) -> Drawn:
    scaled = d.boolean()
    far = 40 if scaled else 3
    return d.array(d.shape(), -far, far, kinks=(0,)), {"order": d.one_of(0, 1, 2), "scaled": scaled}


@declare("bessel_k")
def _bessel_k(d: Draw) -> Drawn:
    return d.array(d.shape(), 0.75, 4), {"order": d.one_of(0, 1, 2), "scaled": d.boolean()}


@declare("bessel_y")
def _bessel_y(d: Draw) -> Drawn:
    return d.array(d.shape(), 0.75, 8), {"order": d.one_of(0, 1, 2)}


@declare("bessel_j")
def _bessel_j(d: Draw) -> Drawn:
    return d.array(d.shape(), -8, 8), {"order": d.one_of(0, 1, 2)}


@declare("airy")
def _airy(d: Draw) -> Drawn:
    return d.array(d.shape(), -4, 3), {"order": d.one_of(0, 1)}


@declare("incomplete_gamma")
def _incomplete_gamma(d: Draw) -> Drawn:
    shape = d.shape()
    return (d.array(shape, 0.5, 12), d.array(shape, 0.5, 12)), {"upper": d.boolean()}


@declare("zeta")
def _zeta(d: Draw) -> Drawn:
    shape = d.shape()
    return (d.array(shape, 1.5, 6), d.array(shape, 0.75, 4)), {}


@declare("trunc")
def _trunc(d: Draw) -> Drawn:
    return d.array(d.shape(), kinks=(-2, -1, 0, 1, 2)), {}


@declare("logaddexp", "logaddexp2")
def _two(d: Draw) -> Drawn:
    shape = d.shape()
    return (d.array(shape), d.array(d.broadcast(shape))), {}


@declare("atan2", "hypot")
def _two_far_from_zero(d: Draw) -> Drawn:
    shape = d.shape()
    return (d.array(shape, 0.5, 2), d.array(d.broadcast(shape), 0.5, 2)), {}


@declare("fmod")
def _fmod(d: Draw) -> Drawn:
    shape = d.shape()
    divisor = d.array(shape, 0.5, 2) if d.boolean() else d.array(shape, -2, -0.5)
    if not d.smooth:
        return (d.array(shape), divisor), {}
    return (np.asarray(d.array(shape, -2, 2, kinks=(-2, -1, 0, 1, 2)) * divisor), divisor), {}
