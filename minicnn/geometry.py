"""The sizes of convolution and pooling windows (`ConvSpec`, `PoolSpec`), and the checks of all size arguments.

The project uses these letters for shapes:

| letter | meaning | letter | meaning |
|---|---|---|---|
| N | images in the batch | F | filters, the output channels |
| C | channels of the input | G | groups |
| H, W | input height and width | KH, KW | kernel height and width |
| OH, OW | output height and width | D, L | depth of a volume, length of a signal |

`conv_spec`, `conv_transpose_spec` and `pool_spec` check the arguments and build a spec. Every kernel gets this spec, so
no kernel computes a size again. Specs are frozen, hashable and N-dimensional.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from itertools import product
from math import prod
from operator import index
from typing import Any, ParamSpec, TypeVar

from minicnn.errors import ShapeError

__all__ = ["ConvSpec", "PoolSpec", "WindowSpec", "ceil_div", "conv_spec", "conv_transpose_spec", "pool_spec"]

P = ParamSpec("P")
R = TypeVar("R")
Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]  # (before, after) for each axis
PadArgument = str | int | Sequence[int] | Sequence[tuple[int, int]]


def ceil_div(a: int, b: int) -> int:
    """Return a / b, rounded up."""
    return -(-a // b)


@dataclass(frozen=True)
class WindowSpec:
    """The geometry of windows, the base class for convolution and pooling; each field has one entry for each axis."""

    input_size: Sizes
    kernel_size: Sizes
    stride: Sizes
    padding: Pads
    dilation: Sizes

    def __post_init__(self) -> None:
        smallest = min((*self.kernel_size, *self.stride, *self.dilation), default=1)
        if smallest < 1:
            raise ShapeError(f"windows: kernel size, stride and dilation must be at least 1, got {smallest}")

    @cached_property
    def output_size(self) -> Sizes:
        """The output size, floor((input + padding - dilation (kernel - 1) - 1) / stride) + 1 for each axis."""
        return tuple((i + sum(p) - d * (k - 1) - 1) // s + 1 for i, k, s, p, d in self._axes())

    @cached_property
    def window_padding(self) -> Pads:
        """How far the windows reach beyond each axis, (before, after); negative if they end inside the input."""
        axes = zip(self._axes(), self.output_size, strict=True)
        return tuple((p[0], (o - 1) * s + d * (k - 1) + 1 - p[0] - i) for (i, k, s, p, d), o in axes)

    @cached_property
    def taps(self) -> tuple[tuple[Sizes, tuple[slice, ...]], ...]:
        """The taps: each offset in the window, and the slices of the padded input that it reads for all outputs."""

        def window(offset: Sizes) -> tuple[slice, ...]:
            axes = zip(offset, self.output_size, self.stride, self.dilation, strict=True)
            return tuple(slice(k * d, k * d + s * (o - 1) + 1, s) for k, o, s, d in axes)

        return tuple((offset, window(offset)) for offset in product(*map(range, self.kernel_size)))

    def _axes(self) -> Iterator[tuple[int, int, int, tuple[int, int], int]]:
        return zip(self.input_size, self.kernel_size, self.stride, self.padding, self.dilation, strict=True)


@dataclass(frozen=True)
class ConvSpec(WindowSpec):
    """The geometry of a convolution."""

    groups: int = 1


@dataclass(frozen=True)
class PoolSpec(WindowSpec):
    """The geometry of a pooling; `ceil_mode` keeps a last window that starts inside the input or the padding before."""

    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None

    @cached_property
    def output_size(self) -> Sizes:
        """The output size, computed as for a convolution; with `ceil_mode` the division rounds up."""

        def size(i: int, k: int, s: int, p: tuple[int, int], d: int) -> int:
            span = i + sum(p) - d * (k - 1) - 1
            if not self.ceil_mode:
                return span // s + 1
            o = -(-span // s) + 1
            return o - 1 if (o - 1) * s >= i + p[0] else o

        return tuple(size(*axis) for axis in self._axes())

    @cached_property
    def counts(self) -> tuple[Sizes, ...]:
        """For each axis, the number of elements in each window, with or without padding: the divisor of an average."""

        def axis(i: int, o: int, k: int, s: int, p: tuple[int, int]) -> Sizes:
            low, high = (-p[0], i + p[1]) if self.count_include_pad else (0, i)
            return tuple(min(j * s - p[0] + k, high) - max(j * s - p[0], low) for j in range(o))

        axes = zip(self.input_size, self.output_size, self.kernel_size, self.stride, self.padding, strict=True)
        return tuple(axis(*a) for a in axes)


def _per_axis(call: str, name: str, value: Any, n: int, low: int) -> Sizes:
    """Return one integer or a sequence of n integers as n integers, all at least `low`."""
    value = _hashable(value)
    sizes = value if isinstance(value, tuple) else (value,)
    if len(sizes) == 1:
        sizes *= n
    if len(sizes) != n or not all(isinstance(v, int) and v >= low for v in sizes):
        raise ShapeError(f"{call}: {name} must be one integer >= {low} or {n} of them, got {value!r}")
    return sizes


def _pads(call: str, padding: PadArgument, stride: Sizes, reach: Sizes) -> Pads:
    """Return the padding as (before, after) pairs; `reach` is dilation · (kernel - 1), the total padding of 'same'."""
    n = len(reach)
    if padding == "valid":
        return ((0, 0),) * n
    if padding == "same":
        if any(s != 1 for s in stride):
            raise ShapeError(f"{call}: padding='same' needs stride 1, got stride={stride}; give the padding as numbers")
        return tuple((r // 2, r - r // 2) for r in reach)
    if isinstance(padding, str):
        raise ShapeError(f"{call}: padding must be 'same', 'valid' or integers >= 0, got {padding!r}")
    if not isinstance(padding, int) and any(isinstance(p, Sequence) for p in padding):
        pairs = tuple(_per_axis(call, "each (before, after) pair of padding", p, 2, 0) for p in padding)
        if len(pairs) != n:
            raise ShapeError(f"{call}: padding must have {n} (before, after) pairs, got {padding!r}")
        return tuple((before, after) for before, after in pairs)
    return tuple((p, p) for p in _per_axis(call, "padding", padding, n, 0))


def _hashable(value: Any) -> Any:
    """Convert sequences to tuples and NumPy integers to int; other values stay, and `_per_axis` raises an error."""
    if type(value) is int or type(value) is str:
        return value
    if hasattr(value, "__index__") and not hasattr(value, "__len__"):  # an array has both
        return index(value)
    return tuple(map(_hashable, value)) if isinstance(value, Sequence) else value


def _cached(function: Callable[P, R]) -> Callable[P, R]:
    """Cache the results, because a network uses the same geometries in every training step."""
    cached = lru_cache(maxsize=4096, typed=True)(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        values: Any = map(_hashable, args)
        named: Any = {name: _hashable(value) for name, value in kwargs.items()}
        try:
            return cached(*values, **named)
        except TypeError:  # an argument is not hashable: the function raises a better message
            return function(*args, **kwargs)

    return call


@_cached
def conv_spec(
    call: str,
    input_shape: Sizes,
    weight_shape: Sizes,
    stride: int | Sequence[int] = 1,
    padding: PadArgument = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> ConvSpec:
    """Check the arguments of a convolution and return its geometry.

    Parameters
    ----------
    call : str
        The name of the public function, for error messages.
    input_shape, weight_shape : tuple of int
        (N, C, *spatial) and (F, C / G, *kernel).
    stride, dilation : int or sequence of int
    padding : int, sequence of int, sequence of (before, after), 'same' or 'valid'
    groups : int

    Raises
    ------
    ShapeError
        If sizes do not fit each other or are out of their range.

    Examples
    --------
    >>> conv_spec("conv2d", (8, 3, 32, 32), (16, 3, 3, 3), stride=2, padding=1).output_size
    (16, 16)
    """
    n = len(weight_shape) - 2
    if len(input_shape) != n + 2:
        raise ShapeError(
            f"{call}: input must have {n + 2} axes (N, C, {n} spatial) like the weight; "
            f"input is {input_shape}, weight is {weight_shape}"
        )
    _per_axis(call, "groups", groups, 1, 1)
    strides, dilations = _per_axis(call, "stride", stride, n, 1), _per_axis(call, "dilation", dilation, n, 1)
    if min(weight_shape[2:]) < 1:
        raise ShapeError(f"{call}: every kernel axis must be at least 1; weight is {weight_shape}")
    pads = _pads(call, padding, strides, tuple(d * (k - 1) for d, k in zip(dilations, weight_shape[2:], strict=True)))
    if input_shape[1] != weight_shape[1] * groups:
        raise ShapeError(
            f"{call}: input has {input_shape[1]} channels but weight expects {weight_shape[1] * groups} "
            f"(groups={groups}); input is {input_shape}, weight is {weight_shape}; "
            f"build the layer with in_channels={input_shape[1]}"
        )
    if weight_shape[0] % groups:
        raise ShapeError(
            f"{call}: {weight_shape[0]} output channels cannot be split into groups={groups}; weight is {weight_shape}"
        )
    spec = ConvSpec(input_shape[2:], weight_shape[2:], strides, pads, dilations, groups)
    if min(spec.output_size) < 1:
        padded = tuple(i + sum(p) for i, p in zip(input_shape[2:], pads, strict=True))
        span = tuple(d * (k - 1) + 1 for d, k in zip(dilations, weight_shape[2:], strict=True))
        raise ShapeError(
            f"{call}: the kernel spans {span} (dilation={dilations}) but the padded input is only {padded}; "
            f"input is {input_shape}, weight is {weight_shape}; pad more or use a smaller kernel"
        )
    return spec


@_cached
def conv_transpose_spec(
    call: str,
    input_shape: Sizes,
    weight_shape: Sizes,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> ConvSpec:
    """Check the arguments of a transposed convolution and return the geometry of the convolution that it transposes.

    A transposed convolution is the input gradient of a convolution. So the `input_size` of the result is the output
    size of the transposed convolution: (input - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.

    Parameters
    ----------
    call : str
    input_shape, weight_shape : tuple of int
        (N, C, *spatial) and (C, F / G, *kernel).
    stride, padding, output_padding, dilation : int or sequence of int
    groups : int

    Raises
    ------
    ShapeError
        If sizes do not fit each other or are out of their range.

    Examples
    --------
    >>> conv_transpose_spec("conv_transpose2d", (8, 16, 16, 16), (16, 3, 2, 2), stride=2).input_size
    (32, 32)
    """
    n = len(weight_shape) - 2
    if len(input_shape) != n + 2:
        raise ShapeError(
            f"{call}: input must have {n + 2} axes (N, C, {n} spatial) like the weight; "
            f"input is {input_shape}, weight is {weight_shape}"
        )
    _per_axis(call, "groups", groups, 1, 1)
    if input_shape[1] != weight_shape[0]:
        raise ShapeError(
            f"{call}: input has {input_shape[1]} channels but weight expects {weight_shape[0]}; "
            f"input is {input_shape}, weight is {weight_shape}; build the layer with in_channels={input_shape[1]}"
        )
    if input_shape[1] % groups:
        raise ShapeError(f"{call}: {input_shape[1]} input channels cannot be split into groups={groups}")
    if min(weight_shape[2:]) < 1:
        raise ShapeError(f"{call}: every kernel axis must be at least 1; weight is {weight_shape}")
    strides, dilations = _per_axis(call, "stride", stride, n, 1), _per_axis(call, "dilation", dilation, n, 1)
    pads = _per_axis(call, "padding", padding, n, 0)
    extra = _per_axis(call, "output_padding", output_padding, n, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)):
        raise ShapeError(
            f"{call}: output_padding must be smaller than stride or dilation, "
            f"got output_padding={extra}, stride={strides}, dilation={dilations}"
        )
    axes = zip(input_shape[2:], weight_shape[2:], strides, pads, dilations, extra, strict=True)
    size = tuple((i - 1) * s - 2 * p + d * (k - 1) + e + 1 for i, k, s, p, d, e in axes)
    if min(size) < 1 or min(input_shape[2:]) < 1:
        raise ShapeError(f"{call}: the output would be {size} for input {input_shape}; use less padding")
    # If output_padding >= stride, less padding after the input keeps the number of outputs of the convolution.
    padding_pairs = tuple((p, p - e // s * s) for p, e, s in zip(pads, extra, strides, strict=True))
    return ConvSpec(size, weight_shape[2:], strides, padding_pairs, dilations, groups)


@_cached
def pool_spec(
    call: str,
    input_shape: Sizes,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    axes: int = 2,
) -> PoolSpec:
    """Check the arguments of a pooling and return its geometry; `stride=None` means the kernel size.

    Raises
    ------
    ShapeError
        If sizes do not fit each other or are out of their range.

    Examples
    --------
    >>> pool_spec("max_pool2d", (1, 1, 5, 5), 2).output_size
    (2, 2)
    >>> pool_spec("max_pool2d", (1, 1, 5, 5), 2, ceil_mode=True).output_size
    (3, 3)
    """
    if len(input_shape) != axes + 2:
        raise ShapeError(f"{call}: input must have {axes + 2} axes (N, C, {axes} spatial), got {input_shape}")
    kernels = _per_axis(call, "kernel_size", kernel_size, axes, 1)
    strides = kernels if stride is None or stride == () else _per_axis(call, "stride", stride, axes, 1)
    dilations = _per_axis(call, "dilation", dilation, axes, 1)
    pads = _per_axis(call, "padding", padding, axes, 0)
    if any(2 * p > d * (k - 1) + 1 for p, k, d in zip(pads, kernels, dilations, strict=True)):
        raise ShapeError(
            f"{call}: padding must be at most half of the window, so that no window contains only padding; "
            f"got padding={pads}, kernel_size={kernels}, dilation={dilations}"
        )
    if divisor_override is not None and (not isinstance(divisor_override, int) or divisor_override == 0):
        raise ShapeError(f"{call}: divisor_override must be an integer other than 0, got {divisor_override!r}")
    spec = PoolSpec(
        input_shape[2:],
        kernels,
        strides,
        tuple((p, p) for p in pads),
        dilations,
        bool(ceil_mode),
        bool(count_include_pad),
        divisor_override,
    )
    if prod(input_shape[2:]) == 0 or min(spec.output_size) < 1:
        raise ShapeError(
            f"{call}: a window of {kernels} (dilation={dilations}) does not fit the input {input_shape} "
            f"with padding={pads}; use a smaller kernel_size"
        )
    return spec
