"""Losses: how far an output is from its target, element by element; those of classes are in class_loss.py.

Every loss takes `reduction`: "mean" gives one number, "sum" too, "none" leaves one number an element (or an example).
Shapes that differ are an error, never broadcast: a (N, 1) output against a (N,) target would give a wrong number.

Values out of their range (a class that is none, a probability above 1) are errors too, where looking at them costs
nothing. On a GPU that would wait for everything before, so there they make the loss NaN.
"""

from collections.abc import Callable

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.nn.arguments import check_float, check_reduction
from minicnn.ops.activation import logsigmoid
from minicnn.ops.comparison import where
from minicnn.ops.elementwise import abs as magnitude
from minicnn.ops.elementwise import log, log1p, mul, square
from minicnn.ops.fuse import Fused, fuse
from minicnn.ops.operands import Value

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "smooth_l1_loss",
]


def _each(call: str, loss: Fused, inputs: tuple[Value, ...], reduction: str, **params: float) -> Tensor:
    """Apply a loss to each element and reduce it, in one pass."""
    check_reduction(call, reduction)
    if reduction == "none":
        return loss(*inputs, **params)
    total = loss.sum(*inputs, **params)
    return total if reduction == "sum" else total / inputs[0].numel()


def _check_pair(call: str, input: Tensor, target: Tensor) -> None:
    check_float(call, input)
    if input.shape != target.shape:
        raise ShapeError(
            f"{call}: input and target need one shape, got {input.shape} and {target.shape}; "
            "use target.view(input.shape) if they hold the same elements, target.expand(input.shape) to repeat it"
        )


# --- regression -----------------------------------------------------------------------------------------------


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Squared error, (input - target)².

    Parameters
    ----------
    input, target : Tensor, of one shape
    reduction : "mean", "sum" or "none"

    Returns
    -------
    Tensor, one number, or the shape of the input with "none"

    Raises
    ------
    ShapeError
        If the shapes differ (PyTorch broadcasts and only warns).

    Examples
    --------
    >>> import minicnn
    >>> mse_loss(minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 4.0])).item()
    2.0
    """
    _check_pair("mse_loss", input, target)
    return _each("mse_loss", _squared_error, (input, target), reduction)


@fuse
def _squared_error(input: Tensor, target: Tensor) -> Tensor:
    return square(input - target)


@fuse
def _absolute_error(input: Tensor, target: Tensor) -> Tensor:
    return magnitude(input - target)


@fuse
def _huber(input: Tensor, target: Tensor, *, delta: float) -> Tensor:
    """With d = input - target and q = d limited to ±delta both cases are q (d - q/2)."""
    d = input - target
    q = d.clamp(-delta, delta)
    return mul(q, d - q * 0.5)


@fuse
def _smooth_absolute_error(input: Tensor, target: Tensor, *, beta: float) -> Tensor:
    return _huber(input, target, delta=beta) / beta


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Absolute error, |input - target|; see `mse_loss`."""
    _check_pair("l1_loss", input, target)
    return _each("l1_loss", _absolute_error, (input, target), reduction)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """d²/2 where |d| <= delta, delta (|d| - delta/2) elsewhere, d = input - target (Huber, 1964).

    Raises
    ------
    ShapeError
        If the shapes differ or delta is not positive.
    """
    _check_pair("huber_loss", input, target)
    if not delta > 0:
        raise ArgumentError(f"huber_loss: delta must be positive, got {delta}")
    return _each("huber_loss", _huber, (input, target), reduction, delta=delta)


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """d²/(2 beta) where |d| <= beta, |d| - beta/2 elsewhere, d = input - target; |d| for beta = 0 (Girshick, 2015).

    Raises
    ------
    ShapeError
        If the shapes differ or beta is negative.
    """
    _check_pair("smooth_l1_loss", input, target)
    if not beta >= 0:
        raise ArgumentError(f"smooth_l1_loss: beta must be at least 0, got {beta}")
    if beta == 0:
        return _each("smooth_l1_loss", _absolute_error, (input, target), reduction)
    return _each("smooth_l1_loss", _smooth_absolute_error, (input, target), reduction, beta=beta)


