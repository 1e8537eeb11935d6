"""Methods of Tensor that are public functions, by module; `ops/methods.py` attaches them."""

from collections.abc import Callable
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.ops import (
    arithmetic,
    arrangement,
    assembly,
    bessel,
    closeness,
    comparison,
    complex_numbers,
    counting,
    elementary,
    elementwise,
    incomplete_gamma,
    masks,
    products,
    random,
    scans,
    scatter,
    shape,
    slices,
    sorting,
    special,
    spectrogram,
    statistics,
    strided,
    triangles,
    view_writes,
)
from minicnn.ops.axes import sizes_of

__all__ = ["FUNCTION_METHODS", "OwnMethods"]

# fmt: off
_FUNCTIONS = {
    bessel: (
        "i0",
    ),
    incomplete_gamma: (
        "igamma", "igammac",
    ),
    spectrogram: (
        "istft", "stft",
    ),
    view_writes: (
        "diagflat", "diagonal_scatter", "select_scatter", "slice_scatter",
    ),
    random: (
        "multinomial",
    ),
    arrangement: (
        "moveaxis", "ravel", "swapdims",
    ),
    complex_numbers: (
        "adjoint", "angle", "conj", "conj_physical", "isreal", "resolve_conj", "resolve_neg",
    ),
    assembly: (
        "fliplr", "flipud", "repeat_interleave", "rot90", "tensor_split",
    ),
    statistics: (
        "aminmax", "corrcoef", "cov", "cummax", "cummin", "dist", "nanmean", "nansum", "renorm",
    ),
    scans: (
        "cumprod", "cumsum", "diff", "logcumsumexp",
    ),
    shape: (
        "broadcast_to",
    ),
    elementwise: (
        "floor_divide", "sgn", "trunc",
    ),
    closeness: (
        "allclose", "equal", "isclose", "isinf", "isneginf", "isposinf",
    ),
    arithmetic: (
        "absolute", "addcdiv", "addcmul", "bitwise_left_shift", "bitwise_right_shift", "clamp_max", "clamp_min",
        "copysign", "deg2rad", "divide", "fix", "float_power", "fmod", "frac", "gcd", "greater", "greater_equal",
        "heaviside", "lcm", "ldexp", "lerp", "less", "less_equal", "multiply", "nan_to_num", "negative",
        "not_equal", "rad2deg", "reciprocal", "subtract", "true_divide", "fmax", "fmin", "positive",
        "signbit",
    ),
    special: (
        "digamma", "erfc", "erfinv", "lgamma", "logit", "mvlgamma", "sinc", "xlogy",
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


class OwnMethods:
    """Methods that have other arguments than the function."""

    def hsplit(self: Any, *indices_or_sections: Any) -> tuple[Tensor, ...]:
        """Split along the second axis; arguments and errors as in `hsplit`."""
        return assembly.hsplit(self, _one_or_all(indices_or_sections))

    def vsplit(self: Any, *indices_or_sections: Any) -> tuple[Tensor, ...]:
        """Split along the first axis; arguments and errors as in `vsplit`."""
        return assembly.vsplit(self, _one_or_all(indices_or_sections))

    def dsplit(self: Any, *indices_or_sections: Any) -> tuple[Tensor, ...]:
        """Split along the third axis; arguments and errors as in `dsplit`."""
        return assembly.dsplit(self, _one_or_all(indices_or_sections))

    def polygamma(self: Any, n: Any) -> Tensor:
        """Return the n-th derivative of `digamma`."""
        return special.polygamma(n, self)

    def where(self: Any, condition: Tensor, other: Any) -> Tensor:
        """Return the elements where the condition is true, and those of `other` elsewhere."""
        return comparison.where(condition, self, other)

    def count_nonzero(self: Any, *dims: Any, dim: Any = None) -> Tensor:
        """Return the number of elements that are not 0, along one axis or several, or of all elements."""
        named = dims if dim is None else (dim,)
        return statistics.count_nonzero(self, sizes_of("count_nonzero", named) if named else None)


def _one_or_all(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else values
