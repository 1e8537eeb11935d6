"""The methods of Tensor that write into it; `ops/methods.py` attaches them. All of them call `in_place`."""

from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops import activation, arithmetic, comparison, create, elementwise, exponentials, sampling, shape, special
from minicnn.ops.in_place import in_place

__all__ = ["InPlaceMethods"]


class InPlaceMethods:
    """Arithmetic and new values in place."""

    def add_(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """Add alpha times `other` in place.

        Raises
        ------
        DTypeError
            If the result has a type that this tensor cannot hold.
        """
        return in_place(self, lambda x: elementwise.add(x, other, alpha=alpha))

    def sub_(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """Subtract alpha times `other` in place.

        Raises
        ------
        DTypeError
            If the result has a type that this tensor cannot hold.
        """
        return in_place(self, lambda x: elementwise.sub(x, other, alpha=alpha))

    def mul_(self: Any, other: Any) -> Tensor:
        """Multiply by `other` in place.

        Raises
        ------
        DTypeError
            If the result has a type that this tensor cannot hold.
        """
        return in_place(self, lambda x: elementwise.mul(x, other))

    def div_(self: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        """Divide by `other` in place; `rounding_mode` as in `div`.

        Raises
        ------
        DTypeError
            If the result has a type that this tensor cannot hold.
        """
        return in_place(self, lambda x: elementwise.div(x, other, rounding_mode=rounding_mode))

    def clamp_(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """Limit the elements to [min, max] in place.

        Raises
        ------
        DTypeError
            If the result has a type that this tensor cannot hold.
        """
        return in_place(self, lambda x: comparison.clamp(x, min, max))

    def relu_(self: Any) -> Tensor:
        """Set negative elements to 0 in place."""
        return in_place(self, activation.relu)

    def copy_(self: Any, other: Tensor, non_blocking: Any = False) -> Tensor:
        """Copy the elements of another tensor into this tensor; they are broadcast, converted, and moved.

        `non_blocking` has no effect.

        Raises
        ------
        DTypeError
            If it is not a tensor.
        """
        if not isinstance(other, Tensor):
            raise DTypeError(f"copy_: expected a tensor, got {type(other).__name__}; use minicnn.tensor")
        return in_place(self, lambda x: shape.broadcast_to(shape.to(other, x.dtype, device=x.device), x.shape))

    def fill_(self: Any, value: Any) -> Tensor:
        """Set every element to a number, or to a tensor without axes, in place.

        Raises
        ------
        ShapeError
            If it is a tensor with axes, or something else.
        """
        if isinstance(value, Tensor) and not value.ndim:
            return InPlaceMethods.copy_(self, value)
        if not isinstance(value, bool | int | float | complex | np.generic):
            raise ShapeError(f"fill_: expected a number or a tensor without axes, got {value!r}")
        return in_place(self, lambda x: create.full_like(x, value.item() if isinstance(value, np.generic) else value))

    def zero_(self: Any) -> Any:
        """Set every element to 0 in place."""
        return self.fill_(0)

    def normal_(self: Any, mean: Any = 0.0, std: Any = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with random numbers from a normal distribution in place."""
        return in_place(self, lambda x: sampling.randn_like(x, generator=generator) * std + mean)

    def uniform_(self: Any, from_: Any = 0.0, to: Any = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with random numbers from the uniform distribution on [from_, to) in place; both parts, if complex."""
        low = complex(from_, from_) if self.dtype.kind == "c" else from_
        return in_place(self, lambda x: sampling.rand_like(x, generator=generator) * (to - from_) + low)

    def __iadd__(self: Any, other: Any) -> Any:
        return self.add_(other)

    def __isub__(self: Any, other: Any) -> Any:
        return self.sub_(other)

    def __imul__(self: Any, other: Any) -> Any:
        return self.mul_(other)

    def __itruediv__(self: Any, other: Any) -> Any:
        return self.div_(other)

    def __ifloordiv__(self: Any, other: Any) -> Any:
        return in_place(self, lambda x: elementwise.floor_divide(x, other))

    def __imod__(self: Any, other: Any) -> Any:
        return in_place(self, lambda x: elementwise.remainder(x, other))

    def __ipow__(self: Any, other: Any) -> Any:
        return in_place(self, lambda x: exponentials.pow(x, other))

    def __iand__(self: Any, other: Any) -> Any:
        return in_place(self, lambda x: comparison.bitwise_and(x, other))

    def __ior__(self: Any, other: Any) -> Any:
        return in_place(self, lambda x: comparison.bitwise_or(x, other))

    def __ixor__(self: Any, other: Any) -> Any:
        return in_place(self, lambda x: comparison.bitwise_xor(x, other))

    def __ilshift__(self: Any, other: Any) -> Any:
        return in_place(self, lambda x: arithmetic.bitwise_left_shift(x, other))

    def __irshift__(self: Any, other: Any) -> Any:
        return in_place(self, lambda x: arithmetic.bitwise_right_shift(x, other))

    def polygamma_(self: Any, n: Any) -> Tensor:
        """Give the tensor the values of `polygamma`, in place."""
        return in_place(self, lambda x: special.polygamma(n, x))
