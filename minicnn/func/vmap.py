"""`vmap`: a function for one example becomes one for a batch."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.func.trees import leaves, mapped, mapped_together
from minicnn.ops.indexing import stack
from minicnn.runtime import random

__all__ = ["vmap"]


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that calls `func` for each example of a batch and stacks the results.

    PyTorch computes all examples at once; here they come one after another, with equal results.

    Parameters
    ----------
    func : callable
    in_dims : int, None, or a tree of them
        The axis of the batch in each argument; None for an argument that is the same for all examples, as arguments
        by name are.
    out_dims : int or None, or a tuple of them
        The axis of the batch in each result; None for a result that is the same for all examples.
    randomness : "error", "different" or "same"
        Whether random numbers are refused, are others for each example, or the same ones.
    chunk_size
        No effect.

    Raises
    ------
    ArgumentError
        If `randomness` is another word. In the call: if `in_dims` does not fit the arguments, all of them are None, or
        random numbers were drawn where they are refused.
    ShapeError
        In the call: if an axis does not exist, or the sizes of the batches differ or are 0.
    DTypeError
        In the call: if a result is no tensor.

    Examples
    --------
    >>> import minicnn
    >>> vmap(minicnn.dot)(minicnn.ones(3, 2), minicnn.ones(3, 2)).tolist()
    [2.0, 2.0, 2.0]
    """
    if randomness not in ("error", "different", "same"):
        raise ArgumentError(f"vmap: randomness must be 'error', 'different' or 'same', got {randomness!r}")

    @wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        parts = _unbound(in_dims, args)
        batched = {len(p) for p, dim in parts if dim is not None}
        if not batched:
            raise ArgumentError("vmap: no argument has an axis of the batch; in_dims must name one")
        if len(batched) > 1 or batched == {0}:
            raise ShapeError(f"vmap: the batches must have one size, of at least 1, got {sorted(batched)}")
        start = random.get_rng_state() if randomness != "different" else {}
        results = []
        for i in range(batched.pop()):
            if randomness == "same" and i:
                random.set_rng_state(start)
            results.append(func(*_example(args, parts, i), **kwargs))
        if randomness == "error" and random.get_rng_state() != start:
            raise ArgumentError("vmap: the function draws random numbers; choose randomness='different' or 'same'")
        return _stacked(results, out_dims)

    return call


def _size(value: Any, dim: int) -> int:
    if not isinstance(value, Tensor):
        raise ArgumentError(f"vmap: in_dims has {dim} for a {type(value).__name__}; only tensors have axes: use None")
    if not -value.ndim <= dim < value.ndim:
        raise ShapeError(f"vmap: in_dims has the axis {dim} for a tensor of shape {value.shape}")
    return value.shape[dim]


def _unbound(in_dims: Any, args: tuple[Any, ...]) -> list[tuple[Any, int | None]]:
    """Return each leaf of the arguments with its axis; one with an axis is a list of slices."""
    if isinstance(in_dims, tuple | list) and len(in_dims) != len(args):
        raise ArgumentError(f"vmap: in_dims={in_dims} does not fit {len(args)} arguments")
    found: list[tuple[Any, int | None]] = []

    def take(value: Any, dim: int | None) -> None:
        if dim is not None:
            _size(value, dim)
        found.append((value if dim is None else value.unbind(dim), dim))

    try:
        mapped_together(take, args, in_dims)
    except ValueError as error:
        if isinstance(error, ArgumentError | ShapeError):
            raise
        raise ArgumentError(f"vmap: in_dims: {error}") from error
    return found


def _example(args: tuple[Any, ...], parts: list[tuple[Any, int | None]], i: int) -> list[Any]:
    """Return the arguments of example i."""
    values = iter([p if dim is None else p[i] for p, dim in parts])
    return [mapped(lambda _: next(values), a) for a in args]


def _stacked(results: list[Any], out_dims: Any) -> Any:
    """Return the results of all examples as one tree of tensors."""
    columns = zip(*(list(leaves(r)) for r in results), strict=True)

    def joined(value: Any, dim: int | None) -> Tensor:
        if not isinstance(value, Tensor):
            raise DTypeError(f"vmap: the function must return tensors, got a {type(value).__name__}")
        return next(columns)[0] if dim is None else stack(list(next(columns)), dim)

    return mapped_together(joined, results[0], out_dims)
