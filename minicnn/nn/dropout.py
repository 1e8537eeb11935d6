"""Dropout layers: they set random elements or channels to 0 in training mode, and do nothing in eval mode.

With `inplace=True` they write the result into the input.
"""

from minicnn.autograd.tensor import Tensor
from minicnn.nn import functional as F
from minicnn.nn.arguments import check_probability
from minicnn.nn.module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(type(self).__name__, p)
        self.p, self.inplace = p, inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Set elements to 0 with probability p and divide the others by 1 - p.

    Raises
    ------
    ArgumentError
        If p is not in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """Set whole channels of (N, C, L) or (C, L) to 0 with probability p and divide the others by 1 - p.

    Raises
    ------
    ArgumentError
        If p is not in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """Set whole channels of (N, C, H, W) to 0 with probability p and divide the others by 1 - p.

    Raises
    ------
    ArgumentError
        If p is not in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """Set whole channels of (N, C, D, H, W) to 0 with probability p and divide the others by 1 - p.

    Raises
    ------
    ArgumentError
        If p is not in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """Drop elements so that mean 0 and variance 1 stay the same; see `functional.alpha_dropout`.

    Raises
    ------
    ArgumentError
        If p is not in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """Do the same as `AlphaDropout` with whole channels of (N, C, ...).

    Raises
    ------
    ArgumentError
        If p is not in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
