"""Activations that are piecewise linear or exponential: ReLU's relatives, and functions with thresholds.

With `inplace`, the result is written into the input. The functions whose names end with _ always do this.
"""

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError
from minicnn.nn.arguments import check_float
from minicnn.nn.functional import activation
from minicnn.nn.functional.activation import _apply
from minicnn.ops.activation import leaky_relu
from minicnn.ops.comparison import clamp, ge, gt, le, logical_and, where
from minicnn.ops.create import as_tensor
from minicnn.ops.elementwise import abs as magnitude
from minicnn.ops.elementwise import add, div, mul, sub
from minicnn.ops.exponentials import expm1, tanh
from minicnn.ops.fuse import fuse
from minicnn.runtime import random

__all__ = [
    "celu",
    "celu_",
    "elu_",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu_",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "softshrink",
    "softsign",
    "tanhshrink",
    "threshold",
    "threshold_",
]


# --- limits -----------------------------------------------------------------------------------------------------


@fuse
def _hardtanh(x: Tensor, *, low: float, high: float) -> Tensor:
    return where(le(x, low), low, where(ge(x, high), high, x))  # the gradient at the limits is 0, unlike clamp's


def _limited(call: str, x: Tensor, low: float, high: float) -> Tensor:
    if x.dtype.kind == "f":
        return _hardtanh(x, low=float(low), high=float(high))
    if x.dtype.kind == "b" or (x.dtype.kind == "u" and low < 0):
        raise DTypeError(f"{call}: limits {low} and {high} do not fit a tensor of {x.dtype}; convert it with .float()")
    return clamp(x, int(low), int(high))


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Limit the elements to [min_val, max_val]. The gradient is 0 at the limits and outside.

    Parameters
    ----------
    input : Tensor
        The result has its dtype.
    min_val, max_val : float
    inplace : bool
        Write the result into `input`, and return `input`.

    Raises
    ------
    ArgumentError
        If min_val is larger than max_val.
    DTypeError
        For bools, and for unsigned integers with a negative limit.
    """
    if min_val > max_val:
        raise ArgumentError(f"hardtanh: min_val must be at most max_val, got {min_val} and {max_val}")
    return _apply(lambda x: _limited("hardtanh", x, min_val, max_val), input, inplace)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return min(max(x, 0), 6) (Krizhevsky, 2010); `inplace` as in `hardtanh`.

    Raises
    ------
    DTypeError
        For bools.
    """
    return _apply(lambda x: _limited("relu6", x, 0, 6), input, inplace)


@fuse
def _hardsigmoid(x: Tensor) -> Tensor:
    outside = where(le(x, -3), 0.0, where(ge(x, 3), 1.0, float("nan")))
    return where(logical_and(gt(x, -3), x < 3), div(x + 3, 6), outside)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Return min(max(x + 3, 0), 6) / 6, which is near the sigmoid; `inplace` as in `hardtanh`.

    Raises
    ------
    DTypeError
        If the input is not floating point.
    """
    check_float("hardsigmoid", input)
    return _apply(_hardsigmoid, input, inplace)


@fuse
def _hardswish(x: Tensor) -> Tensor:
    inside = where(logical_and(gt(x, -3), x < 3), x, 0.0)  # no infinities, which would make the gradient NaN
    return where(le(x, -3), mul(x, 0.0), where(x < 3, div(mul(inside, inside + 3), 6), x))


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x hardsigmoid(x); `inplace` as in `hardtanh`.

    Raises
    ------
    DTypeError
        If the input is not floating point.

    References
    ----------
    Howard et al., "Searching for MobileNetV3", 2019.
    """
    check_float("hardswish", input)
    return _apply(_hardswish, input, inplace)


@fuse
def _threshold(x: Tensor, *, limit: float, value: float) -> Tensor:
    return where(le(x, limit), value, x)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Return x where x > threshold, and `value` elsewhere; `inplace` as in `hardtanh`.

    The result has the dtype of the input. For integers, threshold and value are rounded toward 0.

    Raises
    ------
    DTypeError
        For bools.
    """
    if input.dtype.kind == "b":
        raise DTypeError("threshold: the tensor holds bool; convert it with .float() first")
    if input.dtype.kind == "f":
        return _apply(lambda x: _threshold(x, limit=float(threshold), value=float(value)), input, inplace)
    return _apply(lambda x: where(le(x, int(threshold)), int(value), x).to(x.dtype), input, inplace)


# --- exponential for negative numbers -----------------------------------------------------------------------------


@fuse
def _celu(x: Tensor, *, alpha: float) -> Tensor:
    return where(le(x, 0), mul(expm1(div(clamp(x, max=0), alpha)), alpha), x)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where x > 0, and alpha (e^(x / alpha) - 1) elsewhere; `inplace` as in `hardtanh`.

    Raises
    ------
    ArgumentError
        If alpha is 0.
    DTypeError
        If the input is not floating point.

    References
    ----------
    Barron, "Continuously differentiable exponential linear units", 2017.
    """
    check_float("celu", input)
    if alpha == 0:
        raise ArgumentError("celu: alpha must not be 0")
    return _apply(lambda x: _celu(x, alpha=float(alpha)), input, inplace)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@fuse
