"""Losses that compare an output with its target element by element; `cross_entropy.py` has the classification losses.

Every loss takes `reduction`: "mean" and "sum" return a single number, "none" returns a number for each element (in
`cross_entropy.py`: for each example). Regression losses broadcast shapes that differ, with a warning: for a (N, 1)
output and a (N,) target the number is wrong. In binary classification they are an error.

On the CPU, values out of range (an index that is not a class, a probability above 1) are errors too. On a GPU this
check would wait for all earlier kernels. So on a GPU these values make the loss NaN.
"""

import warnings
from collections.abc import Callable
from math import prod

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.nn.arguments import check_float
from minicnn.nn.legacy import reduction_of
from minicnn.ops.activation import logsigmoid
from minicnn.ops.comparison import where
from minicnn.ops.elementwise import abs as magnitude
from minicnn.ops.elementwise import mul, square
from minicnn.ops.exponentials import log, log1p
from minicnn.ops.fuse import Fused, fuse
from minicnn.ops.operands import Value, common_shape, promote

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "smooth_l1_loss",
]


def _elementwise_loss(call: str, loss: Fused, inputs: tuple[Value, ...], reduction: str, **params: float) -> Tensor:
    """Apply a loss to each element and reduce the result, in one pass."""
    if reduction == "none":
        return loss(*inputs, **params)
    total = loss.sum(*inputs, **params)
    if reduction == "sum":
        return total
    return total / prod(np.broadcast_shapes(*(x.shape for x in inputs if isinstance(x, Tensor))))


def _weighted(
    call: str, loss: Fused, inputs: tuple[Tensor, Tensor], weight: Tensor | None, reduction: str, **params: float
) -> Tensor:
    """Apply a loss with a weight for each element; "mean" divides by the sum of the weights."""
    if weight is None:
        return _elementwise_loss(call, loss, inputs, reduction, **params)
    if weight.shape != inputs[0].shape:
        raise ShapeError(f"{call}: weight must have the shape of the input, {inputs[0].shape}, got {weight.shape}")
    losses = mul(loss(*inputs, **params), weight)
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / weight.sum()


def _check_regression(call: str, input: Tensor, target: Tensor, kinds: str = "f") -> None:
    """Check the types, and warn if the shapes differ."""
    if promote(input, target).kind not in kinds:
        check_float(call, input)
    if input.shape != target.shape:
        common_shape(call, (input, target))
        warnings.warn(
            f"{call}: input and target have the shapes {input.shape} and {target.shape} and are broadcast; this is "
            "often a mistake",
            stacklevel=3,
        )


def _check_pair(call: str, input: Tensor, target: Tensor) -> None:
    check_float(call, input)
    if input.shape != target.shape:
        raise ShapeError(
            f"{call}: input and target must have the same shape, got {input.shape} and {target.shape}; "
            "use target.view(input.shape) if they hold the same elements, target.expand(input.shape) to repeat it"
        )


# --- regression -----------------------------------------------------------------------------------------------


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Squared error, (input - target)².

    Parameters
    ----------
    input, target : Tensor, of the same shape, at least one of them float
        Other shapes broadcast, with a warning.
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    reduction : "mean", "sum" or "none"
    weight : Tensor, of the same shape, optional
        The weight of each element. "mean" divides by the sum of the weights.

    Returns
    -------
    Tensor, (), or the shape of the input with "none"

    Raises
    ------
    ShapeError
        If the shapes do not broadcast, or the weight has another shape than the input.
    DTypeError
        If both tensors hold integers.
    ArgumentError
        If `reduction` is unknown.

    Examples
    --------
    >>> import minicnn
    >>> mse_loss(minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 4.0])).item()
    2.0
    """
    reduction = reduction_of("mse_loss", size_average, reduce, reduction)
    _check_regression("mse_loss", input, target)
    return _weighted("mse_loss", _squared_error, (input, target), weight, reduction)


@fuse
def _squared_error(input: Tensor, target: Tensor) -> Tensor:
    return square(input - target)


@fuse
def _absolute_error(input: Tensor, target: Tensor) -> Tensor:
    return magnitude(input - target)


@fuse
def _huber(input: Tensor, target: Tensor, *, delta: float) -> Tensor:
    """Return q (d - q/2), with d = input - target and q = d clamped to ±delta. This covers both cases of the loss."""
    d = input - target
    q = d.clamp(-delta, delta)
    return mul(q, d - q * 0.5)


@fuse
def _smooth_absolute_error(input: Tensor, target: Tensor, *, beta: float) -> Tensor:
    return _huber(input, target, delta=beta) / beta


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Absolute error, |input - target|; see `mse_loss` for the arguments and errors.

    Examples
    --------
    >>> import minicnn
    >>> l1_loss(minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 4.0])).item()
    1.0
    """
    reduction = reduction_of("l1_loss", size_average, reduce, reduction)
    _check_regression("l1_loss", input, target, "fc")
    return _weighted("l1_loss", _absolute_error, (input, target), weight, reduction)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Huber loss: d²/2 where |d| <= delta, delta (|d| - delta/2) elsewhere, with d = input - target.

    See `mse_loss` for the other arguments. With a weight, "mean" divides by the number of elements, and the result has
    the element type of the input, as in PyTorch.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    DTypeError
        If the input is not floating point.
    ArgumentError
        If `delta` is not positive or `reduction` is unknown.

    References
    ----------
    Huber, "Robust estimation of a location parameter", 1964.

    Examples
    --------
    >>> import minicnn
    >>> huber_loss(minicnn.tensor([0.0, 4.0]), minicnn.tensor([1.0, 1.0]), reduction="none").tolist()
    [0.5, 2.5]
    """
    reduction = reduction_of("huber_loss", None, None, reduction)
    check_float("huber_loss", input)
    _check_regression("huber_loss", input, target)
    target = target.to(input.dtype)
    if not delta > 0:
        raise ArgumentError(f"huber_loss: delta must be positive, got {delta}")
    if weight is None:
        return _elementwise_loss("huber_loss", _huber, (input, target), reduction, delta=delta)
    losses = _weighted("huber_loss", _huber, (input, target), weight, "none", delta=delta)
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Smooth L1 loss: d²/(2 beta) where |d| <= beta, |d| - beta/2 elsewhere, with d = input - target.

    It is the Huber loss divided by beta. For beta = 0 it is the absolute error. See `mse_loss` for the other arguments.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    DTypeError
        If both tensors hold integers.
    ArgumentError
        If `beta` is negative or `reduction` is unknown.

    References
    ----------
    Girshick, "Fast R-CNN", 2015, equation 3.
    """
    reduction = reduction_of("smooth_l1_loss", size_average, reduce, reduction)
    _check_regression("smooth_l1_loss", input, target)
    if not beta >= 0:
        raise ArgumentError(f"smooth_l1_loss: beta must be at least 0, got {beta}")
    if beta == 0:
        return _elementwise_loss("smooth_l1_loss", _absolute_error, (input, target), reduction)
    return _elementwise_loss("smooth_l1_loss", _smooth_absolute_error, (input, target), reduction, beta=beta)


