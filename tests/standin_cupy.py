"""A strict stand-in for CuPy, built on NumPy: it rejects everything that fails or differs with the real CuPy.

- It has only names and parameters of CuPy (`test_standin_cupy.py` compares it with the real CuPy).
- Its arrays never convert to NumPy implicitly, and neither module accepts arrays of the other.
- Reductions return 0-d arrays. Broadcast arrays are writeable. Integer indices out of range wrap around. If an index
  selects an element twice, the first value written stays; NumPy keeps the last, and CuPy guarantees nothing.
- New memory is filled with NaN. Waits for the GPU, uploads and launches are counted.
- Kernels run in the simulator (`standin_cuda.py`).

`installed()` puts it into `sys.modules`; `counting()` counts inside a `with` block.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from tests.standin_cuda import RawModule, counting, cuda, note

__all__ = ["counting", "installed", "module", "ndarray"]


@contextmanager
def installed() -> Iterator[ModuleType]:
    """Make `import cupy` find the stand-in inside a `with` block."""
    before = sys.modules.get("cupy")
    sys.modules["cupy"] = module
    try:
        yield module
    finally:
        if before is None:
            del sys.modules["cupy"]
        else:
            sys.modules["cupy"] = before


# --- arguments and results of functions -----------------------------------------------------------------------


def _host(x: Any) -> Any:
    """The NumPy value of an operand: an array of this module, or a number of Python or NumPy."""
    if isinstance(x, ndarray):
        return x._host
    if isinstance(x, bool | int | float | complex | np.generic):
        return x
    raise TypeError(f"Unsupported type {type(x)}")


def _own(x: Any) -> Any:
    """The NumPy array of an array; for functions that accept only arrays."""
    if not isinstance(x, ndarray):
        raise TypeError(f"Only cupy arrays can be used here, got {type(x)}")
    return x._host


def _new(host: Any) -> "ndarray":
    host = np.asarray(host)
    if host.dtype.kind not in "biufc":
        raise ValueError(f"Unsupported dtype {host.dtype}")
    out = object.__new__(ndarray)
    out._host, out.base = host, None
    return out


def _derived(host: Any, parent: "ndarray") -> "ndarray":
    """An array made from `parent`: a view of it, if they share memory."""
    out = _new(host)
    if np.may_share_memory(host, parent._host):
        out.base = parent if parent.base is None else parent.base
    return out


def _unset(shape: Any, dtype: Any) -> "ndarray":
    out = _new(np.empty(shape, dtype))
    out._host.reshape(-1).view(np.uint8)[...] = 0xFF
    return out


def _quiet(function: Any, *args: Any, **kwargs: Any) -> Any:
    with np.errstate(all="ignore"):  # a GPU has no warnings
        return function(*args, **kwargs)


# --- arrays ---------------------------------------------------------------------------------------------------


class ndarray:  # noqa: N801 (CuPy's name)
    """The part of CuPy's array class that minicnn uses."""

    __slots__ = ("__weakref__", "_host", "base")
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]
    _host: Any
    base: "ndarray | None"

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    strides = property(lambda self: self._host.strides)
    T = property(lambda self: _derived(self._host.T, self))
    real = property(lambda self: _derived(self._host.real, self), lambda self, x: self.real.__setitem__(..., x))
    imag = property(lambda self: _derived(self._host.imag, self), lambda self, x: self.imag.__setitem__(..., x))
    device = property(lambda self: cuda.Device())

    @property
    def flags(self) -> Any:
        flags = self._host.flags
        return SimpleNamespace(
            c_contiguous=flags.c_contiguous,
            f_contiguous=flags.f_contiguous,
            forc=flags.forc,
            fnc=flags.fnc,
            owndata=self.base is None,
        )

    @property
    def data(self) -> Any:
        return SimpleNamespace(ptr=self._host.__array_interface__["data"][0])

    # copies to the host
    def get(self) -> Any:
        note("waits", "get")
        return self._host.copy()

    def item(self) -> Any:
        note("waits", "item")
        return self._host.item()

    def tolist(self) -> Any:
        note("waits", "tolist")
        return self._host.tolist()

    def __bool__(self) -> bool:
        note("waits", "bool")
        return bool(self._host)

    def __int__(self) -> int:
        note("waits", "int")
        return int(self._host)

    def __float__(self) -> float:
        note("waits", "float")
        return float(self._host)

    def __repr__(self) -> str:
        note("waits", "repr")
        return repr(self._host)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array "
            "explicitly."
        )

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        raise TypeError(f"{func.__name__}: a function of NumPy got an array of CuPy")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and isinstance(inputs[0], np.generic) and not kwargs:  # NumPy scalar on the left
            return getattr(module, ufunc.__name__)(*inputs)
        raise TypeError(f"{ufunc.__name__}: a function of NumPy got an array of CuPy")

    # indexing
    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator["ndarray"]:
        return (self[i] for i in range(len(self)))

    def _key(self, index: Any) -> tuple[Any, ...]:
        """The index for NumPy; integers out of range wrap around."""
        entries = index if isinstance(index, tuple) else (index,)
        arrays = [_uploaded(i) if isinstance(i, list | np.ndarray) else i for i in entries]
        if any(isinstance(i, ndarray) for i in arrays) and any(type(i) is int for i in arrays):
            raise NotImplementedError("integers beside arrays in an index: CuPy and NumPy order the axes differently")
        taken = sum(i._host.ndim if _is_mask(i) else i is not None and i is not Ellipsis for i in arrays)
        key, axis = [], 0
        for i in arrays:
            if i is Ellipsis:
                axis += self.ndim - taken
            elif isinstance(i, ndarray) and not _is_mask(i):
                i = np.where(i._host < 0, i._host + self.shape[axis], i._host) % max(self.shape[axis], 1)
                axis += 1
            elif isinstance(i, ndarray):
                axis += i.ndim
                i = i._host
            elif i is not None:
                axis += 1
            key.append(i)
        return tuple(key)

    def __getitem__(self, index: Any) -> "ndarray":
        key = self._key(index)
        if any(isinstance(i, np.ndarray) and i.dtype.kind == "b" for i in key):
            note("waits", "boolean mask")
        key = key if any(i is Ellipsis for i in key) else (*key, ...)  # returns a view, even of a single element
        return _derived(self._host[key], self)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.ndim:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        values, key = _host(value), self._key(index)
        arrays = [i for i in key if isinstance(i, np.ndarray)]
        if any(i.dtype.kind == "b" for i in arrays) and isinstance(value, ndarray):
            note("waits", "boolean mask")
        if not arrays:
            self._host[key] = values
            return
        places = np.arange(self.size).reshape(self.shape)[key]
        values = np.broadcast_to(values, places.shape).ravel()[::-1]
        flat = np.array(self._host).reshape(-1)
        _quiet(flat.__setitem__, places.ravel()[::-1], values)
        self._host[...] = flat.reshape(self.shape)

    # views and copies
    def reshape(self, *shape: Any) -> "ndarray":
        return _derived(self._host.reshape(*shape), self)

    def ravel(self) -> "ndarray":
        return _derived(self._host.ravel(), self)

    def transpose(self, *axes: Any) -> "ndarray":
        return _derived(self._host.transpose(*axes), self)

    def swapaxes(self, axis1: int, axis2: int) -> "ndarray":
        return _derived(self._host.swapaxes(axis1, axis2), self)

    def view(self, dtype: Any = None) -> "ndarray":
        return _derived(self._host.view() if dtype is None else self._host.view(dtype), self)

    def nonzero(self) -> tuple["ndarray", ...]:
        note("waits", "nonzero")
        return tuple(map(_new, self._host.nonzero()))

    def copy(self, order: str = "C") -> "ndarray":
        return _new(self._host.copy(order))

    def astype(self, dtype: Any, *, copy: bool = True) -> "ndarray":
        if np.dtype(dtype) == self.dtype and not copy:
            return self
        return _new(_quiet(self._host.astype, dtype))

    def fill(self, value: Any) -> None:
        self[...] = value


