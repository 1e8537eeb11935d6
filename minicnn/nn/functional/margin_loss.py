"""Losses of scores with a margin: scores that are right by more than the margin cost nothing (or little)."""

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn.arguments import check_float
from minicnn.nn.functional.loss import _elementwise_loss
from minicnn.nn.legacy import reduction_of
from minicnn.ops.activation import _softplus, logsigmoid
from minicnn.ops.comparison import eq, gt, ne, where
from minicnn.ops.elementwise import mul, square, sub
from minicnn.ops.fuse import fuse
from minicnn.ops.indexing import getitem
from minicnn.ops.operands import promote
from minicnn.ops.ranges import arange
from minicnn.ops.reduce import any as any_of
from minicnn.ops.reduce import sum as total
from minicnn.ops.scans import cumsum
from minicnn.ops.scatter import gather
from minicnn.ops.shape import cast, reshape, unsqueeze

__all__ = [
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
]


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def _check_types(call: str, *tensors: Tensor) -> None:
    if promote(*tensors).kind != "f":
        check_float(call, tensors[0])


# --- an element is right or wrong ---------------------------------------------------------------------------------


@fuse
def _ranking(input1: Tensor, input2: Tensor, target: Tensor, *, margin: float) -> Tensor:
    return (mul(sub(input2, input1), target) + margin).clamp(min=0)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cost of a wrong order of two scores, max(0, -target (input1 - input2) + margin).

    Parameters
    ----------
    input1, input2 : Tensor
        Scores. All tensors have the same number of axes, and broadcast.
    target : Tensor
        1 where input1 should be larger, -1 where input2 should be.
    margin : float
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    reduction : "mean", "sum" or "none"

    Raises
    ------
    ShapeError
        If the numbers of axes differ, or the shapes do not broadcast.
    ArgumentError
        If `reduction` is unknown.
    """
    call = "margin_ranking_loss"
    reduction = reduction_of(call, size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        raise ShapeError(
            f"{call}: all tensors must have the same number of axes, got {input1.shape}, {input2.shape} and "
            f"{target.shape}"
        )
    return _elementwise_loss(call, _ranking, (input1, input2, target), reduction, margin=float(margin))


@fuse
def _hinge(input: Tensor, target: Tensor, *, margin: float) -> Tensor:
    far = where(ne(target, 1), (margin - input).clamp(min=0), 0.0)
    return far + where(ne(target, -1), input, 0.0)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cost of distances: input where the target is 1, max(0, margin - input) where it is -1.

    See `margin_ranking_loss` for `reduction`. The tensors broadcast.

    Raises
    ------
    DTypeError
        If both tensors hold integers.
    ArgumentError
        If `reduction` is unknown.
    """
    call = "hinge_embedding_loss"
    reduction = reduction_of(call, size_average, reduce, reduction)
    _check_types(call, input, target)
    return _elementwise_loss(call, _hinge, (input, target), reduction, margin=float(margin))


