"""Maximum pooling that also returns the positions of the maxima, under PyTorch's other names.

Each function is the one without ``_with_indices``, with ``return_indices=True``.
"""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.nn.functional import max_pool, pool

__all__ = [
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d_with_indices",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d_with_indices",
    "max_pool1d_with_indices",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
]

Pair = tuple[Tensor, Tensor]


def _with_indices(function: Callable[..., Any]) -> Callable[..., Pair]:
    """Return the function with return_indices=True, under the name of PyTorch's."""
    parameters = signature(function)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Pair:
        given = parameters.bind(*args, **kwargs)
        given.arguments["return_indices"] = True
        found: Pair = function(*given.args, **given.kwargs)
        return found

    call.__name__ = call.__qualname__ = f"{function.__name__}_with_indices"
    call.__module__ = __name__
    call.__doc__ = f"Return the maxima and their positions; arguments and errors as in `{function.__name__}`."
    return call


max_pool1d_with_indices = _with_indices(pool.max_pool1d)
max_pool2d_with_indices = _with_indices(pool.max_pool2d)
max_pool3d_with_indices = _with_indices(pool.max_pool3d)
adaptive_max_pool1d_with_indices = _with_indices(max_pool.adaptive_max_pool1d)
adaptive_max_pool2d_with_indices = _with_indices(max_pool.adaptive_max_pool2d)
adaptive_max_pool3d_with_indices = _with_indices(max_pool.adaptive_max_pool3d)
fractional_max_pool2d_with_indices = _with_indices(max_pool.fractional_max_pool2d)
fractional_max_pool3d_with_indices = _with_indices(max_pool.fractional_max_pool3d)