def _reduction(name: str) -> Any:
    def reduced(self: Any, axis: Any = None, *, keepdims: bool = False) -> ndarray:
        return _new(_quiet(getattr(self._host, name), axis, keepdims=keepdims))

    def summed(self: Any, axis: Any = None, *, dtype: Any = None, keepdims: bool = False) -> ndarray:
        return _new(_quiet(getattr(self._host, name), axis, dtype, keepdims=keepdims))

    return summed if name in ("mean", "prod", "sum") else reduced


for _name in ["all", "any", "argmax", "argmin", "max", "mean", "min", "prod", "sum"]:
    setattr(ndarray, _name, _reduction(_name))


def _is_mask(i: Any) -> bool:
    return isinstance(i, ndarray) and i.dtype.kind == "b"


def _uploaded(data: Any, dtype: Any = None) -> ndarray:
    host = np.array(data, dtype)
    if host.dtype.kind not in "biufc":
        raise ValueError(f"Unsupported dtype {host.dtype}")
    note("uploads", f"{host.dtype} {host.shape}")
    return _new(host)


# --- functions ------------------------------------------------------------------------------------------------


class ufunc:  # noqa: N801 (CuPy's name)
    """An element-wise function."""

    def __init__(self, name: str) -> None:
        self.name, self._function = f"cupy_{name}", getattr(np, name)

    def __call__(self, *args: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind") -> ndarray:
        hosts = [_host(a) for a in args]
        if self.name.startswith("cupy_logical_") and any(isinstance(a, ndarray) and a.dtype.kind == "c" for a in args):
            raise TypeError(f"{self.name} does not take complex numbers")
        options = {} if dtype is None else {"dtype": dtype}
        if out is not None:
            options["out"] = _own(out)
        result = _quiet(self._function, *hosts, casting=casting, **options)
        return _new(result) if out is None else out

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        kinds = {"cupy_add": "efdiILQ", "cupy_maximum": "fdiIlLQq", "cupy_minimum": "fdiIlLQq"}
        if a.dtype.char not in kinds.get(self.name, ""):
            raise TypeError(f"{self.name}.at does not take {a.dtype}")
        _quiet(self._function.at, _own(a), a._key(indices), _host(b))


# fmt: off
UFUNCS = [
    "abs", "absolute", "add", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "bitwise_and",
    "bitwise_or", "bitwise_xor", "ceil", "conjugate", "copysign", "cos", "cosh", "divide", "equal", "exp", "exp2",
    "expm1", "floor", "floor_divide", "fmod", "gcd", "greater", "greater_equal", "hypot", "invert", "isfinite", "isinf",
    "isnan", "lcm", "left_shift", "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2",
    "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative",
    "not_equal", "power", "remainder", "right_shift", "sign", "signbit", "sin", "sinh", "sqrt", "square", "subtract",
    "tan", "tanh", "true_divide", "trunc",
]
NUMBERS = [
    "bool_", "complex64", "complex128", "dtype", "finfo", "float32", "float64", "iinfo", "inf", "int32", "int64",
    "min_scalar_type", "nan", "newaxis", "pi", "uint8", "uint64",
]
OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
}
COMPARISONS = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"
}
# fmt: on


