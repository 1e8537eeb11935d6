"""In-place forms of functions: `x.f_(...)` gives x the values of `f(x, ...)`. All of them are made here, by `_form`.

`in_place` checks the shape and the element type of the result, and keeps the graph.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.ops import (
    activation,
    arithmetic,
    bessel,
    comparison,
    elementary,
    elementwise,
    exponentials,
    incomplete_gamma,
    masks,
    products,
    scans,
    scatter,
    slices,
    special,
    statistics,
    triangles,
)
from minicnn.ops.in_place import in_place

__all__ = ["IN_PLACE_FORMS"]


def _form(function: Callable[..., Tensor], name: str) -> Callable[..., Tensor]:
    """Return the in-place form of a function."""

    @wraps(function, updated=())
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return in_place(self, lambda x: function(x, *args, **kwargs))

    method.__name__, method.__qualname__, method.__module__ = name, f"Tensor.{name}", __name__
    method.__doc__ = f"Give the tensor the values of `{name[:-1]}`, in place; arguments and errors as in `{name[:-1]}`."
    return method


# fmt: off
_FUNCTIONS = {
    statistics: (
        "renorm",
    ),
    scans: (
        "cumprod", "cumsum",
    ),
    activation: (
        "erf", "sigmoid",
    ),
    comparison: (
        "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "eq", "ge", "gt", "le", "logical_and",
        "logical_not", "logical_or", "logical_xor", "lt", "ne",
    ),
    exponentials: (
        "cos", "exp", "expm1", "log", "log1p", "pow", "rsqrt", "sin", "sqrt", "tanh",
    ),
    elementwise: (
        "abs", "ceil", "floor", "floor_divide", "neg", "remainder", "round", "sgn", "sign", "square", "trunc",
    ),
    arithmetic: (
        "absolute", "addcdiv", "addcmul", "bitwise_left_shift", "bitwise_right_shift", "clamp_max", "clamp_min",
        "copysign", "deg2rad", "divide", "fix", "float_power", "fmod", "frac", "gcd", "greater", "greater_equal",
        "heaviside", "lcm", "ldexp", "lerp", "less", "less_equal", "multiply", "nan_to_num", "negative",
        "not_equal", "rad2deg", "reciprocal", "subtract", "true_divide", "clip",
    ),
    special: (
        "digamma", "erfc", "erfinv", "lgamma", "logit", "mvlgamma", "sinc", "xlogy",
    ),
    bessel: (
        "i0",
    ),
    incomplete_gamma: (
        "igamma", "igammac",
    ),
    elementary: (
        "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh",
        "atan", "atan2", "atanh", "cosh", "exp2", "hypot", "log2", "log10", "sinh", "tan",
    ),
    products: (
        "addbmm", "addmm", "addmv", "addr", "baddbmm",
    ),
    triangles: (
        "tril", "triu",
    ),
    masks: ("masked_fill", "masked_scatter"),
    scatter: ("scatter", "scatter_add", "scatter_reduce"),
    slices: ("index_add", "index_copy", "index_fill", "index_put", "put"),
}
# fmt: on

IN_PLACE_FORMS = {
    f"{name}_": _form(getattr(module, name), f"{name}_") for module, names in _FUNCTIONS.items() for name in names
}
