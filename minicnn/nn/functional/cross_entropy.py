"""Classification losses: cross_entropy, alone and after linear, nll_loss, one_hot. Classes lie along axis 1.

`loss.py` explains `reduction` and the checks of values, which are the same here.
"""

from math import prod
from typing import Any

from minicnn.autograd.primitive import Primitive
from minicnn.autograd.tape import is_grad_enabled
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError, AutogradError, DTypeError, ShapeError
from minicnn.nn.arguments import check_float
from minicnn.nn.legacy import reduction_of
from minicnn.ops.activation import log_softmax
from minicnn.ops.comparison import eq
from minicnn.ops.create import ones
from minicnn.ops.cross_entropy import Classes, nll
from minicnn.ops.cross_entropy import cross_entropy as cross_entropy_of_indices
from minicnn.ops.elementwise import mul, neg
from minicnn.ops.fuse import fuse
from minicnn.ops.linalg import linear
from minicnn.ops.operands import promote
from minicnn.ops.ranges import arange
from minicnn.ops.reduce import amax, amin
from minicnn.ops.reduce import sum as total
from minicnn.ops.shape import reshape, unsqueeze

__all__ = ["cross_entropy", "linear_cross_entropy", "nll_loss", "one_hot"]


@fuse
def _product(log_p: Tensor, target: Tensor) -> Tensor:
    return mul(log_p, target)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return a vector for each class index: 1 at the class, 0 elsewhere. (...) -> (..., num_classes), int64.

    Parameters
    ----------
    tensor : Tensor, integers
    num_classes : int
        -1: the largest index + 1.

    Raises
    ------
    DTypeError
        If the tensor does not hold integers.
    ShapeError
        If an index is outside 0 ... num_classes - 1. On a GPU this check is made only for num_classes=-1; otherwise the
        vector of a wrong index is all zeros.

    Examples
    --------
    >>> import minicnn
    >>> one_hot(minicnn.tensor([2, 0])).tolist()
    [[0, 0, 1], [1, 0, 0]]
    """
    if tensor.dtype.kind not in "iu":
        raise DTypeError(f"one_hot: class indices must be integers, got {tensor.dtype}; convert them with .long()")
    check_range = tensor.numel() and (num_classes == -1 or tensor.device.on_host)
    low, high = (int(tensor.min()), int(tensor.max())) if check_range else (0, -1)
    classes = high + 1 if num_classes == -1 else num_classes
    if low < 0 or high >= classes:
        raise ShapeError(f"one_hot: indices run from {low} to {high}, outside 0 ... num_classes - 1 = {classes - 1}")
    return eq(unsqueeze(tensor, -1), arange(classes, device=tensor.device)).long()


def _broadcastable_weight(call: str, weight: Tensor, input: Tensor, axis: int) -> Tensor:
    """Check class weights, and return them in a shape that broadcasts with the input."""
    if weight.shape != (input.shape[axis],):
        raise ShapeError(
            f"{call}: weight must have a number for each class, ({input.shape[axis]},), got {weight.shape}; "
            f"input is {input.shape}"
        )
    return reshape(weight, (-1,) + (1,) * (input.ndim - axis - 1))


def _check_classes(call: str, input: Tensor, target: Tensor, axis: int, ignore_index: int) -> None:
    """Check dtype and shape of class indices; on the CPU, where it needs no wait, also their values."""
    expected = input.shape[:axis] + input.shape[axis + 1 :]
    if target.dtype.kind not in "iu":
        raise DTypeError(f"{call}: class indices must be integers, got {target.dtype}; convert them with .long()")
    if target.shape != expected:
        raise ShapeError(
            f"{call}: input {input.shape} has its classes along axis {axis}, so class indices must be {expected}, "
            f"got {target.shape}"
        )
    if not input.device.on_host or not target.numel():
        return
    if int(amin(target)) >= 0 and int(amax(target)) < input.shape[axis]:  # the common case, checked cheaply
        return
    wrong = (target != ignore_index) & ((target < 0) | (target >= input.shape[axis]))
    if wrong.any():
        first = target[wrong][0].item()
        raise ShapeError(
            f"{call}: class {first} is outside 0 ... {input.shape[axis] - 1}; input is {input.shape}; "
            f"give the input more classes, or name the index to skip with ignore_index (now {ignore_index})"
        )


def _class_index_loss(
    loss: Primitive[tuple[Tensor, ...]],
    call: str,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    smoothing: float = 0.0,
) -> Tensor:
    """Return the loss for class indices. `loss` is `nll` or `cross_entropy` of ops/cross_entropy.py."""
    axis = min(1, input.ndim - 1)
    _check_classes(call, input, target, axis, ignore_index)
    if weight is None:
        weight = ones(input.shape[axis], dtype=input.dtype, device=input.device)
    else:
        _broadcastable_weight(call, weight, input, axis)
        if weight.requires_grad and is_grad_enabled():
            raise AutogradError(f"{call}: weight has no gradient for class indices; pass weight.detach()")
        dtype = promote(input, weight)
        input, weight = input.to(dtype), weight.to(dtype)
    losses, weights = loss(input, target.to(int64), weight, classes=Classes(axis, smoothing, ignore_index))
    if reduction == "none":
        return losses
    return total(losses) if reduction == "sum" else total(losses) / total(weights)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood, -w[target] input[target] for each example.

    cross_entropy(x, target) = nll_loss(log_softmax(x, 1), target).

    Parameters
    ----------
    input : Tensor, (N, C), (N, C, d1, ...) or (C,), float
        Log probabilities.
    target, weight, size_average, ignore_index, reduce, reduction
        As in `cross_entropy`, but the target must hold class indices.

    Returns
    -------
    Tensor, (), or the shape of the target with "none"

    Raises
    ------
    ShapeError
        If sizes do not fit, or an index is not a class.
    DTypeError
        If the input is not floating point, or the target does not hold integers.
    ArgumentError
        If `reduction` is unknown.
    AutogradError
        If `weight` requires a gradient.

    Examples
    --------
    >>> import minicnn
    >>> nll_loss(minicnn.tensor([[-1.0, -2.0]]), minicnn.tensor([1])).item()
    2.0
    """
    reduction = reduction_of("nll_loss", size_average, reduce, reduction)
    check_float("nll_loss", input)
    if not input.ndim:
        raise ShapeError("nll_loss: the input needs an axis of classes, got ()")
    return _class_index_loss(nll, "nll_loss", input, target, weight, ignore_index, reduction)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of softmax(input) and the target, -Σ_c t_c w_c log softmax(input)_c for each example.

    Parameters
    ----------
    input : Tensor, (N, C), (N, C, d1, ...) or (C,), float
        Logits: the scores before softmax.
    target : Tensor, integers in the input's shape without C, or floats in the input's shape
        Class indices, or the probability t of each class.
    weight : Tensor, (C,), optional
        The weight w of each class. With class indices, "mean" divides by the sum of the examples' weights.
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    ignore_index : int
        Examples with this class index have weight 0.
    reduction : "mean", "sum" or "none"
    label_smoothing : float from 0 to 1
        t becomes (1 - label_smoothing) t + label_smoothing / C (Szegedy et al., 2016).

    Returns
    -------
    Tensor, (), or a number for each example with "none"

    Raises
    ------
    ShapeError
        If sizes do not fit, or an index is not a class.
    DTypeError
        If the input is not floating point, or the target holds neither integers nor floats.
    ArgumentError
        If `reduction` is unknown or `label_smoothing` is out of range.
    AutogradError
        If `weight` requires a gradient and the target holds class indices, as in PyTorch.

    Examples
    --------
    >>> import minicnn
    >>> round(cross_entropy(minicnn.zeros(2, 4), minicnn.tensor([3, 0])).item(), 4)
    1.3863
    """
    reduction = reduction_of("cross_entropy", size_average, reduce, reduction)
    check_float("cross_entropy", input)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"cross_entropy: label_smoothing must be from 0 to 1, got {label_smoothing}")
    if not input.ndim:
        raise ShapeError("cross_entropy: the input needs an axis of classes, got ()")
    if target.dtype.kind != "f":
        args = target, weight, ignore_index, reduction, float(label_smoothing)
        return _class_index_loss(cross_entropy_of_indices, "cross_entropy", input, *args)
    if target.shape != input.shape:
        raise ShapeError(
            f"cross_entropy: a target of {target.dtype} holds class probabilities and must be {input.shape} like "
            f"the input, got {target.shape}; convert class indices with .long()"
        )
    if ignore_index >= 0:
        raise ArgumentError(
            f"cross_entropy: ignore_index={ignore_index} needs class indices, but the target holds probabilities"
        )
    axis = min(1, input.ndim - 1)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / input.shape[axis]
    if weight is not None:
        target = target * _broadcastable_weight("cross_entropy", weight, input, axis)
    log_p = log_softmax(input, axis)
    if reduction == "none":
        return neg(total(mul(log_p, target), axis))
    loss = neg(_product.sum(log_p, target))
    return loss if reduction == "sum" else loss / prod(input.shape[:axis] + input.shape[axis + 1 :])


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """Return the cross-entropy of a linear layer's outputs; see `cross_entropy`.

    Parameters
    ----------
    input : Tensor, (N, in_features) or (in_features,)
    linear_weight : Tensor, (C, in_features) or (C, d_1, ..., d_K, in_features)
    target : Tensor
        Classes (N, d_1, ..., d_K), or probabilities (N, C, d_1, ..., d_K).
    linear_bias : Tensor, (C, d_1, ..., d_K), optional
    weight, reduction, label_smoothing
        As in `cross_entropy`.
    ignore_index : int, optional
        This class does not count; -100 by default.
    options
        Choose parts of the work for PyTorch's kernels; no effect.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    ArgumentError
        If `ignore_index` is given for probabilities, or an argument of `cross_entropy` is out of range.
    DTypeError
        If the element types do not fit.
    """
    call = "linear_cross_entropy"
    classes, *places = linear_weight.shape[:-1] or (0,)
    fits = linear_weight.ndim > 1 and input.ndim in (1, 2) and input.shape[-1] == linear_weight.shape[-1]
    if not fits or (places and input.ndim == 1):
        raise ShapeError(
            f"{call}: give an input (N, in_features) and a weight (C, ..., in_features), got {input.shape} and "
            f"{linear_weight.shape}"
        )
    if linear_bias is not None and linear_bias.shape != linear_weight.shape[:-1]:
        raise ShapeError(f"{call}: linear_bias must be {linear_weight.shape[:-1]}, got {linear_bias.shape}")
    shape = (*input.shape[:-1], classes, *places)
    if target.shape == shape and ignore_index is not None:
        raise ArgumentError(f"{call}: ignore_index={ignore_index} does not go with a target of probabilities")
    bias = None if linear_bias is None else reshape(linear_bias, (-1,))
    logits = reshape(linear(input, reshape(linear_weight, (-1, linear_weight.shape[-1])), bias), shape)
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(
        logits, target, weight, ignore_index=ignored, reduction=reduction, label_smoothing=label_smoothing
    )
