"""Activation functions with more arguments than the functions of `ops/activation.py`, which they call; and gates.

With `inplace`, they write the result into the input. softmax, log_softmax and softmin guess a missing axis.
"""

import warnings
from collections.abc import Callable

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType
from minicnn.errors import ShapeError
from minicnn.nn.arguments import check_float
from minicnn.nn.legacy import implicit_dim
from minicnn.ops import activation
from minicnn.ops.activation import _softplus, sigmoid
from minicnn.ops.axes import axis_of
from minicnn.ops.comparison import eq
from minicnn.ops.create import as_tensor
from minicnn.ops.elementwise import mul, neg
from minicnn.ops.exponentials import tanh
from minicnn.ops.fuse import fuse
from minicnn.ops.in_place import in_place
from minicnn.ops.indexing import chunk
from minicnn.ops.ranges import arange
from minicnn.ops.reduce import argmax
from minicnn.ops.shape import cast, reshape
from minicnn.runtime import random

__all__ = [
    "elu",
    "glu",
    "gumbel_softmax",
    "leaky_relu",
    "log_softmax",
    "mish",
    "relu",
    "silu",
    "softmax",
    "softmin",
]


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


@fuse
def _mish(x: Tensor) -> Tensor:
    return mul(x, tanh(_softplus(x)))


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x tanh(log(1 + eˣ)). `inplace` as in `relu`.

    Raises
    ------
    DTypeError
        If the input is not floating point.

    References
    ----------
    Misra, "Mish: a self regularized non-monotonic activation function", 2019.
    """
    check_float("mish", input)
    return _apply(_mish, input, inplace)


@fuse
def _gated(x: Tensor, gate: Tensor) -> Tensor:
    return mul(x, sigmoid(gate))


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return a sigmoid(b), where a and b are the two halves of the input along an axis.

    Raises
    ------
    ShapeError
        If the axis has an odd size, or the input has no axes.
    DTypeError
        If the input is not floating point.

    References
    ----------
    Dauphin et al., "Language modeling with gated convolutional networks", 2017.

    Examples
    --------
    >>> import minicnn
    >>> glu(minicnn.tensor([2.0, 0.0])).tolist()
    [1.0]
    """
    check_float("glu", input)
    if not input.ndim or input.shape[axis_of("glu", dim, input.ndim)] % 2:
        raise ShapeError(f"glu: the axis {dim} must have an even size, got {input.shape}")
    if not input.shape[dim]:
        return _gated(input, input)
    return _gated(*chunk(input, 2, dim))


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


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """Return the softmax of -x along an axis. It takes the arguments of `softmax`.

    Raises
    ------
    DTypeError
        If the input is not floating point and there is no `dtype`.
    """
    if dtype is None:
        check_float("softmin", input)
    return softmax(neg(input), implicit_dim("softmin", input.ndim) if dim is None else dim, dtype=dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Return softmax((logits + g) / tau) with random g of the Gumbel distribution: random soft choices of a class.

    Parameters
    ----------
    logits : Tensor, float
    tau : float
        The temperature. A small one gives almost one class.
    hard : bool
        Return 1 for one class and 0 for the others. The gradient is that of the soft choice.
    eps : float
        Has no effect.
    dim : int
        The axis of the classes.

    Raises
    ------
    DTypeError
        If the logits are not floating point.

    References
    ----------
    Jang, Gu and Poole, "Categorical reparameterization with Gumbel-softmax", 2017.
    """
    check_float("gumbel_softmax", logits)
    if eps != 1e-10:
        warnings.warn("gumbel_softmax: eps has no effect", stacklevel=2)
    gumbel = random.generator().gumbel(size=logits.shape)
    soft = softmax((logits + as_tensor(gumbel, logits.dtype, logits.device)) / tau, dim)
    if not hard:
        return soft
    axis = axis_of("gumbel_softmax", dim, logits.ndim)
    sizes = [1] * logits.ndim
    if logits.ndim:
        sizes[axis] = logits.shape[axis]
    classes = reshape(arange(sizes[axis] if sizes else 1, device=logits.device), sizes)
    chosen = cast(eq(classes, argmax(soft.detach(), axis, keepdim=True)), soft.dtype)
    return chosen - soft.detach() + soft
