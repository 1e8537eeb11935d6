"""One declaration for each primitive: how to draw its inputs and parameters.

The generic tests go over all primitives, so a new one is tested on every device, with every kernel, forwards and to
second order, as soon as it is declared here:

    @declare("exp", "tanh")
    def _(d):
        return d.array(d.shape()), {}

A declaration is called with a `Draw` and returns the inputs and the parameters. Hypothesis chooses shapes, parameters
and memory layouts; the values come from a generator that it seeds. If `d.smooth`, finite differences will be taken: the
values must keep away from kinks. Otherwise they are multiples of 1/8, so that ties and zeros are common and float32
and float64 decide alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.devices import CPU
from minicnn.dispatch import kernels
from minicnn.errors import MissingPackageError
from minicnn.geometry import ConvSpec, PoolSpec, conv_spec, pool_spec

__all__ = ["Case", "Draw", "cases", "declared"]

Array = np.ndarray[Any, Any]
Inputs = Array | tuple[Array, ...]

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


def declared() -> set[str]:
    """Return the names of all primitives that can be drawn."""
    return set(_declarations)


def cases(operation: str, smooth: bool = False) -> Any:
    """Return a Hypothesis strategy of Cases of one primitive.

    Parameters
    ----------
    operation : str
        The primitive's name.
    smooth : bool
        Keep the values away from kinks and steps, for finite differences.

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
        inputs, params = _declarations[operation](Draw(draw, strategies, smooth))
        return Case(operation, inputs if isinstance(inputs, tuple) else (inputs,), params)

    return draw_case()


class Draw:
    """What a declaration draws with; the names say what they give."""

    def __init__(self, draw: Callable[[Any], Any], strategies: Any, smooth: bool) -> None:
        self._draw, self._strategies, self.smooth = draw, strategies, smooth
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
        return tuple(self.one_of(*sizes) for _ in range(self.integer(low, high)))

    def axes(self, ndim: int) -> tuple[int, ...]:
        """Some axes, in order; at least one, if there is one."""
        chosen = tuple(i for i in range(ndim) if self.boolean())
        return chosen or tuple(range(min(ndim, 1)))

    def array(
        self, shape: tuple[int, ...], low: float = -2.0, high: float = 2.0, kinks: Sequence[float] = ()
    ) -> Array:
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
            return self.array(shape)
        n = int(np.prod(shape))
        return self.layout((self._rng.permutation(n).reshape(shape) - n / 2) * KINK)

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


_declarations: dict[str, Callable[[Draw], tuple[Inputs, dict[str, Any]]]] = {}
_Declaration = Callable[[Draw], tuple[Inputs, dict[str, Any]]]


def declare(*operations: str) -> Callable[[_Declaration], _Declaration]:
    """Say how inputs and parameters of these primitives are drawn."""

    def register(function: _Declaration) -> _Declaration:
        _declarations.update(dict.fromkeys(operations, function))
        return function

    return register


# --- element-wise ---------------------------------------------------------------------------------------------


