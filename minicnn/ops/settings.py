"""Settings of PyTorch that programs set, and questions about element types.

Most settings cannot be chosen here: results are always deterministic, and the default element type is float32. A value
that is already so is accepted; another one is refused with the reason.
"""

from typing import Any

from minicnn import dtypes
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, default_dtype, scalar_dtype
from minicnn.errors import ArgumentError
from minicnn.ops.typed import TypedTensor

__all__ = [
    "are_deterministic_algorithms_enabled",
    "can_cast",
    "get_float32_matmul_precision",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "promote_types",
    "result_type",
    "set_default_dtype",
    "set_default_tensor_type",
    "set_float32_matmul_precision",
    "typename",
    "use_deterministic_algorithms",
]

_noted: dict[str, Any] = {"deterministic": False, "precision": "highest"}


def set_default_dtype(d: DType, /) -> None:
    """Accept float32, the type of new tensors of Python floats.

    Raises
    ------
    ArgumentError
        For another type.
    """
    if d != default_dtype:
        raise ArgumentError(f"set_default_dtype: the default is always {default_dtype}; pass dtype={d} where needed")


def set_default_tensor_type(t: Any, /) -> None:
    """Accept `FloatTensor`, the type of new tensors.

    Raises
    ------
    ArgumentError
        For another type.
    """
    name = t.__name__ if isinstance(t, TypedTensor) else str(t).removeprefix("torch.")
    if name != "FloatTensor" or (isinstance(t, TypedTensor) and not t.device.on_host):
        raise ArgumentError(
            f"set_default_tensor_type: new tensors are float32 on the CPU; pass dtype= and device= instead of {t}"
        )


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Note the mode; all algorithms are deterministic anyway."""
    _noted["deterministic"] = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """Return the mode that `use_deterministic_algorithms` noted."""
    return bool(_noted["deterministic"])


def set_float32_matmul_precision(precision: str) -> None:
    """Note the precision; products of float32 are computed in float32 anyway."""
    _noted["precision"] = precision


def get_float32_matmul_precision() -> str:
    """Return the precision that `set_float32_matmul_precision` noted."""
    return str(_noted["precision"])


# --- questions ------------------------------------------------------------------------------------------------


def promote_types(type1: DType, type2: DType) -> DType:
    """Return the element type of a result of tensors of two types.

    Examples
    --------
    >>> promote_types(dtypes.int64, dtypes.float32)
    minicnn.float32
    """
    return dtypes.result_type([DType(type1), DType(type2)], [], [])


def result_type(tensor: Any, other: Any) -> DType:
    """Return the element type of a result of two tensors or numbers."""
    axes: list[DType] = []
    zero_d: list[DType] = []
    numbers: list[DType] = []
    for value in (tensor, other):
        if isinstance(value, Tensor):
            (axes if value.ndim else zero_d).append(value.dtype)
        else:
            numbers.append(scalar_dtype(value))
    return dtypes.result_type(axes, zero_d, numbers)


def can_cast(from_: DType, to: DType) -> bool:
    """Return whether values of a type may be written into a tensor of another one: not from floats to integers."""
    return dtypes.category(DType(from_)) <= dtypes.category(DType(to))


def is_signed(input: Tensor) -> bool:
    """Return whether the elements of a tensor can be negative."""
    return input.dtype.kind in "ifc"


def is_nonzero(input: Tensor) -> bool:
    """Return whether the only element of a tensor is not 0."""
    return bool(input)


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape."""
    return input.shape == other.shape


def typename(obj: Any, /) -> str:
    """Return the name of the type of an object: of a tensor its older name, such as "torch.FloatTensor"."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = type(obj)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
