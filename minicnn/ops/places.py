"""The arguments `dtype=` and `device=` of functions that create or convert tensors."""

from collections.abc import Callable
from functools import wraps
from reprlib import repr as repr_short
from typing import Any, ParamSpec, TypeVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, MiniCNNError
from minicnn.runtime.devices import CPU, Device

__all__ = ["Place", "checked", "conversion", "options_like", "place_of", "placed"]

P = ParamSpec("P")
R = TypeVar("R")
Place = str | Device | None


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Convert an exception of the array module to a DTypeError or ArgumentError that shows the user's call.

    `layout` and `pin_memory`, which have no effect, are taken out of the arguments.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in ("layout", "pin_memory"):
            kwargs.pop(name, None)
        try:
            return function(*args, **kwargs)
        except MiniCNNError:
            raise
        except (TypeError, ValueError, ArithmeticError) as error:
            kind = DTypeError if isinstance(error, TypeError) else ArgumentError
            given = ", ".join([*map(repr_short, args), *(f"{name}={repr_short(v)}" for name, v in kwargs.items())])
            raise kind(f"{function.__name__}: {error}; got {function.__name__}({given})") from error

    return call


def place_of(device: Place) -> Device:
    """Return the device, by default the CPU."""
    return CPU if device is None else Device.named(device)


def placed(array: Any, device: Place, requires_grad: bool = False) -> Tensor:
    """Return an array as a tensor on the device."""
    return Tensor._of(array, requires_grad=requires_grad, device=place_of(device))


def options_like(input: Tensor, dtype: Any, device: Place) -> dict[str, Any]:
    """Return the element type and device of new tensors: the given ones, or those of input."""
    return {"dtype": dtype or input.dtype, "device": device or input.device}


def conversion(args: tuple[Any, ...], dtype: Any, device: Any, copy: bool = False) -> tuple[Any, Any, bool]:
    """Return the element type, the device and `copy` of the arguments of `to`, which may stand in several orders.

    They are (device, dtype, non_blocking, copy), (dtype, non_blocking, copy) or (tensor, non_blocking, copy).
    """
    flags = [arg for arg in args if isinstance(arg, bool)]
    for arg in args:
        if isinstance(arg, Tensor):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, str | Device):
            device = arg
        elif arg is not None and not isinstance(arg, bool):
            dtype = arg
    return dtype, device, flags[1] if len(flags) > 1 else copy
