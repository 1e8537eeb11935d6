"""The activations that PyTorch can also do in place."""

from collections.abc import Callable

from minicnn.autograd.tensor import Tensor, replace
from minicnn.ops import activation

__all__ = ["elu", "leaky_relu", "relu", "silu"]


def _apply(function: Callable[[Tensor], Tensor], input: Tensor, inplace: bool) -> Tensor:
    # What the gradient needs of the input is kept in the clone, for the input is about to be overwritten.
    return replace(input, function(input.clone())) if inplace else function(input)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0); NaN stays NaN, the gradient at 0 is 0."""
    return _apply(activation.relu, input, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, negative_slope x elsewhere."""
    return _apply(lambda x: activation.leaky_relu(x, negative_slope), input, inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, alpha (eˣ - 1) elsewhere (Clevert et al., 2016)."""
    return _apply(lambda x: activation.elu(x, alpha), input, inplace)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x sigmoid(x) (Elfwing et al., 2018)."""
    return _apply(activation.silu, input, inplace)
