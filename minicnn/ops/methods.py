"""The methods of Tensor: most are public functions with the tensor as the first argument.

The operations import Tensor, so `autograd/tensor.py` cannot import them: this module attaches them, at import.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.autograd import engine
from minicnn.autograd.tape import mode
from minicnn.autograd.tensor import Tensor, replace
from minicnn.dtypes import bool_, default_dtype, float32, float64, int64
from minicnn.errors import AutogradError, DeviceError, DTypeError, ShapeError
from minicnn.ops import activation, comparison, create, elementwise, indexing, linalg, reduce, shape
from minicnn.ops.axes import sizes_of
from minicnn.runtime.devices import CPU, CUDA, to_host, xp

__all__ = ["Methods"]


class Methods:
    """Arithmetic, reductions, shapes and conversions."""

    backward = engine.backward

    # arithmetic
    __add__ = __radd__ = add = elementwise.add
    __sub__ = sub = elementwise.sub
    __mul__ = __rmul__ = mul = elementwise.mul
    __truediv__ = div = elementwise.div
    __floordiv__ = elementwise.floor_divide
    __mod__ = remainder = elementwise.remainder
    __pow__ = pow = elementwise.pow
    __matmul__ = matmul = linalg.matmul
    __neg__ = neg = elementwise.neg
    __abs__ = abs = elementwise.abs
    eq, ne = comparison.eq, comparison.ne
    __lt__ = lt = comparison.lt
    __le__ = le = comparison.le
    __gt__ = gt = comparison.gt
    __ge__ = ge = comparison.ge
    __and__ = __rand__ = bitwise_and = comparison.bitwise_and
    __or__ = __ror__ = bitwise_or = comparison.bitwise_or
    __xor__ = __rxor__ = bitwise_xor = comparison.bitwise_xor
    __invert__ = bitwise_not = comparison.bitwise_not
    logical_and, logical_or = comparison.logical_and, comparison.logical_or
    logical_xor, logical_not = comparison.logical_xor, comparison.logical_not

    def __rsub__(self, other: Any) -> Tensor:
        return elementwise.sub(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return elementwise.div(other, self)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return elementwise.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Tensor:
        return elementwise.remainder(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return elementwise.pow(other, self)

    def __rmatmul__(self: Any, other: Any) -> Tensor:
        return linalg.matmul(other, self)

    def __eq__(self, other: Any) -> Any:  # x == None is False, not a tensor
        return comparison.eq(self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: Any) -> Any:
        return comparison.ne(self, other) if _comparable(other) else NotImplemented

    __hash__ = object.__hash__  # by identity, so that tensors can be in sets and dictionaries

    square, sqrt, rsqrt = elementwise.square, elementwise.sqrt, elementwise.rsqrt
    exp, expm1, log, log1p = elementwise.exp, elementwise.expm1, elementwise.log, elementwise.log1p
    sin, cos, tanh, erf = elementwise.sin, elementwise.cos, elementwise.tanh, activation.erf
    sign, floor, ceil, round = elementwise.sign, elementwise.floor, elementwise.ceil, elementwise.round
    isnan, isfinite = comparison.isnan, comparison.isfinite
    maximum, minimum = comparison.maximum, comparison.minimum
    clamp = clip = comparison.clamp
    relu, sigmoid = activation.relu, activation.sigmoid
    softmax, log_softmax = activation.softmax, activation.log_softmax

    # reductions
    sum, mean, var, std, norm = reduce.sum, reduce.mean, reduce.var, reduce.std, reduce.norm
    amax, amin, max, min = reduce.amax, reduce.amin, reduce.max, reduce.min
    argmax, argmin, prod, cumsum = reduce.argmax, reduce.argmin, reduce.prod, reduce.cumsum
    all, any, logsumexp = reduce.all, reduce.any, reduce.logsumexp

    # shapes
    reshape = view = shape.reshape
    flatten, unflatten, permute, transpose = shape.flatten, shape.unflatten, shape.permute, shape.transpose
    squeeze, unsqueeze, flip, repeat = shape.squeeze, shape.unsqueeze, shape.flip, shape.repeat
    roll, split, chunk, unbind = indexing.roll, indexing.split, indexing.chunk, indexing.unbind
    index_select, gather = indexing.index_select, indexing.gather
    __getitem__, __setitem__ = indexing.getitem, indexing.setitem
    contiguous, clone, to = shape.contiguous, shape.clone, shape.to

    def expand(self: Any, *sizes: Any) -> Tensor:
        """Broadcast to a shape without a copy; a size of -1 stays the same."""
        return shape.broadcast_to(self, sizes_of("expand", sizes))

    @property
    def T(self: Any) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The tensor with its axes in reverse order."""
        return shape.permute(self, *range(self.ndim - 1, -1, -1))

    @property
    def mT(self: Any) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The tensor with the last two axes swapped."""
        return linalg.mT(self)

    def masked_fill(self: Any, mask: Tensor, value: float) -> Tensor:
        """Return `value` where the mask is True, and the tensor elsewhere."""
        return comparison.where(mask, value, self)

    # types
    def float(self: Any) -> Tensor:
        """Convert to float32."""
        return shape.to(self, float32)

    def double(self: Any) -> Tensor:
        """Convert to float64."""
        return shape.to(self, float64)

    def long(self: Any) -> Tensor:
        """Convert to int64."""
        return shape.to(self, int64)

    def bool(self: Any) -> Tensor:
        """Convert to bool."""
        return shape.to(self, bool_)

    def cpu(self: Any) -> Tensor:
        """Move to the CPU."""
        return shape.to(self, "cpu")

    def cuda(self: Any) -> Tensor:
        """Move to the GPU."""
        return shape.to(self, "cuda")

    @property
    def is_cuda(self: Any) -> Any:
        """Whether the tensor is on the GPU."""
        return self.device is CUDA

    def type_as(self: Any, other: Tensor) -> Tensor:
        """Convert to the element type of another tensor."""
        return shape.to(self, other.dtype)

    # sizes
    def size(self: Any, dim: Any = None) -> Any:
        """Return the shape; with `dim`, the size of this axis."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self: Any) -> int:
        """Return the number of axes."""
        return int(self.ndim)

    def numel(self: Any) -> int:
        """Return the number of elements."""
        return int(self.array.size)

    def is_contiguous(self: Any) -> Any:
        """Return whether the elements are contiguous in memory, in row-major order."""
        return self.array.flags.c_contiguous

    def __len__(self: Any) -> int:
        if not self.ndim:
            raise ShapeError("len: a 0-d tensor has no length")
        return int(self.array.shape[0])

    def __iter__(self: Any) -> Iterator[Tensor]:
        if not self.ndim:
            raise ShapeError("iter: a 0-d tensor cannot be iterated")
        return iter(indexing.unbind(self))

    # conversion to Python and NumPy
    def item(self: Any) -> Any:
        """Return the only element as a Python number.

        Raises
        ------
        ShapeError
            If there is not exactly one element.
        """
        if self.array.size != 1:
            raise ShapeError(f"item: the tensor is {self.shape}; item() needs exactly one element")
        return self.array.item()

    def tolist(self: Any) -> Any:
        """Return the elements as nested lists."""
        return to_host(self.array).tolist()

    def numpy(self: Any) -> np.ndarray[Any, Any]:
        """Return a NumPy array that shares the memory of the tensor.

        Raises
        ------
        AutogradError
            If the tensor requires a gradient, because the tape cannot see writes to the array.
        DeviceError
            If the tensor is on a GPU.
        """
        if self.requires_grad:
            raise AutogradError("numpy: the tensor requires a gradient; use .detach().numpy()")
        if not self.device.on_host:
            raise DeviceError(f"numpy: the tensor is on {self.device}; call .cpu() first")
        array: np.ndarray[Any, Any] = self.array
        return array

    def __array__(self: Any, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        array: np.ndarray[Any, Any] = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise DTypeError(f"__array__: {array.dtype} cannot become {np.dtype(dtype)} without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self: Any, **options: Any) -> Any:
        if self.requires_grad:
            raise AutogradError("dlpack: the tensor requires a gradient; use .detach()")
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self: Any) -> Any:
        return self.array.__dlpack_device__()

    def __bool__(self: Any) -> Any:
        if self.array.size != 1:
            raise ShapeError(f"bool: a tensor of shape {self.shape} is neither true nor false; use .any() or .all()")
        return bool(self.array.item())

    def __float__(self: Any) -> Any:
        return float(self.item())

    def __int__(self: Any) -> int:
        return int(self.item())

    def __index__(self: Any) -> int:
        if self.dtype.kind not in "biu":
            raise DTypeError(f"index: expected an integer tensor, got {self.dtype}")
        return int(self.item())

    def __format__(self: Any, spec: str) -> str:
        return format(self.item(), spec) if not self.ndim else object.__format__(self, spec)

    def __repr__(self: Any) -> str:
        body = np.array2string(to_host(self.array), separator=", ", precision=4, prefix="tensor(")
        notes = [] if self.dtype in (default_dtype, int64, bool_) else [f"dtype={self.dtype}"]
        if self.device is not CPU:
            notes.append(f"device={self.device.name!r}")
        if self.grad_fn is not None:
            notes.append(f"grad_fn={self.grad_fn!r}")
        elif self.requires_grad:
            notes.append("requires_grad=True")
        return f"tensor({', '.join([body, *notes])})"

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        if not self.is_leaf:
            raise AutogradError("deepcopy: only leaves can be copied deeply; use .detach().clone()")
        kind: Any = type(self)
        duplicate = kind.__new__(kind)
        Tensor.__init__(duplicate, self.array.copy(), requires_grad=self.requires_grad, device=self.device)
        duplicate.grad = None if self.grad is None else self.grad.detach().clone()
        memo[id(self)] = duplicate
        return duplicate

    # new tensors like this one
    def new_tensor(self: Any, data: Any) -> Tensor:
        """Return data as a new tensor with this element type and device."""
        return create.tensor(data, dtype=self.dtype, device=self.device)

    def new_zeros(self: Any, *size: Any) -> Tensor:
        """Return zeros with this element type and device."""
        return create.zeros(*size, dtype=self.dtype, device=self.device)

    def new_ones(self: Any, *size: Any) -> Tensor:
        """Return ones with this element type and device."""
        return create.ones(*size, dtype=self.dtype, device=self.device)

    # in place
    def add_(self: Any, other: Any, alpha: Any = 1) -> Tensor:
        """Add alpha times `other` in place.

        Raises
        ------
        DTypeError
            If the result has a type that this tensor cannot hold.
        """
        return replace(
            self, _same_dtype(self, elementwise.add(self, other if alpha == 1 else elementwise.mul(other, alpha)))
        )

    def sub_(self: Any, other: Any) -> Tensor:
        """Subtract `other` in place.

        Raises
        ------
        DTypeError
            If the result has a type that this tensor cannot hold.
        """
        return replace(self, _same_dtype(self, elementwise.sub(self, other)))

    def mul_(self: Any, other: Any) -> Tensor:
        """Multiply by `other` in place.

        Raises
        ------
        DTypeError
            If the result has a type that this tensor cannot hold.
        """
        return replace(self, _same_dtype(self, elementwise.mul(_for_backward(self, other), other)))

    def div_(self: Any, other: Any) -> Tensor:
        """Divide by `other` in place.

        Raises
        ------
        DTypeError
            If the result has a type that this tensor cannot hold.
        """
        return replace(self, _same_dtype(self, elementwise.div(_for_backward(self, other), other)))

    def clamp_(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """Limit the elements to [min, max] in place.

        Raises
        ------
        DTypeError
            If the result has a type that this tensor cannot hold.
        """
        return replace(self, _same_dtype(self, comparison.clamp(_for_backward(self), min, max)))

    def relu_(self: Any) -> Tensor:
        """Set negative elements to 0 in place."""
        return replace(self, activation.relu(self))

    def copy_(self: Any, source: Tensor) -> Tensor:
        """Copy the elements of another tensor into this tensor; they are broadcast and converted."""
        return replace(self, shape.broadcast_to(shape.to(source, self.dtype), self.shape))

    def fill_(self: Any, value: Any) -> Tensor:
        """Set every element to a number in place."""
        full = create.full_like(self, value)
        if self.is_leaf:
            return replace(self, full)
        mask = create.ones_like(self, bool_)
        return replace(self, comparison.where(mask, full, self))  # stays in the graph, with gradient 0

    def zero_(self: Any) -> Any:
        """Set every element to 0 in place."""
        return self.fill_(0)

    def normal_(self: Any, mean: Any = 0.0, std: Any = 1.0) -> Tensor:
        """Fill with random numbers from a normal distribution in place."""
        return replace(self, create.randn(self.shape, dtype=self.dtype, device=self.device) * std + mean)

    def uniform_(self: Any, low: Any = 0.0, high: Any = 1.0) -> Tensor:
        """Fill with random numbers from the uniform distribution on [low, high) in place."""
        return replace(self, create.rand(self.shape, dtype=self.dtype, device=self.device) * (high - low) + low)

    def __iadd__(self: Any, other: Any) -> Any:  # type: ignore[misc]
        return self.add_(other)

    def __isub__(self: Any, other: Any) -> Any:  # type: ignore[misc]
        return self.sub_(other)

    def __imul__(self: Any, other: Any) -> Any:  # type: ignore[misc]
        return self.mul_(other)

    def __itruediv__(self: Any, other: Any) -> Any:  # type: ignore[misc]
        return self.div_(other)


def _comparable(value: Any) -> bool:
    return isinstance(value, Tensor | np.ndarray | np.generic | bool | int | float) or xp(value) is not np


def _for_backward(target: Tensor, other: Any = None) -> Tensor:
    """Return the operand that the tape keeps: a copy if the call is recorded, because the call overwrites it."""
    recorded = mode.recording and (target._node is not None or getattr(other, "_node", None) is not None)
    return shape.clone(target) if recorded else target


def _same_dtype(target: Tensor, result: Tensor) -> Tensor:
    """Return the result of an in-place call in the element type of its target; DTypeError if that is impossible."""
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise DTypeError(f"in-place: a result of {result.dtype} cannot be written into {target.dtype}")
    return result if result.dtype == target.dtype else shape.cast(result, target.dtype)


for _name, _method in vars(Methods).items():
    if _name not in ("__module__", "__dict__", "__weakref__", "__doc__", "__qualname__"):
        setattr(Tensor, _name, _method)
