"""Losses of vectors: similar things get near vectors, others get vectors that are apart by more than a margin."""

from collections.abc import Callable

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.nn.functional.loss import _elementwise_loss
from minicnn.nn.functional.margin_loss import _reduced
from minicnn.nn.functional.similarity import pairwise_distance
from minicnn.nn.legacy import reduction_of
from minicnn.ops.comparison import eq, minimum, where
from minicnn.ops.elementwise import mul, square
from minicnn.ops.exponentials import sqrt
from minicnn.ops.fuse import fuse
from minicnn.ops.reduce import sum as total

__all__ = ["cosine_embedding_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss"]


@fuse
def _angle(cosine: Tensor, target: Tensor, *, margin: float) -> Tensor:
    return where(eq(target, 1), 1 - cosine, 0.0) + where(eq(target, -1), (cosine - margin).clamp(min=0), 0.0)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cost of angles: 1 - cos where the target is 1, max(0, cos - margin) where it is -1.

    Parameters
    ----------
    input1, input2 : Tensor, (N, D) or (D,); they broadcast
    target : Tensor, (N,) or ()
    margin : float
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    reduction : "mean", "sum" or "none"

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    ArgumentError
        If `reduction` is unknown.
    """
    call = "cosine_embedding_loss"
    reduction = reduction_of(call, size_average, reduce, reduction)
    if target.ndim > 1 or not input1.ndim == input2.ndim == target.ndim + 1:
        raise ShapeError(
            f"{call}: give inputs (N, D) and a target (N,), or (D,) and (), got {input1.shape}, {input2.shape} and "
            f"{target.shape}"
        )
    squares = (total(square(x), -1) + 1e-12 for x in (input1, input2))
    cosine = total(mul(input1, input2), -1) / sqrt(mul(*squares))
    return _elementwise_loss(call, _angle, (cosine, target), reduction, margin=float(margin))


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cost of a positive that is farther than a negative, max(0, d(anchor, positive) - d(anchor, negative) + margin).

    Parameters
    ----------
    anchor, positive, negative : Tensor, (N, D) or (D,)
        They have the same number of axes, and broadcast.
    margin : float, above 0
    p, eps : float
        Of the distance d; see `pairwise_distance`.
    swap : bool
        Use d(positive, negative) where it is smaller than d(anchor, negative).
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    reduction : "mean", "sum" or "none"

    Raises
    ------
    ShapeError
        If the numbers of axes differ, or the shapes do not broadcast.
    ArgumentError
        If the margin is not above 0, or `reduction` is unknown.

    References
    ----------
    Balntas et al., "Learning local feature descriptors with triplets and shallow convolutional neural networks", 2016.
    """
    reduction = reduction_of("triplet_margin_loss", size_average, reduce, reduction)

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)

    return _triplet("triplet_margin_loss", anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Do the same as `triplet_margin_loss` with another distance; errors as in `triplet_margin_loss`."""
    call = "triplet_margin_with_distance_loss"
    reduction = reduction_of(call, None, None, reduction)
    return _triplet(call, anchor, positive, negative, distance_function or pairwise_distance, margin, swap, reduction)


def _triplet(
    call: str,
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    if not margin > 0:
        raise ArgumentError(f"{call}: margin must be above 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise ShapeError(
            f"{call}: all tensors must have the same number of axes, got {anchor.shape}, {positive.shape} and "
            f"{negative.shape}"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return _reduced((near - far + margin).clamp(min=0), reduction)
