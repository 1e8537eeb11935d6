"""Tests of the benchmark cases: output shapes, operation counts, bytes, and the search for cases."""

from dataclasses import replace

import numpy as np
import pytest

import minicnn
from benchmarks.cases import Net, Op, cases, find
from benchmarks.networks import NETWORKS

SMALL = {
    "plain": Op(group="g", name="n", function="conv2d", shapes={"input": (2, 3, 9, 8), "weight": (4, 3, 3, 3)}),
    "strided": Op(
        group="g",
        name="n",
        function="conv2d",
        shapes={"input": (2, 3, 9, 8), "weight": (4, 3, 3, 3)},
        params={"stride": 2, "padding": 1, "dilation": 2},
    ),
    "grouped": Op(
        group="g",
        name="n",
        function="conv2d",
        shapes={"input": (1, 4, 5, 5), "weight": (6, 2, 1, 1)},
        params={"groups": 2},
    ),
    "3-D": Op(group="g", name="n", function="conv3d", shapes={"input": (1, 2, 5, 6, 7), "weight": (3, 2, 3, 3, 3)}),
    "transposed": Op(
        group="g",
        name="n",
        function="conv_transpose2d",
        shapes={"input": (2, 4, 5, 6), "weight": (4, 3, 4, 4)},
        params={"stride": 2, "padding": 1},
    ),
    "pool": Op(
        group="g",
        name="n",
        function="max_pool2d",
        shapes={"input": (2, 3, 9, 8)},
        params={"kernel_size": 3, "stride": 2, "padding": 1},
    ),
    "element": Op(group="g", name="n", function="mul", shapes={"input": (1,), "other": (1,)}),
}


@pytest.mark.parametrize("case", SMALL.values(), ids=SMALL)
def test_output_is_the_shape_that_the_operation_gives(case):
    tensors = [minicnn.ones(*shape) for shape in case.shapes.values()]
    function = getattr(minicnn.nn.functional, case.function, None) or getattr(minicnn, case.function)
    assert function(*tensors, **case.params).shape == case.output


def test_flops_count_what_the_definition_multiplies_and_adds():
    case = SMALL["plain"]  # 2 images of 7×6 outputs in 4 channels, each a sum of 27 products
    assert case.flops == 2 * (2 * 7 * 6 * 4) * 27
    assert replace(case, backward=True).flops == 3 * case.flops
    assert replace(case, backward=True, image=True).flops == 2 * case.flops
    assert SMALL["transposed"].flops == 2 * (2 * 5 * 6) * (4 * 3 * 16)  # each input pixel times the whole kernel
    assert SMALL["pool"].flops is None


def test_bytes_count_each_array_once_and_its_gradient_once():
    case = SMALL["plain"]
    assert case.bytes == 4 * (2 * 3 * 9 * 8 + 4 * 3 * 3 * 3 + 2 * 4 * 7 * 6)
    assert replace(case, backward=True).bytes == 2 * case.bytes


def test_a_picture_and_running_statistics_have_no_gradient():
    shapes = {"input": (1, 2, 3, 3), "running_mean": (2,), "running_var": (2,), "weight": (2,)}
    case = Op(group="g", name="n", function="batch_norm", shapes=shapes)
    assert case.differentiated == ["input", "weight"]
    assert replace(case, image=True).differentiated == ["weight"]


def test_every_kind_that_is_promised_is_there():
    keys = list(cases())
    for promised in ("VGG-16", "ResNet-18", "CNNGenerator", "depthwise", "grouped", "dilated", "transposed", "3-D"):
        for mode in ("forward", "forward + backward"):
            assert any(promised in key and key.startswith("conv") and key.endswith(mode) for key in keys), promised
    for kernel in ("1×1", "3×3", "5×5", "7×7, stride 2"):
        assert any(kernel in key for key in keys), kernel
    for batch in (1, 8, 64, 256):
        assert f"training: CNNGenerator, {batch} of 32², step" in keys
    trained = {case.network for case in cases().values() if isinstance(case, Net) and case.group == "training"}
    assert trained == set(NETWORKS)


def test_find_by_words_and_quickly():
    assert len(find([], quick=False)) == len(cases())
    assert 10 < len(find([], quick=True)) < len(cases()) / 2
    pools = find(["pool"], quick=False)
    assert pools
    assert {case.group for case in pools} == {"pool"}
    assert {case.group for case in find(["pool", "batch norm"], quick=True)} == {"pool", "batch norm"}
    assert find(["no such case"], quick=False) == []


def test_inputs_are_the_same_every_time():
    from benchmarks.engines import operands

    (a, g), (b, h) = operands(SMALL["plain"]), operands(SMALL["plain"])
    assert a.keys() == b.keys() == SMALL["plain"].shapes.keys()
    assert all(np.array_equal(a[name], b[name]) and a[name].dtype == np.float32 for name in a)
    assert np.array_equal(g, h)
    assert g.shape == SMALL["plain"].output
