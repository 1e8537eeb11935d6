"""Complex numbers: their parts, conjugates, angles, and views between complex tensors and pairs of real numbers.

A complex number z = a + ib has the real part a and the imaginary part b. Arithmetic, exponential and trigonometric
functions, sums, matrix products, shapes and indices take complex tensors too. Functions that compare numbers do not:
complex numbers have no order.

The gradient of a real number L is ∂L/∂a + i ∂L/∂b, as in PyTorch: minus this gradient is the steepest way down
(Kreutz-Delgado, "The complex gradient operator and the CR-calculus", arXiv 0906.4835).
"""

from math import pi

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import complex_type
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops.comparison import eq, isnan, where
from minicnn.ops.create import zeros_like
from minicnn.ops.elementary import atan2
from minicnn.ops.elementwise import mul, neg
from minicnn.ops.exponentials import cos, sin
from minicnn.ops.operands import operands
from minicnn.ops.shape import as_float, transpose
from minicnn.runtime.devices import Array, xp

__all__ = [
    "adjoint",
    "angle",
    "complex",
    "conj",
    "conj_physical",
    "imag",
    "is_complex",
    "is_conj",
    "isreal",
    "polar",
    "real",
    "resolve_conj",
    "resolve_neg",
    "view_as_complex",
    "view_as_real",
]


@primitive
def _complex(a: Array, b: Array) -> Array:
    z = xp(a).empty(xp(a).broadcast_shapes(a.shape, b.shape), complex_type(a.dtype))
    z.real, z.imag = a, b
    return z


@primitive
def _conj(x: Array) -> Array:
    return xp(x).conjugate(x)


@primitive(view=True)
def _real(x: Array) -> Array:
    return x.real


@primitive(view=True)
def _imag(x: Array) -> Array:
    return x.imag


@primitive(view=True)
def _view_as_real(x: Array) -> Array:
    part = x.real
    return xp(x).lib.stride_tricks.as_strided(part, (*x.shape, 2), (*part.strides, part.itemsize))


@primitive(view=True)
def _view_as_complex(x: Array) -> Array:
    return x.view(complex_type(x.dtype))[..., 0]


for _operation in (_conj, _real, _imag, _view_as_real):
    _operation.takes_complex = True

# `vjp` hands over the conjugate of a complex gradient, and takes that of a complex result: see autograd/primitive.py.
_complex.gradient(a=lambda grad: _real(grad), b=lambda grad: neg(_imag(grad)))
_conj.gradient(x=lambda grad: _conj(grad))
_real.gradient(x=lambda grad: _complex(grad, zeros_like(grad)))
_imag.gradient(x=lambda grad: _complex(zeros_like(grad), grad))
_view_as_real.gradient(x=lambda grad: _complex(grad[..., 0], grad[..., 1]))
_view_as_complex.gradient(x=lambda grad: _view_as_real(_conj(grad)))
_real.write_back = lambda x, v: _complex(v, _imag(x))
_imag.write_back = lambda x, v: _complex(_real(x), v)
_view_as_real.write_back = lambda x, v: _complex(v[..., 0], v[..., 1])
_view_as_complex.write_back = lambda x, v: _view_as_real(v)


def is_complex(input: Tensor) -> bool:
    """Return whether the elements of a tensor are complex numbers."""
    return input.dtype.kind == "c"


def _two_floats(call: str, a: Tensor, b: Tensor) -> None:
    """Raise an error unless both are floating-point tensors of one type."""
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)) or a.dtype != b.dtype or a.dtype.kind != "f":
        kinds = " and ".join(str(getattr(x, "dtype", type(x).__name__)) for x in (a, b))
        raise DTypeError(f"{call}: expected two floating-point tensors of one type, got {kinds}; convert with .to()")


def complex(real: Tensor, imag: Tensor) -> Tensor:
    """Return the complex numbers real + i imag; float32 gives complex64, float64 complex128.

    Raises
    ------
    DTypeError
        If the parts are not floating-point tensors of one type.

    Examples
    --------
    >>> import minicnn
    >>> complex(minicnn.tensor([1.0]), minicnn.tensor([2.0])).tolist()
    [(1+2j)]
    """
    _two_floats("complex", real, imag)
    return _complex(*operands("complex", real, imag))


