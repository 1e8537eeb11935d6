"""`split_by_halves` cuts a tensor into many parts; the time of its gradient does not grow with their square."""

from collections.abc import Sequence

from minicnn.autograd.tensor import Tensor

__all__ = ["split_by_halves"]


def split_by_halves(x: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """Split into rows of these sizes.

    The backward pass of a split makes a gradient of the whole tensor for each part. Cutting n parts from one tensor
    takes time n². Cutting halves, and halves of the halves, takes time n log n.
    """
    if len(sizes) == 1:
        return [x]
    middle = len(sizes) // 2
    first, second = x.split([sum(sizes[:middle]), sum(sizes[middle:])])
    return split_by_halves(first, sizes[:middle]) + split_by_halves(second, sizes[middle:])
