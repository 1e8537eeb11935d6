"""Functions that check the axes and sizes of a call and bring them to one form.

Users may count axes from the end (-1), and write sizes as f(2, 3) or f((2, 3)); the operations see tuples of int >= 0.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from operator import index
from typing import Any, ParamSpec, TypeVar

from minicnn.errors import DTypeError, OutOfRangeError, ShapeError

__all__ = ["axes_of", "axis_of", "check_keepdim", "named_axes", "numpy_names", "sizes_by_name", "sizes_of"]

P = ParamSpec("P")
R = TypeVar("R")


def numpy_names(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function accept NumPy's names of two arguments, `axis` for `dim` and `keepdims` for `keepdim`.

    NumPy's own functions, as in ``np.sum(x)``, call the method of the tensor, and pass ``out=None``.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs:
            for numpy_name, name in (("axis", "dim"), ("keepdims", "keepdim")):
                if numpy_name in kwargs:
                    if name in kwargs:
                        raise TypeError(f"{function.__name__}: {name} and {numpy_name} mean the same; give one of them")
                    kwargs[name] = kwargs.pop(numpy_name)
            if kwargs.get("out", 0) is None:
                del kwargs["out"]
        return function(*args, **kwargs)

    return call


def sizes_by_name(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function f(*sizes) accept its sizes by PyTorch's name too: `f(size=(2, 3))`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if name in kwargs:
                return function(*args, kwargs.pop(name), **kwargs)  # type: ignore[arg-type]
            return function(*args, **kwargs)

        return call

    return decorate


def axis_of(call: str, dim: int, ndim: int) -> int:
    """Return the axis `dim` as a number >= 0; a 0-d tensor counts as a tensor with one axis.

    Raises
    ------
    OutOfRangeError
        If the axis does not exist.
    ShapeError
        If `dim` is not an integer.
    """
    try:
        dim = index(dim)
    except TypeError as error:
        raise ShapeError(f"{call}: dim must be an integer, got {dim!r}") from error
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise OutOfRangeError(f"{call}: dim={dim} is out of range for a tensor of {ndim} axes")
    return dim % ndim if ndim else 0


def axes_of(call: str, dim: int | Sequence[int] | None, ndim: int, keepdim: bool = False) -> tuple[int, ...]:
    """Return the axes of `dim` as sorted numbers >= 0; None and an empty sequence mean all axes.

    Raises
    ------
    ShapeError
        If an axis does not exist, or appears twice.
    DTypeError
        If `keepdim` is not a bool.
    """
    return named_axes(call, dim, ndim, keepdim) or tuple(range(ndim))


def named_axes(call: str, dim: int | Sequence[int] | None, ndim: int, keepdim: bool = False) -> tuple[int, ...]:
    """Return the axes of `dim` as sorted numbers >= 0; None means all axes, and an empty sequence none.

    Raises
    ------
    ShapeError
        If an axis does not exist, or appears twice.
    DTypeError
        If `keepdim` is not a bool.
    """
    check_keepdim(call, keepdim)
    if dim is None:
        return tuple(range(ndim))
    dims = tuple(dim) if isinstance(dim, Iterable) else (dim,)
    axes = tuple(sorted(axis_of(call, d, ndim) for d in dims))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{call}: dim={dim} names an axis twice")
    return axes if ndim else ()


def check_keepdim(call: str, keepdim: bool) -> None:
    """Raise DTypeError if `keepdim` is not a bool: x.sum(1, 2) does not mean two axes."""
    if keepdim is not False and keepdim is not True:
        raise DTypeError(f"{call}: keepdim must be a bool, got {keepdim!r}; write several axes as dim=(1, 2)")


def sizes_of(call: str, args: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the sizes of a call f(2, 3), f((2, 3)) or f([2, 3]) as a tuple.

    Raises
    ------
    ShapeError
        If a size is not an integer.
    """
    sizes = args[0] if len(args) == 1 and not hasattr(args[0], "__index__") else args
    try:
        return tuple(index(s) for s in sizes)
    except TypeError as error:
        raise ShapeError(f"{call}: sizes must be integers, got {sizes!r}") from error