def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """Return the complex numbers abs · (cos(angle) + i sin(angle)), with the angle in radians.

    Raises
    ------
    DTypeError
        If the arguments are not floating-point tensors of one type.
    """
    _two_floats("polar", abs, angle)
    return _complex(mul(abs, cos(angle)), mul(abs, sin(angle)))


def real(input: Tensor) -> Tensor:
    """Return the real parts of complex numbers, as a view; other numbers as they are."""
    return _real(input) if is_complex(input) else input


def imag(input: Tensor) -> Tensor:
    """Return the imaginary parts of complex numbers, as a view.

    Raises
    ------
    DTypeError
        If the tensor is not complex.
    """
    if not is_complex(input):
        raise DTypeError(
            f"imag: expected a complex tensor, got {input.dtype}; the imaginary part of a real number is 0"
        )
    return _imag(input)


def conj_physical(input: Tensor) -> Tensor:
    """Return the complex conjugate a - ib of each a + ib; real numbers as they are."""
    return _conj(input) if is_complex(input) else input


def conj(input: Tensor) -> Tensor:
    """Return the complex conjugate, as `conj_physical`. (PyTorch's is a view that is computed later.)"""
    return conj_physical(input)


def resolve_conj(input: Tensor) -> Tensor:
    """Return input: conjugates are computed at once."""
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """Return input: negative numbers are computed at once."""
    return input


def is_conj(input: Tensor) -> bool:
    """Return False: conjugates are computed at once."""
    return False


def isreal(input: Tensor) -> Tensor:
    """Return where the imaginary part is 0, as a bool tensor."""
    return eq(_imag(input), 0) if is_complex(input) else eq(zeros_like(input), 0)


def angle(input: Tensor) -> Tensor:
    """Return the angle of each number in the complex plane, in radians, in [-π, π]; π for negative real numbers."""
    if is_complex(input):
        zero, a, b = eq(input, 0), _real(input), _imag(input)
        return where(zero, atan2(b, a).detach(), atan2(b, where(zero, 1.0, a)))  # the gradient of 0 is 0
    x = as_float(input)
    return where(isnan(x), x, mul(x.detach() < 0, pi).to(x.dtype))


def adjoint(input: Tensor) -> Tensor:
    """Return the conjugate with the last two axes swapped: the conjugate transpose of each matrix.

    Raises
    ------
    ShapeError
        If there are fewer than 2 axes.
    """
    if input.ndim < 2:
        raise ShapeError(f"adjoint: expected matrices, got {input.shape}")
    return conj(transpose(input, -2, -1))


def view_as_real(input: Tensor) -> Tensor:
    """Return a view of complex numbers, (...), as pairs of real numbers, (..., 2).

    Raises
    ------
    DTypeError
        If the tensor is not complex.
    """
    if not is_complex(input):
        raise DTypeError(f"view_as_real: expected a complex tensor, got {input.dtype}")
    return _view_as_real(input)


def view_as_complex(input: Tensor) -> Tensor:
    """Return a view of pairs of real numbers, (..., 2), as complex numbers, (...).

    Raises
    ------
    DTypeError
        If the tensor is not float32 or float64.
    ShapeError
        If the last axis does not have size 2, or a pair is not contiguous in memory.
    """
    if input.dtype.name not in ("float32", "float64"):
        raise DTypeError(f"view_as_complex: expected float32 or float64, got {input.dtype}")
    if not input.ndim or input.shape[-1] != 2:
        raise ShapeError(f"view_as_complex: the last axis must have size 2, the tensor is {input.shape}")
    strides = input.array.strides
    apart = strides[-1] != input.array.itemsize or any(s % (2 * input.array.itemsize) for s in strides[:-1])
    if input.array.size and apart:
        raise ShapeError("view_as_complex: the two parts of a number must be neighbours in memory; call .contiguous()")
    return _view_as_complex(input)