def _operator(function: ufunc, reverse: bool = False, in_place: bool = False) -> Any:
    def method(self: ndarray, other: Any) -> Any:
        if getattr(other, "__array_ufunc__", method) is None:  # `other` handles the operation
            return NotImplemented
        if in_place:
            return function(self, other, out=self)
        return function(other, self) if reverse else function(self, other)

    return method


def broadcast_to(array: Any, shape: Any) -> ndarray:
    host = np.broadcast_to(_own(array), shape)
    return _derived(np.lib.stride_tricks.as_strided(array._host, host.shape, host.strides), array)


def matmul(a: Any, b: Any, *, out: Any = None) -> ndarray:
    result = _new(_quiet(np.matmul, _own(a), _own(b)))
    if out is None:
        return result
    out[...] = result
    return out  # type: ignore[no-any-return]


def asarray(a: Any, dtype: Any = None) -> ndarray:
    if isinstance(a, ndarray):
        return a if dtype is None else a.astype(dtype, copy=False)
    return _uploaded(a, dtype)


def array(obj: Any, dtype: Any = None, *, order: str = "K") -> ndarray:
    return _new(np.array(obj._host, dtype, order=order)) if isinstance(obj, ndarray) else _uploaded(obj, dtype)


def as_strided(x: Any, shape: Any = None, strides: Any = None) -> ndarray:
    return _derived(np.lib.stride_tricks.as_strided(_own(x), shape, strides), x)


