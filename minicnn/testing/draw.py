"""Draws random inputs and parameters of primitives with Hypothesis.

Hypothesis chooses shapes, parameters and memory layouts, and seeds a NumPy generator for the values. For tests with
finite differences, values are "smooth": they are not near a point where the function has no derivative (a kink).
Otherwise values are multiples of 1/8, so that ties and zeros are common, and comparisons give the same result in
float32 and float64.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from minicnn.autograd.primitive import primitives
from minicnn.dtypes import complex_type
from minicnn.errors import MissingPackageError

__all__ = ["Case", "Draw", "cases", "declare", "declared", "fill_empty_with_nan"]

Array = np.ndarray[Any, Any]
Drawn = tuple[Array | tuple[Array, ...], dict[str, Any]]  # inputs and parameters

LARGE = 20_000  # minimum number of elements of a large array
KINK = 0.05  # minimum distance of smooth values from kinks: many times the step of the finite differences


@dataclass(frozen=True)
class Case:
    """The inputs and parameters of a call; floating-point inputs are float64, complex ones complex128."""

    operation: str
    inputs: tuple[Array, ...]
    params: dict[str, Any]

    def cast(self, dtype: Any) -> tuple[Array, ...]:
        """Return the inputs with floats (or parts of complex numbers) of another type, in the same memory layout."""
        kinds = {"f": np.dtype(dtype), "c": complex_type(np.dtype(dtype))}
        return tuple(_like(x, x.astype(kinds[x.dtype.kind])) if x.dtype.kind in kinds else x for x in self.inputs)


@contextmanager
def fill_empty_with_nan() -> Iterator[None]:
    """Let `numpy.empty` return NaN inside a `with` block, so that elements that a kernel does not write become visible.

    Integers get their largest value, and bools True.

    Examples
    --------
    >>> with fill_empty_with_nan():
    ...     np.empty(2), np.empty(2, np.uint8)
    (array([nan, nan]), array([255, 255], dtype=uint8))
    """
    original = np.empty

    def empty(*args: Any, **kwargs: Any) -> Array:
        a = original(*args, **kwargs)
        if a.dtype.kind in "fciub":
            a.fill(np.nan if a.dtype.kind in "fc" else True if a.dtype.kind == "b" else np.iinfo(a.dtype).max)
        return a

    setattr(np, "empty", empty)  # noqa: B010 (a type checker rejects an assignment to np.empty)
    try:
        yield
    finally:
        setattr(np, "empty", original)  # noqa: B010


def declared() -> set[str]:
    """Return the names of all primitives with a declaration."""
    return set(_declarations)


def cases(operation: str, smooth: bool = False, large: bool = False) -> Any:
    """Return a Hypothesis strategy that draws Cases of a primitive.

    Parameters
    ----------
    operation : str
        The name of the primitive.
    smooth : bool
        Keep the values away from kinks and jumps, for finite differences.
    large : bool
        Draw arrays that are large enough for all loops of a kernel and for several threads.

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
        d = Draw(draw, strategies, smooth, large)
        drawn, params = _declarations[operation](d)
        inputs = drawn if isinstance(drawn, tuple) else (drawn,)
        if _takes_complex(operation) and not large and d.one_of(False, False, True):
            inputs = tuple(_with_imaginary_parts(x) for x in inputs)
        return Case(operation, inputs, params)

    return draw_case()


