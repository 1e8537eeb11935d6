"""Element types, and the rule of type promotion, which is the same as in PyTorch.

The categories are bool < integer < floating point < complex. Tensors with axes determine the type. A 0-d tensor counts
only if its category is higher, and a Python number only if its category is higher than both: float32 + 2.0 is float32.
"""

from typing import Any

import numpy as np

from minicnn.errors import DTypeError

__all__ = [
    "DType",
    "bfloat16",
    "bool_",
    "category",
    "complex64",
    "complex128",
    "complex_type",
    "default_dtype",
    "finfo",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "real_type",
    "result_type",
    "scalar_dtype",
    "uint8",
]

_known: dict[np.dtype[Any], "DType"] = {}


class DType:
    """An element type, such as `minicnn.float32`. It equals NumPy's type, and NumPy's functions take it.

    The public name of the class is `minicnn.dtype`. Each type is one object:
    `minicnn.dtype("float32") is minicnn.float32`.

    Parameters
    ----------
    of : dtype, NumPy's dtype, or its name

    Attributes
    ----------
    dtype : numpy.dtype
        The type of NumPy.
    name : str
    kind : str
        "b" for bool, "i" and "u" for signed and unsigned integers, "f" for floating point, "c" for complex.
    itemsize : int
        The size of an element in bytes.
    type : type
        NumPy's class of the elements.
    is_floating_point, is_complex, is_signed : bool

    Raises
    ------
    TypeError
        If NumPy does not know the type, or it is None.

    Examples
    --------
    >>> import minicnn
    >>> minicnn.zeros(2).dtype
    minicnn.float32
    >>> minicnn.zeros(2).dtype.is_floating_point
    True
    """

    __slots__ = ("char", "dtype", "is_complex", "is_floating_point", "is_signed", "itemsize", "kind", "name", "type")

    dtype: np.dtype[Any]
    name: str
    kind: str
    char: str
    itemsize: int
    type: Any
    is_floating_point: bool
    is_complex: bool
    is_signed: bool

    def __new__(cls, of: Any) -> "DType":
        if isinstance(of, DType):
            return of
        if of is None:  # NumPy would take float64
            raise TypeError("dtype: None is no element type")
        numpy_type: np.dtype[Any] = of if isinstance(of, np.dtype) else np.dtype(of)
        known = _known.get(numpy_type)
        if known is not None:
            return known
        self = super().__new__(cls)
        self.dtype, self.kind, self.char = numpy_type, numpy_type.kind, numpy_type.char
        self.itemsize, self.type = numpy_type.itemsize, numpy_type.type
        self.name = numpy_type.names[0] if numpy_type.names else numpy_type.name
        self.is_floating_point, self.is_complex = self.kind in "fV", self.kind == "c"
        self.is_signed = self.kind in "ifcV"
        return _known.setdefault(numpy_type, self)  # another thread may have been faster

    def to_real(self) -> "DType":
        """Return the type of the parts of complex numbers, and any other type unchanged."""
        return real_type(self)

    def to_complex(self) -> "DType":
        """Return the type of complex numbers with parts of this type."""
        return complex_type(self)

    def __eq__(self, other: object) -> bool:
        if self is other or isinstance(other, DType):
            return self is other
        return other is not None and bool(self.dtype == other)  # for NumPy, None is float64

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return DType, (self.dtype,)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"minicnn.{self.name}"


float16 = DType(np.float16)
float32 = DType(np.float32)
float64 = DType(np.float64)
int8 = DType(np.int8)
int16 = DType(np.int16)
int32 = DType(np.int32)
int64 = DType(np.int64)
uint8 = DType(np.uint8)
bool_ = DType(np.bool_)

complex64 = DType(np.complex64)
complex128 = DType(np.complex128)

# A name with which programs compare; there are no tensors of this type.
bfloat16 = DType([("bfloat16", np.uint16)])

default_dtype = float32

_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
_COMPLEX = 3


def category(dtype: DType | np.dtype[Any]) -> int:
    """Return the category of an element type: 0 for bool, 1 for integers, 2 for floating point, 3 for complex.

    Raises
    ------
    DTypeError
        For strings and objects, and for complex numbers of 256 bits.
    """
    if dtype.kind not in _CATEGORY or dtype.itemsize > complex128.itemsize:
        raise DTypeError(f"tensor: element type {dtype} is not supported; use bool, an integer, float or complex type")
    return _CATEGORY[dtype.kind]


def scalar_dtype(value: complex) -> DType:
    """Return the element type of a Python number: bool, int64, or the default float or complex type."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    return default_dtype if isinstance(value, float) else complex64


def complex_type(dtype: DType) -> DType:
    """Return the type of complex numbers with parts of this type; complex64 for bools, integers and float16."""
    return complex128 if dtype in (float64, complex128) else complex64


def real_type(dtype: DType) -> DType:
    """Return the type of the parts of complex numbers, and any other type unchanged."""
    return dtype if dtype.kind != "c" else float32 if dtype == complex64 else float64


def _join(a: DType, b: DType) -> DType:
    if category(a) < category(b):
        a, b = b, a
    if category(a) == category(b) or (category(a) == _COMPLEX and category(b) == _COMPLEX - 1):
        return DType(np.promote_types(a, b))
    return a


def result_type(axes: list[DType], zero_d: list[DType], numbers: list[DType]) -> DType:
    """Return the common element type of tensors with axes, 0-d tensors and Python numbers.

    Examples
    --------
    >>> result_type([int64], [], [float32])
    minicnn.float32
    >>> result_type([float32], [float64], [])
    minicnn.float32
    """
    result: DType | None = None
    for group in (axes, zero_d, numbers):
        joined: DType | None = None
        for dtype in group:
            joined = dtype if joined is None else _join(joined, dtype)
        if joined is not None and (result is None or category(joined) > category(result)):
            wide = result is not None and result.kind == "f" and joined.kind == "c"
            result = complex_type(result) if wide and result is not None else joined
    return default_dtype if result is None else DType(result)


class finfo:  # noqa: N801 (PyTorch's name)
    """The limits of a floating-point type, as Python floats: bits, eps, max, min, tiny, smallest_normal, resolution.

    Parameters
    ----------
    type : dtype, optional
        By default float32.

    Raises
    ------
    DTypeError
        If it is no floating-point type.

    Examples
    --------
    >>> finfo(float16).max
    65504.0
    """

    def __init__(self, type: DType = default_dtype) -> None:
        try:
            info = np.finfo(float32 if type == bfloat16 else type)
        except ValueError as error:
            raise DTypeError(f"finfo: expected a floating-point type, got {type}") from error
        self.dtype = "bfloat16" if type == bfloat16 else str(info.dtype)
        self.bits, self.tiny = int(info.bits), float(info.tiny)
        self.eps, self.max, self.resolution = float(info.eps), float(info.max), float(info.resolution)
        if type == bfloat16:  # float32 with 8 binary digits instead of 24
            self.bits, self.eps, self.max, self.resolution = 16, 2.0**-7, (2 - 2.0**-7) * 2.0**127, 0.01
        self.min, self.smallest_normal = -self.max, self.tiny

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{name}={getattr(self, name):g}' for name in names)}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)
