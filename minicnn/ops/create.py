"""Making tensors: from data, filled with a value, or drawn at random."""

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
    "arange",
    "as_tensor",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "linspace",
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
    """What the array module refuses becomes an error of the call that the user wrote."""

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


def _finish(array: Any, device: Place, requires_grad: bool = False) -> Tensor:
    return Tensor(array, requires_grad=requires_grad, device=_place(device))


@_checked
def tensor(data: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Copy data into a new tensor.

    Parameters
    ----------
    data : array_like
        Arrays keep their element type; Python floats become float32, Python integers int64.
    dtype : dtype, optional
    device : str or Device, optional
        That of the data, if left out: the CPU, for what is no tensor.
    requires_grad : bool

    Raises
    ------
    DTypeError
        If the data is not an array of bool, integer or floating-point numbers.

    Examples
    --------
    >>> tensor([[1.0, 2.0]]).dtype
    dtype('float32')
    """
    data = _on_its_device(data)
    if isinstance(data, Tensor):
        out = data.detach().to(data.device if device is None else device, dtype=dtype, copy=True)
        return out.requires_grad_() if requires_grad else out
    return _finish(_to_array(data, dtype, copy=True), device, requires_grad)


@_checked
def as_tensor(data: Any, dtype: Any = None, device: Place = None) -> Tensor:
    """Return data as a tensor, without a copy where none is needed; a tensor comes back as it is."""
    data = _on_its_device(data)
    if isinstance(data, Tensor):
        t: Tensor = data if dtype is None or data.dtype == np.dtype(dtype) else data.to(dtype)
        return t if device is None else t.to(device)
    return _finish(_to_array(data, dtype, copy=False), device)


def from_numpy(array: np.ndarray[Any, Any]) -> Tensor:
    """Return a tensor that shares the memory of a NumPy array."""
    if not isinstance(array, np.ndarray):
        raise DTypeError(f"from_numpy: expected numpy.ndarray, got {type(array).__name__}; use minicnn.tensor")
    category(array.dtype)
    return Tensor(array)


def from_dlpack(source: Any) -> Tensor:
    """Return a tensor that shares the memory of any object with `__dlpack__`."""
    if isinstance(source, Tensor):
        return source.detach()
    if source.__dlpack_device__()[0] == DLPACK_CUDA:
        return Tensor(CUDA.xp.from_dlpack(source), device=CUDA)
    return from_numpy(np.from_dlpack(source))


def _on_its_device(data: Any) -> Any:
    """CuPy's arrays as tensors of the GPU, all else as it is."""
    return data if xp(data) is np else Tensor(data, device=CUDA)


def _to_array(data: Any, dtype: Any, copy: bool) -> np.ndarray[Any, Any]:
    data = _without_tensors(data)
    try:
        array = np.array(data) if copy else np.asarray(data)
    except ValueError as error:
        raise DTypeError(f"tensor: the data is not a rectangular array of numbers ({error})") from error
    category(array.dtype)
    if dtype is None and array.dtype.kind == "f":
        dtype = result_type(list(_typed(data)), [], [])  # the default float type, where nothing has a type
    return array if dtype is None else array.astype(dtype, copy=False)


def _without_tensors(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data.detach().cpu().numpy()
    return [_without_tensors(d) for d in data] if isinstance(data, list | tuple) else data


def _typed(data: Any) -> Iterator[DType]:
    """Yield the element types of all arrays in nested lists that hold floats."""
    if hasattr(data, "dtype"):
        if data.dtype.kind == "f":
            yield data.dtype
    elif isinstance(data, list | tuple):
        for d in data:
            yield from _typed(d)


# --- filled ---------------------------------------------------------------------------------------------------


@_checked
def full(
    size: Sequence[int], fill_value: float, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return a tensor of a given size filled with one value."""
    kind = dtype or (default_dtype if isinstance(fill_value, float) else np.asarray(fill_value).dtype)
    return _finish(_place(device).xp.full(tuple(size), fill_value, kind), device, requires_grad)


@_checked
def zeros(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of zeros."""
    m = _place(device).xp
    return _finish(m.zeros(sizes_of("zeros", size), dtype or default_dtype), device, requires_grad)


@_checked
def ones(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of ones."""
    m = _place(device).xp
    return _finish(m.ones(sizes_of("ones", size), dtype or default_dtype), device, requires_grad)


@_checked
def empty(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor whose values are not set."""
    m = _place(device).xp
    return _finish(m.empty(sizes_of("empty", size), dtype or default_dtype), device, requires_grad)


@_checked
def eye(n: int, m: int | None = None, dtype: Any = None, device: Place = None) -> Tensor:
    """Return the (n, m) identity matrix."""
    return _finish(_place(device).xp.eye(n, m, dtype=dtype or default_dtype), device)


def zeros_like(x: Tensor, dtype: Any = None) -> Tensor:
    """Return zeros of the shape, element type and device of x."""
    return zeros(x.shape, dtype=dtype or x.dtype, device=x.device)


def ones_like(x: Tensor, dtype: Any = None) -> Tensor:
    """Return ones of the shape, element type and device of x."""
    return ones(x.shape, dtype=dtype or x.dtype, device=x.device)


def empty_like(x: Tensor, dtype: Any = None) -> Tensor:
    """Return unset values of the shape, element type and device of x."""
    return empty(x.shape, dtype=dtype or x.dtype, device=x.device)


def full_like(x: Tensor, fill_value: float, dtype: Any = None) -> Tensor:
    """Return one value in the shape, element type and device of x."""
    return full(x.shape, fill_value, dtype=dtype or x.dtype, device=x.device)


@_checked
def arange(start: float, end: float | None = None, step: float = 1, dtype: Any = None, device: Place = None) -> Tensor:
    """Return start, start + step, ... up to but without end."""
    low, high = (0, start) if end is None else (start, end)
    if any(isinstance(v, float) for v in (low, high, step)):  # rounded on the host, and so the same everywhere
        return _finish(np.arange(low, high, step, dtype=dtype or default_dtype), device)
    return _finish(_place(device).xp.arange(low, high, step, dtype=dtype), device)


@_checked
def linspace(start: float, end: float, steps: int, dtype: Any = None, device: Place = None) -> Tensor:
    """Return `steps` evenly spaced values from start to end, both included."""
    return _finish(np.linspace(start, end, steps, dtype=dtype or default_dtype), device)


# --- random: drawn on the host, so that a seed gives the same numbers on every device --------------------------


def _drawn(call: str, dtype: Any) -> Any:
    kind = np.dtype(dtype or default_dtype)
    if kind not in (float32, float64):
        raise DTypeError(f"{call}: numbers are drawn as float32 or float64, got {kind}; convert the result with .to()")
    return kind


@_checked
def rand(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Draw from the uniform distribution on [0, 1)."""
    return _finish(random.generator().random(sizes_of("rand", size), _drawn("rand", dtype)), device, requires_grad)


@_checked
def randn(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Draw from the normal distribution of mean 0 and variance 1."""
    return _finish(
        random.generator().standard_normal(sizes_of("randn", size), _drawn("randn", dtype)), device, requires_grad
    )


def rand_like(x: Tensor) -> Tensor:
    """Draw from the uniform distribution on [0, 1) in the shape of x."""
    return rand(x.shape, dtype=x.dtype, device=x.device)


def randn_like(x: Tensor) -> Tensor:
    """Draw from the normal distribution in the shape of x."""
    return randn(x.shape, dtype=x.dtype, device=x.device)


@_checked
def randint(
    low: int, high: int | Sequence[int], size: Sequence[int] | None = None, dtype: DType = int64, device: Place = None
) -> Tensor:
    """Draw integers from low to high - 1; `randint(high, size)` starts at 0."""
    if size is None:
        low, high, size = 0, low, high  # type: ignore[assignment]
    return _finish(random.generator().integers(low, high, tuple(size), dtype=dtype), device)  # type: ignore[arg-type]


@_checked
def randperm(n: int, device: Place = None) -> Tensor:
    """Draw a permutation of 0 ... n - 1."""
    return _finish(random.generator().permutation(n), device)
