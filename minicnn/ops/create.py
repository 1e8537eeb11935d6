"""Functions that create tensors, from data or filled with a value.

Without `dtype`, Python floats become float32 and Python integers int64. Without `device`, the tensor is on the CPU.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, category, complex_type, default_dtype, result_type, scalar_dtype
from minicnn.errors import ArgumentError, DTypeError
from minicnn.ops.axes import sizes_by_name, sizes_of
from minicnn.ops.places import Place, checked, options_like, place_of, placed
from minicnn.runtime.devices import CUDA, xp

__all__ = [
    "as_tensor",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "tensor",
    "zeros",
    "zeros_like",
]

DLPACK_CUDA = 2  # the number of CUDA in DLPack's header


@checked
def tensor(data: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Copy data into a new tensor.

    Parameters
    ----------
    data : array_like
        Arrays keep their element type; Python floats become float32, Python integers int64.
    dtype : dtype, optional
    device : str or Device, optional
        Default: the device of the data if it is a tensor, otherwise the CPU.
    requires_grad : bool

    Raises
    ------
    DTypeError
        If the data is not an array of bool, integer or floating-point numbers, or `dtype` is not an element type.
    ArgumentError
        If the array module rejects a value.

    Examples
    --------
    >>> tensor([[1.0, 2.0]]).dtype
    minicnn.float32
    """
    data = _wrap_cupy(data)
    if isinstance(data, Tensor):
        out = data.detach().to(data.device if device is None else device, dtype=dtype, copy=True)
        return out.requires_grad_() if requires_grad else out
    return placed(_to_array(data, dtype, copy=True), device, requires_grad)


@checked
def as_tensor(data: Any, dtype: Any = None, device: Place = None) -> Tensor:
    """Return data as a tensor. Copy it only if the element type or the device changes.

    Raises
    ------
    DTypeError
        If the data is not an array of bool, integer or floating-point numbers, or `dtype` is not an element type.
    ArgumentError
        If the array module rejects a value.
    """
    data = _wrap_cupy(data)
    if isinstance(data, Tensor):
        t: Tensor = data if dtype is None or data.dtype == DType(dtype) else data.to(dtype)
        return t if device is None else t.to(device)
    return placed(_to_array(data, dtype, copy=False), device)


@checked
def asarray(
    obj: Any, *, dtype: Any = None, device: Place = None, copy: bool | None = None, requires_grad: bool | None = None
) -> Tensor:
    """Return an object as a tensor, as `as_tensor`, with NumPy's name of this function.

    Parameters
    ----------
    copy : bool, optional
        True: always copy. False: raise an error if a copy would be needed.

    Raises
    ------
    DTypeError
        If the object is not an array of numbers, or `dtype` is not an element type.
    ArgumentError
        If a copy is needed and copy=False, or the array module rejects a value.
    """
    t = tensor(obj, dtype, device) if copy else as_tensor(obj, dtype, device)
    if copy is False and not (t is obj or (hasattr(obj, "__array__") and xp(t.array).may_share_memory(t.array, obj))):
        raise ArgumentError("asarray: a copy is needed, and copy=False")
    return t.detach().requires_grad_() if requires_grad else t


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """Return a tensor that shares the memory of a NumPy ndarray.

    Raises
    ------
    DTypeError
        If the argument is not a NumPy ndarray.
    """
    if not isinstance(ndarray, np.ndarray):
        raise DTypeError(f"from_numpy: expected numpy.ndarray, got {type(ndarray).__name__}; use minicnn.tensor")
    category(ndarray.dtype)
    return Tensor._of(ndarray)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """Return a tensor that shares the memory of an object with the method `__dlpack__`."""
    if isinstance(ext_tensor, Tensor):
        return ext_tensor.detach()
    if ext_tensor.__dlpack_device__()[0] == DLPACK_CUDA:
        return Tensor._of(CUDA.xp.from_dlpack(ext_tensor), device=CUDA)
    return from_numpy(np.from_dlpack(ext_tensor))


