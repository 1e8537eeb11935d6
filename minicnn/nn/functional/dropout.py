"""Dropout: random elements or channels become 0 in training; alpha dropout keeps mean and variance.

Every function has the arguments of `dropout`. Without training, it returns the input.
"""

import warnings
from collections.abc import Callable
from math import sqrt

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.create import as_tensor
from minicnn.ops.elementwise import add, mul
from minicnn.ops.in_place import in_place
from minicnn.runtime import random

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set elements to 0 with probability p and divide the others by 1 - p. Without training, return the input.

    With `inplace`, write the result into the input, and return the input.

    Raises
    ------
    ArgumentError
        If p is not in [0, 1].
    DTypeError
        If the input is not floating point.

    References
    ----------
    Srivastava et al., "Dropout", 2014.
    """
    return _drop("dropout", input, p, training, inplace, input.shape)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of (N, C, L) or (C, L) to 0 with probability p and divide the others by 1 - p.

    `training` and `inplace` as in `dropout`.

    Raises
    ------
    ShapeError
        If the input has neither 2 nor 3 axes.
    ArgumentError
        If p is not in [0, 1].
    DTypeError
        If the input is not floating point.
    """
    if input.ndim not in (2, 3):
        raise ShapeError(f"dropout1d: input must be (N, C, L) or (C, L), got {input.shape}; or use dropout")
    return _drop("dropout1d", input, p, training, inplace, (*input.shape[:-1], 1))


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of (N, C, H, W) to 0 with probability p and divide the others by 1 - p.

    `training` and `inplace` as in `dropout`. As in PyTorch, three axes are (N, C, L) and not (C, H, W), with a warning.

    Raises
    ------
    ShapeError
        If the input has fewer than 2 axes.
    ArgumentError
        If p is not in [0, 1].
    DTypeError
        If the input is not floating point.

    References
    ----------
    Tompson et al., "Efficient object localization using convolutional networks", 2015.
    """
    if input.ndim != 4:
        warnings.warn(f"dropout2d: takes {input.shape} as (N, C, ...); use dropout1d or dropout", stacklevel=2)
    return _drop("dropout2d", input, p, training, inplace, _channels("dropout2d", input, 0))


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of (N, C, D, H, W) or (C, D, H, W) to 0 with probability p and divide the others by 1 - p.

    `training` and `inplace` as in `dropout`. As in PyTorch, other numbers of axes are (C, ...), with a warning.

    Raises
    ------
    ShapeError
        If the input has no axes.
    ArgumentError
        If p is not in [0, 1].
    DTypeError
        If the input is not floating point.
    """
    if input.ndim not in (4, 5):
        warnings.warn(f"dropout3d: takes {input.shape} as (C, ...); use dropout1d, dropout2d or dropout", stacklevel=2)
    shape = _channels("dropout3d", input, 0 if input.ndim == 5 else 1)
    return _drop("dropout3d", input, p, training, inplace, shape)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Set elements to the lowest value of SELU with probability p, and rescale: mean 0 and variance 1 stay the same.

    `training` and `inplace` as in `dropout`.

    Raises
    ------
    ArgumentError
        If p is not in [0, 1].
    DTypeError
        If the input is not floating point.

    References
    ----------
    Klambauer et al., "Self-normalizing neural networks", 2017.
    """
    return _drop("alpha_dropout", input, p, training, inplace, input.shape, _self_normalizing_scale)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Do the same as `alpha_dropout` with whole channels of (N, C, ...).

    Raises
    ------
    ShapeError
        If the input has fewer than 2 axes.
    ArgumentError
        If p is not in [0, 1].
    DTypeError
        If the input is not floating point.
    """
    call = "feature_alpha_dropout"
    return _drop(call, input, p, training, inplace, _channels(call, input, 0), _self_normalizing_scale)


def _scale(p: float) -> tuple[float, float]:
    return (0.0 if p == 1 else 1 / (1 - p)), 0.0


def _self_normalizing_scale(p: float) -> tuple[float, float]:
    """Return a and a·lowest: the result is a (x or lowest - p lowest), and this a keeps the variance 1."""
    lowest = -1.7580993408473766  # SELU of -∞
    a = 0.0 if p == 1 else 1 / sqrt((1 - p) * (1 + p * lowest**2))
    return a, a * lowest


def _channels(call: str, x: Tensor, axis: int) -> tuple[int, ...]:
    """Return the shape of one number for each channel of (N, C, ...), or of (C, ...) for axis=1."""
    leading = 2 - axis
    if x.ndim < leading:
        raise ShapeError(f"{call}: input needs at least {leading} axes, got {x.shape}; or use dropout")
    return x.shape[:leading] + (1,) * (x.ndim - leading)


def _drop(
    call: str,
    x: Tensor,
    p: float,
    training: bool,
    inplace: bool,
    shape: tuple[int, ...],
    scale_of: Callable[[float], tuple[float, float]] = _scale,
) -> Tensor:
    """Return scale x for the elements that stay, low for the others, minus p low."""
    if not 0 <= p <= 1:
        raise ArgumentError(f"{call}: p must be a probability from 0 to 1, got {p}")
    if not training or p == 0:
        return x
    if x.dtype.kind != "f":
        raise DTypeError(f"{call}: the tensor holds {x.dtype}; convert it with .float() first")
    mask = x.device.array(random.generator().random(shape, x.dtype) >= p)  # copied to the device as bytes, not floats
    scale, low = map(x.dtype.type, scale_of(p))
    factors = as_tensor(mask * scale, x.dtype, x.device)
    shifts = as_tensor(low * x.dtype.type(1 - p) - mask * low, x.dtype, x.device) if low else None

    def apply(old: Tensor) -> Tensor:
        y = mul(old, factors)
        return y if shifts is None else add(y, shifts)

    return in_place(x, apply) if inplace else apply(x)
