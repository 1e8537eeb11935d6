"""Tests of depthwise convolution: its three kernels against the float64 reference, and when dispatch selects them."""

from math import prod

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minicnn
from minicnn import geometry
from minicnn.autograd.primitive import primitives
from minicnn.backends.cuda import depthwise as module
from minicnn.backends.cuda.simulator import counting, simulate
from minicnn.errors import KernelError, ShapeError
from minicnn.geometry import conv_spec
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CUDASIM, Device

CALLS = {"conv": "xw", "conv_input_grad": "gw", "conv_weight_grad": "xg"}
TOLERANCE = {np.float32: 1e-6, np.float64: 2e-15}  # relative to the sum of the absolute terms
pytestmark = pytest.mark.skipif(bool(Device.reasons()["cudasim"]), reason="needs a C++ compiler")


def run(operation, inputs, spec):
    with minicnn.use_kernel(operation, "depthwise"):
        kernel = dispatch.select(operation, CUDASIM, inputs, {"spec": spec})
    return kernel(*inputs, spec=spec)


def check(operation, arrays, spec):
    """Compare with the reference, and require the same bits from a second run with the threads in another order."""
    reference = primitives()[operation].body
    inputs = [arrays[letter] for letter in CALLS[operation]]
    expected, size = reference(*inputs, spec=spec), np.linalg.norm(reference(*map(abs, inputs), spec=spec))
    for dtype, tolerance in TOLERANCE.items():
        cast = [a.astype(dtype) for a in inputs]
        y = run(operation, cast, spec)
        with simulate(order="shuffled"):
            again = run(operation, cast, spec)
        assert y.tobytes() == again.tobytes()
        assert (y.dtype, y.shape) == (dtype, expected.shape)
        assert np.linalg.norm(y - expected) <= tolerance * size


def example(n, channels, multiple, size, kernel, stride=1, padding=0, dilation=1, seed=0):
    """Return random x, w and g, with `multiple` filters per channel, and the spec."""
    x, w = (n, channels, *size), (channels * multiple, 1, *kernel)
    spec = conv_spec("test", x, w, stride, padding, dilation, channels)
    rng = np.random.default_rng(seed)
    g = (n, channels * multiple, *spec.output_size)
    return {letter: rng.standard_normal(shape) for letter, shape in {"x": x, "w": w, "g": g}.items()}, spec


@st.composite
def geometries(draw):
    axes = draw(st.integers(1, 3))
    most = (2500, 70, 14)[axes - 1]

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    padding = tuple((draw(st.integers(0, 9)), draw(st.integers(0, 9))) for _ in range(axes))
    counts = draw(st.integers(0, 3)), draw(st.integers(2, 3)), draw(st.integers(1, 3))
    try:
        kernel = each(1, 5)
        return example(*counts, each(1, most), kernel, each(1, 5), padding, each(1, 6), seed=draw(st.integers(0, 99)))
    except ShapeError:
        assume(False)


CASES = {
    "one box": (2, 3, 1, (7, 7), (3, 3), 1, 1),
    "boxes in both directions": (1, 2, 2, (67, 41), (3, 3), 1, 1),
    "stride 2": (2, 3, 1, (65, 66), (3, 3), 2, 1),
    "stride 4, kernel 3: inputs that nothing reads": (1, 2, 1, (41, 37), (3, 3), 4, 0),
    "stride 4, dilation 6": (1, 2, 1, (41, 47), (4, 3), 4, 3, 6),
    "stride 3, dilation 3": (2, 2, 1, (33, 32), (3, 3), 3, 2, 3),
    "more taps than a block of the weight gradient has": (1, 2, 1, (24, 25), (5, 5), 1, 2),
    "a large kernel and small boxes": (1, 2, 1, (50, 50), (31, 31), 1, 15),
    "a window as large as fits": (1, 2, 1, (60, 60), (2, 3), 1, 3, (46, 23)),
    "a signal": (3, 5, 2, (3001,), (7,), 2, 3),
    "a volume": (2, 2, 1, (17, 13, 12), (3, 3, 3), (1, 2, 1), 1),
    "nothing but padding": (1, 2, 1, (1, 1), (2, 2), 1, 5, 3),
    "one pixel": (5, 3, 1, (1, 1), (1, 1)),
    "many images": (67, 2, 1, (5, 3), (3, 3), 1, 1),
}


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("case", CASES)
def test_listed_geometries(operation, case):
    check(operation, *example(*CASES[case]))


@pytest.mark.parametrize("operation", CALLS)
@given(case=geometries())
def test_drawn_geometries(operation, case):
    arrays, spec = case
    assume(0 not in module.box_for(spec, operation == "conv_input_grad"))
    check(operation, arrays, spec)


def test_the_weight_gradient_in_many_slices(monkeypatch):
    monkeypatch.setattr(module, "MIN_SLICE", 1)
    arrays, spec = example(13, 2, 2, (67, 41), (3, 3), 1, 1)
    with counting() as launches:
        run("conv_weight_grad", [arrays["x"], arrays["g"]], spec)
    assert [launch.entry for launch in launches] == ["depthwise_weight_grad", "conv_weight_grad_sum"]
    assert launches[0].grid[1] == 52  # 2 × 2 boxes per image
    check("conv_weight_grad", arrays, spec)