FUNCTIONS: dict[str, Any] = {
    "arange": lambda start, stop=None, step=1, dtype=None: _new(
        np.arange(*((start,) if stop is None else (start, stop, step)), dtype=dtype)
    ),
    "argpartition": lambda a, kth, axis=-1: _new(np.argpartition(_own(a), kth, axis)),
    "argsort": lambda a, axis=-1, kind=None: _new(np.argsort(_own(a), axis, kind=kind)),
    "array": array,
    "asarray": asarray,
    "ascontiguousarray": lambda a: a if a.flags.c_contiguous and a.ndim else _new(np.ascontiguousarray(_own(a))),
    "asnumpy": lambda a: a.get() if isinstance(a, ndarray) else np.asarray(a),
    "broadcast_shapes": np.broadcast_shapes,
    "broadcast_to": broadcast_to,
    "clip": lambda a, a_min, a_max: _new(
        np.clip(_own(a), *(None if limit is None else _host(limit) for limit in (a_min, a_max)))
    ),
    "concatenate": lambda tup, axis=0: _new(np.concatenate([_own(a) for a in tup], axis)),
    "cumprod": lambda a, axis=None, dtype=None: _new(_quiet(np.cumprod, _own(a), axis, dtype)),
    "cumsum": lambda a, axis=None, dtype=None: _new(_quiet(np.cumsum, _own(a), axis, dtype)),
    "einsum": lambda *operands: _new(_quiet(np.einsum, operands[0], *map(_own, operands[1:]))),
    "empty": lambda shape, dtype=float: _unset(shape, dtype),
    "empty_like": lambda prototype, dtype=None: _unset(_own(prototype).shape, dtype or prototype.dtype),
    "eye": lambda N, M=None, k=0, dtype=float: _new(np.eye(N, M, k, dtype)),
    "flip": lambda a, axis=None: _derived(np.flip(_own(a), axis), a),
    "full": lambda shape, fill_value, dtype=None: _new(np.full(shape, _host(fill_value), dtype)),
    "matmul": matmul,
    "may_share_memory": lambda a, b: np.may_share_memory(_own(a), _own(b)),
    "ones": lambda shape, dtype=float: _new(np.ones(shape, dtype)),
    "ones_like": lambda a, dtype=None: _new(np.ones(_own(a).shape, dtype or a.dtype)),
    "pad": lambda array, pad_width, *, constant_values=0: _new(
        np.pad(_own(array), pad_width, constant_values=_host(constant_values))
    ),
    "round": lambda a: _new(np.round(_own(a))),
    "sort": lambda a, axis=-1: _new(np.sort(_own(a), axis)),
    "stack": lambda tup, axis=0: _new(np.stack([_own(a) for a in tup], axis)),
    "take_along_axis": lambda a, indices, axis: _new(np.take_along_axis(_own(a), _own(indices), axis)),
    "tensordot": lambda a, b, axes=2: _new(_quiet(np.tensordot, _own(a), _own(b), axes)),
    "where": lambda condition, x, y: _new(np.where(_own(condition), _host(x), _host(y))),
    "zeros": lambda shape, dtype=float: _new(np.zeros(shape, dtype)),
    "zeros_like": lambda a, dtype=None: _new(np.zeros(_own(a).shape, dtype or a.dtype)),
}


def _transform(name: str) -> Any:
    def transform(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> ndarray:
        host = _own(a)
        single = host.dtype.char in "fF"  # CuPy keeps single precision, NumPy before 2.0 does not
        result = getattr(np.fft, name)(host, n, axis, norm)
        return _new(result.astype("f" if result.dtype.kind == "f" else "F") if single else result)

    return transform


fft = SimpleNamespace(
    **{name: _transform(name) for name in ("fft", "ifft", "rfft", "irfft")},
    fftfreq=lambda n, d=1.0: _new(np.fft.fftfreq(n, d)),
    rfftfreq=lambda n, d=1.0: _new(np.fft.rfftfreq(n, d)),
)

linalg = SimpleNamespace(
    cholesky=lambda a: _new(np.linalg.cholesky(_own(a))),
    det=lambda a: _new(_quiet(np.linalg.det, _own(a))),
    eig=lambda a: tuple(map(_new, np.linalg.eig(_own(a)))),
    eigh=lambda a, UPLO="L": tuple(map(_new, np.linalg.eigh(_own(a), UPLO))),
    inv=lambda a: _new(np.linalg.inv(_own(a))),
    qr=lambda a, mode="reduced": tuple(map(_new, np.linalg.qr(_own(a), mode))),
    slogdet=lambda a: tuple(map(_new, _quiet(np.linalg.slogdet, _own(a)))),
    solve=lambda a, b: _new(np.linalg.solve(_own(a), _own(b))),
    svd=lambda a, full_matrices=True: tuple(map(_new, np.linalg.svd(_own(a), full_matrices))),
)

module = ModuleType("cupy", __doc__)
for _name in UFUNCS:
    setattr(module, _name, ufunc(_name))
for _name in NUMBERS:
    setattr(module, _name, getattr(np, _name))
for _name, _thing in {
    **FUNCTIONS,
    "fft": fft,
    "linalg": linalg,
    "RawModule": RawModule,
    "cuda": cuda,
    "ndarray": ndarray,
    "ufunc": ufunc,
}.items():
    setattr(module, _name, _thing)
vars(module)["lib"] = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=as_strided))
vars(module)["__version__"] = "0 (stand-in)"
for _name, _function in OPERATORS.items():
    setattr(ndarray, f"__{_name}__", _operator(getattr(module, _function)))
    setattr(ndarray, f"__r{_name}__", _operator(getattr(module, _function), reverse=True))
    setattr(ndarray, f"__i{_name}__", _operator(getattr(module, _function), in_place=True))
for _name, _function in COMPARISONS.items():
    setattr(ndarray, f"__{_name}__", _operator(getattr(module, _function)))
ndarray.__neg__ = lambda self: module.negative(self)  # type: ignore[attr-defined]
ndarray.__invert__ = lambda self: module.invert(self)  # type: ignore[attr-defined]
ndarray.__abs__ = lambda self: module.abs(self)  # type: ignore[attr-defined]
ndarray.__matmul__ = matmul  # type: ignore[attr-defined]
ndarray.__module__ = ufunc.__module__ = RawModule.__module__ = "cupy"