# --- binary classification ------------------------------------------------------------------------------------


def _clamped_log(logarithm: Callable[[Tensor], Tensor], x: Tensor, pole: float) -> Tensor:
    """Return max(logarithm(x), -100). The gradient is 0 where it is clamped, not infinite or NaN."""
    low = x <= pole
    return where(low, -100.0, logarithm(where(low, pole + 1, x))).clamp(min=-100)


def _is_outside(x: Tensor) -> Tensor:
    return (x < 0) | (x > 1)


@fuse
def _outside(x: Tensor) -> Tensor:
    return where(_is_outside(x), 1.0, 0.0)


@fuse
def _binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    loss = (target - 1) * _clamped_log(log1p, -input, -1.0) - target * _clamped_log(log, input, 0.0)
    return where(_is_outside(input), float("nan"), mul(loss, weight))


@fuse
def _binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    return mul((1 - target) * input - logsigmoid(input), weight)


@fuse
def _weighted_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor, pos_weight: Tensor) -> Tensor:
    factor = target * (pos_weight - 1) + 1  # pos_weight where the target is 1, 1 where it is 0
    return mul((1 - target) * input - factor * logsigmoid(input), weight)


def _check_weight(call: str, name: str, weight: Tensor | None, input: Tensor) -> Value:
    """Return the weight, or 1 for None, after a check that it broadcasts to the input."""
    if weight is None:
        return 1.0
    broadcasts = all(n in (1, m) for n, m in zip(weight.shape[::-1], input.shape[::-1], strict=False))
    if weight.ndim > input.ndim or not broadcasts:
        raise ShapeError(f"{call}: {name} must broadcast to the input's shape {input.shape}, got {weight.shape}")
    return weight


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross-entropy of probabilities, -weight (t log x + (1 - t) log(1 - x)).

    Parameters
    ----------
    input : Tensor, float
        Probabilities x from 0 to 1.
    target : Tensor, of the same shape
        Probabilities t.
    weight : Tensor, broadcasts to the input, optional
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    Tensor, (), or the shape of the input with "none"

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError
        If the input is not floating point.
    ArgumentError
        If an input on the CPU is outside [0, 1] (on a GPU the loss is NaN), or `reduction` is unknown.

    Notes
    -----
    The logarithms are clamped to at least -100; their gradient is 0 where they are clamped.
    `binary_cross_entropy_with_logits` is faster, and also exact where a sigmoid would round to 0 or 1.
    """
    call = "binary_cross_entropy"
    reduction = reduction_of(call, size_average, reduce, reduction)
    _check_pair(call, input, target)
    if input.device.on_host and _outside.sum(input.detach()).item():
        low, high = input.detach().min(), input.detach().max()
        raise ArgumentError(
            f"{call}: the input must be probabilities from 0 to 1, got values from {low:.4g} to {high:.4g}; "
            "apply a sigmoid, or use binary_cross_entropy_with_logits"
        )
    weights = _check_weight(call, "weight", weight, input)
    return _elementwise_loss(call, _binary_cross_entropy, (input, target, weights), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross-entropy of logits, -weight (pos_weight t log σ(x) + (1 - t) log(1 - σ(x))), σ the sigmoid.

    Parameters
    ----------
    input : Tensor, float
        Logits x: the scores before the sigmoid. Large scores do not overflow.
    target : Tensor, of the same shape
        Probabilities t.
    weight : Tensor, broadcasts to the input, optional
        The weight of each element.
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    reduction : "mean", "sum" or "none"
    pos_weight : Tensor, broadcasts to the input, optional
        An extra weight of the positive targets.

    Returns
    -------
    Tensor, (), or the shape of the input with "none"

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError
        If the input is not floating point.
    ArgumentError
        If `reduction` is unknown.
    """
    call = "binary_cross_entropy_with_logits"
    reduction = reduction_of(call, size_average, reduce, reduction)
    _check_pair(call, input, target)
    inputs = input, target, _check_weight(call, "weight", weight, input)
    if pos_weight is None:
        return _elementwise_loss(call, _binary_cross_entropy_with_logits, inputs, reduction)
    positive = _check_weight(call, "pos_weight", pos_weight, input)
    return _elementwise_loss(call, _weighted_cross_entropy_with_logits, (*inputs, positive), reduction)