# --- yes or no ------------------------------------------------------------------------------------------------


def _limited(logarithm: Callable[[Tensor], Tensor], x: Tensor, pole: float) -> Tensor:
    """The logarithm, -100 where it would be less; the gradient is 0 there, not infinite or NaN."""
    low = x <= pole
    return where(low, -100.0, logarithm(where(low, pole + 1, x))).clamp(min=-100)


def _is_outside(x: Tensor) -> Tensor:
    return (x < 0) | (x > 1)


@fuse
def _outside(x: Tensor) -> Tensor:
    return where(_is_outside(x), 1.0, 0.0)


@fuse
def _binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    loss = (target - 1) * _limited(log1p, -input, -1.0) - target * _limited(log, input, 0.0)
    return where(_is_outside(input), float("nan"), mul(loss, weight))


@fuse
def _binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    return mul((1 - target) * input - logsigmoid(input), weight)


@fuse
def _weighted_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor, pos_weight: Tensor) -> Tensor:
    yes = target * (pos_weight - 1) + 1  # 1 for a no, pos_weight for a yes
    return mul((1 - target) * input - yes * logsigmoid(input), weight)


def _weight(call: str, name: str, weight: Tensor | None, input: Tensor) -> Value:
    """Return the weight, or 1; refuse one that does not broadcast to the input."""
    if weight is None:
        return 1.0
    fits = all(n in (1, m) for n, m in zip(weight.shape[::-1], input.shape[::-1], strict=False))
    if weight.ndim > input.ndim or not fits:
        raise ShapeError(f"{call}: {name} must broadcast to the input's shape {input.shape}, got {weight.shape}")
    return weight


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """-weight (t log x + (1 - t) log(1 - x)), the logarithms at least -100.

    Parameters
    ----------
    input : Tensor, probabilities x from 0 to 1
    target : Tensor, probabilities t, the shape of the input
    weight : Tensor, broadcasts to the input, optional
    reduction : "mean", "sum" or "none"

    Raises
    ------
    ShapeError
        If the shapes differ or an input is outside [0, 1].

    Notes
    -----
    Where a logarithm is cut off at -100 its gradient is 0.
    `binary_cross_entropy_with_logits` is exact where a sigmoid would round to 0 or 1, and faster.
    """
    call = "binary_cross_entropy"
    _check_pair(call, input, target)
    if input.device.on_host and _outside.sum(input.detach()).item():
        low, high = input.detach().min(), input.detach().max()
        raise ArgumentError(
            f"{call}: the input must be probabilities from 0 to 1, got values from {low:.4g} to {high:.4g}; "
            "apply a sigmoid, or use binary_cross_entropy_with_logits"
        )
    return _each(call, _binary_cross_entropy, (input, target, _weight(call, "weight", weight, input)), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """-weight (pos_weight t log σ(x) + (1 - t) log(1 - σ(x))), σ the sigmoid, without overflow.

    Parameters
    ----------
    input : Tensor, scores x before the sigmoid
    target : Tensor, probabilities t, the shape of the input
    weight, pos_weight : Tensor, broadcast to the input, optional
        How much each element, and each yes, counts.
    reduction : "mean", "sum" or "none"

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    """
    call = "binary_cross_entropy_with_logits"
    _check_pair(call, input, target)
    inputs = input, target, _weight(call, "weight", weight, input)
    if pos_weight is None:
        return _each(call, _binary_cross_entropy_with_logits, inputs, reduction)
    yes = _weight(call, "pos_weight", pos_weight, input)
    return _each(call, _weighted_cross_entropy_with_logits, (*inputs, yes), reduction)