@declare("exp", "expm1", "sin", "cos", "tanh", "erf", "sigmoid", "softplus", "square", "neg", "clone")
def _smooth(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    return d.array(d.shape()), {}


@declare("log", "sqrt", "rsqrt")
def _positive(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    return d.array(d.shape(), 0.25, 3), {}


@declare("log1p")
def _above_minus_one(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    return d.array(d.shape(), -0.75, 3), {}


@declare("abs", "sign", "relu")
def _kink_at_zero(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    return d.array(d.shape(), kinks=(0,)), {}


@declare("floor", "ceil", "round")
def _steps(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    return d.array(d.shape(), kinks=np.arange(-2, 2.5, 0.5).tolist()), {}


@declare("leaky_relu")
def _leaky(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    return d.array(d.shape(), kinks=(0,)), {"negative_slope": d.one_of(0.01, 0.0, 0.3)}


@declare("relu_grad")
def _relu_grad(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return (d.array(shape), d.array(shape, kinks=(0,))), {}


@declare("leaky_relu_grad")
def _leaky_grad(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return (d.array(shape), d.array(shape, kinks=(0,))), {"negative_slope": d.one_of(0.01, 0.0, 0.3)}


@declare("isnan", "isfinite", "logical_not")
def _any_kind(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    return d.anything(d.shape()), {}


@declare("bitwise_not")
def _bits(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return d.bools(shape) if d.boolean() else d.integers(shape), {}


@declare("clamp")
def _clamp(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    low, high = d.one_of((-1.0, 1.0), (None, 0.5), (-0.5, None), (1.0, -1.0))
    return d.array(d.shape(), kinks=[v for v in (low, high) if v is not None]), {"low": low, "high": high}


@declare("power")
def _power(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    exponent = d.one_of(2, 3, 1, 0, -1, 0.5, -1.5)
    return d.array(d.shape(), *((0.25, 3) if exponent < 0 or exponent != int(exponent) else ())), {"exponent": exponent}


@declare("add", "sub", "mul")
def _two(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return (d.array(shape), d.array(d.broadcast(shape))), {}


@declare("div", "floor_divide", "remainder")
def _quotient(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    below = d.array(shape, 0.5, 2) if d.boolean() else d.array(shape, -2, -0.5)
    if not d.smooth:
        return (d.array(shape), below), {}
    quotient = d.array(shape, -2, 2, kinks=(-2, -1, 0, 1, 2))  # away from where the floor jumps
    return (np.asarray(quotient * below), below), {}


@declare("pow")
def _two_powers(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return (d.array(shape, 0.25, 2), d.array(shape)), {}


@declare("maximum", "minimum")
def _extremes(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    a = d.array(shape)
    return (a, np.asarray(a + d.array(shape, kinks=(0,)))), {}


@declare("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor")
def _comparison(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return (d.array(shape, -0.25, 0.25), d.array(d.broadcast(shape), -0.25, 0.25)), {}


@declare("bitwise_and", "bitwise_or", "bitwise_xor")
def _two_bits(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return ((d.bools(shape), d.bools(shape)) if d.boolean() else (d.integers(shape), d.integers(shape))), {}


@declare("where")
def _where(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return (d.bools(d.broadcast(shape)), d.array(shape), d.array(shape)), {}


# --- shape and indexing ---------------------------------------------------------------------------------------


@declare("reshape")
def _reshape(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    size = int(np.prod(shape))
    return d.array(shape), {"shape": d.one_of((size,), (1, size), (size, 1, 1), shape[::-1])}


@declare("permute")
def _permute(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return d.array(shape), {"axes": tuple(d._draw(d._strategies.permutations(range(len(shape)))))}


@declare("flip")
def _flip(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return d.array(shape), {"axes": d.axes(len(shape))}


@declare("cast")
def _cast(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    x = d.array(d.shape())
    names = ("float64",) if d.smooth else ("float64", "float32", "int64", "bool")
    return x, {"dtype": np.dtype(d.one_of(*names)), "source": x.dtype}


@declare("expand")
def _expand(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return d.array(d.broadcast(shape)), {"shape": shape}


@declare("index")
def _index(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape, index, _ = _place(d)
    return d.array(shape), {"index": index}


@declare("index_add")
def _index_add(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape, index, part = _place(d)
    return d.array(part), {"index": index, "shape": shape}


@declare("index_put")
def _index_put(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape, index, part = _place(d, repeats=False)
    return (d.array(shape), d.array(part)), {"index": index}


def _place(d: Draw, repeats: bool = True) -> tuple[tuple[int, ...], tuple[Any, ...], tuple[int, ...]]:
    """A shape, an index that fits it, and the shape that the index picks."""
    shape = d.shape(1, 3, sizes=(2, 1, 3, 5))
    n = shape[0]
    index: Any = d.one_of("slice", "integer", "backwards", "none", "mask", "array", "two arrays", "empty")
    if index == "array":
        size = d.integer(1, n)
        choice = d._rng.integers(-n, n, 4) if repeats else d._rng.permutation(n)[:size] - d.integer(0, 1) * n
        key: tuple[Any, ...] = (choice, ...)
    elif index == "two arrays" and len(shape) > 1:
        rows = d._rng.permutation(n)[: d.integer(1, n)]
        key = (rows[:, None], d._rng.permutation(shape[1])[None, :], ...)
    elif index == "mask":
        key = (d.bools(shape),) if d.boolean() else (d.bools((n,)), ...)
    else:
        key = {
            "integer": (d.integer(-n, n - 1), ...),
            "backwards": (..., slice(None, None, -2)),
            "none": (None, slice(0, n, 2), ...),
            "empty": (slice(n, None), ...),
        }.get(index, (slice(d.integer(0, n - 1), None), ...))
    return shape, key, np.empty(shape)[key].shape


@declare("cat")
def _cat(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape(1, 3)
    axis = d.integer(0, len(shape) - 1)
    sizes = [d.integer(0, 3) for _ in range(d.integer(1, 3))]
    return tuple(d.array((*shape[:axis], size, *shape[axis + 1 :])) for size in sizes), {"axis": axis}


@declare("pad")
def _pad(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape(1, 3)
    return d.array(shape), {
        "widths": tuple((d.integer(0, 2), d.integer(0, 2)) for _ in shape),
        "value": d.one_of(0.0, 1.5),
    }


# --- reductions -----------------------------------------------------------------------------------------------


@declare("sum", "prod")
def _reduction(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return d.array(shape), {"axes": d.axes(len(shape)), "keepdim": d.boolean()}


@declare("all", "any")
def _truth(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape()
    return d.anything(shape), {"axes": d.axes(len(shape)), "keepdim": d.boolean()}


@declare("amax", "amin")
def _extremum(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape(sizes=(2, 1, 3, 5))
    return d.distinct(shape), {"axes": d.axes(len(shape)), "keepdim": d.boolean()}


@declare("argmax", "argmin")
def _winner(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape(sizes=(2, 1, 3, 5))
    return d.array(shape, -0.5, 0.5), {"axis": d.one_of(None, *range(len(shape))), "keepdim": d.boolean()}


@declare("cumsum", "softmax", "log_softmax")
def _along_axis(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape(1, 3)
    return d.array(shape), {"axis": d.integer(0, len(shape) - 1)}


@declare("normalize", "rstd")
def _normalisation(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape = d.shape(2, 4, sizes=(2, 3, 1))
    return d.array(shape), {"axes": d.axes(len(shape)), "eps": d.one_of(1e-5, 0.1) if not d.smooth else 0.1}


# --- products -------------------------------------------------------------------------------------------------


@declare("matmul")
def _matmul(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    lead = d.shape(0, 2, sizes=(2, 1, 0))
    n, k, m = (d.one_of(2, 1, 3, 7, 0) for _ in range(3))
    return (d.array((*lead, n, k)), d.array((*lead, k, m))), {}


@declare("linear")
def _linear(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    n, k, m = (d.one_of(2, 1, 3, 7, 0) for _ in range(3))
    return (d.array((n, k)), d.array((m, k))), {}


# --- convolution and pooling ----------------------------------------------------------------------------------


def conv_geometry(d: Draw) -> tuple[tuple[int, ...], tuple[int, ...], ConvSpec]:
    """Input shape, weight shape and geometry of a convolution of one to three axes: small, odd and lopsided."""
    n = d.one_of(2, 1, 3)
    groups = d.one_of(1, 2) if d.smooth else d.one_of(1, 2, 3)
    channels = d.one_of(1, 2) if d.smooth else d.one_of(1, 2, 4, 5)
    kernel, dilation, stride = (tuple(d.integer(1, high) for _ in range(n)) for high in (3, 2, 3))
    padding = tuple((d.integer(0, 2), d.integer(0, 2)) for _ in range(n))
    spans = [f * (k - 1) + 1 for k, f in zip(kernel, dilation, strict=True)]
    lows = [max(1, span - sum(p)) for span, p in zip(spans, padding, strict=True)]
    room = (5, 3, 1)[n - 1] if d.smooth else (13, 8, 3)[n - 1]
    x = (d.one_of(1, 2, 3, 0), channels * groups, *(d.integer(low, low + room) for low in lows))
    w = (d.one_of(1, 2) * groups, channels, *kernel)
    return x, w, conv_spec("conv", x, w, stride, padding, dilation, groups)


@declare("conv")
def _conv(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    x, w, spec = conv_geometry(d)
    return (d.array(x), d.array(w)), {"spec": spec}


@declare("conv_input_grad")
def _conv_input_grad(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    x, w, spec = conv_geometry(d)
    return (d.array((x[0], w[0], *spec.output_size)), d.array(w)), {"spec": spec}


@declare("conv_weight_grad")
def _conv_weight_grad(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    x, w, spec = conv_geometry(d)
    return (d.array(x), d.array((x[0], w[0], *spec.output_size))), {"spec": spec}


def pool_geometry(d: Draw, average: bool = False) -> tuple[tuple[int, ...], PoolSpec]:
    """Input shape and geometry of a pooling of one to three axes; often disjoint windows, the common case."""
    n = d.one_of(2, 1, 3)
    kernel = tuple(d.integer(1, 3) for _ in range(n))
    disjoint = d.boolean()
    dilation = (1,) * n if average or disjoint else tuple(d.integer(1, 2) for _ in range(n))
    stride = kernel if disjoint else tuple(d.integer(1, 3) for _ in range(n))
    spans = [f * (k - 1) + 1 for k, f in zip(kernel, dilation, strict=True)]
    padding = (0,) * n if disjoint and d.boolean() else tuple(d.integer(0, span // 2) for span in spans)
    room = (6, 3, 1)[n - 1] if d.smooth else (13, 8, 3)[n - 1]
    lows = [max(1, span - 2 * p) for span, p in zip(spans, padding, strict=True)]
    x = (d.one_of(1, 2, 0), d.one_of(1, 2, 3), *(d.integer(low, low + room) for low in lows))
    rest = (d.boolean(), d.one_of(None, 3)) if average else ()
    return x, pool_spec("pool", x, kernel, stride, padding, dilation, d.boolean(), *rest, axes=n)


@declare("max_pool")
def _max_pool(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape, spec = pool_geometry(d)
    return d.distinct(shape), {"spec": spec}


@declare("max_unpool")
def _max_unpool(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    winner, spec, _ = _winners(d)
    return (d.array(winner.shape), winner), {"spec": spec}


@declare("pick")
def _pick(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    winner, spec, shape = _winners(d)
    return (d.array(shape), winner), {"spec": spec}


@declare("winner_index")
def _winner_index(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    winner, spec, _ = _winners(d)
    return winner, {"spec": spec}


def _winners(d: Draw) -> tuple[Array, PoolSpec, tuple[int, ...]]:
    shape, spec = pool_geometry(d)
    reference = kernels("max_pool", CPU)[-1].function
    return d.layout(reference(d.array(shape), spec=spec)[1]), spec, shape


@declare("avg_pool")
def _avg_pool(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape, spec = pool_geometry(d, average=True)
    return d.array(shape), {"spec": spec}


@declare("avg_pool_input_grad")
def _avg_pool_input_grad(d: Draw) -> tuple[Inputs, dict[str, Any]]:
    shape, spec = pool_geometry(d, average=True)
    return d.array((*shape[:2], *spec.output_size)), {"spec": spec}
