"""Which shapes reach which path of the NumPy kernels: windows of every kind, one block and several.

A block of a convolution is 4 MB of columns, at least 192 outputs; below 1 MB all is one block.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from minicnn.backends.trace import Graph
from minicnn.ops.fuse import fuse
from tests.backends.paths import Case, Made, conv, numbers, pool

GRADIENTS = ("conv", "conv_input_grad", "conv_weight_grad")

# path, x, filters of a group, kernel, geometry
OVERLAPPING: list[tuple[str, tuple[int, ...], int, tuple[int, ...], dict[str, Any]]] = [
    ("one pixel", (1, 1, 1, 1), 1, (1, 1), {}),
    ("more columns than results", (2, 3, 6, 7), 4, (3, 3), {"padding": 1}),
    ("more results than columns", (2, 1, 6, 7), 9, (2, 2), {"padding": 1}),
    ("padding before alone", (1, 2, 9, 9), 3, (5, 5), {"padding": ((2, 0), (2, 0))}),
    ("padding after alone", (1, 2, 9, 9), 3, (5, 5), {"padding": ((0, 2), (0, 2))}),
    ("more padding than the kernel has", (1, 3, 6, 5), 3, (3, 3), {"padding": ((4, 0), (3, 5))}),
    ("more padding than the image has", (1, 2, 2, 3), 3, (2, 2), {"padding": ((5, 4), (6, 7))}),
    ("stride 2", (2, 3, 11, 10), 4, (3, 3), {"stride": 2, "padding": 1}),
    ("stride 3 reads some phases", (2, 2, 10, 14), 3, (2, 3), {"stride": 3}),
    ("windows stop short of the end", (1, 2, 13, 14), 3, (2, 2), {"stride": 5}),
    ("dilation", (2, 2, 9, 11), 3, (3, 2), {"dilation": (2, 3), "padding": 1}),
    ("stride and dilation with a common divisor", (1, 2, 13, 13), 3, (3, 3),
     {"stride": 4, "dilation": 2, "padding": 2}),
    ("a line", (2, 3, 17), 4, (5,), {"padding": ((3, 1),)}),
    ("a volume", (2, 2, 5, 6, 7), 3, (2, 3, 2), {"stride": (2, 1, 3), "padding": 1}),
    ("groups", (2, 6, 6, 7), 2, (3, 3), {"padding": 1, "groups": 3}),
    ("groups of many filters", (2, 4, 6, 7), 19, (3, 3), {"padding": 1, "groups": 2}),
    ("blocks of images", (40, 16, 12, 12), 3, (3, 3), {"padding": 1}),
    ("blocks of images, more results than columns", (40, 4, 12, 12), 30, (3, 3), {"padding": 1}),
    ("blocks of rows of one image", (1, 32, 50, 50), 3, (3, 3), {"padding": 1}),
    ("blocks of rows of one image, stride 2", (1, 32, 99, 99), 3, (3, 3), {"padding": 1, "stride": 2}),
    ("blocks of rows, more results than columns", (2, 3, 121, 120), 30, (3, 3), {"padding": ((2, 0), (0, 2))}),
]  # fmt: skip
APART: list[tuple[str, tuple[int, ...], int, tuple[int, ...], dict[str, Any]]] = [
    ("1×1", (2, 5, 6, 7), 3, (1, 1), {}),
    ("1×1, more filters", (2, 3, 6, 7), 8, (1, 1), {}),
    ("1×1 with stride 2", (2, 3, 7, 8), 4, (1, 1), {"stride": 2}),
    ("windows cover all", (2, 3, 6, 8), 4, (2, 2), {"stride": 2}),
    ("windows stop short of the end", (2, 3, 7, 9), 4, (2, 2), {"stride": 2}),
    ("windows leave lines out", (2, 3, 8, 11), 4, (2, 2), {"stride": 3}),
    ("groups", (2, 6, 6, 7), 2, (2, 1), {"stride": (2, 1), "groups": 3}),
    ("dilation within the stride", (1, 2, 12, 12), 3, (2, 2), {"stride": 4, "dilation": 2}),
    ("a line", (2, 3, 17), 4, (3,), {"stride": 3}),
    ("a volume", (2, 2, 4, 6, 9), 3, (2, 2, 3), {"stride": (2, 3, 3)}),
    ("blocks of images", (40, 16, 24, 24), 3, (2, 2), {"stride": 2}),
    ("blocks of images, 1×1", (40, 64, 12, 12), 3, (1, 1), {}),
    ("blocks of rows", (1, 16, 140, 140), 3, (2, 2), {"stride": 2}),
    ("blocks of rows, 1×1", (2, 64, 131, 131), 2, (1, 1), {}),
]


def conv_cases() -> Iterator[Case]:
    for path, x, filters, size, geometry in OVERLAPPING:
        groups = geometry.get("groups", 1)
        w = (filters * groups, x[1] // groups, *size)
        yield conv("conv", "im2col", path, x, w, **geometry)
        yield conv("conv_weight_grad", "im2col", path, x, w, **geometry)
        yield conv("conv_input_grad", "col2im", path, x, w, **geometry)
        if geometry.get("stride", 1) == 1:
            # Cases with half as many filters as channels, and with twice as many.
            wide = ((x[0], 2 * filters * groups, *x[2:]), (max(1, x[1] // groups // 2) * groups, 2 * filters, *size))
            if wide[1][0] * 2 <= wide[0][1]:
                yield conv("conv", "col2im", f"{path}, turned", *wide, **geometry)
                yield conv("conv_weight_grad", "im2col_of_g", f"{path}, turned", *wide, **geometry)
            if 2 * filters * groups > x[1]:
                yield conv("conv_input_grad", "im2col", path, x, w, **geometry)
    yield conv("conv", "col2im", "one channel of each group", (2, 4, 5, 6), (2, 2, 3, 3), padding=1, groups=2)
    for path, x, filters, size, geometry in APART:
        groups = geometry.get("groups", 1)
        for operation in GRADIENTS:
            yield conv(operation, "nonoverlapping", path, x, (filters * groups, x[1] // groups, *size), **geometry)
    for path, x, padding in (
        ("several images", (9, 96, 8, 11), 1),
        ("one image of blocks of rows", (1, 96, 37, 41), ((2, 0), (0, 2))),
        ("no padding", (2, 97, 23, 22), 0),
    ):
        for operation in GRADIENTS:
            yield conv(operation, "winograd", path, x, (96, x[1], 3, 3), dtypes=("float32",), padding=padding)
    fused = {"conv": "im2col", "conv_input_grad": "col2im"}
    for operation in ("conv_bias", "conv_bias_relu", "conv_transpose_bias", "conv_transpose_bias_relu"):
        for path, x, w in (
            ("one part", (2, 3, 6, 7), (4, 3, 3, 3)),
            ("a line", (2, 3, 17), (4, 3, 3)),
            ("several parts", (5, 2, 64, 65), (20, 2, 1, 1)),
        ):
            yield conv(operation, "in_place", path, x, w, fused)


# --- pooling ------------------------------------------------------------------------------------------------------

POOL: list[tuple[str, tuple[int, ...], Any, dict[str, Any]]] = [
    ("one pixel", (1, 1, 1, 1), 1, {}),
    ("2×2", (2, 3, 6, 8), 2, {}),
    ("windows stop short of the end", (2, 3, 7, 9), 2, {}),
    ("windows leave lines out", (2, 3, 8, 11), 2, {"stride": 3}),
    ("a line", (2, 3, 17), 3, {}),
    ("a volume", (2, 2, 4, 6, 9), (2, 2, 3), {}),
    ("blocks of planes", (30, 20, 60, 60), 2, {}),
    ("blocks of rows", (1, 1, 1200, 1201), 2, {}),
]
OVERLAPPING_POOL: list[tuple[str, tuple[int, ...], Any, dict[str, Any]]] = [
    ("3×3 with stride 1", (2, 2, 7, 9), 3, {"stride": 1, "padding": 1}),
    ("3×3 with stride 2", (2, 2, 10, 9), 3, {"stride": 2, "padding": 1}),
    ("a large window with padding", (2, 2, 9, 11), (5, 4), {"stride": (2, 3), "padding": 2}),
    ("ceil mode", (2, 2, 8, 10), 3, {"stride": 2, "ceil_mode": True}),
    ("ceil mode with stride 3", (2, 2, 8, 10), 2, {"stride": 3, "ceil_mode": True}),
    ("a line, overlapping", (2, 3, 17), 3, {"stride": 2, "padding": 1}),
    ("a volume, overlapping", (1, 2, 5, 6, 7), 3, {"stride": (1, 2, 1), "padding": 1}),
    ("more than 255 taps", (1, 2, 20, 19), (16, 17), {"stride": 2}),
    ("blocks of planes, overlapping", (10, 12, 60, 60), 2, {"stride": 1}),
    ("blocks of rows, overlapping", (1, 1, 601, 600), 2, {"stride": 1, "padding": 1}),
]  # fmt: skip
DILATED: list[tuple[str, tuple[int, ...], Any, dict[str, Any]]] = [
    ("dilated", (2, 2, 9, 10), 3, {"stride": 1, "dilation": 2, "padding": 1}),
    ("dilated: no tap meets the image", (1, 2, 3, 3), 2, {"stride": 1, "dilation": 4, "padding": 1}),
    ("dilated, stride 2", (2, 2, 11, 13), (3, 2), {"stride": 2, "dilation": 2, "padding": 1}),
]


def pool_cases() -> Iterator[Case]:
    for path, x, size, geometry in POOL:
        for operation in ("max_pool", "max_unpool"):
            for special in ("", "equal", "nan") if x[-1] < 100 else ("equal",):
                name = f"{path}, {special}" if special else path
                yield pool(operation, "nonoverlapping", name, x, size, special, **geometry)
    for path, x, size, geometry in (*POOL, *OVERLAPPING_POOL, *DILATED):
        for operation in ("max_pool", "max_unpool"):
            for special in ("", "equal", "nan", "-inf") if x[-1] < 100 else ("equal",):
                name = f"{path}, {special}" if special else path
                yield pool(operation, "polyphase", name, x, size, special, **geometry)
    counted = ("padding is not counted", (2, 3, 7, 9), 3, {"stride": 2, "padding": 1, "count_include_pad": False})
    divided = ("a divisor of its own", (2, 3, 7, 9), 3, {"stride": 2, "padding": 1, "divisor_override": 5})
    for path, x, size, geometry in (*POOL, *OVERLAPPING_POOL, counted, divided):
        for operation in ("avg_pool", "avg_pool_input_grad"):
            yield pool(operation, "polyphase", path, x, size, **geometry)


# --- the rest -----------------------------------------------------------------------------------------------------


def other_cases() -> Iterator[Case]:
    for path, shape in (
        ("one block", (3, 5, 4, 5)),
        ("few pixels", (3, 5, 16)),
        ("blocks of channels", (5, 33, 41, 43)),
        ("one channel", (7, 1, 40)),
    ):
        for operation in ("batch_norm", "batch_norm_grads"):
            yield Case(operation, "blocks", path, batch_norm(operation, shape))
    for path, size in (("one part", 33), ("several parts", (1 << 18) + 37)):
        yield Case("relu_grad", "bits", path, vectors(2, size))
        yield Case("relu_grad", "bits", f"{path}, NaN", vectors(2, size, nan=True))
    yield Case("relu", "threads", "several parts", vectors(1, (1 << 18) + 37))
    yield Case("relu", "threads", "several parts, NaN", vectors(1, (1 << 18) + 37, nan=True))
    for path, a, b in (
        ("one part", (5, 7), (7, 3)),
        ("two parts", (301, 200), (200, 150)),
        ("equal leading axes", (3, 2, 5, 7), (3, 2, 7, 4)),
        ("equal leading axes, two parts", (5, 150, 100), (5, 100, 120)),
    ):
        yield Case("matmul", "rows", path, matrices(a, b))
    for path, a, b in (("a column by a row", (5, 1), (1, 7)), ("with leading axes", (3, 5, 1), (3, 1, 4))):
        yield Case("matmul", "outer", path, matrices(a, b))
    for path, a, b in (("two matrices", (20, 30), (30, 10)), ("leading axes", (2, 20, 30), (2, 30, 10))):
        whole = partial(lambda rng, a, b: (tuple(rng.integers(-9, 9, shape) for shape in (a, b)), {}), a=a, b=b)
        yield Case("matmul", "integers", path, whole, dtypes=("float64",))
    for path, a, b in (("one part", (5, 7), (3, 7)), ("two parts", (301, 200), (150, 200))):
        yield Case("linear", "rows", path, matrices(a, b))
    for operation in ("cumsum", "cumprod"):
        for path, shape, axis in (("the first axis", (5, 7), 0), ("the middle", (3, 4, 5), 1), ("one row", (1, 3), 0)):
            yield Case(operation, "rows", path, partial(scanned, shape=shape, axis=axis))
    for path, shape, index in (
        ("numbers of elements", (9,), (np.array([[0, 3], [8, 3]]),)),
        ("negative numbers", (9,), (np.array([-1, 3, 3]), ...)),
        ("no numbers", (9,), (np.zeros((0,), int),)),
        ("rows", (4, 3), (np.array([1, 1, 3]), ...)),
        ("an array behind a slice", (4, 3), (slice(1, None), np.array([2, 0, 2, 2]))),
        ("a mask", (5,), (np.array([True, False, True, True, False]), ...)),
    ):
        yield Case("index_add", "count", path, partial(added, shape=shape, index=index))
    graph = fuse(lambda x, y, z: ((x * y).exp() + z) * 0.5 - y.maximum(x)).graph()
    short = fuse(lambda x, y, z: x * y + z).graph()
    for name, one in (("", (40_001,)), (", one number for all", ())):
        for operation in ("fused", "fused_sum"):
            for n in (40_001, 100_003):
                shapes = ((n,), (n,), one and (n,))
                yield Case(operation, "blocks", f"{n} numbers{name}", arguments(graph, shapes))
                yield Case(operation, "blocks", f"{n} numbers{name}, three steps", arguments(short, shapes))


def batch_norm(operation: str, shape: tuple[int, ...]) -> Any:
    def make(rng: np.random.Generator) -> Made:
        x, w, b = numbers(rng, *shape), numbers(rng, shape[1]), numbers(rng, shape[1])
        return ((x, w, b) if operation == "batch_norm" else (numbers(rng, *shape), x, w)), {"eps": 0.1}

    return make


def vectors(count: int, size: int, nan: bool = False) -> Any:
    def make(rng: np.random.Generator) -> Made:
        arrays = [np.round(numbers(rng, size) * 2) / 2 for _ in range(count)]
        if nan:
            arrays[-1][::7] = np.nan
        return tuple(arrays), {}

    return make


def scanned(rng: np.random.Generator, *, shape: tuple[int, ...], axis: int) -> Made:
    return (numbers(rng, *shape),), {"axis": axis}


def added(rng: np.random.Generator, *, shape: tuple[int, ...], index: tuple[Any, ...]) -> Made:
    return (numbers(rng, *np.empty(shape)[index].shape),), {"index": index, "shape": shape}


def matrices(a: tuple[int, ...], b: tuple[int, ...]) -> Any:
    return lambda rng: ((numbers(rng, *a), numbers(rng, *b)), {})


def arguments(graph: Graph, shapes: tuple[tuple[int, ...], ...]) -> Any:
    return lambda rng: (tuple(np.asarray(numbers(rng, *s)) for s in shapes), {"graph": graph})


CASES = [*conv_cases(), *pool_cases(), *other_cases()]