def _selu(x: Tensor) -> Tensor:
    return where(le(x, 0), mul(expm1(clamp(x, max=0)), SELU_ALPHA * SELU_SCALE), mul(x, SELU_SCALE))


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return s x where x > 0, and s a (eˣ - 1) elsewhere, s = 1.0507 and a = 1.6733; `inplace` as in `hardtanh`.

    With these numbers, activations of many layers keep mean 0 and variance 1.

    Raises
    ------
    DTypeError
        If the input is not floating point.

    References
    ----------
    Klambauer et al., "Self-normalizing neural networks", 2017.
    """
    check_float("selu", input)
    return _apply(_selu, input, inplace)


# --- toward 0 -------------------------------------------------------------------------------------------------------


@fuse
def _softsign(x: Tensor) -> Tensor:
    return div(x, add(magnitude(x), 1))


@fuse
def _tanhshrink(x: Tensor) -> Tensor:
    return sub(x, tanh(x))


def _check_numbers(call: str, x: Tensor) -> None:
    if x.dtype.kind == "b":
        raise DTypeError(f"{call}: the tensor holds bool; convert it with .float() first")


def softsign(input: Tensor) -> Tensor:
    """Return x / (1 + |x|). Integers become the default float type.

    Raises
    ------
    DTypeError
        For bools.
    """
    _check_numbers("softsign", input)
    return _softsign(input)


def tanhshrink(input: Tensor) -> Tensor:
    """Return x - tanh(x). Integers become the default float type.

    Raises
    ------
    DTypeError
        For bools.
    """
    _check_numbers("tanhshrink", input)
    return _tanhshrink(input)


@fuse
def _softshrink(x: Tensor, *, size: float) -> Tensor:
    nearer = where(gt(x, 0), sub(x, size), add(x, size))
    return where(logical_and(ge(x, -size), le(x, size)), 0.0, nearer)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Move the elements by lambd toward 0; those with |x| <= lambd become 0.

    Raises
    ------
    ArgumentError
        If lambd is negative.
    DTypeError
        If the input is not floating point.
    """
    check_float("softshrink", input)
    if not lambd >= 0:
        raise ArgumentError(f"softshrink: lambd must be at least 0, got {lambd}")
    return _softshrink(input, size=float(lambd))


# --- random slopes ------------------------------------------------------------------------------------------------


@fuse
def _with_slopes(x: Tensor, slope: Tensor) -> Tensor:
    return where(le(x, 0), mul(x, slope), x)


def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """Return x where x > 0, and slope x elsewhere; in training, each slope is random from `lower` to `upper`.

    Without training, the slope is their mean. `inplace` as in `hardtanh`.

    Raises
    ------
    ArgumentError
        If `lower` is larger than `upper`.
    DTypeError
        If the input is not floating point.

    References
    ----------
    Xu et al., "Empirical evaluation of rectified activations in convolution network", 2015.
    """
    check_float("rrelu", input)
    if lower > upper:
        raise ArgumentError(f"rrelu: lower must be at most upper, got {lower} and {upper}")
    if not training:
        return _apply(lambda x: leaky_relu(x, (lower + upper) / 2), input, inplace)
    drawn = random.generator().random(input.shape, input.dtype) * (upper - lower) + lower
    slopes = as_tensor(drawn, input.dtype, input.device)
    return _apply(lambda x: _with_slopes(x, slopes), input, inplace)


# --- always in place ----------------------------------------------------------------------------------------------


def relu_(input: Tensor) -> Tensor:
    """Set negative elements to 0 in place."""
    return activation.relu(input, inplace=True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Apply `leaky_relu` in place."""
    return activation.leaky_relu(input, negative_slope, inplace=True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Apply `elu` in place."""
    return activation.elu(input, alpha, inplace=True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Apply `celu` in place; errors as in `celu`."""
    return celu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """Apply `selu` in place; errors as in `selu`."""
    return selu(input, inplace=True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Apply `hardtanh` in place; errors as in `hardtanh`."""
    return hardtanh(input, min_val, max_val, inplace=True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """Apply `threshold` in place; errors as in `threshold`."""
    return _threshold_function(input, threshold, value, inplace=True)


@random.takes_generator
def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    """Apply `rrelu` in place; errors as in `rrelu`."""
    return rrelu(input, lower, upper, training, inplace=True)


_threshold_function = threshold  # `threshold` is an argument's name too