@given(geometries())
def test_a_box_fits(case):
    _, spec = case
    for gradient, plane in ((False, spec.output_size), (True, spec.input_size)):
        box = module.box_for(spec, gradient)
        if 0 in box:
            assert module.patch_size((1, 1, 1), spec, gradient) + prod(spec.kernel_size) > module.MEMORY
            continue
        assert module.patch_size(box, spec, gradient) + prod(spec.kernel_size) <= module.MEMORY
        assert prod(box) <= module.MAX_BOX
        assert all(b <= n for b, n in zip(box, (*(1,) * (3 - len(plane)), *plane), strict=True))


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((7, 7), (1, 7, 7)),
        ((56, 56), (1, 28, 28)),
        ((33, 200), (1, 33, 29)),
        ((2500,), (1, 1, 834)),
        ((2, 1000), (1, 2, 500)),
        ((9, 9, 9), (9, 9, 9)),
    ],
)
def test_boxes_are_even_parts_of_the_plane(size, box):
    spec = conv_spec("test", (1, 2, *size), (2, 1, *(3,) * len(size)), 1, 1, 1, 2)
    assert module.box_for(spec, False) == module.box_for(spec, True) == box


@pytest.mark.parametrize("operation", CALLS)
def test_it_is_taken_before_the_matrix_products_and_only_for_one_channel_a_group(operation):
    names = [k.name for k in dispatch.kernels(operation, CUDASIM)]
    assert names[0] == "depthwise"
    assert len(names) > 3

    def taken(arrays, spec):
        tensors = [minicnn.tensor(arrays[letter], device="cudasim") for letter in CALLS[operation]]
        lines = minicnn.explain(operation, *tensors, spec=spec).splitlines()
        return next(line.split("/")[1].split(":")[0] for line in lines if line.endswith(": taken"))

    assert taken(*example(2, 3, 2, (8, 9), (3, 3))) == "depthwise"
    assert taken(*example(2, 1, 4, (8, 9), (3, 3))) == names[1]  # a single group
    x, w = (2, 6, 8, 9), (6, 2, 3, 3)
    spec = conv_spec("test", x, w, groups=3)  # two channels per group
    arrays = {"x": np.ones(x), "w": np.ones(w), "g": np.ones((2, 6, *spec.output_size))}
    assert taken(arrays, spec) == names[1]
    with pytest.raises(KernelError, match="it requires float32 or float64, one channel in each group"):
        run(operation, [arrays[letter] for letter in CALLS[operation]], spec)
    arrays, spec = example(1, 2, 1, (60, 60), (2, 2), 1, 0, 50)  # 51 × 51 elements under a window
    assert taken(arrays, spec) == names[1]


@pytest.mark.parametrize("operation", CALLS)
def test_nan_and_infinity_go_where_the_reference_lets_them(operation):
    arrays, spec = example(2, 2, 2, (9, 10), (3, 3), 2, 1)
    arrays["x"][0, 1, 4, 4], arrays["g"][1, 2, 1, 1], arrays["w"][3, 0, 1, 2] = np.nan, -np.inf, np.inf
    inputs = [arrays[letter] for letter in CALLS[operation]]
    with np.errstate(invalid="ignore"):
        expected = primitives()[operation].body(*inputs, spec=spec)
    y = run(operation, inputs, spec)
    assert not np.isfinite(expected).all()
    assert np.isfinite(expected).any()
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


def test_an_empty_batch_gives_zeros():
    arrays, spec = example(0, 3, 1, (8, 9), (3, 3))
    w = run("conv_weight_grad", [arrays["x"], arrays["g"]], spec)
    assert w.shape == (3, 1, 3, 3)
    np.testing.assert_array_equal(w, 0)
    assert run("conv", [arrays["x"], arrays["w"]], spec).shape == (0, 3, 6, 7)
    assert run("conv_input_grad", [arrays["g"], arrays["w"]], spec).shape == (0, 3, 8, 9)


def test_an_image_without_rows_has_a_gradient():
    x = minicnn.zeros(2, 4, 0, 5, device="cudasim", requires_grad=True)
    w = minicnn.ones(4, 1, 3, 3, device="cudasim", requires_grad=True)
    minicnn.nn.functional.conv2d(x, w, padding=2, groups=4).sum().backward()
    assert x.grad.shape == (2, 4, 0, 5)
    assert not w.grad.numpy().any()


def test_padding_beyond_32_bits_is_refused():
    spec = geometry.ConvSpec((4,), (1,), (2**30,), ((0, 2**32),), (1,), 1)
    x = np.ones((1, 1, 4), np.float32)
    with pytest.raises(
        KernelError, match="conv: an axis of the padded input has size 4294967300; CUDA kernels count to"
    ):
        module.conv_struct(x, x, spec)
