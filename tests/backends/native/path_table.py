"""The shapes that reach each path of kernels/cpu, for vectors of 4, 8 and 16 floats, and of half as many doubles.

A panel of conv.cpp has 8 rows with AVX-512 and 4 rows without. So 57 rows are 8 panels and one row, or 14 panels and
one row. A panel of packed_microkernel.hpp has two vectors of columns: 33 is one more than a panel of AVX-512, and one
more than a multiple of 8. 17, 31, 33 and 47 leave one lane, or all lanes but one, for every width.
`make coverage-kernels` prints the lines that no case reaches.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from minicnn.backends.native import library
from minicnn.backends.trace import OPERATIONS, Graph
from minicnn.geometry import conv_spec, pool_spec
from minicnn.ops.cross_entropy import Classes
from minicnn.ops.fuse import fuse
from tests.backends.paths import Case, Made, conv, numbers, pool, positive

if library.missing():  # an import of native kernels would register them, and they cannot run
    pytest.skip(library.missing(), allow_module_level=True)

from minicnn.backends.native.fuse import MIN_ELEMENTS

TAILS = (1, 15, 17, 31, 33, 47, 64)
ENDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("no padding", {}),
    ("padding", {"padding": 1}),
    ("padding before alone", {"padding": ((2, 0), (2, 0))}),
    ("windows stop short of the end", {"stride": 3}),
    ("stride 2", {"stride": 2, "padding": 1}),
)


# --- convolution: conv.cpp, conv_layout.hpp, microkernel.hpp ------------------------------------------------------

DENSE, LOOSE = 61, 5  # filters; with 8 panels and more, windows are packed without the zeros between rows

# path, shape of x, filters of a group, kernel size, geometry
GEMM: list[tuple[str, tuple[int, ...], int, tuple[int, ...], dict[str, Any]]] = [
    ("one pixel, one filter", (1, 1, 1, 1), 1, (1, 1), {}),
    ("one pixel, no tap inside but one", (1, 2, 1, 1), LOOSE, (3, 3), {"padding": 1}),
    ("few filters: tiles lie in long rows", (2, 3, 9, 11), LOOSE, (3, 3), {"padding": 1}),
    ("filters beyond a whole panel: packed windows", (1, 3, 10, 13), DENSE, (3, 3), {"padding": 1}),
    ("a panel of one row", (1, 2, 6, 7), 57, (3, 3), {"padding": 1}),
    ("whole panels alone", (1, 2, 6, 7), 64, (3, 3), {"padding": 1}),
    ("in place rows", (2, 3, 9, 12), DENSE, (3, 3), {}),
    ("in place rows of groups", (2, 4, 7, 9), DENSE, (3, 2), {"groups": 2}),
    ("in place rows of volumes", (2, 2, 4, 5, 6), DENSE, (2, 3, 2), {}),
    ("in place, 1×1", (2, 5, 5, 7), DENSE, (1, 1), {}),
    ("1×1 and few filters", (2, 5, 5, 7), LOOSE, (1, 1), {}),
    ("in place, dilated", (1, 3, 9, 12), DENSE, (3, 2), {"dilation": (2, 3)}),
    ("padding before alone, packed", (1, 2, 9, 9), DENSE, (5, 5), {"padding": ((2, 0), (2, 0))}),
    ("padding after alone, packed", (1, 2, 9, 9), DENSE, (5, 5), {"padding": ((0, 2), (0, 2))}),
    ("padding before rows alone, packed", (2, 2, 7, 9), DENSE, (3, 3), {"padding": ((2, 0), (0, 0))}),
    ("padding after columns alone, packed", (2, 2, 7, 9), DENSE, (3, 3), {"padding": ((0, 0), (0, 1))}),
    ("padding before alone, few filters", (1, 2, 9, 9), LOOSE, (5, 5), {"padding": ((2, 0), (2, 0))}),
    ("padding after alone, few filters", (1, 2, 9, 9), LOOSE, (5, 5), {"padding": ((0, 2), (0, 2))}),
    ("more padding than the kernel has", (1, 3, 6, 5), LOOSE, (3, 3), {"padding": ((4, 0), (3, 5))}),
    ("more padding than the kernel has, packed", (1, 3, 6, 5), DENSE, (3, 3), {"padding": ((4, 0), (3, 5))}),
    ("windows stop short of the end", (1, 2, 12, 14), LOOSE, (3, 3), {"stride": 2}),
    ("windows stop short of the end, packed", (1, 2, 12, 14), DENSE, (3, 3), {"stride": 2}),
    ("windows stop short by more than a row", (1, 2, 13, 14), LOOSE, (2, 2), {"stride": 5}),
    ("stride 2 with padding", (2, 3, 11, 10), LOOSE, (3, 3), {"stride": 2, "padding": 1}),
    ("stride 2 with padding, packed", (2, 3, 11, 10), DENSE, (3, 3), {"stride": 2, "padding": 1}),
    ("stride 2 on long rows", (1, 2, 3, 97), LOOSE, (3, 3), {"stride": 2, "padding": 1}),
    ("stride 2 on long rows, packed", (1, 2, 3, 97), DENSE, (3, 3), {"stride": 2, "padding": 1}),
    ("stride 3 generic copy", (2, 2, 10, 14), LOOSE, (3, 3), {"stride": 3, "padding": 1}),
    ("stride 3 generic copy, packed", (2, 2, 10, 14), DENSE, (3, 3), {"stride": 3, "padding": 1}),
    ("stride 3 on long rows, packed", (1, 2, 2, 101), DENSE, (2, 4), {"stride": (1, 3), "padding": 1}),
    ("stride and dilation read some phases alone", (1, 2, 13, 13), LOOSE, (3, 3), {"stride": 4, "dilation": 2}),
    ("stride larger than the kernel", (1, 3, 9, 10), LOOSE, (1, 1), {"stride": 2}),
    ("stride larger than the kernel, packed", (1, 3, 9, 10), DENSE, (1, 2), {"stride": 3}),
    ("a stride larger than the image", (1, 3, 3, 4), LOOSE, (3, 3), {"stride": 5, "padding": 1}),
    ("a stride larger than the image, packed", (1, 3, 3, 4), DENSE, (3, 3), {"stride": 5, "padding": 1}),
    ("channels beyond a block", (1, 60, 5, 6), LOOSE, (3, 3), {"padding": 1}),
    ("channels beyond a block, packed", (1, 60, 5, 6), DENSE, (3, 3), {"padding": 1}),
    ("channels beyond a block, in place", (1, 117, 4, 5), DENSE, (3, 3), {}),
    ("channels of a block that memory limits", (1, 211, 28, 28), 2, (1, 1), {"padding": 1}),
    ("channels beyond a block, strided", (1, 61, 7, 8), DENSE, (3, 3), {"stride": 2, "padding": 1}),
    ("several small images in a chunk", (13, 2, 5, 5), LOOSE, (3, 3), {"padding": 1}),
    ("several small images in a chunk, packed", (13, 2, 5, 5), DENSE, (3, 3), {"padding": 1}),
    ("several small images in a chunk, in place", (13, 2, 5, 5), DENSE, (3, 3), {}),
    ("chunks of small images, the last shorter", (65, 1, 6, 5), LOOSE, (3, 3), {"padding": 1}),
    ("chunks of small images of groups", (33, 6, 6, 5), 3, (3, 3), {"padding": 1, "groups": 3}),
    ("an image cut along its rows", (1, 2, 37, 29), LOOSE, (3, 3), {"padding": 1}),
    ("an image cut along its rows, packed", (1, 2, 37, 29), DENSE, (3, 3), {"padding": 1}),
    ("an image cut along its rows, in place", (1, 2, 37, 29), DENSE, (3, 3), {}),
    ("rows longer than a chunk", (1, 2, 3, 1031), LOOSE, (3, 3), {"padding": 1}),
    ("rows longer than a chunk, packed", (1, 2, 3, 1031), DENSE, (3, 3), {"padding": ((1, 1), (0, 2))}),
    ("rows longer than a chunk, in place", (1, 2, 3, 1031), DENSE, (2, 3), {}),
    ("rows longer than a chunk, with stride 2", (1, 1, 5, 1031), LOOSE, (3, 3), {"stride": 2, "padding": 1}),
    ("a volume cut along its first axis", (1, 2, 7, 13, 14), LOOSE, (3, 2, 3), {"padding": 1}),
    ("a volume cut along its second axis", (1, 1, 3, 37, 29), LOOSE, (2, 3, 3), {"padding": 1}),
    ("a volume with a stride of its own for each axis", (2, 2, 5, 6, 7), LOOSE, (2, 3, 2), {"stride": (2, 1, 3)}),
    ("a volume with padding of its own, packed", (1, 2, 4, 5, 6), DENSE, (3, 2, 3),
     {"padding": ((1, 0), (0, 1), (2, 1))}),
    ("a line", (2, 3, 47), LOOSE, (5,), {"padding": 2}),
    ("a line, packed", (2, 3, 47), DENSE, (5,), {"padding": ((3, 0),)}),
    ("groups, packed", (2, 6, 6, 7), DENSE, (3, 3), {"padding": 1, "groups": 3}),
    ("groups of one filter", (2, 6, 6, 7), 1, (3, 3), {"padding": 1, "groups": 3}),
    ("more tasks than threads", (9, 2, 17, 33), LOOSE, (3, 3), {"padding": 1}),
    ("share of panels among threads", (1, 2, 6, 7), 141, (3, 3), {"padding": 1}),
    ("share of panels among threads, several blocks", (1, 60, 4, 5), 141, (3, 3), {"padding": 1}),
    ("share of panels among threads, pixels no tap meets", (1, 3, 7, 8), 141, (1, 1), {"stride": 3}),
    ("no channels", (1, 0, 4, 5), LOOSE, (3, 3), {"padding": 1}),
    *((f"infinite pixels: {name}, {f} filters", (2, 2, 5, 11), f, (3, 3), {"infinite": True, **geometry})
      for f in (LOOSE, DENSE) for name, geometry in ENDS),
    *((f"a row of {n}: {name}", (1, 2, 1, n), f, (1, 3), {"padding": ((0, 0), (1, 1))})
      for n in TAILS for name, f in (("few filters", LOOSE), ("packed", DENSE))),
    *((f"rows of {n}, several in a vector: {name}", (2, 2, 5, n), f, (2, 2), {"padding": 1})
      for n in (1, 2, 3, 5, 7) for name, f in (("few filters", LOOSE), ("packed", DENSE))),
]  # fmt: skip


def gemm_cases() -> Iterator[Case]:
    for path, x, filters, size, geometry in GEMM:
        groups = geometry.get("groups", 1)
        w = (filters * groups, x[1] // groups, *size)
        for operation in ("conv", "conv_input_grad"):
            yield conv(operation, "implicit_gemm", path, x, w, source="conv", **geometry)
    for operation in ("conv_bias", "conv_bias_relu", "conv_transpose_bias", "conv_transpose_bias_relu"):
        for path, x, w, geometry in (
            ("few filters", (2, 4, 6, 7), (10, 2, 3, 3), {"padding": 1, "groups": 2}),
            ("packed", (2, 2, 6, 7), (DENSE, 2, 3, 3), {"padding": 1}),
            ("several blocks", (1, 60, 5, 6), (LOOSE, 60, 3, 3), {"padding": 1}),
            ("stride 2", (2, 3, 9, 10), (LOOSE, 3, 3, 3), {"stride": 2, "padding": 1}),
            ("pixels no tap meets", (2, 6, 9, 10), (DENSE * 2, 3, 2, 1), {"stride": 3, "groups": 2}),
            ("share of panels, pixels no tap meets", (1, 3, 7, 8), (141, 3, 1, 1), {"stride": 3}),
            ("a large image, pixels no tap meets", (1, 2, 61, 59), (LOOSE, 2, 1, 1), {"stride": 2}),
        ):  # fmt: skip
            yield conv(operation, "implicit_gemm", path, x, w, source="conv", **geometry)
    for operation in ("conv_bias", "conv_bias_relu", "conv_transpose_bias", "conv_transpose_bias_relu"):
        for path, x, w in (
            ("winograd, few tiles", (1, 5, 6, 7), (35, 5, 3, 3)),
            ("winograd, many tiles", (1, 3, 41, 43), (33, 3, 3, 3)),
        ):
            yield conv(operation, "winograd", path, x, w, source="winograd", padding=1)
    for path, n, size in (("one block", 2, 6), ("several blocks of images", 5, 128)):
        yield pooled("implicit_gemm", path, (n, 2, size, size), (16, 2, 1, 1))
        yield pooled("winograd", path, (n, 2, size, size), (16, 2, 3, 3))


def pooled(kernel: str, path: str, x: tuple[int, ...], w: tuple[int, ...]) -> Case:
    """A convolution with bias, ReLU and maximum pooling."""
    spec = conv_spec("test", x, w, padding=w[-1] // 2)
    params = {"spec": spec, "pool": pool_spec("test", (x[0], w[0], *spec.output_size), 2)}

    def make(rng: np.random.Generator) -> Made:
        # A filter copies a channel, with either sign, and pixels are distinct integers: no rounding moves a winner.
        pixels = 1.0 + rng.permutation(int(np.prod(x))).reshape(x)
        filters = np.zeros(w)
        centre = (w[-2] // 2, w[-1] // 2)
        filters[(np.arange(w[0]), rng.integers(0, w[1], w[0]), *centre)] = rng.choice([-1.0, 1.0], w[0])
        return (pixels, filters, rng.integers(-8, 9, w[0]) / 16), params

    return Case("conv_bias_relu_pool", kernel, path, make, source="conv" if kernel == "implicit_gemm" else kernel)


# --- convolution: the lower rungs ---------------------------------------------------------------------------------

RUNGS: list[tuple[str, tuple[int, ...], int, tuple[int, ...], dict[str, Any]]] = [
    ("one pixel", (1, 1, 1, 1), 1, (1, 1), {}),
    ("filters beyond a panel, pixels beyond a tile", (2, 3, 7, 8), 9, (3, 3), {"padding": 1}),
    ("whole panels and tiles", (1, 2, 6, 8), 8, (3, 3), {"padding": 1}),
    ("groups", (2, 4, 5, 6), 3, (2, 3), {"groups": 2}),
    ("stride and dilation", (1, 2, 9, 10), 5, (3, 2),
     {"stride": (2, 3), "dilation": (2, 1), "padding": ((2, 0), (0, 1))}),
    ("a volume", (1, 2, 4, 5, 4), 3, (2, 2, 3), {"padding": 1, "stride": (1, 2, 2)}),
]  # fmt: skip


def rung_cases() -> Iterator[Case]:
    for path, x, filters, size, geometry in RUNGS:
        groups = geometry.get("groups", 1)
        for operation in ("conv", "conv_input_grad"):
            for kernel in ("gemm_tiles", "direct"):
                w = (filters * groups, x[1] // groups, *size)
                yield conv(operation, kernel, path, x, w, source="conv", **geometry)


# --- the weight gradient: conv_weight_grad.cpp, packed_microkernel.hpp --------------------------------------------

OUTER: list[tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ("one pixel", (1, 1, 1, 1), (1, 1, 1, 1), {}),
    ("one filter: a narrow panel", (1, 2, 6, 7), (1, 2, 3, 3), {"padding": 1}),
    ("a wide panel", (1, 2, 6, 7), (31, 2, 3, 3), {"padding": 1}),
    ("a wide panel and a narrow one", (1, 2, 6, 7), (33, 2, 3, 3), {"padding": 1}),
    ("a wide panel and a shorter wide one", (1, 2, 6, 7), (53, 2, 3, 3), {"padding": 1}),
    ("two whole panels", (1, 2, 6, 7), (64, 2, 3, 3), {"padding": 1}),
    *((f"tiles of {n} rows and the rest", (1, n, 4, 5), (3, n, 1, 1), {}) for n in range(1, 12)),
    ("channels beyond a block: rows", (1, 75, 4, 5), (3, 75, 3, 3), {"padding": 1}),
    ("channels beyond a block: the patch", (1, 61, 32, 32), (2, 61, 3, 3), {"padding": 1}),
    ("filters beyond a block: sums", (1, 71, 3, 4), (150, 71, 3, 3), {"padding": 1}),
    ("lines in pieces", (1, 2, 1500), (3, 2, 3), {"padding": 1}),
    ("lines in pieces, the last shorter", (1, 2, 2, 3101), (3, 2, 2, 3), {"padding": 1}),
    ("lines in pieces, with stride 2", (1, 2, 2, 5001), (3, 2, 2, 3), {"padding": 1, "stride": 2}),
    ("ranges of pixels, of which the last is shorter", (1, 3, 9, 61), (5, 3, 3, 3), {"padding": 1}),
    ("ranges of pixels over images", (7, 2, 9, 8), (5, 2, 3, 3), {"padding": 1}),
    ("several chunks in a range", (3, 1, 71, 70), (2, 1, 3, 3), {"padding": 1}),
    ("several chunks in a range, wide panels", (3, 1, 71, 70), (33, 1, 2, 2), {}),
    ("sums of ranges in several pieces", (1, 30, 9, 17), (20, 30, 3, 3), {"padding": 1}),
    ("a chunk of several images", (9, 2, 3, 3), (4, 2, 3, 3), {"padding": 1}),
    ("a kernel of one line skips lines", (2, 2, 11, 9), (3, 2, 1, 3), {"stride": (3, 2), "padding": ((0, 0), (1, 1))}),
    ("a kernel of one line in the padding", (2, 2, 5, 6), (3, 2, 1, 2),
     {"stride": (2, 1), "padding": ((3, 2), (1, 0))}),
    ("stride and dilation", (2, 2, 13, 14), (3, 2, 3, 2), {"stride": (2, 3), "dilation": (2, 3), "padding": 1}),
    ("padding before alone", (1, 2, 7, 9), (3, 2, 4, 5), {"padding": ((3, 0), (4, 0))}),
    ("padding after alone", (1, 2, 7, 9), (3, 2, 4, 5), {"padding": ((0, 3), (0, 4))}),
    ("more padding than the image has", (1, 2, 2, 3), (3, 2, 2, 2), {"padding": ((5, 4), (6, 7))}),
    ("windows stop short of the end", (1, 2, 9, 10), (3, 2, 2, 2), {"stride": 4}),
    ("a volume", (2, 2, 5, 4, 6), (3, 2, 3, 2, 3), {"padding": 1}),
    ("a volume with strides and dilation", (1, 2, 7, 6, 7), (3, 2, 2, 3, 2),
     {"padding": ((2, 0), (0, 1), (1, 2)), "stride": (2, 1, 2), "dilation": (2, 1, 1)}),
    ("groups", (2, 6, 5, 7), (9, 2, 3, 3), {"padding": 1, "groups": 3}),
    ("groups with blocks of channels", (1, 150, 3, 4), (4, 75, 3, 3), {"padding": 1, "groups": 2}),
    ("axes along which nothing slides become one", (2, 3, 5, 7), (17, 3, 1, 1), {}),
    ("an axis along which nothing slides, and one", (2, 3, 9, 4), (5, 3, 3, 1), {"padding": ((1, 0), (0, 0))}),
    *((f"a line of {n}", (1, 2, n), (18, 2, 3), {"padding": 1}) for n in TAILS),
    *((f"infinite pixels: {name}", (2, 2, 5, 11), (3, 2, 3, 3), {"infinite": True, **geometry})
      for name, geometry in ENDS),
]  # fmt: skip


def weight_cases() -> Iterator[Case]:
    for path, x, w, geometry in OUTER:
        yield conv("conv_weight_grad", "outer_products", path, x, w, source="conv_weight_grad", **geometry)


# --- Winograd -----------------------------------------------------------------------------------------------------

# path, (N, C, H, W), filters, padding
WINOGRAD: list[tuple[str, tuple[int, ...], int, Any]] = [
    ("one pixel", (1, 1, 1, 1), 1, 1),
    ("tiles cut on both sides, a rest of one lane", (2, 17, 7, 10), 33, 1),
    ("all lanes but one", (1, 15, 6, 9), 31, 1),
    ("whole vectors of channels", (1, 16, 8, 8), 32, 1),
    ("whole vectors of pixels", (1, 16, 18, 34), 16, ((0, 0), (0, 0))),
    ("few tiles, channels beyond a block", (1, 141, 5, 6), 3, 1),
    ("few tiles, panels beyond one", (1, 3, 9, 9), 70, 1),
    ("many tiles, channels beyond a block", (1, 261, 37, 41), 2, 1),
    ("many tiles, panels beyond one", (2, 5, 37, 41), 35, 1),
    ("rows of two strips, few tiles", (1, 3, 3, 267), 5, 1),
    ("rows of two strips, many tiles", (1, 3, 9, 266), 5, ((1, 0), (1, 2))),
    ("rows of three strips", (1, 3, 5, 530), 5, 1),
    ("no padding", (2, 5, 18, 22), 6, 0),
    ("more padding than the kernel has", (1, 9, 6, 11), 8, ((4, 0), (3, 5))),
    ("more padding than the image has", (1, 3, 2, 3), 4, ((9, 0), (0, 9))),
    ("padding before alone", (1, 3, 9, 10), 4, ((2, 0), (2, 0))),
    ("padding after alone", (1, 3, 9, 10), 4, ((0, 2), (0, 2))),
    ("many tiles: several strips of a task", (1, 3, 81, 9), 4, 1),
    ("many tiles of several images", (9, 3, 13, 14), 4, 1),
]
WINOGRAD_WEIGHTS: list[tuple[str, tuple[int, ...], int, Any]] = [
    ("filters beyond a task", (1, 3, 6, 7), 55, 1),
    ("panels of channels, whole tasks of filters", (1, 67, 6, 7), 48, 1),
    ("ranges of tiles, some empty", (1, 2, 36, 240), 3, 1),
    ("ranges of tiles, all used", (1, 3, 128, 67), 4, 1),
    ("many sums: one range, chunk by chunk", (3, 101, 37, 41), 81, 1),
    ("a range of several chunks", (1, 33, 128, 120), 33, 1),
]


def winograd_cases() -> Iterator[Case]:
    for path, x, filters, padding in WINOGRAD:
        w = (filters, x[1], 3, 3)
        for operation in ("conv", "conv_input_grad"):
            yield conv(operation, "winograd", path, x, w, source="winograd", padding=padding)
        yield conv("conv_weight_grad", "winograd", path, x, w, source="conv_weight_grad_winograd", padding=padding)
    for path, x, filters, padding in WINOGRAD_WEIGHTS:
        w = (filters, x[1], 3, 3)
        yield conv("conv_weight_grad", "winograd", path, x, w, source="conv_weight_grad_winograd", padding=padding)


# --- depthwise convolution ----------------------------------------------------------------------------------------

# path, (N, C, *I), filters of a channel, kernel
DEPTHWISE: list[tuple[str, tuple[int, ...], int, tuple[int, ...], dict[str, Any]]] = [
    ("one pixel", (1, 2, 1, 1), 1, (1, 1), {}),
    *((f"a kernel of {k[0]} lines and {k[1]} columns", (2, 3, 9, 18), 1, k, {"padding": (k[0] // 2, k[1] // 2)})
      for k in ((3, 3), (5, 5), (7, 7), (2, 3), (4, 3), (6, 5), (8, 7), (1, 3), (3, 1), (3, 2), (2, 4), (1, 9))),
    ("columns side by side: nothing is left out", (2, 2, 7, 9), 1, (3, 1), {"padding": ((1, 1), (0, 0))}),
    ("no padding", (2, 2, 7, 19), 1, (3, 3), {}),
    ("padding before alone", (2, 2, 7, 9), 1, (3, 3), {"padding": ((2, 0), (2, 0))}),
    ("padding after alone", (2, 2, 7, 9), 1, (3, 3), {"padding": ((0, 2), (0, 2))}),
    ("more padding than the image has", (1, 2, 2, 3), 1, (3, 3), {"padding": ((5, 4), (6, 7))}),
    ("dilation within a vector", (1, 2, 9, 40), 1, (3, 3), {"dilation": (2, 1), "padding": (2, 1)}),
    ("dilation beyond a vector", (1, 2, 9, 61), 1, (3, 3), {"dilation": (1, 20), "padding": (1, 20)}),
    *((f"{k} columns, {apart} apart: a vector or more", (1, 2, 3, 45), 1, (2, k), {"dilation": (1, apart)})
      for k, apart in ((3, 2), (3, 3), (3, 4), (3, 5), (3, 8), (3, 9), (5, 2), (5, 3), (5, 4), (5, 5), (7, 2), (7, 3))),
    ("stride 2", (2, 2, 9, 18), 1, (3, 3), {"stride": 2, "padding": 1}),
    ("stride 2 on long lines", (1, 2, 5, 95), 1, (3, 3), {"stride": 2, "padding": 1}),
    ("stride 3", (2, 2, 11, 20), 1, (3, 3), {"stride": 3, "padding": 1}),
    ("stride 3 with a kernel of 5 and dilation", (1, 2, 19, 23), 1, (5, 5), {"stride": 3, "padding": 4, "dilation": 2}),
    ("stride of lines alone", (1, 2, 11, 20), 1, (3, 3), {"stride": (2, 1), "padding": 1}),
    ("stride larger than the kernel", (1, 2, 9, 10), 1, (1, 1), {"stride": 3}),
    ("windows stop short of the end", (1, 2, 12, 13), 1, (3, 3), {"stride": 4}),
    ("several filters a channel", (2, 2, 7, 9), 3, (3, 3), {"padding": 1}),
    ("several filters a channel, stride 2", (2, 2, 7, 9), 3, (3, 5), {"padding": (1, 2), "stride": 2}),
    ("a plane of several blocks", (2, 2, 131, 137), 1, (3, 3), {"padding": 1}),
    ("a plane of several blocks, several filters, stride 2", (1, 2, 131, 137), 2, (3, 3), {"padding": 1, "stride": 2}),
    ("a plane of several blocks, no padding of lines", (1, 2, 131, 137), 1, (2, 3), {"padding": ((0, 0), (1, 1))}),
    ("several planes in a patch, several tasks", (5, 7, 28, 29), 1, (3, 3), {"padding": 1}),
    ("several planes in a patch of a task: a rest", (3, 67, 5, 9), 1, (3, 3), {"padding": 1}),
    ("a line", (2, 3, 47), 1, (5,), {"padding": 2}),
    ("a volume", (2, 2, 4, 5, 6), 1, (3, 2, 3), {"padding": 1}),
    ("a volume with strides", (2, 2, 7, 6, 9), 1, (3, 3, 3), {"padding": 1, "stride": (2, 3, 2)}),
    ("a volume with stride 3 of columns", (1, 2, 4, 5, 13), 2, (2, 2, 5),
     {"padding": ((0, 1), (1, 0), (2, 2)), "stride": (1, 1, 3)}),
    ("a volume of several blocks", (1, 2, 33, 25, 23), 1, (3, 3, 3), {"padding": 1}),
    *((f"lines of {n}", (1, 2, 4, n), 1, (3, 3), {"padding": 1}) for n in (2, 3, 5, *TAILS)),
    *((f"infinite pixels: {name}", (1, 2, 5, 11), 1, (3, 3), {"infinite": True, **geometry})
      for name, geometry in ENDS),
]  # fmt: skip


def depthwise_cases() -> Iterator[Case]:
    for path, x, filters, size, geometry in DEPTHWISE:
        w = (x[1] * filters, 1, *size)
        for operation in ("conv", "conv_input_grad", "conv_weight_grad"):
            if operation != "conv_input_grad" or filters == 1:  # the input gradient's kernel supports nothing else
                yield conv(operation, "depthwise", path, x, w, source="depthwise", groups=x[1], **geometry)


# --- pooling ------------------------------------------------------------------------------------------------------

POOL: list[tuple[str, tuple[int, ...], Any, dict[str, Any]]] = [
    ("one pixel", (1, 1, 1, 1), 1, {}),
    ("2×2", (2, 3, 8, 10), 2, {}),
    ("2×2 on long rows, read in place", (2, 2, 8, 66), 2, {}),
    ("2×2, windows stop short of the end", (1, 2, 9, 35), 2, {}),
    ("2×2 with padding", (2, 2, 9, 33), 2, {"padding": 1}),
    ("2×2 with padding on short rows", (2, 2, 5, 4), 2, {"padding": 1}),
    ("3×3 with stride 2", (2, 2, 9, 35), 3, {"stride": 2}),
    ("3×3 with stride 2 and padding", (2, 2, 10, 34), 3, {"stride": 2, "padding": 1}),
    ("3×3 with stride 1", (2, 2, 7, 35), 3, {"stride": 1}),
    ("3×3 with stride 1 and padding", (2, 2, 7, 17), 3, {"stride": 1, "padding": 1}),
    ("stride 1, any window", (2, 2, 7, 35), (2, 4), {"stride": 1}),
    ("stride 1, any window, padding", (2, 2, 7, 15), (5, 4), {"stride": 1, "padding": 2}),
    ("stride 2, any window", (2, 2, 9, 40), (3, 4), {"stride": 2}),
    ("stride 2, any window, padding", (2, 2, 9, 31), (5, 4), {"stride": 2, "padding": 2}),
    ("stride 3", (2, 2, 10, 61), 3, {}),
    ("stride 3, windows apart", (2, 2, 11, 50), 2, {"stride": 3}),
    ("stride 4, overlapping, padding", (2, 2, 13, 53), 5, {"stride": 4, "padding": 2}),
    ("stride of rows alone", (2, 2, 9, 33), (3, 3), {"stride": (2, 1), "padding": 1}),
    ("padding of rows alone, whole vectors", (1, 2, 6, 18), 3, {"stride": 1, "padding": (1, 0)}),
    ("a window over some rows", (1, 1, 12, 35), (4, 1), {"stride": (3, 1)}),
    ("ceil mode", (2, 2, 8, 34), 3, {"stride": 2, "ceil_mode": True}),
    ("ceil mode with padding", (2, 2, 8, 34), 3, {"stride": 2, "padding": 1, "ceil_mode": True}),
    ("ceil mode with stride 3", (2, 2, 8, 10), 2, {"stride": 3, "ceil_mode": True}),
    ("a volume", (2, 2, 5, 6, 9), 2, {}),
    ("a volume, overlapping, padding", (1, 2, 5, 6, 17), 3, {"stride": (1, 2, 1), "padding": 1}),
    ("a line", (2, 3, 47), 3, {"stride": 2, "padding": 1}),
    ("several tasks", (3, 3, 65, 67), 2, {}),
    ("several tasks, overlapping rows", (3, 3, 65, 67), 3, {"stride": 1, "padding": 1}),
    ("several tasks, stride 2 and overlapping", (3, 3, 65, 67), 3, {"stride": 2, "padding": 1}),
    ("several tasks, general stride", (3, 3, 65, 67), 5, {"stride": 3, "padding": 2}),
    *((f"2×2 on rows of {2 * n}", (1, 3, 4, 2 * n), 2, {}) for n in TAILS),
    *((f"3×3 with stride 1 on rows of {n}", (1, 2, 5, n + 2), 3, {"stride": 1}) for n in TAILS),
]  # fmt: skip
DILATED: list[tuple[str, tuple[int, ...], Any, dict[str, Any]]] = [
    ("dilated", (2, 2, 9, 37), 3, {"stride": 1, "dilation": 2}),
    ("dilated, stride 2", (2, 2, 11, 37), (3, 2), {"stride": 2, "dilation": 2, "padding": 1}),
    ("dilated: no tap meets the image", (1, 2, 3, 3), 2, {"stride": 1, "dilation": 4, "padding": 1}),
    ("dilated rows of several tasks", (2, 3, 65, 67), (3, 2),
     {"stride": (1, 2), "dilation": (4, 1), "padding": (1, 0)}),
    ("dilated, stride 3", (1, 2, 13, 40), 3, {"stride": 3, "dilation": 2, "padding": 1}),
]  # fmt: skip
WHOLE: list[tuple[str, tuple[int, ...], Any, dict[str, Any]]] = [
    *((f"a plane of {h * w} is one window", (2, 3, h, w), (h, w), {}) for h, w in ((1, 3), (9, 11), (7, 11), (4, 16))),
    ("a volume is one window", (2, 3, 3, 5, 7), (3, 5, 7), {}),
    ("many planes, each one window", (40, 40, 5, 4), (5, 4), {}),
    ("a window over all columns", (2, 3, 7, 9), (2, 9), {}),
    ("a window over all rows", (2, 3, 7, 40), (7, 2), {}),
    ("a divisor of its own", (2, 3, 7, 9), 3, {"stride": 2, "divisor_override": 5}),
    ("padding is not counted", (2, 3, 7, 19), 3, {"stride": 2, "padding": 1, "count_include_pad": False}),
]


def pool_cases() -> Iterator[Case]:
    for operation in ("max_pool", "pick", "max_unpool"):
        for path, x, size, geometry in POOL + DILATED:
            yield pool(operation, "rows", path, x, size, source="pool", **geometry)
    for path, x, size, geometry in (POOL[3], POOL[5], POOL[8], POOL[10], POOL[13], POOL[14], DILATED[0]):
        for special in ("nan", "equal", "-inf"):
            yield pool("max_pool", "rows", f"{path}, {special}", x, size, special, "pool", **geometry)
    for operation in ("avg_pool", "avg_pool_input_grad"):
        for path, x, size, geometry in POOL + WHOLE:
            yield pool(operation, "rows", path, x, size, source="pool", **geometry)


# --- normalisation ------------------------------------------------------------------------------------------------

# path, shape, axes
NORM: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = [
    ("one number", (1, 1, 1), (0, 2)),
    *((f"rows of {n}", (2, 3, n), (0, 2)) for n in TAILS),
    *((f"columns of {n} channels", (9, n, 1), (0, 2)) for n in TAILS),
    *((f"{n} channels of three side by side", (5, n, 3), (0, 2)) for n in (2, 6, 17, 45)),
    ("a strip and one more column", (9, 65, 1), (0, 2)),
    ("strips of vectors", (70, 129, 1), (0, 2)),
    ("rows of columns beyond 64", (131, 3, 2), (0, 2)),
    ("one row of many numbers", (1, 67), (1,)),
    ("one channel of many rows", (67, 1, 3), (0, 2)),
    ("channels, each of one block, several a task", (3, 40, 35), (0, 2)),
    ("few channels in pieces", (5, 3, 4099), (0, 2)),
    ("few channels of many short rows", (300, 3, 37), (0, 2)),
    ("few channels of very many short rows", (2500, 2, 37), (0, 2)),
    ("many channels of several blocks", (3, 17, 4099), (0, 2)),
    ("a run of several blocks", (1, 2, 3 * 4096 + 1), (2,)),
    ("instance norm", (3, 5, 4, 5), (2, 3)),
    ("layer norm", (7, 33), (1,)),
    ("channels last", (3, 4, 5, 19), (0, 1, 2)),
]


def norm_cases() -> Iterator[Case]:
    for path, shape, axes in NORM:
        for operation in ("normalize", "rstd", "normalize_input_grad"):
            for far in (0.0, 1000.0) if shape[0] in (1, 2, 5, 9) else (0.0,):
                yield norm(operation, path, shape, axes, far)
        if axes == (0, 2) and len(shape) == 3:
            for operation in ("batch_norm", "batch_norm_grads"):
                yield batch_norm(operation, path, shape)


def norm(operation: str, path: str, shape: tuple[int, ...], axes: tuple[int, ...], far: float) -> Case:
    def make(rng: np.random.Generator) -> Made:
        x = rng.integers(-256, 256, shape) / 64 + far  # exact in float32, also far from 0
        params = {"axes": axes, "eps": 0.1}
        return ((numbers(rng, *shape), x) if operation == "normalize_input_grad" else (x,)), params

    return Case(operation, "blocks", path + (", far from 0" if far else ""), make, source="norm")


def batch_norm(operation: str, path: str, shape: tuple[int, ...]) -> Case:
    def make(rng: np.random.Generator) -> Made:
        x, w, b = numbers(rng, *shape), numbers(rng, shape[1]), numbers(rng, shape[1])
        return ((x, w, b) if operation == "batch_norm" else (numbers(rng, *shape), x, w)), {"eps": 0.1}

    return Case(operation, "blocks", path, make, source="norm")


# --- sums ---------------------------------------------------------------------------------------------------------

SUM: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = [
    ("one number", (1,), (0,)),
    *((f"runs of {n}", (3, n), (1,)) for n in (*TAILS, 129, 200)),
    *((f"{n} columns", (5, n), (0,)) for n in TAILS),
    *((f"{n} columns of three", (5, n, 3), (0, 2)) for n in (2, 6, 17, 45)),
    ("columns beyond a strip", (70, 130), (0,)),
    ("columns in pieces", (20_000, 3), (0,)),
    ("columns in pieces, with a batch", (2, 9_001, 3), (1,)),
    ("columns in strips and pieces", (700, 131), (0,)),
    ("a run of several blocks", (3, 4096 * 2 + 17), (1,)),
    ("a run of several pieces", (2, 4096 * 9 + 1), (1,)),
    ("all of many numbers", (50, 1001), (0, 1)),
    ("a batch of columns of rows", (3, 5, 33), (1,)),
    ("a batch of short columns", (3, 5, 2), (1,)),
    ("many short runs: several outputs a task", (700, 33), (1,)),
    ("channels of many images", (50, 3, 8, 40), (0, 2, 3)),
    ("channels of many images in pieces", (500, 2, 8, 40), (0, 2, 3)),
    ("nothing is added up", (3, 4), ()),
]


def sum_cases() -> Iterator[Case]:
    for path, shape, axes in SUM:
        yield summed(path, shape, axes, keepdim=len(path) % 2 == 0)


def summed(path: str, shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> Case:
    params = {"axes": axes, "keepdim": keepdim}
    return Case("sum", "blocks", path, lambda rng: ((numbers(rng, *shape),), params), source="reduce")


# --- softmax and losses -------------------------------------------------------------------------------------------

SOFTMAX: list[tuple[str, tuple[int, ...], int]] = [
    ("one number", (1,), 0),
    *((f"rows of {n}", (3, n), 1) for n in TAILS),
    *((f"{n} columns", (2, 5, n), 1) for n in (2, 3, 7, *TAILS[1:])),
    ("columns beyond a strip", (2, 5, 131), 1),
    ("columns so long that fewer are copied", (1, 2000, 40), 1),
    ("columns so long that a vector of them is copied", (1, 20_000, 3), 1),
    ("many rows: several a task", (1000, 33), 1),
    ("many columns: several a task", (90, 7, 40), 1),
]


def softmax_cases() -> Iterator[Case]:
    for path, shape, axis in SOFTMAX:
        for operation in ("softmax", "log_softmax", "softmax_grad", "log_softmax_grad"):
            yield softmax(operation, path, shape, axis)
        for operation in ("nll", "nll_grad", "cross_entropy", "cross_entropy_grad"):
            for smoothing in (0.0, 0.25):
                yield class_loss(operation, path, shape, axis, smoothing)


def softmax(operation: str, path: str, shape: tuple[int, ...], axis: int) -> Case:
    def make(rng: np.random.Generator) -> Made:
        arrays = [3 * numbers(rng, *shape)]
        if operation == "softmax_grad":
            arrays.append(positive(rng, *shape))
        elif operation == "log_softmax_grad":
            arrays.append(-positive(rng, *shape))
        return tuple(arrays), {"axis": axis}

    return Case(operation, "lines", path, make, source="softmax")


def class_loss(operation: str, path: str, shape: tuple[int, ...], axis: int, smoothing: float) -> Case:
    def make(rng: np.random.Generator) -> Made:
        left = shape[:axis] + shape[axis + 1 :]
        labels = np.asarray(rng.integers(0, shape[axis], left))
        if labels.size > 2:
            labels.flat[0], labels.flat[-1] = -1, 0  # an ignored label, and a normal one
        if labels.size > 4 and not operation.endswith("grad"):
            labels.flat[1] = shape[axis]  # not a class
        weight, x, g = positive(rng, shape[axis]), numbers(rng, *shape), numbers(rng, *left)
        last = (labels, weight)
        inputs = {"nll": (x,), "cross_entropy": (x,), "nll_grad": (g,), "cross_entropy_grad": (g, x)}[operation]
        return (*inputs, *last), {"classes": Classes(axis, smoothing, -1)}

    return Case(operation, "lines", f"{path}, smoothing {smoothing}", make, source="softmax")


# --- products -----------------------------------------------------------------------------------------------------

# path, m, k, n; a and b are each stored by rows or by columns. Thin products have 8 rows at most.
PRODUCTS: list[tuple[str, int, int, int]] = [
    *((f"{m} rows, {k} steps: thin", m, k, n) for m in range(1, 9) for k, n in ((17, 33 + 7 * m), (31, 5))),
    ("thin, n a multiple of all", 2, 64, 512),
    ("thin, one column", 3, 33, 1),
    ("thin, more columns than a task has", 2, 600, 130),
    ("thin, more columns than a task has, long", 4, 3000, 70),
    *((f"tiles of {m} rows and the rest", m, 9, 37) for m in range(9, 25)),
    ("whole tiles", 24, 16, 64),
    ("columns beyond a panel by one", 13, 7, 65),
    ("columns one short of a panel", 13, 7, 31),
    ("steps beyond a block", 13, 530, 40),
    ("shallow: all panels at once", 25, 32, 70),
    ("deeper than shallow: a panel at a time", 25, 33, 70),
    ("rows beyond a block", 250, 5, 9),
    ("columns beyond a block", 9, 5, 520),
    ("rows and columns are cut for four tasks", 53, 8, 130),
    ("more columns than rows, cut for four tasks", 12, 8, 300),
    ("one row of many blocks", 241, 270, 3),
]


def product_cases() -> Iterator[Case]:
    for path, m, k, n in PRODUCTS:
        for turned_a in (False, True):
            for turned_b in (False, True):
                yield product(f"{path}, {'columns' if turned_a else 'rows'} by {'columns' if turned_b else 'rows'}",
                              (), (m, k, n), turned_a, turned_b)  # fmt: skip
    yield product("a batch", (3, 2), (10, 7, 33), False, False)
    yield product("a batch of thin ones", (3, 2), (3, 7, 33), False, True)
    yield product("a batch with one matrix for all", (3,), (10, 7, 33), True, False, one=True)
    for m, k, n in ((3, 17, 35), (20, 33, 35), (20, 530, 70)):
        yield Case("linear", "blocked", f"{m} × {k} × {n}", linear(m, k, n), source="gemm")


def linear(m: int, k: int, n: int) -> Any:
    return lambda rng: ((numbers(rng, m, k), numbers(rng, n, k)), {})


def product(path: str, lead: tuple[int, ...], sizes: tuple[int, int, int], a: bool, b: bool, one: bool = False) -> Case:
    m, k, n = sizes

    def matrix(rng: np.random.Generator, rows: int, columns: int, turned: bool, single: bool) -> Any:
        shape = () if single else lead
        made = numbers(rng, *shape, columns, rows).swapaxes(-1, -2) if turned else numbers(rng, *shape, rows, columns)
        return np.broadcast_to(made, (*lead, rows, columns)) if single else made

    def make(rng: np.random.Generator) -> Made:
        return (matrix(rng, m, k, a, False), matrix(rng, k, n, b, one)), {}

    return Case("matmul", "blocked", path, make, source="gemm")


# --- element by element -------------------------------------------------------------------------------------------

ROWS: list[tuple[str, tuple[int, ...]]] = [  # (N, C, ...)
    ("one number", (1, 1)),
    *((f"rows of {n}", (3, 2, n)) for n in TAILS),
    *((f"{n} columns", (3, n)) for n in TAILS),
    *((f"planes of {n}", (3, 5, n)) for n in (2, 3, 5, 7, 9)),
    ("rows over the end of a piece", (2, 3, 9001)),
    ("columns over the end of a piece", (300, 131)),
    ("short planes over the end of a piece", (300, 41, 3)),
]


def elementwise_cases() -> Iterator[Case]:
    for path, shape in ROWS:
        channel = (shape[1], *(1,) * (len(shape) - 2))
        for operation in ("add", "sub", "mul", "div"):
            for name, shapes in (("", (shape, channel)), (", turned", (channel, shape)), (", equal", (shape, shape))):
                yield binary(operation, path + name, shapes)
        yield Case("bias_add", "one_pass", path, biased(shape, {}), source="elementwise")
        for activation in ("relu", "sigmoid", "tanh"):
            made = biased(shape, {"activation": activation})
            yield Case("bias_act", "one_pass", f"{path}, {activation}", made, source="elementwise")
        yield Case("normalize_with", "one_pass", path, normalized(shape), source="elementwise")
    for n in (1, 17, 31, 40_001):
        for singles in ((False, False), (True, False), (False, True), (True, True)):
            yield Case("where", "one_pass", f"{n} numbers, singles {singles}", chosen(n, singles), source="elementwise")


def binary(operation: str, path: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> Case:
    def make(rng: np.random.Generator) -> Made:
        return (positive(rng, *shapes[0]), positive(rng, *shapes[1])), {}

    return Case(operation, "one_pass", path, make, source="elementwise")


def biased(shape: tuple[int, ...], params: dict[str, Any]) -> Any:
    return lambda rng: ((numbers(rng, *shape), numbers(rng, shape[1])), params)


def normalized(shape: tuple[int, ...]) -> Any:
    def make(rng: np.random.Generator) -> Made:
        x, mean, w, b = (numbers(rng, *s) for s in (shape, *(shape[1:2],) * 3))
        return (x, mean, positive(rng, shape[1]), w, b), {"eps": 1e-5}

    return make


def chosen(n: int, singles: tuple[bool, bool]) -> Any:
    def make(rng: np.random.Generator) -> Made:
        a, b = (numbers(rng) if single else numbers(rng, n) for single in singles)
        return (rng.random(n) < 0.5, np.asarray(a), np.asarray(b)), {}

    return make


# --- fused functions ----------------------------------------------------------------------------------------------


def fused_cases() -> Iterator[Case]:
    for operation in MIN_ELEMENTS:
        for n in (1, 17, 31, 16_385, 40_000):
            yield Case(operation, "one_step", f"{n} numbers", step(operation, n), source="fuse")
    graph = fuse(lambda x, y, z: ((x * y).exp() + z) * 0.5 - y.maximum(x)).graph()
    for n in (1, 17, 127, 128, 129, 255, 256, 257, 16_385, 40_003):
        for name, shapes in (("", ((n,), (n,), (n,))), (", one number for all", ((n,), (n,), ()))):
            for operation in ("fused", "fused_sum"):
                yield Case(operation, "blocks", f"{n} numbers{name}", arguments(graph, shapes), source="fuse")


def step(operation: str, n: int) -> Any:
    make = positive if operation in ("log", "log1p", "sqrt", "rsqrt") else numbers
    return lambda rng: (tuple(make(rng, n) for _ in range(OPERATIONS[operation])), {})


def arguments(graph: Graph, shapes: tuple[tuple[int, ...], ...]) -> Any:
    return lambda rng: (tuple(np.asarray(numbers(rng, *s)) for s in shapes), {"graph": graph})


CASES = [
    *gemm_cases(),
    *rung_cases(),
    *weight_cases(),
    *winograd_cases(),
    *depthwise_cases(),
    *pool_cases(),
    *norm_cases(),
    *sum_cases(),
    *softmax_cases(),
    *product_cases(),
    *elementwise_cases(),
    *fused_cases(),
]
