"""Initialisers: functions that write random or constant values into a tensor in place, and return the tensor.

The Xavier and Kaiming variances keep the size of signals constant from layer to layer. They depend on `fan_in`, the
number of inputs of each output (input channels × kernel elements), and on `fan_out`, the number of outputs of each
input (output channels × kernel elements).
"""

from math import ceil, erf, prod, sqrt
from typing import Any

import numpy as np

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.nn.legacy import older_name
from minicnn.ops.create import as_tensor
from minicnn.runtime import random

__all__ = [
    "calculate_fan_in_and_fan_out",
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]


@random.takes_generator
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Draw from the uniform distribution on [a, b).

    Raises
    ------
    ArgumentError
        If a is larger than b.
    """
    if a > b:
        raise ArgumentError(f"uniform_: a must be at most b, got {a} and {b}")
    with no_grad():
        return tensor.uniform_(a, b)


@random.takes_generator
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Draw from the normal distribution.

    Raises
    ------
    ArgumentError
        If the standard deviation is negative.
    """
    if std < 0:
        raise ArgumentError(f"normal_: std must be at least 0, got {std}")
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


_calculate_fan_in_and_fan_out = calculate_fan_in_and_fan_out  # PyTorch's name, which many programs call


LINEAR = ("linear", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3)), "sigmoid")  # their gain is 1


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
        If the name is unknown, or `param` is not a number.
    """
    if nonlinearity in LINEAR:
        return 1.0
    if param is not None and (isinstance(param, bool) or not isinstance(param, int | float)):
        raise ArgumentError(f"calculate_gain: param must be a number, got {param!r}")
    slope = 0.01 if param is None else param
    gains = {"tanh": 5 / 3, "relu": sqrt(2), "leaky_relu": sqrt(2 / (1 + slope**2)), "selu": 3 / 4}
    if nonlinearity not in gains:
        known = ", ".join((*LINEAR, *gains))
        raise ArgumentError(f"calculate_gain: nonlinearity must be one of {known}, got {nonlinearity!r}")
    return gains[nonlinearity]


@random.takes_generator
def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Draw from the uniform distribution on ±gain √(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    bound = gain * sqrt(6 / sum(calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound)


@random.takes_generator
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


@random.takes_generator
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


@random.takes_generator
def kaiming_normal_(tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Draw from the normal distribution with standard deviation gain / √fan; see `kaiming_uniform_` for the rest.

    Raises
    ------
    ArgumentError
        If `mode` or `nonlinearity` is unknown.
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity))


def _fill(tensor: Tensor, values: np.ndarray[Any, Any]) -> Tensor:
    with no_grad():
        return tensor.copy_(as_tensor(values.astype(tensor.dtype), device=tensor.device))


@random.takes_generator
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


@random.takes_generator
def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> Tensor:
    """Draw from the normal distribution, restricted to [a, b].

    Raises
    ------
    ArgumentError
        If a is larger than b, or the standard deviation is not above 0.
    """
    if a > b or not std > 0:
        raise ArgumentError(f"trunc_normal_: a must be at most b and std above 0, got [{a}, {b}] and {std=}")
    low, high = (a - mean) / std, (b - mean) / std
    values = np.empty(prod(tensor.shape))
    missing = np.arange(values.size)
    while missing.size:
        drawn, kept = _proposals(low, high, missing.size)
        values[missing[kept]] = drawn[kept]
        missing = missing[~kept]
    return _fill(tensor, (mean + std * values).clip(a, b).reshape(tensor.shape))


def _proposals(low: float, high: float, count: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return numbers, and which of them to keep, so that these are normal numbers in [low, high]."""
    if erf(high / sqrt(2)) - erf(low / sqrt(2)) > 0.1:  # twice the probability
        drawn = random.generator().standard_normal(count)
        return drawn, (drawn >= low) & (drawn <= high)
    # The interval is narrow or far away: uniform numbers, kept with the ratio of their density to the largest one.
    nearest = min(max(0.0, low), high)
    reach = 40 / max(abs(nearest), 1.0)  # the rest has a probability below e⁻⁴⁰
    drawn = random.generator().uniform(max(low, nearest - reach), min(high, nearest + reach), count)
    return drawn, random.generator().random(count) <= np.exp((nearest**2 - drawn**2) / 2)


def eye_(tensor: Tensor) -> Tensor:
    """Set a matrix to the identity: 1 on the diagonal, 0 elsewhere.

    Raises
    ------
    ShapeError
        If the tensor does not have 2 axes.
    """
    _check_matrix("eye_", tensor)
    return _fill(tensor, np.eye(*tensor.shape))


def _check_matrix(call: str, tensor: Tensor) -> None:
    if tensor.ndim != 2:
        raise ShapeError(f"{call}: the tensor must have 2 axes, got {tensor.shape}")


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill the weight (F, C, *kernel) of a convolution so that, in each group, output channel i is input channel i.

    Raises
    ------
    ShapeError
        If the tensor has not 3, 4 or 5 axes, the kernel is empty, or F is not a multiple of `groups`.
    """
    if tensor.ndim not in (3, 4, 5) or 0 in tensor.shape[2:] or groups < 1 or tensor.shape[0] % groups:
        raise ShapeError(
            f"dirac_: the tensor must be (F, C, *kernel) with F a multiple of groups={groups}, got {tensor.shape}"
        )
    values, size = np.zeros(tensor.shape), tensor.shape[0] // groups
    for channel in range(min(size, tensor.shape[1])):
        centre: Any = (slice(channel, None, size), channel, *(n // 2 for n in tensor.shape[2:]))
        values[centre] = 1
    return _fill(tensor, values)


@random.takes_generator
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01) -> Tensor:
    """Draw a matrix from the normal distribution, and set a share of each column to 0.

    Raises
    ------
    ShapeError
        If the tensor does not have 2 axes.
    ArgumentError
        If the standard deviation is negative, or the sparsity is not in [0, 1].

    References
    ----------
    Martens, "Deep learning via Hessian-free optimization", 2010.
    """
    _check_matrix("sparse_", tensor)
    if not 0 <= sparsity <= 1 or std < 0:
        raise ArgumentError(f"sparse_: sparsity must be from 0 to 1 and std at least 0, got {sparsity} and {std}")
    rows, columns = tensor.shape
    values = random.generator().normal(0, std, (rows, columns))
    zeros = np.arange(rows)[:, np.newaxis] < ceil(sparsity * rows)
    values[random.generator().permuted(np.broadcast_to(zeros, (rows, columns)).copy(), axis=0)] = 0
    return _fill(tensor, values)


# The names of PyTorch 0.3.
constant = older_name("constant", constant_)
dirac = older_name("dirac", dirac_)
eye = older_name("eye", eye_)
kaiming_normal = older_name("kaiming_normal", kaiming_normal_)
kaiming_uniform = older_name("kaiming_uniform", kaiming_uniform_)
normal = older_name("normal", normal_)
orthogonal = older_name("orthogonal", orthogonal_)
sparse = older_name("sparse", sparse_)
uniform = older_name("uniform", uniform_)
xavier_normal = older_name("xavier_normal", xavier_normal_)
xavier_uniform = older_name("xavier_uniform", xavier_uniform_)
