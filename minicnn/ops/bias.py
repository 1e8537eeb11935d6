"""A bias on axis 1 and the activation after it, in one pass over memory: y = act(x + b).

With h the gradient that arrives, the gradient of x + b is h act'(x + b), written with y alone:

    identity: h        relu: h where y > 0        sigmoid: h y (1 - y)        tanh: h (1 - y²)

It is x's gradient as it stands and, summed over all axes but 1, the bias's. The identity is a primitive of its own,
for it needs no y: it keeps nothing alive, and its output may be modified in place.
"""

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.activation import _relu_grad, _sigmoid_grad
from minicnn.ops.elementwise import _tanh_grad
from minicnn.ops.shape import _sum
from minicnn.runtime.devices import Array, xp

__all__ = ["ACTIVATIONS", "bias_act", "bias_add"]

ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh")


@primitive
def bias_add(x: Array, b: Array) -> Array:
    """x (N, C, ...) + b (C,) along axis 1."""
    return x + b.reshape(-1, *(1,) * (x.ndim - 2))


@primitive
def _bias_act(x: Array, b: Array, *, activation: str) -> Array:
    """act(x + b), the activation not the identity."""
    z = x + b.reshape(-1, *(1,) * (x.ndim - 2))
    if activation == "relu":
        return xp(x).maximum(z, 0)
    if activation == "tanh":
        return xp(x).tanh(z)
    return 1 / (1 + xp(x).exp(-z))


def _before(grad: Tensor, y: Tensor, activation: str) -> Tensor:
    """The gradient of x + b."""
    if activation == "relu":
        return _relu_grad(grad, y)
    return (_tanh_grad if activation == "tanh" else _sigmoid_grad)(grad, y)


def _per_channel(grad: Tensor) -> Tensor:
    return _sum(grad, axes=(0, *range(2, grad.ndim)), keepdim=False)


bias_add.gradient(x=lambda grad: grad, b=lambda grad: _per_channel(grad))
_bias_act.gradient(
    before=lambda grad, y, activation: _before(grad, y, activation),
    x=lambda before: before,
    b=lambda before: _per_channel(before),
)


def bias_act(x: Tensor, b: Tensor, activation: str = "identity") -> Tensor:
    """Add a bias along axis 1 and apply the activation, y = act(x + b), reading x and writing y once.

    Parameters
    ----------
    x : Tensor, (N, C, ...), float
    b : Tensor, (C,), of the same element type
    activation : {"identity", "relu", "sigmoid", "tanh"}

    Returns
    -------
    Tensor, like x

    Raises
    ------
    ShapeError
        If x has no axis 1, or b is not one number for each of its channels.
    DTypeError
        If x and b are not of one floating-point type.
    ArgumentError
        If there is no such activation.

    Notes
    -----
    `act(x + b)` in two calls writes x + b to memory and reads it back; here it stays in registers: half the bytes, and
    one tensor less to keep.

    Examples
    --------
    >>> bias_act(Tensor([[1.0, -3.0]]), Tensor([0.5, 1.0]), "relu").tolist()
    [[1.5, 0.0]]
    """
    if activation not in ACTIVATIONS:
        raise ArgumentError(f"bias_act: activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
    if x.dtype != b.dtype or x.dtype.kind != "f":
        raise DTypeError(f"bias_act: x and b need one floating-point type, got {x.dtype} and {b.dtype}; use .to()")
    if x.ndim < 2 or b.shape != x.shape[1:2]:
        raise ShapeError(f"bias_act: x must be (N, C, ...) and b (C,), got x {x.shape} and b {b.shape}")
    return bias_add(x, b) if activation == "identity" else _bias_act(x, b, activation=activation)
