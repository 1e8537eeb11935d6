"""Methods of Tensor that are public functions and nothing else, by module; `ops/methods.py` attaches them."""

from collections.abc import Callable
from typing import Any

from minicnn.ops import arithmetic, counting, masks, products, scatter, slices, sorting, strided, triangles

__all__ = ["FUNCTION_METHODS"]

# fmt: off
_FUNCTIONS = {
    products: (
        "addbmm", "addmm", "addmv", "addr", "baddbmm", "cross", "ger", "inner", "kron", "vdot",
    ),
    triangles: (
        "trace", "tril", "triu",
    ),
    strided: (
        "as_strided", "diag", "diag_embed", "diagonal",
    ),
    arithmetic: ("lerp",),
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
