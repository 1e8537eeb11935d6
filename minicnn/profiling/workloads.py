"""Workloads: typical calls of every operation with CUDA kernels, with their arrays, operation counts and bytes.

Every addition, multiplication, comparison and function (for example exp) counts as 1 operation. Bytes are the minimum:
each input is read once and each output is written once. An operation with a new CUDA kernel needs a workload in this
file; a test checks this.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from minicnn.backends.step_options import AdamOptions, SGDOptions
from minicnn.errors import ArgumentError
from minicnn.geometry import conv_spec, pool_spec
from minicnn.runtime.devices import CUDASIM, Array
from minicnn.runtime.dispatch import Kernel, kernels, operations

__all__ = ["Call", "Workload", "cuda_kernels", "cuda_operations", "declare", "workloads"]

Draw = Callable[..., Array]  # draw(*shape) returns an array of normally distributed numbers
Sizes = dict[str, int]


@dataclass(frozen=True)
class Call:
    """The arguments of a call of an operation, and its cost."""

    text: str
    arrays: tuple[Any, ...]  # arrays, or lists of them
    params: dict[str, Any]
    flops: int
    written: int  # bytes of the outputs

    @property
    def moved(self) -> int:
        """The minimum number of bytes to read and write."""
        arrays = (a for item in self.arrays for a in (item if isinstance(item, list) else [item]))
        return sum(int(a.nbytes) for a in arrays) + self.written

    @property
    def intensity(self) -> float:
        """The arithmetic intensity: operations per byte."""
        return self.flops / self.moved


@dataclass(frozen=True, eq=False)
class Workload:
    """A call with adjustable sizes: `sizes` for a typical call, `small` for a quick run in the simulator."""

    operation: str
    name: str
    build: Callable[..., Call]
    sizes: Sizes
    small: Sizes

    def call(self, dtype: str = "float32", **sizes: int) -> Call:
        """Return the call with random numbers, the same in every run.

        Parameters
        ----------
        dtype : "float32" or "float64"
        **sizes : int
            Replace the typical sizes.

        Raises
        ------
        ArgumentError
            If the name of a size is unknown, or the size is below 1.
        """
        generator = np.random.default_rng(0)
        return self._call(lambda *shape: generator.standard_normal(shape, np.float32).astype(dtype), sizes)

    def blank(self, dtype: str = "float32", **sizes: int) -> Call:
        """Return the call with arrays of zeros, for use of the shapes only; arguments and errors as in `call`."""
        return self._call(lambda *shape: np.zeros(shape, dtype), sizes)

    def _call(self, draw: Draw, sizes: Sizes) -> Call:
        wrong = [f"{name}={size}" for name, size in sizes.items() if name not in self.sizes or size < 1]
        if wrong:
            raise ArgumentError(
                f"{self.name}: sizes must be known and at least 1, got {', '.join(wrong)}; known are "
                f"{', '.join(self.sizes)}"
            )
        return self.build(self.operation, draw, **{**self.sizes, **sizes})


_workloads: dict[str, list[Workload]] = {}


def declare(build: Callable[..., Call], operations: str, variant: str, sizes: Sizes, small: Sizes) -> None:
    """Declare a workload of operations, names separated by spaces. `small` holds the sizes that differ from `sizes`."""
    for operation in operations.split():
        name = f"{operation}, {variant}" if variant else operation
        _workloads.setdefault(operation, []).append(Workload(operation, name, build, sizes, {**sizes, **small}))


def workloads(operation: str) -> list[Workload]:
    """Return the workloads of an operation, the most typical first."""
    return list(_workloads.get(operation, []))


def cuda_operations() -> list[str]:
    """Return the operations that have CUDA kernels."""
    return [name for name in operations() if cuda_kernels(name)]


def cuda_kernels(operation: str) -> list[Kernel]:
    """Return the CUDA kernels of an operation, in the order in which they are tried."""
    return [k for k in kernels(operation, CUDASIM) if k.backend == "cuda"]


# --- convolution ----------------------------------------------------------------------------------------------


def _conv(
    operation: str,
    draw: Draw,
    *,
    batch: int,
    channels: int,
    filters: int,
    size: int,
    kernel: int,
    stride: int,
    groups: int,
) -> Call:
    """Build a call of conv, conv_input_grad or conv_weight_grad: two of x, w, g are inputs, the third is the result."""
    x, w = (batch, channels, size, size), (filters, channels // groups, kernel, kernel)
    spec = conv_spec(operation, x, w, stride, kernel // 2, 1, groups)
    g = (batch, filters, *spec.output_size)
    first, second, result = {"conv": (x, w, g), "conv_input_grad": (g, w, x), "conv_weight_grad": (x, g, w)}[operation]
    text = f"{batch} x {channels} x {size} x {size}, {filters} filters of {kernel} x {kernel}"
    text += f", stride {stride}" * (stride > 1) + f", {groups} groups" * (groups > 1)
    arrays = (draw(*first), draw(*second))
    flops = 2 * prod(g) * channels // groups * kernel * kernel
    return Call(text, arrays, {"spec": spec}, flops, prod(result) * arrays[0].itemsize)


CONV = "conv conv_input_grad conv_weight_grad"
LAYER = {"batch": 32, "channels": 128, "filters": 128, "size": 28, "kernel": 3, "stride": 1, "groups": 1}
STEM = {**LAYER, "batch": 16, "channels": 3, "filters": 64, "size": 224, "kernel": 7, "stride": 2}
LAST = {**LAYER, "batch": 16, "channels": 64, "filters": 3, "size": 224}
TINY = {"batch": 2, "channels": 14, "filters": 16, "size": 12}
LARGE = {"batch": 1, "channels": 4, "kernel": 1}  # for large images, so that the kernels choose their large tiles
declare(_conv, CONV, "", LAYER, {**TINY, "filters": 128})
declare(_conv, "conv", "first layer", STEM, {**LARGE, "channels": 3, "size": 224, "stride": 1})
declare(_conv, "conv_input_grad conv_weight_grad", "first layer", STEM, {"batch": 1, "filters": 16, "size": 16})
declare(_conv, CONV, "depthwise", {**LAYER, "groups": 128}, {**TINY, "channels": 4, "filters": 4, "groups": 4})
declare(_conv, "conv", "1 x 1", {**LAYER, "kernel": 1}, {**LARGE, "size": 160})
declare(_conv, "conv", "last layer", LAST, {**LARGE, "size": 224})
declare(_conv, "conv", "grouped", {**LAYER, "groups": 4}, {**LARGE, "size": 112})
declare(_conv, "conv_input_grad conv_weight_grad", "grouped", {**LAYER, "groups": 4}, {**TINY, "channels": 16})


def _im2col(operation: str, draw: Draw, *, batch: int, channels: int, size: int, kernel: int, stride: int) -> Call:
    x = (batch, channels, size, size)
    spec = conv_spec(operation, x, (1, channels, kernel, kernel), stride, kernel // 2)
    columns = (batch, channels * kernel**2, prod(spec.output_size))
    text = f"{batch} x {channels} x {size} x {size}, windows of {kernel} x {kernel}, stride {stride}"
    input_shape, output_shape = (x, columns) if operation == "im2col" else (columns, x)
    array = draw(*input_shape)
    flops = 0 if operation == "im2col" else prod(columns)
    return Call(text, (array,), {"spec": spec}, flops, prod(output_shape) * array.itemsize)


PATCHES = {"batch": 16, "channels": 64, "size": 56, "kernel": 3, "stride": 1}
declare(_im2col, "im2col col2im", "", PATCHES, {"batch": 1, "channels": 4})


# --- pooling --------------------------------------------------------------------------------------------------


def _pool(operation: str, draw: Draw, *, batch: int, channels: int, size: int, kernel: int, stride: int) -> Call:
    x, taps = (batch, channels, size, size), kernel**2
    spec = pool_spec(operation, x, kernel, stride)
    y = (batch, channels, *spec.output_size)
    small, large, real = prod(y), prod(x), draw().itemsize
    winner = (np.arange(small, dtype=np.int64) * 7 % taps).astype(np.uint8).reshape(y)
    arrays, flops, written = {
        "max_pool": ((x,), small * (taps - 1), small * (real + 1)),
        "max_unpool": ((y, winner), small, large * real),
        "pick": ((x, winner), 0, small * real),
        "winner_index": ((winner,), 0, small * 8),
        "avg_pool": ((x,), small * taps, small * real),
        "avg_pool_input_grad": ((y,), small * taps, large * real),
    }[operation]
    text = f"{batch} x {channels} x {size} x {size}, windows of {kernel} x {kernel}, stride {stride}"
    values = tuple(draw(*a) if isinstance(a, tuple) else a for a in arrays)
    return Call(text, values, {"spec": spec}, flops, written)


POOL = "max_pool max_unpool pick winner_index avg_pool avg_pool_input_grad"
HALVES = {"batch": 16, "channels": 64, "size": 112, "kernel": 2, "stride": 2}
declare(_pool, POOL, "", HALVES, {"batch": 1, "channels": 4, "size": 64})
declare(_pool, POOL, "large windows", {**HALVES, "kernel": 8, "stride": 8}, {"batch": 1, "channels": 4, "size": 64})
declare(_pool, POOL, "overlapping", {**HALVES, "kernel": 3}, {"batch": 1, "channels": 4, "size": 64})


# --- matrix products ------------------------------------------------------------------------------------------


def _product(operation: str, draw: Draw, *, batch: int = 1, n: int, k: int, m: int) -> Call:
    lead = (batch,) if batch > 1 else ()
    a, b = draw(*lead, n, k), draw(*lead, *((k, m) if operation == "matmul" else (m, k)))
    text = f"{batch} products " * (batch > 1) + f"({n} x {k}) ({k} x {m})"
    return Call(text, (a, b), {}, 2 * batch * n * k * m, batch * n * m * a.itemsize)


def _transposed_product(operation: str, draw: Draw, *, n: int, k: int, m: int) -> Call:
    """Build a product whose first matrix is a transposed view, as in the gradient of a weight."""
    call = _product(operation, draw, n=n, k=k, m=m)
    arrays = (call.arrays[0].reshape(k, n).T, call.arrays[1])
    return replace(call, arrays=arrays, text=f"{call.text}, the first transposed")


SQUARE = {"n": 2048, "k": 2048, "m": 2048}
declare(_product, "matmul", "", SQUARE, {"n": 128, "k": 64, "m": 128})
declare(_transposed_product, "matmul", "transposed", SQUARE, {"n": 128, "k": 64, "m": 128})
declare(_product, "matmul", "odd", {"n": 2047, "k": 2047, "m": 2047}, {"n": 127, "k": 63, "m": 127})
declare(_product, "matmul", "small", {"n": 256, "k": 4096, "m": 256}, {"n": 64, "k": 256, "m": 64})
declare(_product, "matmul", "batch", {"batch": 64, "n": 256, "k": 64, "m": 256}, {"batch": 2, "n": 64, "m": 64})
declare(
    _transposed_product, "matmul", "transposed, odd", {"n": 2047, "k": 2047, "m": 2047}, {"n": 127, "k": 63, "m": 127}
)
declare(
    _transposed_product, "matmul", "transposed, small", {"n": 256, "k": 4096, "m": 256}, {"n": 64, "k": 256, "m": 64}
)
declare(_product, "linear", "odd", {"n": 2047, "k": 2047, "m": 2047}, {"n": 127, "k": 63, "m": 127})
declare(_product, "linear", "", {"n": 256, "k": 4096, "m": 1024}, {"n": 64, "k": 128, "m": 64})


# --- normalisation, element-wise operations, optimizers -----------------------------------------------------------


def _normalisation(operation: str, draw: Draw, axes: tuple[int, ...], *shape: int) -> Call:
    x = draw(*shape)
    outputs = x.size if operation == "normalize" else x.size // prod(shape[axis] for axis in axes)
    flops = 5 if operation == "normalize" else 4  # per element: mean, subtract, square, sum; normalize also scales
    text = f"{' x '.join(map(str, shape))} over the axes {', '.join(map(str, axes))}"
    return Call(text, (x,), {"axes": axes, "eps": 1e-5}, x.size * flops, outputs * x.itemsize)


def _batch_norm(operation: str, draw: Draw, *, batch: int, channels: int, size: int) -> Call:
    return _normalisation(operation, draw, (0, 2, 3), batch, channels, size, size)


def _instance_norm(operation: str, draw: Draw, *, batch: int, channels: int, size: int) -> Call:
    return _normalisation(operation, draw, (2, 3), batch, channels, size, size)


def _batch_norm_rows(operation: str, draw: Draw, *, rows: int, features: int) -> Call:
    return _normalisation(operation, draw, (0,), rows, features)


def _layer_norm(operation: str, draw: Draw, *, rows: int, features: int) -> Call:
    return _normalisation(operation, draw, (1,), rows, features)


NORM = "normalize rstd"
IMAGES = {"batch": 16, "channels": 64, "size": 56}
ROWS = {"rows": 4096, "features": 512}
ODD = {"batch": 16, "channels": 64, "size": 55}
declare(_batch_norm, NORM, "batch norm", IMAGES, {"batch": 8, "channels": 4, "size": 32})
declare(_batch_norm, NORM, "batch norm, odd", ODD, {"batch": 8, "channels": 4, "size": 31})
declare(_instance_norm, NORM, "instance norm", IMAGES, {"batch": 2, "channels": 4, "size": 32})
declare(_batch_norm_rows, NORM, "batch norm of rows", ROWS, {"rows": 128, "features": 64})
declare(_layer_norm, NORM, "layer norm", ROWS, {"rows": 64, "features": 128})


def _element_wise(operation: str, draw: Draw, *, batch: int, channels: int, size: int) -> Call:
    x = draw(batch, channels, size, size)
    text = f"{batch} x {channels} x {size} x {size}"
    if operation in ("relu", "relu_grad"):
        return Call(text, (x,) if operation == "relu" else (x, x[::-1].copy()), {}, x.size, x.nbytes)
    if operation == "bias_add":
        return Call(text, (x, draw(channels)), {}, x.size, x.nbytes)
    return Call(f"{text}, ReLU", (x, draw(channels)), {"activation": "relu"}, 2 * x.size, x.nbytes)


declare(_element_wise, "relu relu_grad bias_add bias_act", "", IMAGES, {"batch": 2, "channels": 8, "size": 32})


def _step(operation: str, draw: Draw, *, tensors: int, size: int) -> Call:
    lists = [[abs(draw(size)) for _ in range(tensors)] for _ in range(4 if operation == "adam_step" else 3)]
    text, list_bytes = f"{tensors} tensors of {size} elements", tensors * lists[0][0].nbytes
    if operation == "sgd_step":
        params = {"shares": [1.0] * tensors, "options": SGDOptions(1e-3, 0.9, 0.0, False)}
        return Call(f"{text}, with momentum", (*lists,), params, 4 * tensors * size, 2 * list_bytes)
    params = {"steps": [1] * tensors, "options": AdamOptions(1e-3, 0.9, 0.999, 1e-8, 0.0, False)}
    return Call(text, (*lists, []), params, 12 * tensors * size, 3 * list_bytes)


declare(_step, "sgd_step adam_step", "", {"tensors": 50, "size": 65536}, {"tensors": 5, "size": 4096})
