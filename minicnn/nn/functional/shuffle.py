"""channel_shuffle: a fixed order that mixes groups of channels."""

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ShapeError
from minicnn.ops.shape import reshape, transpose

__all__ = ["channel_shuffle"]


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Take the channels of groups in turn: the first of each group, then the second of each group, and so on.

    Parameters
    ----------
    input : Tensor, (N, C, ...)
        With at least 3 axes.
    groups : int
        C is a multiple of it.

    Raises
    ------
    ShapeError
        If the channels cannot be split into groups, or the input has fewer than 3 axes.

    References
    ----------
    Zhang et al., "ShuffleNet", 2018.

    Examples
    --------
    >>> import minicnn
    >>> channel_shuffle(minicnn.arange(6).reshape(1, 6, 1), 2).flatten().tolist()
    [0, 3, 1, 4, 2, 5]
    """
    if input.ndim < 3 or groups < 1 or input.shape[1] % groups:
        raise ShapeError(
            f"channel_shuffle: input must be (N, C, ...) with C a multiple of groups={groups}, got {input.shape}"
        )
    split = reshape(input, (input.shape[0], groups, input.shape[1] // groups, *input.shape[2:]))
    return reshape(transpose(split, 1, 2), input.shape)
