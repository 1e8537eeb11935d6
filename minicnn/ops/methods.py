"""The methods of Tensor: most are public functions with the tensor as the first argument.

The operations import Tensor, so `autograd/tensor.py` cannot import them: this module attaches them, at import.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.autograd import engine
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType
from minicnn.errors import ArgumentError, AutogradError, DeviceError, DTypeError, ShapeError
from minicnn.ops import (
    activation,
    arithmetic,
    arrangement,
    comparison,
    elementwise,
    exponentials,
    indexing,
    linalg,
    matrices,
    matrix_products,
    older_matrices,
    reduce,
    shape,
    typed,
)
from minicnn.ops.axes import numpy_names, sizes_by_name, sizes_of
from minicnn.ops.complex_methods import ComplexMethods
from minicnn.ops.function_methods import FUNCTION_METHODS, OwnMethods
from minicnn.ops.in_place_forms import IN_PLACE_FORMS
from minicnn.ops.in_place_methods import InPlaceMethods
from minicnn.ops.memory_methods import MemoryMethods
from minicnn.ops.older_methods import OlderMethods
from minicnn.ops.questions import Questions
from minicnn.ops.random_methods import RandomMethods
from minicnn.ops.reshaped_in_place import ReshapingMethods
from minicnn.ops.text import text_of
from minicnn.runtime.devices import CUDA, Device, to_host, xp

__all__ = ["METHODS", "Methods"]

TYPED = [name for name, value in vars(typed).items() if isinstance(value, typed.TypedTensor)]


def _real_number(x: Any) -> Any:
    """Return the only element; of a complex number whose imaginary part is 0, the real part."""
    number = x.item()
    return number.real if isinstance(number, complex) and not number.imag else number


class Methods:
    """Arithmetic, reductions, shapes and conversions."""

    backward = engine.backward

    # arithmetic
    __add__ = __radd__ = add = elementwise.add
    __sub__ = sub = elementwise.sub
    __mul__ = __rmul__ = mul = elementwise.mul
    div = elementwise.div
    __floordiv__ = elementwise.floor_divide
    __mod__ = remainder = elementwise.remainder
    __pow__ = pow = exponentials.pow
    __matmul__ = matmul = linalg.matmul
    __neg__ = neg = elementwise.neg
    __abs__ = abs = elementwise.abs
    eq, ne = comparison.eq, comparison.ne
    __lt__ = lt = comparison.lt
    __le__ = le = comparison.le
    __gt__ = gt = comparison.gt
    __ge__ = ge = comparison.ge
    __pos__ = arithmetic.positive
    __and__ = __rand__ = bitwise_and = comparison.bitwise_and
    __or__ = __ror__ = bitwise_or = comparison.bitwise_or
    __xor__ = __rxor__ = bitwise_xor = comparison.bitwise_xor
    __invert__ = bitwise_not = comparison.bitwise_not
    logical_and, logical_or = comparison.logical_and, comparison.logical_or
    logical_xor, logical_not = comparison.logical_xor, comparison.logical_not

    __lshift__, __rshift__ = arithmetic.bitwise_left_shift, arithmetic.bitwise_right_shift

    def __rlshift__(self, other: Any) -> Tensor:
        return arithmetic.bitwise_left_shift(other, self)

    def __rrshift__(self, other: Any) -> Tensor:
        return arithmetic.bitwise_right_shift(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return elementwise.div(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return elementwise.sub(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return elementwise.div(other, self)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return elementwise.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Tensor:
        return elementwise.remainder(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return exponentials.pow(other, self)

    def __rmatmul__(self: Any, other: Any) -> Tensor:
        return linalg.matmul(other, self)

    def __eq__(self, other: Any) -> Any:  # x == None is False, not a tensor
        return comparison.eq(self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: Any) -> Any:
        return comparison.ne(self, other) if _comparable(other) else NotImplemented

    __hash__ = object.__hash__  # by identity, so that tensors can be in sets and dictionaries

    square, sqrt, rsqrt = elementwise.square, exponentials.sqrt, exponentials.rsqrt
    exp, expm1, log, log1p = exponentials.exp, exponentials.expm1, exponentials.log, exponentials.log1p
    sin, cos, tanh, erf = exponentials.sin, exponentials.cos, exponentials.tanh, activation.erf
    sign, floor, ceil, round = elementwise.sign, elementwise.floor, elementwise.ceil, elementwise.round
    isnan, isfinite = comparison.isnan, comparison.isfinite
    maximum, minimum = comparison.maximum, comparison.minimum
    clamp = clip = comparison.clamp
    relu, sigmoid = activation.relu, activation.sigmoid
    prelu, hardshrink = activation.prelu, activation.hardshrink
    softmax, log_softmax = activation.softmax, activation.log_softmax

    # reductions
    sum, mean, var, std, norm = reduce.sum, reduce.mean, reduce.var, reduce.std, reduce.norm
    amax, amin, max, min = reduce.amax, reduce.amin, reduce.max, reduce.min
    argmax, argmin, prod = reduce.argmax, reduce.argmin, reduce.prod
    all, any, logsumexp = reduce.all, reduce.any, reduce.logsumexp

    # shapes
    reshape = shape.reshape
    flatten, unflatten, permute, transpose = shape.flatten, shape.unflatten, shape.permute, shape.transpose
    unsqueeze, repeat = shape.unsqueeze, shape.repeat
    roll, chunk, unbind = indexing.roll, indexing.chunk, indexing.unbind
    __getitem__, __setitem__ = indexing.getitem, indexing.setitem
    contiguous, clone, to = shape.contiguous, shape.clone, shape.to
    t, narrow, select, movedim = arrangement.t, arrangement.narrow, arrangement.select, arrangement.movedim
    swapaxes, tile, numel = arrangement.swapaxes, arrangement.tile, arrangement.numel
    nelement, is_floating_point = arrangement.numel, typed.is_floating_point
    expand_as, view_as, reshape_as = arrangement._expand_as, arrangement._view_as, arrangement._reshape_as
    det, slogdet, matrix_power = older_matrices.det, older_matrices.slogdet, older_matrices.matrix_power
    logdet, matrix_exp = matrices.logdet, matrix_products.matrix_exp
    inverse, pinverse, cholesky = older_matrices.inverse, older_matrices.pinverse, older_matrices.cholesky
    qr, svd, lu, lu_solve = older_matrices.qr, older_matrices.svd, older_matrices.lu, older_matrices.lu_solve
    cholesky_inverse, cholesky_solve = older_matrices.cholesky_inverse, older_matrices.cholesky_solve
    mm, bmm, mv, dot, outer = linalg.mm, linalg.bmm, linalg.mv, linalg.dot, linalg.outer

    @sizes_by_name("size")
    def expand(self: Any, *sizes: Any) -> Tensor:
        """Broadcast to a shape without a copy; a size of -1 stays the same."""
        return shape.broadcast_to(self, sizes_of("expand", sizes))

    @sizes_by_name("dims")
    def flip(self: Any, *dims: Any) -> Tensor:
        """Return a copy with the elements along axes in reverse order: `x.flip(0, 1)` or `x.flip((0, 1))`."""
        return shape.flip(self, sizes_of("flip", dims))

    def split(self: Any, split_size: Any, dim: Any = 0) -> tuple[Tensor, ...]:
        """Split along an axis into parts of size `split_size` (the last may be smaller), or of the sizes in a list."""
        return indexing.split(self, split_size, dim)

    @numpy_names
    def squeeze(self: Any, *dims: Any, dim: Any = None) -> Tensor:
        """Remove axes of size 1: all of them, or those of the named axes that have size 1."""
        named = dims if dim is None else (dim,)
        return shape.squeeze(self, sizes_of("squeeze", named)) if named else shape.squeeze(self)

    @property
    def T(self: Any) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The tensor with its axes in reverse order."""
        return shape.permute(self, *range(self.ndim - 1, -1, -1))

    @property
    def mT(self: Any) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The tensor with the last two axes swapped."""
        return linalg.mT(self)

    # types
    def cpu(self: Any, memory_format: Any = None) -> Tensor:
        """Move to the CPU; `memory_format` has no effect."""
        return shape.to(self, "cpu")

    def cuda(self: Any, device: Any = None, non_blocking: Any = False, memory_format: Any = None) -> Tensor:
        """Move to the GPU; the arguments have no effect, because one GPU is used."""
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

    def dim(self: Any) -> Any:
        """Return the number of axes."""
        return int(self.ndim)

    ndimension = dim

    def is_contiguous(self: Any, memory_format: Any = None) -> Any:
        """Return whether the elements are contiguous in memory, in row-major order, whatever `memory_format` is."""
        return self.array.flags.c_contiguous

    def __len__(self: Any) -> Any:
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

    def numpy(self: Any, *, force: Any = False) -> np.ndarray[Any, Any]:
        """Return a NumPy array that shares the memory of the tensor. With `force`, detach and move it to the CPU first.

        Raises
        ------
        AutogradError
            If the tensor requires a gradient, because the tape cannot see writes to the array.
        DeviceError
            If the tensor is on a GPU.
        """
        if force:
            return to_host(self.array)
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
                raise DTypeError(f"__array__: {array.dtype} cannot become {DType(dtype)} without a copy")
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
        return float(_real_number(self))

    def __int__(self: Any) -> Any:
        return int(_real_number(self))

    def __index__(self: Any) -> Any:
        if self.dtype.kind not in "biu":
            raise DTypeError(f"index: expected an integer tensor, got {self.dtype}")
        return int(self.item())

    def __format__(self: Any, spec: str) -> str:
        return format(self.item(), spec) if not self.ndim else object.__format__(self, spec)

    def __repr__(self: Any) -> str:
        return text_of(self)

    def _repr_html_(self: Any) -> str:  # for notebooks
        from minicnn.ops.html import tensor_html  # late: few programs show tensors

        return tensor_html(self)

    def __deepcopy__(self: Any, memo: dict[Any, Any]) -> Any:
        if not self.is_leaf:
            raise AutogradError("deepcopy: only leaves can be copied deeply; use .detach().clone()")
        kind: Any = type(self)
        duplicate = kind.__new__(kind)
        duplicate._set(self.data.array.copy(), self.device)
        duplicate.requires_grad = self.requires_grad
        duplicate.grad = None if self.grad is None else self.grad.detach().clone()
        memo[id(self)] = duplicate
        return duplicate

    def __copy__(self: Any) -> Any:
        kind: Any = type(self)
        duplicate = kind.__new__(kind)
        duplicate._set(self.data.array, self.device, self._writes)  # the memory is shared, and so is its version
        duplicate.requires_grad = self.requires_grad
        return duplicate

    def __reduce__(self: Any) -> Any:  # for copies and other processes: the values, without gradient and graph
        context: Any = sys.modules.get("multiprocessing.context")
        if context and context.get_spawning_popen() and self.device.on_host and self.is_shared():
            raise ArgumentError(
                "share_memory_: a process that is spawned gets a copy of the values, a forked one shares them; "
                "use multiprocessing.get_context('fork'), or pass a clone()"
            )
        return _rebuilt, (type(self), to_host(self.data.array), self.device, self.requires_grad)


def _rebuilt(kind: Any, array: np.ndarray[Any, Any], device: Device, requires_grad: Any) -> Any:
    """Return a leaf tensor of this class; the inverse of `Tensor.__reduce__`."""
    made = kind.__new__(kind)
    made._set(device.array(array), device)
    made.requires_grad = requires_grad
    return made


def _comparable(value: Any) -> bool:
    return isinstance(value, Tensor | np.ndarray | np.generic | bool | int | float | complex) or xp(value) is not np


METHODS: dict[str, Any] = dict(FUNCTION_METHODS)
for _group in (OwnMethods, Methods, ComplexMethods, InPlaceMethods, MemoryMethods, OlderMethods, Questions):
    METHODS |= vars(_group)
METHODS |= {**vars(RandomMethods), **vars(ReshapingMethods)}
METHODS |= IN_PLACE_FORMS
for _name, _method in METHODS.items():
    if _name not in ("__module__", "__dict__", "__weakref__", "__doc__", "__qualname__"):
        setattr(Tensor, _name, _method)
