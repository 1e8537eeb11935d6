"""Initialisers: functions that write random or constant values into a tensor in place, and return the tensor.

The Xavier and Kaiming variances keep the size of signals constant from layer to layer. They depend on `fan_in`, the
number of inputs of each output (input channels × kernel elements), and on `fan_out`, the number of outputs of each
input (output channels × kernel elements).
"""

from math import erf, prod, sqrt
from typing import Any

import numpy as np

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.create import as_tensor
from minicnn.runtime import random

__all__ = [
    "calculate_fan_in_and_fan_out",
    "calculate_gain",
    "constant_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Draw from the uniform distribution on [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Draw from the normal distribution."""
    with no_grad():
        return tensor.normal_(mean, std)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Set every element to `val`."""
    with no_grad():
        return tensor.fill_(val)


def zeros_(tensor: Tensor) -> Tensor:
    """Set every element to 0."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Set every element to 1."""
    return constant_(tensor, 1.0)


def calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight (F, C, *kernel).

    Raises
    ------
    ShapeError
        If the tensor has fewer than two axes.
    """
    if tensor.ndim < 2:
        raise ShapeError(f"init: fan_in and fan_out need a weight of at least 2 axes, (F, C, ...), got {tensor.shape}")
    field = prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor on the standard deviation of a weight that keeps the variance through a nonlinearity.

    Parameters
    ----------
    nonlinearity : "linear", "conv1d" ... "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu" or "selu"
    param : float, optional
        The negative slope of "leaky_relu"; default 0.01.

    Raises
    ------
    ArgumentError
        If the name is unknown.
    """
    if nonlinearity.startswith(("linear", "conv")) or nonlinearity == "sigmoid":
        return 1.0
    slope = 0.01 if param is None else param
    gains = {"tanh": 5 / 3, "relu": sqrt(2), "leaky_relu": sqrt(2 / (1 + slope**2)), "selu": 3 / 4}
    if nonlinearity not in gains:
        known = ", ".join(("linear", "conv1d ... conv_transpose3d", "sigmoid", *gains))
        raise ArgumentError(f"calculate_gain: nonlinearity must be one of {known}, got {nonlinearity!r}")
    return gains[nonlinearity]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Draw from the uniform distribution on ±gain √(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    bound = gain * sqrt(6 / sum(calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Draw from the normal distribution with standard deviation gain √(2 / (fan_in + fan_out)).

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    return normal_(tensor, 0.0, gain * sqrt(2 / sum(calculate_fan_in_and_fan_out(tensor))))


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fans = dict(zip(("fan_in", "fan_out"), calculate_fan_in_and_fan_out(tensor), strict=True))
    if mode not in fans:
        raise ArgumentError(f"kaiming: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return calculate_gain(nonlinearity, a) / sqrt(max(fans[mode], 1))


def kaiming_uniform_(tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Draw from the uniform distribution on ±gain √(3 / fan).

    Parameters
    ----------
    tensor : Tensor, (F, C, *kernel)
    a : float
        The negative slope of the leaky ReLU after the layer.
    mode : "fan_in" or "fan_out"
        Keep the variance of the signals ("fan_in") or of the gradients ("fan_out").
    nonlinearity : str
        A name that `calculate_gain` knows.

    Raises
    ------
    ArgumentError
        If `mode` or `nonlinearity` is unknown.

    References
    ----------
    He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015, equations 10 and 14.
    """
    bound = sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Draw from the normal distribution with standard deviation gain / √fan; see `kaiming_uniform_` for the rest."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity))


def _fill(tensor: Tensor, values: np.ndarray[Any, Any]) -> Tensor:
    with no_grad():
        return tensor.copy_(as_tensor(values.astype(tensor.dtype), device=tensor.device))


def orthogonal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Fill with an orthogonal matrix (F, C × kernel elements): orthogonal rows, or orthogonal columns if F is larger.

    Raises
    ------
    ShapeError
        If the tensor has fewer than two axes.

    References
    ----------
    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning", 2013.
    """
    calculate_fan_in_and_fan_out(tensor)  # checks for two axes
    rows, columns = tensor.shape[0], prod(tensor.shape[1:])
    q, r = np.linalg.qr(random.generator().standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))  # makes the distribution uniform over all orthogonal matrices
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> Tensor:
    """Draw from the normal distribution, and draw values outside [a, b] again.

    Raises
    ------
    ArgumentError
        If [a, b] has a probability below 1/1000.
    """
    probability = (erf((b - mean) / std / sqrt(2)) - erf((a - mean) / std / sqrt(2))) / 2
    if probability < 1e-3:
        raise ArgumentError(
            f"trunc_normal_: [a, b] must have a probability of at least 0.001, got [{a}, {b}] for {mean=}, {std=}; "
            "use a wider interval"
        )
    values = random.generator().normal(mean, std, tensor.shape)
    while (outside := (values < a) | (values > b)).any():
        values[outside] = random.generator().normal(mean, std, int(outside.sum()))
    return _fill(tensor, values)