def _wrap_cupy(data: Any) -> Any:
    """Return a CuPy array as a tensor on the GPU, and anything else unchanged."""
    return data if xp(data) is np else Tensor._of(data, device=CUDA)


def _to_array(data: Any, dtype: Any, copy: bool) -> np.ndarray[Any, Any]:
    data = _without_tensors(data)
    try:
        array = np.array(data) if copy else np.asarray(data)
    except ValueError as error:
        raise DTypeError(f"tensor: the data is not a rectangular array of numbers ({error})") from error
    category(array.dtype)
    if dtype is None and array.dtype.kind in "fc":
        dtype = result_type(list(_float_dtypes(data)), [], [])  # the default float type if there are only Python floats
        dtype = complex_type(dtype) if array.dtype.kind == "c" else dtype
    if array.dtype.kind == "c" and dtype is not None and DType(dtype).kind != "c":
        raise DTypeError(f"tensor: complex numbers cannot become {DType(dtype)}; take their .real or .abs() before")
    return array if dtype is None else array.astype(dtype, copy=False)


def _without_tensors(data: Any) -> Any:
    """Replace the tensors in nested lists by NumPy arrays, also the ones of PyTorch."""
    if hasattr(data, "detach"):
        return data.detach().cpu().numpy()
    return [_without_tensors(d) for d in data] if isinstance(data, list | tuple) else data


def _float_dtypes(data: Any) -> Iterator[DType]:
    """Yield the element types of all floating-point and complex arrays in nested lists."""
    if hasattr(data, "dtype"):
        if data.dtype.kind in "fc":
            yield data.dtype
    elif isinstance(data, list | tuple):
        for d in data:
            yield from _float_dtypes(d)


# --- filled ---------------------------------------------------------------------------------------------------


@checked
def full(
    size: Sequence[int], fill_value: complex, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return a tensor of this size, filled with one value. Its type follows the value: float32, int64 or bool.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.

    Examples
    --------
    >>> full((2,), 0.5).tolist()
    [0.5, 0.5]
    """
    kind = dtype or (
        scalar_dtype(fill_value) if isinstance(fill_value, float | complex) else np.asarray(fill_value).dtype
    )
    if isinstance(fill_value, complex) and DType(kind).kind != "c":
        raise DTypeError(f"full: the complex number {fill_value} cannot become {DType(kind)}")
    return placed(place_of(device).xp.full(tuple(size), fill_value, kind), device, requires_grad)


@checked
@sizes_by_name("size")
def zeros(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of zeros: `zeros(2, 3)` or `zeros((2, 3))`; float32 by default.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    m = place_of(device).xp
    return placed(m.zeros(sizes_of("zeros", size), dtype or default_dtype), device, requires_grad)


@checked
@sizes_by_name("size")
def ones(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of ones: `ones(2, 3)` or `ones((2, 3))`; float32 by default.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    m = place_of(device).xp
    return placed(m.ones(sizes_of("ones", size), dtype or default_dtype), device, requires_grad)


@checked
@sizes_by_name("size")
def empty(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return an uninitialized tensor: `empty(2, 3)` or `empty((2, 3))`; float32 by default.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    m = place_of(device).xp
    return placed(m.empty(sizes_of("empty", size), dtype or default_dtype), device, requires_grad)


@checked
def eye(n: int, m: int | None = None, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return the (n, m) matrix with ones on the diagonal; m = n and float32 by default.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    return placed(place_of(device).xp.eye(n, m, dtype=dtype or default_dtype), device, requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return zeros with the shape, and by default with the element type and device, of input."""
    return zeros(input.shape, **options_like(input, dtype, device), requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return ones with the shape, and by default with the element type and device, of input."""
    return ones(input.shape, **options_like(input, dtype, device), requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return an uninitialized tensor with the shape, and by default with the element type and device, of input."""
    return empty(input.shape, **options_like(input, dtype, device), requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: complex, *, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return a tensor filled with one value, with the shape, and by default the element type and device, of input."""
    return full(input.shape, fill_value, **options_like(input, dtype, device), requires_grad=requires_grad)
