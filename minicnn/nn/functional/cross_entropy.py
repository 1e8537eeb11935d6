"""Losses on classes: how likely the right one is, by scores or log probabilities along axis 1.

`reduction` and what is wrong are treated as loss.py says.
"""

from math import prod

from minicnn.autograd.primitive import Primitive
from minicnn.autograd.tape import is_grad_enabled
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError, AutogradError, DTypeError, ShapeError
from minicnn.nn.arguments import check_float, check_reduction
from minicnn.ops.activation import log_softmax
from minicnn.ops.comparison import eq
from minicnn.ops.create import arange, ones
from minicnn.ops.cross_entropy import Classes, nll
from minicnn.ops.cross_entropy import cross_entropy as cross_entropy_of_indices
from minicnn.ops.elementwise import mul, neg
from minicnn.ops.fuse import fuse
from minicnn.ops.operands import promote
from minicnn.ops.reduce import amax, amin
from minicnn.ops.reduce import sum as total
from minicnn.ops.shape import reshape, unsqueeze

__all__ = ["cross_entropy", "nll_loss", "one_hot"]


@fuse
def _product(log_p: Tensor, target: Tensor) -> Tensor:
    return mul(log_p, target)


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
    low, high = (int(tensor.min()), int(tensor.max())) if look else (0, -1)
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


def _check_classes(call: str, input: Tensor, target: Tensor, axis: int, ignore_index: int) -> None:
    """Refuse a target that holds no indices of the input's classes, as far as that is seen without waiting."""
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
    if int(amin(target)) >= 0 and int(amax(target)) < input.shape[axis]:  # cheap, and almost always enough
        return
    wrong = (target != ignore_index) & ((target < 0) | (target >= input.shape[axis]))
    if wrong.any():
        first = target[wrong][0].item()
        raise ShapeError(
            f"{call}: class {first} is outside 0 ... {input.shape[axis] - 1}; input is {input.shape}; "
            f"give the input more classes, or name elements to skip with ignore_index (now {ignore_index})"
        )


def _of_classes(
    loss: Primitive[tuple[Tensor, ...]],
    call: str,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    smoothing: float = 0.0,
) -> Tensor:
    """Return the loss of class indices: `nll` or `cross_entropy` of ops/cross_entropy.py."""
    check_reduction(call, reduction)
    axis = min(1, input.ndim - 1)
    _check_classes(call, input, target, axis, ignore_index)
    if weight is None:
        weight = ones(input.shape[axis], dtype=input.dtype, device=input.device)
    else:
        _per_class(call, weight, input, axis)
        if weight.requires_grad and is_grad_enabled():
            raise AutogradError(f"{call}: weight gets no gradient where targets are class indices; pass a .detach()")
        dtype = promote(input, weight)
        input, weight = input.to(dtype), weight.to(dtype)
    each, weights = loss(input, target.to(int64), weight, classes=Classes(axis, smoothing, ignore_index))
    if reduction == "none":
        return each
    return total(each) if reduction == "sum" else total(each) / total(weights)


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
    check_float("nll_loss", input)
    if not input.ndim:
        raise ShapeError("nll_loss: the input needs an axis of classes, got ()")
    return _of_classes(nll, "nll_loss", input, target, weight, ignore_index, reduction)


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
    AutogradError
        If a weight beside class indices wants a gradient, as in PyTorch.

    Examples
    --------
    >>> import minicnn
    >>> round(cross_entropy(minicnn.zeros(2, 4), minicnn.tensor([3, 0])).item(), 4)
    1.3863
    """
    check_float("cross_entropy", input)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"cross_entropy: label_smoothing must be from 0 to 1, got {label_smoothing}")
    if not input.ndim:
        raise ShapeError("cross_entropy: the input needs an axis of classes, got ()")
    if target.dtype.kind != "f":
        args = target, weight, ignore_index, reduction, float(label_smoothing)
        return _of_classes(cross_entropy_of_indices, "cross_entropy", input, *args)
    if target.shape != input.shape:
        raise ShapeError(
            f"cross_entropy: a target of {target.dtype} holds class probabilities and must be {input.shape} like "
            f"the input, got {target.shape}; convert class indices with .long()"
        )
    check_reduction("cross_entropy", reduction)
    axis = min(1, input.ndim - 1)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / input.shape[axis]
    if weight is not None:
        target = target * _per_class("cross_entropy", weight, input, axis)
    log_p = log_softmax(input, axis)
    if reduction == "none":
        return neg(total(mul(log_p, target), axis))
    loss = neg(_product.sum(log_p, target))
    return loss if reduction == "sum" else loss / prod(input.shape[:axis] + input.shape[axis + 1 :])
