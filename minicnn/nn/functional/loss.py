"""Losses: how far an output is from its target.

Every loss takes `reduction`: "mean" gives one number, "sum" too, "none" leaves one number an element (or an example).
Shapes that differ are an error, never broadcast: a (N, 1) output against a (N,) target would give a wrong number.

Values out of their range (a class that is none, a probability above 1) are errors too, where looking at them costs
nothing. On a GPU that would wait for everything before, so there they make the loss NaN.
"""

from collections.abc import Callable

from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.activation import log_softmax, logsigmoid
from minicnn.ops.comparison import eq, where
from minicnn.ops.create import arange
from minicnn.ops.elementwise import abs as magnitude
from minicnn.ops.elementwise import log, log1p, mul
from minicnn.ops.reduce import mean
from minicnn.ops.reduce import sum as total
from minicnn.ops.shape import cast, reshape, unsqueeze
from minicnn.tensor import Tensor

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "smooth_l1_loss",
]


def _reduced(call: str, loss: Tensor, reduction: str, weight: Tensor | None = None) -> Tensor:
    """Reduce the loss; `weight` is what each example counts in the mean."""
    if reduction == "none":
        return loss
    if reduction == "sum":
        return total(loss)
    if reduction == "mean":
        return mean(loss) if weight is None else total(loss) / total(weight)
    raise ArgumentError(f"{call}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def _check_float(call: str, input: Tensor) -> None:
    if input.dtype.kind != "f":
        raise DTypeError(f"{call}: the input must be floating point, got {input.dtype}; convert it with .float()")


def _check_pair(call: str, input: Tensor, target: Tensor) -> None:
    _check_float(call, input)
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
    return _reduced("mse_loss", (input - target).square(), reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Absolute error, |input - target|; see `mse_loss`."""
    _check_pair("l1_loss", input, target)
    return _reduced("l1_loss", magnitude(input - target), reduction)


def _huber(d: Tensor, delta: float) -> Tensor:
    """d²/2 where |d| <= delta, delta (|d| - delta/2) elsewhere: with q = d limited to ±delta both are q (d - q/2)."""
    q = d.clamp(-delta, delta)
    return mul(q, d - q * 0.5)


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
    return _reduced("huber_loss", _huber(input - target, delta), reduction)


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
    d = input - target
    return _reduced("smooth_l1_loss", _huber(d, beta) / beta if beta else magnitude(d), reduction)


# --- classes --------------------------------------------------------------------------------------------------


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Turn class indices (...) into int64 rows of zeros with a 1 at the class, (..., num_classes).

    Raises
    ------
    DTypeError, ShapeError
        If the tensor does not hold integers from 0 to num_classes - 1; on a GPU such a row is all zeros, unless
        `num_classes` has to be found out.

    Examples
    --------
    >>> import minicnn
    >>> one_hot(minicnn.tensor([2, 0])).tolist()
    [[0, 0, 1], [1, 0, 0]]
    """
    if tensor.dtype.kind not in "iu":
        raise DTypeError(f"one_hot: class indices must be integers, got {tensor.dtype}; convert them with .long()")
    look = tensor.numel() and (num_classes == -1 or tensor.device.on_host)
    low, high = (int(tensor.min()), int(tensor.max())) if look else (0, -1)  # type: ignore[arg-type]
    classes = high + 1 if num_classes == -1 else num_classes
    if low < 0 or high >= classes:
        raise ShapeError(f"one_hot: indices run from {low} to {high}, outside 0 ... num_classes - 1 = {classes - 1}")
    return eq(unsqueeze(tensor, -1), arange(classes, device=tensor.device)).long()


def _per_class(call: str, weight: Tensor, input: Tensor, axis: int) -> Tensor:
    """Return class weights in a shape that broadcasts with the input."""
    if weight.shape != (input.shape[axis],):
        raise ShapeError(
            f"{call}: weight must have one number a class, ({input.shape[axis]},), got {weight.shape}; "
            f"input is {input.shape}"
        )
    return reshape(weight, (-1,) + (1,) * (input.ndim - axis - 1))


def _check_classes(call: str, input: Tensor, target: Tensor, axis: int, ignore_index: int) -> Tensor:
    """Return which elements of the target are no class, none of them if this is where an error can be raised."""
    expected = input.shape[:axis] + input.shape[axis + 1 :]
    if target.dtype.kind not in "iu":
        raise DTypeError(f"{call}: class indices must be integers, got {target.dtype}; convert them with .long()")
    if target.shape != expected:
        raise ShapeError(
            f"{call}: input {input.shape} has its classes along axis {axis}, so class indices must be {expected}, "
            f"got {target.shape}"
        )
    wrong: Tensor = (target != ignore_index) & ((target < 0) | (target >= input.shape[axis]))
    if input.device.on_host and wrong.any():
        first = target[wrong][0].item()
        raise ShapeError(
            f"{call}: class {first} is outside 0 ... {input.shape[axis] - 1}; input is {input.shape}; "
            f"give the input more classes, or name elements to skip with ignore_index (now {ignore_index})"
        )
    return wrong


def _likelihood(
    call: str, log_p: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """Return the weighted log p of each example's class, and each example's weight, 0 for the ignored."""
    axis = min(1, log_p.ndim - 1)
    wrong = _check_classes(call, log_p, target, axis, ignore_index)
    classes = reshape(arange(log_p.shape[axis], device=log_p.device), (-1,) + (1,) * (log_p.ndim - axis - 1))
    labels = unsqueeze(target, axis)
    here = (labels == classes) & (labels != ignore_index)  # (N, C, ...), true at each example's class
    weights = here.to(log_p.dtype) if weight is None else where(here, _per_class(call, weight, log_p, axis), 0.0)
    each = total(weights, axis).detach()
    if not log_p.device.on_host:
        each = each.masked_fill(wrong, float("nan"))
    return total(where(here, log_p, 0.0), axis) * each, each


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Minus the log probability of the right class; what `cross_entropy` is after its `log_softmax`.

    Parameters
    ----------
    input : Tensor, (N, C), (N, C, d1, ...) or (C,), log probabilities
    target, weight, ignore_index, reduction
        As in `cross_entropy`, class indices only.
    """
    _check_float("nll_loss", input)
    if not input.ndim:
        raise ShapeError("nll_loss: the input needs an axis of classes, got ()")
    picked, each = _likelihood("nll_loss", input, target, weight, ignore_index)
    return _reduced("nll_loss", -picked, reduction, each)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Minus the log probability that softmax gives to the right class, -Σ_c t_c w_c log softmax(input)_c.

    Parameters
    ----------
    input : Tensor, (N, C), (N, C, d1, ...) or (C,), float
        Scores before softmax.
    target : Tensor, integers in the input's shape without C, or floats in the input's shape
        Class indices, or the probability t of each class.
    weight : Tensor, (C,), optional
        How much each class counts; with indices, "mean" divides by the weights of the examples.
    ignore_index : int
        Examples with this class index count for nothing.
    reduction : "mean", "sum" or "none"
    label_smoothing : float from 0 to 1
        Mix t with the uniform distribution (Szegedy et al., 2016).

    Returns
    -------
    Tensor, one number, or one an example with "none"

    Raises
    ------
    ShapeError, DTypeError
        If sizes or element types do not fit, or an index is not a class.

    Examples
    --------
    >>> import minicnn
    >>> round(cross_entropy(minicnn.zeros(2, 4), minicnn.tensor([3, 0])).item(), 4)
    1.3863
    """
    _check_float("cross_entropy", input)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"cross_entropy: label_smoothing must be from 0 to 1, got {label_smoothing}")
    if not input.ndim:
        raise ShapeError("cross_entropy: the input needs an axis of classes, got ()")
    axis = min(1, input.ndim - 1)
    classes = input.shape[axis]
    log_p = log_softmax(input, axis)
    if target.dtype.kind == "f":
        if target.shape != input.shape:
            raise ShapeError(
                f"cross_entropy: a target of {target.dtype} holds class probabilities and must be {input.shape} like "
                f"the input, got {target.shape}; convert class indices with .long()"
            )
        smoothed = target * (1 - label_smoothing) + label_smoothing / classes
        cost = log_p * smoothed
        cost = cost if weight is None else cost * _per_class("cross_entropy", weight, input, axis)
        return _reduced("cross_entropy", -total(cost, axis), reduction)
    picked, each = _likelihood("cross_entropy", log_p, target, weight, ignore_index)
    if label_smoothing:
        cost = log_p if weight is None else log_p * _per_class("cross_entropy", weight, input, axis)
        uniform = where(target != ignore_index, total(cost, axis), 0.0)
        picked = picked * (1 - label_smoothing) + uniform * (label_smoothing / classes)
    return _reduced("cross_entropy", -picked, reduction, each)


# --- yes or no ------------------------------------------------------------------------------------------------


def _limited(logarithm: Callable[[Tensor], Tensor], x: Tensor, pole: float) -> Tensor:
    """The logarithm, -100 where it would be less; the gradient is 0 there, not infinite or NaN."""
    low = x.detach() <= pole
    return where(low, -100.0, logarithm(where(low, pole + 1, x))).clamp(min=-100)


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
    wrong = (input < 0) | (input > 1)
    if input.device.on_host and wrong.any():
        low, high = input.detach().min(), input.detach().max()
        raise ArgumentError(
            f"{call}: the input must be probabilities from 0 to 1, got values from {low:.4g} to {high:.4g}; "
            "apply a sigmoid, or use binary_cross_entropy_with_logits"
        )
    target = target if target.dtype.kind == "f" else cast(target, input.dtype)
    loss = (target - 1) * _limited(log1p, -input, -1.0) - target * _limited(log, input, 0.0)
    loss = loss if input.device.on_host else loss.masked_fill(wrong, float("nan"))
    return _reduced(call, loss if weight is None else loss * weight, reduction)


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
    target = target if target.dtype.kind == "f" else cast(target, input.dtype)
    yes = 1.0 if pos_weight is None else target * (pos_weight - 1) + 1  # 1 for a no, pos_weight for a yes
    loss = (1 - target) * input - yes * logsigmoid(input)
    return _reduced(call, loss if weight is None else loss * weight, reduction)
