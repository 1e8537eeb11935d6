"""The layers Unfold, which copies windows to columns, and Fold, which adds columns to windows."""

from collections.abc import Sequence

from minicnn.autograd.tensor import Tensor
from minicnn.nn import functional as F
from minicnn.nn.module import Module

__all__ = ["Fold", "Unfold"]

Ints = int | Sequence[int]


class Unfold(Module):
    """Copy every window of an image to a column, (N, C, H, W) -> (N, C KH KW, L); see `functional.unfold`.

    Parameters
    ----------
    kernel_size, dilation, padding, stride : int or pair of int

    Examples
    --------
    >>> import minicnn
    >>> Unfold(3, padding=1)(minicnn.zeros(8, 3, 32, 32)).shape
    (8, 27, 1024)
    """

    def __init__(self, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Add every column to its window of the image, (N, C KH KW, L) -> (N, C, H, W); see `functional.fold`.

    Parameters
    ----------
    output_size : int or pair of int
    kernel_size, dilation, padding, stride : int or pair of int

    Examples
    --------
    >>> import minicnn
    >>> Fold(32, 3, padding=1)(minicnn.zeros(8, 27, 1024)).shape
    (8, 3, 32, 32)
    """

    def __init__(
        self, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
