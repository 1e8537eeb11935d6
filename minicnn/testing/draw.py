"""Drawing the inputs and parameters of primitives with Hypothesis.

Hypothesis chooses shapes, parameters and memory layouts; the values come from a generator that it seeds. Where finite
differences will be taken, values are smooth: they keep away from kinks. Otherwise they are multiples of 1/8, so that
ties and zeros are common, and float32 and float64 decide alike.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from minicnn.errors import MissingPackageError

__all__ = ["Case", "Draw", "cases", "declare", "declared", "nothing_is_empty"]

Array = np.ndarray[Any, Any]
Drawn = tuple[Array | tuple[Array, ...], dict[str, Any]]  # inputs and parameters

LARGE = 20_000  # elements of a large array, at least
KINK = 0.05  # how far smooth values keep from kinks, many times the step of the finite differences


@dataclass(frozen=True)
class Case:
    """Inputs and parameters of one call; floating-point inputs are float64."""

    operation: str
    inputs: tuple[Array, ...]
    params: dict[str, Any]

    def cast(self, dtype: Any) -> tuple[Array, ...]:
        """Return the inputs with floats as another type, in the same memory layout."""
        return tuple(_like(x, x.astype(dtype)) if x.dtype.kind == "f" else x for x in self.inputs)


@contextmanager
def nothing_is_empty() -> Iterator[None]:
    """Let `numpy.empty` return NaN (of integers the largest, true) inside a `with` block: what a kernel forgets shows.

    Examples
    --------
    >>> with nothing_is_empty():
    ...     np.empty(2), np.empty(2, np.uint8)
    (array([nan, nan]), array([255, 255], dtype=uint8))
    """
    before = np.empty

    def full(*args: Any, **kwargs: Any) -> Array:
        a = before(*args, **kwargs)
        if a.dtype.kind in "fiub":
            a.fill(np.nan if a.dtype.kind == "f" else True if a.dtype.kind == "b" else np.iinfo(a.dtype).max)
        return a

    setattr(np, "empty", full)  # noqa: B010 (a type checker takes it for a constant)
    try:
        yield
    finally:
        setattr(np, "empty", before)  # noqa: B010


def declared() -> set[str]:
    """Return the names of all primitives that can be drawn."""
    return set(_declarations)


def cases(operation: str, smooth: bool = False, large: bool = False) -> Any:
    """Return a Hypothesis strategy of Cases of one primitive.

    Parameters
    ----------
    operation : str
        The primitive's name.
    smooth : bool
        Keep the values away from kinks and steps, for finite differences.
    large : bool
        Draw arrays that keep all loops of a kernel and several threads busy.

    Raises
    ------
    MissingPackageError
        If Hypothesis is not installed.
    """
    try:
        from hypothesis import strategies
    except ImportError as error:
        raise MissingPackageError("testing: needs Hypothesis; pip install 'minicnn[dev]'") from error

    @strategies.composite
    def draw_case(draw: Callable[[Any], Any]) -> Case:
        inputs, params = _declarations[operation](Draw(draw, strategies, smooth, large))
        return Case(operation, inputs if isinstance(inputs, tuple) else (inputs,), params)

    return draw_case()


class Draw:
    """What a declaration draws with; the names say what they give."""

    def __init__(self, draw: Callable[[Any], Any], strategies: Any, smooth: bool, large: bool = False) -> None:
        self._draw, self._strategies, self.smooth, self.large = draw, strategies, smooth, large
        self._rng = np.random.default_rng(self.integer(0, 2**16))

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return int(self._draw(self._strategies.integers(low, high)))

    def boolean(self) -> bool:
        """True or false."""
        return bool(self._draw(self._strategies.booleans()))

    def one_of(self, *choices: Any) -> Any:
        """One of the choices; the first is the simplest."""
        return self._draw(self._strategies.sampled_from(choices))

    def shape(self, low: int = 0, high: int = 3, sizes: Sequence[int] = (2, 1, 3, 5, 0)) -> tuple[int, ...]:
        """A shape of so many axes."""
        shape = tuple(self.one_of(*sizes) for _ in range(self.integer(low, high)))
        return self._grown(shape) if self.large else shape

    def _grown(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Some of the axes longer, but for those of one element: LARGE elements and more."""
        grown, axes = list(shape), [axis for axis, size in enumerate(shape) if size > 1]
        while axes and 0 < prod(grown) < LARGE:
            axis = self.one_of(*axes)
            grown[axis] = grown[axis] * self.one_of(64, 16, 5, 3) + self.one_of(0, 1)
        return tuple(grown)

    def order(self, n: int) -> tuple[int, ...]:
        """A permutation of 0 ... n - 1."""
        return tuple(self._draw(self._strategies.permutations(range(n))))

    def choice(self, n: int, size: int, repeats: bool) -> Array:
        """So many of 0 ... n - 1, with repetitions or without."""
        return self._rng.integers(0, n, size) if repeats else self._rng.permutation(n)[:size]

    def axes(self, ndim: int) -> tuple[int, ...]:
        """Some axes, in order; at least one, if there is one."""
        chosen = tuple(i for i in range(ndim) if self.boolean())
        return chosen or tuple(range(min(ndim, 1)))

    def array(self, shape: tuple[int, ...], low: float = -2.0, high: float = 2.0, kinks: Sequence[float] = ()) -> Array:
        """Floats between low and high, when smooth not near a kink, in any memory layout."""
        if not self.smooth:
            x = self._rng.integers(int(np.ceil(low * 8)), int(high * 8), shape, endpoint=True) / 8
            return self.layout(x)
        x = np.asarray(self._rng.uniform(low, high, shape))
        for kink in kinks:
            near = np.abs(x - kink) < KINK
            x[near] = kink + np.where(x[near] < kink, -1, 1) * self._rng.uniform(KINK, 2 * KINK, near.sum())
        return self.layout(x)

    def distinct(self, shape: tuple[int, ...]) -> Array:
        """Floats for a maximum: when smooth, no two are near each other."""
        if not self.smooth:
            return self.with_nan(self.array(shape))
        n = int(np.prod(shape))
        return self.layout((self._rng.permutation(n).reshape(shape) - n / 2) * KINK)

    def with_nan(self, x: Array) -> Array:
        """Now and then, unless smooth, some of the elements replaced by NaN."""
        if not self.smooth and self.one_of(False, False, True):
            x = x.copy()
            x[self._rng.random(x.shape) < 0.2] = np.nan
        return x

    def integers(self, shape: tuple[int, ...], low: int = -3, high: int = 3, dtype: Any = np.int64) -> Array:
        """Integers from low to high, in any memory layout."""
        return self.layout(np.asarray(self._rng.integers(low, high, shape, endpoint=True), dtype))

    def bools(self, shape: tuple[int, ...]) -> Array:
        """Bools, in any memory layout."""
        return self.layout(self._rng.random(shape) < 0.5)

    def anything(self, shape: tuple[int, ...]) -> Array:
        """Floats, integers, small integers or bools."""
        kind = self.one_of("float", "int64", "uint8", "bool")
        if kind == "float":
            return self.array(shape)
        return self.bools(shape) if kind == "bool" else self.integers(shape, 0, 3, kind)

    def broadcast(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts to the given one."""
        kept = tuple(1 if self.boolean() else s for s in shape)
        return kept[self.integer(0, len(shape)) :] if self.boolean() else kept

    def layout(self, x: Array) -> Array:
        """The same values in memory of another order: Fortran's, backwards, with gaps, or read-only."""
        x = np.array(x)
        kind = self.one_of("plain", "fortran", "backwards", "gaps", "read-only")
        if kind == "fortran":
            return np.array(x, order="F")
        if kind == "backwards":
            return _like(np.empty(x.shape)[(slice(None, None, -1),) * x.ndim], x)
        if kind == "gaps":
            return _like(np.empty([2 * s for s in x.shape])[(slice(None, None, 2),) * x.ndim], x)
        x.flags.writeable = kind != "read-only"
        return x


def _like(pattern: Array, values: Array) -> Array:
    """Return the values in new memory, laid out as the pattern is; all unused memory around them is NaN or -1."""
    strides = [s // pattern.itemsize for s in pattern.strides]
    reach = [(n - 1) * s for n, s in zip(pattern.shape, strides, strict=True)]
    if not values.size or any(s == 0 for s in strides):
        return values.copy()
    start = -sum(min(r, 0) for r in reach)
    memory = np.full(start + sum(max(r, 0) for r in reach) + 1, True if values.dtype.kind == "b" else 255, values.dtype)
    if values.dtype.kind == "f":
        memory[:] = np.nan
    out = np.lib.stride_tricks.as_strided(memory[start:], values.shape, [s * memory.itemsize for s in strides])
    out[...] = values
    if not pattern.flags.writeable:
        out.flags.writeable = False
    return out


_declarations: dict[str, Callable[[Draw], Drawn]] = {}


def declare(*operations: str) -> Callable[[Callable[[Draw], Drawn]], Callable[[Draw], Drawn]]:
    """Say how inputs and parameters of these primitives are drawn."""

    def register(function: Callable[[Draw], Drawn]) -> Callable[[Draw], Drawn]:
        _declarations.update(dict.fromkeys(operations, function))
        return function

    return register
