"""The activation functions with an argument `inplace`: relu, leaky_relu, elu, silu.

They call the functions of `ops/activation.py`. With `inplace` they write the result into the input.
"""

from collections.abc import Callable

from minicnn.autograd.tensor import Tensor, replace
from minicnn.ops import activation

__all__ = ["elu", "leaky_relu", "relu", "silu"]


def _apply(function: Callable[[Tensor], Tensor], input: Tensor, inplace: bool) -> Tensor:
    # The gradient needs the input, which is overwritten: the tape keeps a clone.
    return replace(input, function(input.clone())) if inplace else function(input)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0), element by element. NaN stays NaN; the gradient at 0 is 0.

    Parameters
    ----------
    input : Tensor
        The result has its dtype.
    inplace : bool
        Write the result into `input`, and return `input`.

    Examples
    --------
    >>> import minicnn
    >>> relu(minicnn.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return _apply(activation.relu, input, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return x where x > 0, and negative_slope × x elsewhere; `inplace` as in `relu`.

    Examples
    --------
    >>> import minicnn
    >>> leaky_relu(minicnn.tensor([-1.0, 2.0]), 0.5).tolist()
    [-0.5, 2.0]
    """
    return _apply(lambda x: activation.leaky_relu(x, negative_slope), input, inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where x > 0, and alpha × (eˣ - 1) elsewhere; `inplace` as in `relu`.

    References
    ----------
    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units", 2016.

    Examples
    --------
    >>> import minicnn
    >>> elu(minicnn.tensor([0.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return _apply(lambda x: activation.elu(x, alpha), input, inplace)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x sigmoid(x), element by element; `inplace` as in `relu`.

    References
    ----------
    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function approximation", 2018.

    Examples
    --------
    >>> import minicnn
    >>> silu(minicnn.tensor([0.0])).tolist()
    [0.0]
    """
    return _apply(activation.silu, input, inplace)