class Draw:
    """The argument of a declaration: the name of a method describes the value that it draws."""

    def __init__(self, draw: Callable[[Any], Any], strategies: Any, smooth: bool, large: bool = False) -> None:
        self._draw, self._strategies, self.smooth, self.large = draw, strategies, smooth, large
        self._rng = np.random.default_rng(self.integer(0, 2**16))

    def integer(self, low: int, high: int) -> int:
        """Draw an integer from low to high, both included."""
        return int(self._draw(self._strategies.integers(low, high)))

    def boolean(self) -> bool:
        """Draw True or False."""
        return bool(self._draw(self._strategies.booleans()))

    def one_of(self, *choices: Any) -> Any:
        """Draw one of the choices; the first is the simplest, for shrinking."""
        return self._draw(self._strategies.sampled_from(choices))

    def shape(self, low: int = 0, high: int = 3, sizes: Sequence[int] = (2, 1, 3, 5, 0)) -> tuple[int, ...]:
        """Draw a shape with `low` to `high` axes."""
        shape = tuple(self.one_of(*sizes) for _ in range(self.integer(low, high)))
        return self._enlarge(shape) if self.large else shape

    def _enlarge(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Enlarge axes of size > 1 until the shape has at least LARGE elements."""
        enlarged, axes = list(shape), [axis for axis, size in enumerate(shape) if size > 1]
        while axes and 0 < prod(enlarged) < LARGE:
            axis = self.one_of(*axes)
            enlarged[axis] = enlarged[axis] * self.one_of(64, 16, 5, 3) + self.one_of(0, 1)
        return tuple(enlarged)

    def order(self, n: int) -> tuple[int, ...]:
        """Draw a permutation of 0, ..., n - 1."""
        return tuple(self._draw(self._strategies.permutations(range(n))))

    def choice(self, n: int, size: int, repeats: bool) -> Array:
        """Draw `size` of the numbers 0, ..., n - 1, with or without repetitions."""
        return self._rng.integers(0, n, size) if repeats else self._rng.permutation(n)[:size]

    def axes(self, ndim: int) -> tuple[int, ...]:
        """Draw a sorted subset of the axes, with at least one axis if ndim > 0."""
        chosen = tuple(i for i in range(ndim) if self.boolean())
        return chosen or tuple(range(min(ndim, 1)))

    def array(self, shape: tuple[int, ...], low: float = -2.0, high: float = 2.0, kinks: Sequence[float] = ()) -> Array:
        """Draw floats between low and high, in a random memory layout; smooth values are not near a kink."""
        if not self.smooth:
            x = self._rng.integers(int(np.ceil(low * 8)), int(high * 8), shape, endpoint=True) / 8
            return self.layout(x)
        x = np.asarray(self._rng.uniform(low, high, shape))
        for kink in kinks:
            near = np.abs(x - kink) < KINK
            x[near] = kink + np.where(x[near] < kink, -1, 1) * self._rng.uniform(KINK, 2 * KINK, near.sum())
        return self.layout(x)

    def distinct(self, shape: tuple[int, ...]) -> Array:
        """Draw floats for a maximum: smooth values all have a distance of at least KINK."""
        if not self.smooth:
            return self.with_nan(self.array(shape))
        n = int(np.prod(shape))
        return self.layout((self._rng.permutation(n).reshape(shape) - n / 2) * KINK)

    def with_nan(self, x: Array) -> Array:
        """Sometimes replace a fifth of the elements by NaN; never smooth values."""
        if not self.smooth and self.one_of(False, False, True):
            x = x.copy()
            x[self._rng.random(x.shape) < 0.2] = np.nan
        return x

    def integers(self, shape: tuple[int, ...], low: int = -3, high: int = 3, dtype: Any = np.int64) -> Array:
        """Draw an array of integers from low to high, in a random memory layout."""
        return self.layout(np.asarray(self._rng.integers(low, high, shape, endpoint=True), dtype))

    def bools(self, shape: tuple[int, ...]) -> Array:
        """Draw an array of bools, in a random memory layout."""
        return self.layout(self._rng.random(shape) < 0.5)

    def anything(self, shape: tuple[int, ...]) -> Array:
        """Draw an array of float64, int64, uint8 or bool."""
        kind = self.one_of("float", "int64", "uint8", "bool")
        if kind == "float":
            return self.array(shape)
        return self.bools(shape) if kind == "bool" else self.integers(shape, 0, 3, kind)

    def broadcast(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Draw a shape that broadcasts to `shape`."""
        kept = tuple(1 if self.boolean() else s for s in shape)
        return kept[self.integer(0, len(shape)) :] if self.boolean() else kept

    def layout(self, x: Array) -> Array:
        """Return the values in a random memory layout: C or Fortran order, reversed, with gaps, or read-only."""
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


def _takes_complex(operation: str) -> bool:
    """Return whether cases may be complex.

    Of cast and move, the parameters say the type and the device. Of eigh and svd, the phases of vectors are arbitrary.
    """
    known = primitives()  # without the ones whose module is not imported
    return operation in known and known[operation].takes_complex and operation not in ("cast", "move", "eigh", "svd")


def _with_imaginary_parts(x: Array) -> Array:
    """Return floats as complex numbers, in the same memory layout; other arrays as they are."""
    return _like(x, x + 0.5j * x.ravel()[::-1].reshape(x.shape)) if x.dtype.kind == "f" else x


def _like(pattern: Array, values: Array) -> Array:
    """Return the values in new memory with the strides of `pattern`; unused memory between them is NaN or 255."""
    strides = [s // pattern.itemsize for s in pattern.strides]
    reach = [(n - 1) * s for n, s in zip(pattern.shape, strides, strict=True)]
    if not values.size or any(s == 0 for s in strides):
        return values.copy()
    start = -sum(min(r, 0) for r in reach)
    memory = np.full(start + sum(max(r, 0) for r in reach) + 1, True if values.dtype.kind == "b" else 255, values.dtype)
    if values.dtype.kind in "fc":
        memory[:] = np.nan
    out = np.lib.stride_tricks.as_strided(memory[start:], values.shape, [s * memory.itemsize for s in strides])
    out[...] = values
    if not pattern.flags.writeable:
        out.flags.writeable = False
    return out


_declarations: dict[str, Callable[[Draw], Drawn]] = {}


def declare(*operations: str) -> Callable[[Callable[[Draw], Drawn]], Callable[[Draw], Drawn]]:
    """Register a function that draws the inputs and parameters of these primitives."""

    def register(function: Callable[[Draw], Drawn]) -> Callable[[Draw], Drawn]:
        _declarations.update(dict.fromkeys(operations, function))
        return function

    return register
