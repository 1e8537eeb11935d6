"""Activation functions with more arguments than the functions of `ops/activation.py`, which they call.

With `inplace`, relu, leaky_relu, elu and silu write the result into the input. softmax and log_softmax guess a missing
axis.
"""

from collections.abc import Callable

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType
from minicnn.nn.legacy import implicit_dim
from minicnn.ops import activation
from minicnn.ops.in_place import in_place

__all__ = ["elu", "leaky_relu", "log_softmax", "relu", "silu", "softmax"]


def _apply(function: Callable[[Tensor], Tensor], input: Tensor, inplace: bool) -> Tensor:
    return in_place(input, function) if inplace else function(input)


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


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """Return eˣ / Σ eˣ along an axis, without overflow.

    Parameters
    ----------
    input : Tensor
    dim : int, optional
        Without it, the axis is guessed with a warning, as in `nn/legacy.py`.
    _stacklevel : int
        Has no effect.
    dtype : dtype, optional
        The elements are converted first.
    """
    return activation.softmax(input, implicit_dim("softmax", input.ndim) if dim is None else dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """Return the logarithm of softmax, x - log Σ eˣ. It takes the arguments of `softmax`."""
    return activation.log_softmax(input, implicit_dim("log_softmax", input.ndim) if dim is None else dim, dtype)
