"""Methods of Tensor that are public functions and nothing else, by module; `ops/methods.py` attaches them."""

from collections.abc import Callable
from typing import Any

from minicnn.ops import (
    arithmetic,
    closeness,
    counting,
    elementary,
    elementwise,
    masks,
    products,
    scans,
    scatter,
    shape,
    slices,
    sorting,
    special,
    statistics,
    strided,
    triangles,
)

__all__ = ["FUNCTION_METHODS"]

# fmt: off
_FUNCTIONS = {
    statistics: (
        "aminmax", "cummax", "cummin", "dist", "nanmean", "nansum", "renorm",
    ),
    scans: (
        "cumprod", "cumsum", "diff", "logcumsumexp",
    ),
    shape: (
        "broadcast_to",
    ),
    elementwise: (
        "floor_divide", "trunc",
    ),
    closeness: (
        "allclose", "equal", "isclose", "isinf", "isneginf", "isposinf", "isreal",
    ),
    arithmetic: (
        "absolute", "addcdiv", "addcmul", "bitwise_left_shift", "bitwise_right_shift", "clamp_max", "clamp_min",
        "copysign", "deg2rad", "divide", "fix", "float_power", "fmod", "frac", "gcd", "greater", "greater_equal",
        "heaviside", "lcm", "ldexp", "lerp", "less", "less_equal", "multiply", "nan_to_num", "negative",
        "not_equal", "rad2deg", "reciprocal", "sgn", "subtract", "true_divide", "fmax", "fmin", "positive",
        "signbit",
    ),
    special: (
        "digamma", "erfc", "erfinv", "lgamma", "logit", "sinc", "xlogy",
    ),
    elementary: (
        "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh",
        "atan", "atan2", "atanh", "cosh", "exp2", "hypot", "log2", "log10", "sinh", "tan", "logaddexp",
        "logaddexp2",
    ),
    products: (
        "addbmm", "addmm", "addmv", "addr", "baddbmm", "cross", "ger", "inner", "kron", "vdot",
    ),
    triangles: (
        "trace", "tril", "triu",
    ),
    strided: (
        "as_strided", "diag", "diag_embed", "diagonal",
    ),
    counting: ("bincount", "histc", "unique", "unique_consecutive"),
    masks: ("argwhere", "masked_fill", "masked_scatter", "masked_select", "nonzero"),
    scatter: ("gather", "scatter", "scatter_add", "scatter_reduce", "take", "take_along_dim"),
    slices: ("index_add", "index_copy", "index_fill", "index_put", "index_select", "put"),
    sorting: (
        "argsort", "kthvalue", "median", "mode", "msort", "nanmedian", "nanquantile", "quantile", "sort", "topk",
    ),
}
# fmt: on

FUNCTION_METHODS: dict[str, Callable[..., Any]] = {
    name: getattr(module, name) for module, names in _FUNCTIONS.items() for name in names
}
FUNCTION_METHODS["unfold"] = strided._unfold  # `nn.functional.unfold` is another function