@fuse
def _soft_margin(input: Tensor, target: Tensor) -> Tensor:
    return _softplus(mul(-input, target))


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Logistic loss of scores, log(1 + e^(-target input)), without overflow; the target is 1 or -1.

    See `margin_ranking_loss` for `reduction`. The tensors broadcast.

    Raises
    ------
    DTypeError
        If the input is not floating point.
    ArgumentError
        If `reduction` is unknown.
    """
    call = "soft_margin_loss"
    reduction = reduction_of(call, size_average, reduce, reduction)
    check_float(call, input)
    return _elementwise_loss(call, _soft_margin, (input, target), reduction)


# --- scores of classes ----------------------------------------------------------------------------------------------


@fuse
def _class_margin(score: Tensor, own: Tensor, factor: Tensor, *, margin: float, p: int) -> Tensor:
    """Return factor max(0, margin - own + score)ᵖ; the gradient is 0 where the maximum is 0."""
    error = margin - own + score
    error = where(gt(error, 0), error, 0.0)
    return mul(error if p == 1 else square(error), factor)


def _rows(call: str, input: Tensor) -> Tensor:
    """Return the scores as (N, C)."""
    check_float(call, input)
    if input.ndim > 2 or not all(input.shape[-1:]):
        raise ShapeError(f"{call}: input must be (N, C) or (C,) with at least one class, got {input.shape}")
    return input if input.ndim == 2 else reshape(input, (1, -1))


def _check_classes(call: str, target: Tensor, low: int, classes: int) -> None:
    if target.dtype != int64:
        raise DTypeError(f"{call}: the target must hold int64, got {target.dtype}; convert it with .long()")
    if target.device.on_host:
        outside = target[(target < low) | (target >= classes)].tolist()
        if outside:
            raise ShapeError(f"{call}: class {outside[0]} is outside {low} ... {classes - 1}")


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cost of classes with too high scores, Σⱼ weight[y] max(0, margin - x[y] + x[j])ᵖ / C over all j but y.

    Parameters
    ----------
    input : Tensor, (N, C) or (C,), float
        Scores x.
    target : Tensor, (N,), or a single number for (C,), int64
        Classes y.
    p : 1 or 2
    margin : float
    weight : Tensor, (C,), optional
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    Tensor, (), or the shape of the target with "none"

    Raises
    ------
    ShapeError
        If the shapes do not fit, the weight has another element type, or a class on the CPU does not exist.
    DTypeError
        If the input is not floating point, or the target is not int64.
    ArgumentError
        If p is neither 1 nor 2, or `reduction` is unknown.
    """
    call = "multi_margin_loss"
    reduction = reduction_of(call, size_average, reduce, reduction)
    if p not in (1, 2):
        raise ArgumentError(f"{call}: p must be 1 or 2, got {p}")
    x = _rows(call, input)
    rows, classes = x.shape
    _check_classes(call, target, 0, classes)
    if target.shape != (rows,) and (input.ndim == 2 or target.ndim):
        raise ShapeError(f"{call}: target must be ({rows},) for the input {input.shape}, got {target.shape}")
    y = reshape(target, (rows, 1))
    factor = cast(ne(y, arange(classes, device=x.device)), x.dtype) / classes
    if weight is not None:
        if weight.shape != (classes,) or weight.dtype != x.dtype:
            raise ShapeError(f"{call}: weight must be {x.dtype} of ({classes},), got {weight.dtype} of {weight.shape}")
        factor = mul(factor, getitem(weight, y))
    losses = total(_class_margin(x, gather(x, 1, y), factor, margin=float(margin), p=int(p)), 1)
    return _reduced(reshape(losses, target.shape), reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cost of wrong classes with too high scores, Σ max(0, 1 - x[j] + x[i]) / C over labels j and other classes i.

    Parameters
    ----------
    input : Tensor, (N, C) or (C,), float
        Scores x.
    target : Tensor, of the same shape, int64
        The labels of each row; -1 ends them.
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    Tensor, (), or (N,) with "none"

    Raises
    ------
    ShapeError
        If the shapes do not fit, or a class on the CPU does not exist.
    DTypeError
        If the input is not floating point, or the target is not int64.
    ArgumentError
        If `reduction` is unknown.
    """
    call = "multilabel_margin_loss"
    reduction = reduction_of(call, size_average, reduce, reduction)
    x = _rows(call, input)
    if target.shape != input.shape:
        raise ShapeError(f"{call}: target must have the shape {input.shape} of the input, got {target.shape}")
    _check_classes(call, target, -1, x.shape[1])
    labels = reshape(target, x.shape)
    valid = eq(cumsum(cast(labels < 0, int64), 1), 0)
    labels = where(valid, labels, 0)
    of_class = eq(unsqueeze(labels, 2), arange(x.shape[1], device=x.device)) & unsqueeze(valid, 2)  # (N, label, class)
    others = ~any_of(of_class, 1, keepdim=True)
    factor = cast(others & unsqueeze(valid, 2), x.dtype) / x.shape[1]
    own = unsqueeze(gather(x, 1, labels), 2)
    losses = total(_class_margin(unsqueeze(x, 1), own, factor, margin=1.0, p=1), (1, 2))
    return _reduced(reshape(losses, input.shape[:-1]), reduction)


@fuse
def _soft_labels(input: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    return mul(target * logsigmoid(input) + (1 - target) * logsigmoid(-input), -weight)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross-entropy of logits, averaged over the classes: the last axis.

    Parameters
    ----------
    input : Tensor, (..., C), float
        Logits.
    target : Tensor; broadcasts
        1 for the labels, 0 for other classes.
    weight : Tensor; broadcasts, optional
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    Tensor, (), or (...) with "none"

    Raises
    ------
    ShapeError
        If the input has no axes, or the shapes do not broadcast.
    DTypeError
        If the input is not floating point.
    ArgumentError
        If `reduction` is unknown.
    """
    call = "multilabel_soft_margin_loss"
    reduction = reduction_of(call, size_average, reduce, reduction)
    check_float(call, input)
    if not input.ndim:
        raise ShapeError(f"{call}: input must be (..., C), got ()")
    losses = _soft_labels(input, target, 1.0 if weight is None else weight)
    return _reduced(total(losses, input.ndim - 1) / input.shape[-1], reduction)
