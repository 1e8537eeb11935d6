"""Declarations of elementary and special functions."""

import numpy as np

from minicnn.testing.draw import Draw, Drawn, declare

__all__: list[str] = []


@declare("sinh", "cosh", "asinh", "atan", "exp2", "erfc")
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
