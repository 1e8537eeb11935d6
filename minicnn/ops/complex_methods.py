"""Methods of Tensor for complex numbers; `ops/methods.py` attaches them."""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import complex64, complex128
from minicnn.errors import ShapeError
from minicnn.ops import complex_numbers
from minicnn.ops.arrangement import t
from minicnn.ops.indexing import setitem
from minicnn.ops.shape import to

__all__ = ["ComplexMethods"]


class ComplexMethods:
    """Attributes and methods of complex tensors."""

    is_complex, is_conj = complex_numbers.is_complex, complex_numbers.is_conj

    def cfloat(self: Any) -> Tensor:
        """Convert to complex64."""
        return to(self, complex64)

    def cdouble(self: Any) -> Tensor:
        """Convert to complex128."""
        return to(self, complex128)

    def __complex__(self: Any) -> Any:
        return complex(self.item())

    @property
    def real(self: Any) -> Tensor:
        """The real parts, as a view; a real tensor itself."""
        return complex_numbers.real(self)

    @real.setter
    def real(self: Any, value: Any) -> None:
        setitem(complex_numbers.real(self), ..., value)

    @property
    def imag(self: Any) -> Tensor:
        """The imaginary parts of a complex tensor, as a view."""
        return complex_numbers.imag(self)

    @imag.setter
    def imag(self: Any, value: Any) -> None:
        setitem(complex_numbers.imag(self), ..., value)

    @property
    def mH(self: Any) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The conjugate with the last two axes swapped."""
        return complex_numbers.adjoint(self)

    @property
    def H(self: Any) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The conjugate transpose of a matrix."""
        if self.ndim not in (0, 2):
            raise ShapeError(f"H: expected a matrix, got {self.shape}; use mH")
        return complex_numbers.conj(t(self))
