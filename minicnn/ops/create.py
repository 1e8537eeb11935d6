"""Functions that create tensors: from data, filled with a value, or with random numbers.

Without `dtype`, Python floats become float32 and Python integers int64. Without `device`, the tensor is on the CPU.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from reprlib import repr as repr_short
from typing import Any, ParamSpec, TypeVar

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, category, default_dtype, float32, float64, int64, result_type
from minicnn.errors import ArgumentError, DTypeError, MiniCNNError
from minicnn.ops.axes import sizes_of
from minicnn.runtime import random
from minicnn.runtime.devices import CPU, CUDA, Device, xp

__all__ = [
    "as_tensor",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "tensor",
    "zeros",
    "zeros_like",
]

P = ParamSpec("P")
R = TypeVar("R")
DLPACK_CUDA = 2  # the number of CUDA in DLPack's header
Place = str | Device | None


def _checked(function: Callable[P, R]) -> Callable[P, R]:
    """Convert an exception of the array module to a DTypeError or ArgumentError that shows the user's call."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except MiniCNNError:
            raise
        except (TypeError, ValueError, ArithmeticError) as error:
            kind = DTypeError if isinstance(error, TypeError) else ArgumentError
            given = ", ".join([*map(repr_short, args), *(f"{name}={repr_short(v)}" for name, v in kwargs.items())])
            raise kind(f"{function.__name__}: {error}; got {function.__name__}({given})") from error

    return call


def _place(device: Place) -> Device:
    return CPU if device is None else Device.named(device)


def _make(array: Any, device: Place, requires_grad: bool = False) -> Tensor:
    return Tensor._of(array, requires_grad=requires_grad, device=_place(device))


@_checked
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
    dtype('float32')
    """
    data = _wrap_cupy(data)
    if isinstance(data, Tensor):
        out = data.detach().to(data.device if device is None else device, dtype=dtype, copy=True)
        return out.requires_grad_() if requires_grad else out
    return _make(_to_array(data, dtype, copy=True), device, requires_grad)


@_checked
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
        t: Tensor = data if dtype is None or data.dtype == np.dtype(dtype) else data.to(dtype)
        return t if device is None else t.to(device)
    return _make(_to_array(data, dtype, copy=False), device)


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
    if dtype is None and array.dtype.kind == "f":
        dtype = result_type(list(_float_dtypes(data)), [], [])  # the default float type if there are only Python floats
    return array if dtype is None else array.astype(dtype, copy=False)


def _without_tensors(data: Any) -> Any:
    """Replace the tensors in nested lists by NumPy arrays."""
    if isinstance(data, Tensor):
        return data.detach().cpu().numpy()
    return [_without_tensors(d) for d in data] if isinstance(data, list | tuple) else data


def _float_dtypes(data: Any) -> Iterator[DType]:
    """Yield the element types of all floating-point arrays in nested lists."""
    if hasattr(data, "dtype"):
        if data.dtype.kind == "f":
            yield data.dtype
    elif isinstance(data, list | tuple):
        for d in data:
            yield from _float_dtypes(d)


# --- filled ---------------------------------------------------------------------------------------------------


@_checked
def full(
    size: Sequence[int], fill_value: float, dtype: Any = None, device: Place = None, requires_grad: bool = False
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
    kind = dtype or (default_dtype if isinstance(fill_value, float) else np.asarray(fill_value).dtype)
    return _make(_place(device).xp.full(tuple(size), fill_value, kind), device, requires_grad)


@_checked
def zeros(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of zeros: `zeros(2, 3)` or `zeros((2, 3))`; float32 by default.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    m = _place(device).xp
    return _make(m.zeros(sizes_of("zeros", size), dtype or default_dtype), device, requires_grad)


@_checked
def ones(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of ones: `ones(2, 3)` or `ones((2, 3))`; float32 by default.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    m = _place(device).xp
    return _make(m.ones(sizes_of("ones", size), dtype or default_dtype), device, requires_grad)


@_checked
def empty(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return an uninitialized tensor: `empty(2, 3)` or `empty((2, 3))`; float32 by default.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    m = _place(device).xp
    return _make(m.empty(sizes_of("empty", size), dtype or default_dtype), device, requires_grad)


@_checked
def eye(n: int, m: int | None = None, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return the (n, m) matrix with ones on the diagonal; m = n and float32 by default.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    return _make(_place(device).xp.eye(n, m, dtype=dtype or default_dtype), device, requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return zeros with the shape, and by default with the element type and device, of input."""
    return zeros(input.shape, **_like(input, dtype, device), requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return ones with the shape, and by default with the element type and device, of input."""
    return ones(input.shape, **_like(input, dtype, device), requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return an uninitialized tensor with the shape, and by default with the element type and device, of input."""
    return empty(input.shape, **_like(input, dtype, device), requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: float, *, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return a tensor filled with one value, with the shape, and by default the element type and device, of input."""
    return full(input.shape, fill_value, **_like(input, dtype, device), requires_grad=requires_grad)


def _like(input: Tensor, dtype: Any, device: Place) -> dict[str, Any]:
    return {"dtype": dtype or input.dtype, "device": device or input.device}


# --- random numbers: drawn on the host, so that a seed gives the same numbers on every device ------------------


def _random_dtype(call: str, dtype: Any) -> Any:
    kind = np.dtype(dtype or default_dtype)
    if kind not in (float32, float64):
        raise DTypeError(f"{call}: numbers are drawn as float32 or float64, got {kind}; convert the result with .to()")
    return kind


@_checked
def rand(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return random numbers from the uniform distribution on [0, 1), as float32 or float64.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    return _make(random.generator().random(sizes_of("rand", size), _random_dtype("rand", dtype)), device, requires_grad)


@_checked
def randn(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return random numbers from the normal distribution with mean 0 and variance 1, as float32 or float64.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    drawn = random.generator().standard_normal(sizes_of("randn", size), _random_dtype("randn", dtype))
    return _make(drawn, device, requires_grad)


def rand_like(input: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return numbers of the uniform distribution on [0, 1), with the shape of input; by default also its type."""
    return rand(input.shape, **_like(input, dtype, device), requires_grad=requires_grad)


def randn_like(input: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return numbers of the standard normal distribution, with the shape of input; by default also its type."""
    return randn(input.shape, **_like(input, dtype, device), requires_grad=requires_grad)


@_checked
def randint(
    low: int = 0,
    high: int | Sequence[int] | None = None,
    size: Sequence[int] | None = None,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return random integers from low to high - 1, by default as int64; `randint(high, size)` starts at 0.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    if size is None:
        low, high, size = 0, low, high  # type: ignore[assignment]
    drawn = random.generator().integers(low, high, tuple(size), dtype=np.int64)  # type: ignore[arg-type]
    return _make(drawn.astype(dtype or int64, copy=False), device, requires_grad)


@_checked
def randperm(n: int, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return a random permutation of 0, ..., n - 1, by default as int64.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    return _make(random.generator().permutation(n).astype(dtype or int64, copy=False), device, requires_grad)
