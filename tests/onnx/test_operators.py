"""Calls of operators that ONNX's own cases leave out: old versions, and more combinations of attributes.

ONNX's reference implementation in Python gives the results, except of old versions that it does not know.
"""

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.errors import ArgumentError, DataError, ShapeError
from tests.onnx.models import info, model_of

RNG = np.random.default_rng(0)


def randn(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*numbers):
    return np.array(numbers, np.int64)


def call(operator, inputs, attributes, version, outputs=1):
    """Return a model of one operator."""
    names = ["" if value is None else f"x{i}" for i, value in enumerate(inputs)]
    given = {name: value for name, value in zip(names, inputs, strict=True) if name}
    results = [f"y{i}" for i in range(outputs)]
    kinds = {name: helper.np_dtype_to_tensor_dtype(value.dtype) for name, value in given.items()}
    infos = [info(name, given[name].shape, kinds[name]) for name in given] or [info("unused")]
    node = helper.make_node(operator, names, results, **attributes)
    return model_of(node, inputs=infos, outputs=[info(name, ()) for name in results], version=version), given


IMAGE, BOX = randn(2, 4, 6, 5), randn(1, 1, 5, 6)
CALLS = [
    # versions in which the meaning was another
    ("Softmax", [IMAGE], {}, 13),
    ("Squeeze", [randn(1, 3, 1)], {"axes": [2]}, 11),
    ("Squeeze", [randn(1, 3, 1), ints(-1)], {}, 13),
    ("Unsqueeze", [randn(3)], {"axes": [0, 2]}, 11),
    ("ReduceSum", [IMAGE], {"axes": [1, 3], "keepdims": 0}, 11),
    ("ReduceMean", [IMAGE], {"axes": [-1]}, 13),
    ("Slice", [IMAGE], {"starts": [1, -3], "ends": [2, 9], "axes": [1, 3]}, 9),
    ("Split", [randn(2, 6)], {"axis": 1, "split": [1, 2, 3]}, 11),
    ("Split", [randn(2, 7)], {"axis": 1, "num_outputs": 3}, 18),
    ("Clip", [IMAGE], {"min": -0.5}, 6),
    ("Clip", [IMAGE, None, np.float32(0.5)], {}, 11),
    ("Pad", [IMAGE], {"pads": [0, 0, 1, 2, 0, 1, 0, 2], "value": 1.5}, 2),
    ("TopK", [randn(3, 7)], {"k": 2}, 9),
    ("Dropout", [IMAGE], {"ratio": 0.3}, 10),
    ("BatchNormalization", [IMAGE, randn(4), randn(4), randn(4), randn(4) ** 2], {"training_mode": 1}, 14),
    ("Upsample", [IMAGE, np.float32([1, 1, 2, 3])], {"mode": "nearest"}, 9),
    ("DFT", [randn(2, 8, 1)], {"axis": 1, "onesided": 1}, 17),
    # further attributes
    ("Conv", [IMAGE, randn(6, 2, 3, 2)], {"group": 2, "pads": [0, 1, 2, 0], "dilations": [1, 2]}, 22),
    ("Conv", [IMAGE, randn(3, 4, 3, 2)], {"strides": [2, 1], "pads": [2, 1, 0, 0]}, 22),
    ("Conv", [IMAGE, randn(3, 4, 3, 2), randn(3)], {"auto_pad": "SAME_LOWER", "strides": [2, 2]}, 22),
    ("Conv", [IMAGE, randn(3, 4, 3, 2), randn(3)], {"auto_pad": "SAME_UPPER"}, 22),
    ("Conv", [IMAGE, randn(3, 4, 3, 2)], {"auto_pad": "VALID"}, 22),
    ("Conv", [randn(1, 2, 9), randn(3, 2, 3)], {"dilations": [2]}, 11),
    ("Conv", [randn(1, 2, 4, 5, 3), randn(3, 2, 2, 3, 1)], {"pads": [1, 0, 0, 0, 1, 0]}, 11),
    ("ConvTranspose", [IMAGE, randn(4, 3, 3, 3), randn(3)], {"strides": [2, 2], "pads": [1, 0, 0, 1]}, 22),
    ("ConvTranspose", [IMAGE, randn(4, 3, 3, 3)], {"dilations": [2, 1], "pads": [1, 1, 1, 1]}, 22),
    ("ConvTranspose", [BOX, randn(1, 2, 3, 3), randn(2)], {"strides": [3, 2], "output_padding": [2, 1]}, 22),
    ("ConvTranspose", [randn(1, 2, 9), randn(2, 3, 3)], {"strides": [2]}, 22),
    ("MaxPool", [IMAGE], {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 0, 1]}, 22),
    ("MaxPool", [IMAGE], {"kernel_shape": [2, 2], "dilations": [2, 3], "ceil_mode": 1, "strides": [2, 1]}, 22),
    ("MaxPool", [randn(1, 2, 9)], {"kernel_shape": [3], "auto_pad": "SAME_UPPER", "strides": [2]}, 12),
    ("AveragePool", [IMAGE], {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 0, 1]}, 22),
    ("AveragePool", [IMAGE], {"kernel_shape": [2, 2], "dilations": [2, 3], "pads": [1, 1, 0, 0]}, 22),
    ("LpPool", [IMAGE], {"kernel_shape": [2, 3], "p": 3, "strides": [1, 2]}, 22),
    ("DepthToSpace", [randn(1, 8, 2, 3)], {"blocksize": 2, "mode": "CRD"}, 13),
    ("DepthToSpace", [randn(1, 8, 2, 3)], {"blocksize": 2}, 13),
    ("LRN", [randn(9, 9, 1, 2)], {"size": 4, "alpha": 0.5, "beta": 0.9, "bias": 2.0}, 13),
    ("LRN", [randn(9, 9, 1, 2)], {"size": 3, "alpha": 0.5}, 13),
    ("Gemm", [randn(4, 3), randn(5, 4), randn(5)], {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}, 13),
    ("Resize", [BOX, None, np.float32([1, 1, 2.3, 0.7])], {"mode": "linear"}, 19),
    ("Resize", [BOX, None, None, ints(1, 1, 7, 4)], {"mode": "cubic", "exclude_outside": 1}, 19),
    ("Resize", [BOX, None, np.float32([2.5])], {"axes": [3], "coordinate_transformation_mode": "asymmetric"}, 19),
    ("Resize", [BOX, None, np.float32([0.4, 0.6])], {"axes": [2, 3], "antialias": 1, "mode": "linear"}, 19),
    ("Slice", [IMAGE, ints(-1), ints(-100), ints(2), ints(-2)], {}, 13),
    ("Slice", [IMAGE, ints(1, 9), ints(100, -9)], {}, 13),
    ("Slice", [IMAGE, ints(3), ints(1), ints(1)], {}, 13),
    ("Gather", [IMAGE, ints(-1, 0).reshape(1, 2)], {"axis": -2}, 13),
    ("GatherND", [randn(2, 3, 4), ints(-1, 0, 1, 1).reshape(2, 1, 2)], {"batch_dims": 0}, 13),
    ("ScatterND", [randn(4, 3), ints(-1, 0).reshape(2, 1), randn(2, 3)], {"reduction": "max"}, 18),
    ("ScatterElements", [randn(3, 3), ints(-1, 0).reshape(1, 2), randn(1, 2)], {"axis": 1, "reduction": "mul"}, 18),
    ("OneHot", [ints(-1, 2), np.array(3), np.float32([2, 5])], {"axis": 0}, 11),
    ("CumSum", [IMAGE, np.array(-1)], {"exclusive": 1, "reverse": 1}, 14),
    ("EyeLike", [randn(3, 5)], {"k": -1}, 9),
    ("EyeLike", [randn(5, 3)], {"k": 2, "dtype": TensorProto.INT64}, 9),
    ("Mod", [ints(-7, 7, 7), ints(3, -3, 3)], {}, 13),
    ("Div", [ints(-7, 7, 7), ints(2, -2, 2)], {}, 14),
    ("Trilu", [randn(3, 4), np.array(-1)], {"upper": 0}, 14),
    ("Expand", [randn(3, 1), ints(2, 1, 4)], {}, 13),
    ("Unique", [ints(3, 1, 3, 2)], {"sorted": 0}, 11),
    ("LayerNormalization", [IMAGE, randn(5), randn(5)], {"axis": -1, "epsilon": 0.1}, 17),
    ("GroupNormalization", [IMAGE, randn(4), randn(4)], {"num_groups": 2}, 21),
    ("ReverseSequence", [randn(4, 3, 2), ints(1, 4, 2)], {"time_axis": 0, "batch_axis": 1}, 10),
    ("CenterCropPad", [randn(5, 2), ints(2, 5)], {}, 18),
    ("Compress", [randn(3, 4), np.array([True, False, True])], {"axis": 0}, 11),
    ("LpNormalization", [randn(3, 4) ** 2], {"axis": 0, "p": 1}, 22),
    ("Shape", [IMAGE], {"start": -3, "end": -1}, 15),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "inputs", "attributes", "version"), CALLS)
def test_the_result_is_that_of_onnx(operator, inputs, attributes, version):
    outputs = {"Split": 3, "TopK": 2, "Unique": 4}.get(operator, 3 if "training_mode" in attributes else 1)
    model, given = call(operator, inputs, attributes, version, outputs)
    expected = ReferenceEvaluator(model).run(None, given)
    found = mc.onnx.load(model)(*map(mc.tensor, given.values()))
    for y, wanted in zip(found if isinstance(found, tuple) else (found,), expected, strict=True):
        assert (y.dtype, y.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_allclose(y.numpy(), wanted, rtol=1e-4, atol=1e-5)


def run(operator, inputs, attributes=None, version=20, outputs=1):
    """Run one operator on arrays."""
    model, given = call(operator, inputs, attributes or {}, version, outputs)
    return mc.onnx.load(model)(*map(mc.tensor, given.values() or [0]))


# --- old versions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("axis", "rows"), [(1, 2), (2, 8), (-1, 48), (0, 1)])
def test_softmax_once_took_all_axes_from_one_on(axis, rows):
    flat = mc.tensor(IMAGE).reshape(rows, -1)
    for operator, expected in (
        ("Softmax", F.softmax(flat, 1)),
        ("LogSoftmax", F.log_softmax(flat, 1)),
        ("Hardmax", (flat == flat.amax(1, keepdim=True)).float()),
    ):
        y = run(operator, [IMAGE], {"axis": axis}, 11)
        np.testing.assert_allclose(y.numpy(), expected.numpy().reshape(IMAGE.shape), rtol=1e-5)
    assert run("Softmax", [IMAGE], {}, 12).tolist() == run("Softmax", [IMAGE], {"axis": 1}, 11).tolist()
    assert run("Softmax", [IMAGE], {}, 13).tolist() == run("Softmax", [IMAGE], {"axis": -1}, 13).tolist()


def test_operands_once_began_at_an_axis():
    b = randn(4)
    y = run("Sub", [IMAGE, b], {"axis": 1, "broadcast": 1}, 6)
    assert y.tolist() == (IMAGE - b[:, None, None]).tolist()
    c = randn(6, 5)
    assert run("Mul", [IMAGE, c], {"broadcast": 1}, 6).tolist() == (IMAGE * c).tolist()
    assert run("Div", [IMAGE, randn(1)], {"axis": 0, "broadcast": 1}, 6).shape == IMAGE.shape
    assert run("PRelu", [-np.abs(IMAGE), b], {}, 6).tolist() == (-np.abs(IMAGE) * b[:, None, None]).tolist()
    assert run("PRelu", [-np.abs(IMAGE), randn(5)], {}, 9).shape == IMAGE.shape


def test_batch_norm_of_old_versions():
    scale, bias, mean, var = randn(4), randn(4), randn(4), randn(4) ** 2
    y = run("BatchNormalization", [IMAGE, scale, bias, mean, var], {"epsilon": 0.1}, 9)
    s, b, m, v = (t[:, None, None] for t in (scale, bias, mean, var))
    np.testing.assert_allclose(y.numpy(), (IMAGE - m) / np.sqrt(v + 0.1) * s + b, rtol=1e-4, atol=1e-5)
    with pytest.raises(ArgumentError, match="spatial=0"):
        run("BatchNormalization", [IMAGE, scale, bias, mean, var], {"spatial": 0}, 7)
    with pytest.raises(ArgumentError, match=r"^BatchNormalization: the output 'y1' of 'y0' is not supported$"):
        run("BatchNormalization", [IMAGE, scale, bias, mean, var], {}, 9, outputs=5)


def test_enlarging_in_old_versions():
    expected = IMAGE.repeat(2, 2).repeat(3, 3)
    assert run("Upsample", [IMAGE], {"scales": [1.0, 1.0, 2.0, 3.0]}, 7).tolist() == expected.tolist()
    assert run("Resize", [IMAGE, np.float32([1, 1, 2, 3])], {}, 10).tolist() == expected.tolist()
    row = np.float32([[[[0, 4]]]])
    assert run("Upsample", [row, np.float32([1, 1, 1, 2])], {"mode": "linear"}, 9).tolist() == [[[[0, 2, 4, 4]]]]


# --- random numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes", "dtype", "mean", "deviation"),
    [
        ("RandomNormal", [], {"shape": [80, 80], "mean": 3.0, "scale": 0.5}, "f4", 3, 0.5),
        ("RandomNormalLike", [np.zeros((80, 80))], {"mean": 3.0, "scale": 0.5, "seed": 1.0}, "f8", 3, 0.5),
        ("RandomUniform", [], {"shape": [80, 80], "low": 1.0, "high": 3.0, "dtype": 11}, "f8", 2, 12**-0.5 * 2),
        ("RandomUniformLike", [np.zeros((80, 80))], {"dtype": 1}, "f4", 0.5, 12**-0.5),
        ("Bernoulli", [np.full((80, 80), 0.2)], {"dtype": 7}, "i8", 0.2, 0.4),
    ],
)
def test_random_numbers(operator, inputs, attributes, dtype, mean, deviation):
    mc.manual_seed(0)
    y = run(operator, inputs, attributes).numpy()
    mc.manual_seed(0)
    assert run(operator, inputs, attributes).tolist() == y.tolist()
    assert y.dtype == dtype
    np.testing.assert_allclose([y.mean(), y.std()], [mean, deviation], rtol=0.05)


def test_draws_from_rows_of_logarithms():
    mc.manual_seed(0)
    y = run("Multinomial", [np.log(np.float32([[0.25, 0.75], [1, 1e-9]]))], {"sample_size": 400})
    assert (y.dtype, y.shape) == (mc.int32, (2, 400))
    np.testing.assert_allclose(y.double().mean(1).tolist(), [0.75, 0], atol=0.07)


def test_dropout_that_the_file_asks_for():
    mc.manual_seed(0)
    x = np.ones((50, 50), np.float32)
    y, mask = run("Dropout", [x, np.float32(0.25), np.array(True)], {}, 13, outputs=2)
    assert mask.dtype == mc.bool
    assert mask.float().mean().item() == pytest.approx(0.75, abs=0.03)
    assert y.tolist() == (mask.float() / 0.75).tolist()
    assert run("Dropout", [x, np.float32(1), np.array(True)], {}, 13).sum().item() == 0
    assert run("Dropout", [x, np.float32(0), np.array(True)], {}, 13).tolist() == x.tolist()


# --- gradients ----------------------------------------------------------------------------------------------------

LSTM = [randn(2, 1, 2), randn(1, 4, 2), randn(1, 4, 1), randn(1, 8), None, randn(1, 1, 1), randn(1, 1, 1), randn(1, 3)]
SMALL = randn(1, 1, 3, 4)
GRADIENTS = [
    ("Resize", [SMALL, None, np.float32([1, 1, 1.7, 0.6])], {"mode": "cubic"}, "x0"),
    ("Resize", [SMALL, None, np.float32([1, 1, 1.7, 0.6])], {"mode": "nearest"}, "x0"),
    ("ConvTranspose", [SMALL, randn(1, 1, 3, 2), randn(1)], {"strides": [3, 2], "pads": [1, 0, 0, 1]}, "x0 x1 x2"),
    (
        "DeformConv",
        [SMALL, randn(2, 1, 2, 2), randn(1, 8, 1, 1), randn(2), randn(1, 4, 1, 1)],
        {"strides": [2, 3]},
        "x0 x1 x2 x3 x4",
    ),
    ("RoiAlign", [SMALL, np.float32([[0, 0, 2, 2.5]]), ints(0)], {"output_height": 2, "output_width": 2}, "x0"),
    ("AveragePool", [SMALL], {"kernel_shape": [2, 2], "dilations": [2, 1]}, "x0"),
    ("MaxPool", [SMALL], {"kernel_shape": [3, 2], "pads": [1, 0, 0, 1]}, "x0"),
    ("Col2Im", [randn(1, 4, 12), ints(4, 3), ints(2, 2)], {"pads": [0, 1, 0, 1]}, "x0"),
    ("ScatterND", [randn(4, 3), ints(-1, 0).reshape(2, 1), randn(2, 3)], {"reduction": "add"}, "x0 x2"),
    ("LSTM", LSTM, {"hidden_size": 1}, "x0 x1 x2 x3 x5 x6 x7"),
    (
        "GRU",
        [randn(2, 1, 2), randn(2, 3, 2), randn(2, 3, 1)],
        {"hidden_size": 1, "direction": "bidirectional"},
        "x0 x1 x2",
    ),
    ("LayerNormalization", [randn(2, 3, 2), randn(3, 2), randn(2)], {"axis": 1}, "x0 x1 x2"),
    ("MeanVarianceNormalization", [SMALL], {}, "x0"),
]


@pytest.mark.parametrize(("operator", "inputs", "attributes", "learned"), GRADIENTS)
def test_gradients_of_first_and_second_order(operator, inputs, attributes, learned):
    model, given = call(operator, inputs, attributes, 22)
    loaded = mc.onnx.load(model)
    names = learned.split()
    rest = {name: mc.tensor(value) for name, value in given.items() if name not in names}
    tensors = [mc.tensor(given[name]).double().requires_grad_() for name in names]

    def function(*values):
        return loaded(**rest, **dict(zip(names, values, strict=True)))

    assert gradcheck(function, tensors)
    assert gradgradcheck(function, tensors)


# --- errors -------------------------------------------------------------------------------------------------------


TWICE = [BOX, None, np.float32([1, 1, 2, 2])]
RNN = [randn(3, 2, 3), randn(1, 2, 3), randn(1, 2, 2)]


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes", "error", "message"),
    [
        (
            "Conv",
            [randn(1, 1, 2, 2, 2, 2), randn(1, 1, 1, 1, 1, 1)],
            {},
            ShapeError,
            "Conv: the input must have 1, 2 or",
        ),
        ("ConvTranspose", [randn(1, 1), randn(1, 1)], {}, ShapeError, "ConvTranspose: the input must have 1, 2 or"),
        (
            "RoiAlign",
            [BOX, randn(1, 4), ints(0)],
            {"mode": "sum"},
            DataError,
            "mode='sum', which must be one of 'avg', ",
        ),
        ("ReverseSequence", [IMAGE, ints(1)], {"batch_axis": 2}, ArgumentError, "axes must be 0 and 1, got 2 and 0"),
        ("Resize", TWICE, {"nearest_mode": "up"}, DataError, "nearest_mode='up', which must be one of"),
        ("Resize", TWICE, {"coordinate_transformation_mode": "up"}, DataError, "mode='up', which must be one of"),
        ("RNN", RNN, {"hidden_size": 2, "activations": ["Affine"]}, ArgumentError, r"got \['affine'\]"),
    ],
)
def test_errors(operator, inputs, attributes, error, message):
    with pytest.raises(error, match=message):
        run(operator, inputs, attributes)


def test_activations_of_recurrent_networks():
    for name, f in (("Relu", F.relu), ("Sigmoid", F.sigmoid), ("Softsign", F.softsign)):
        y = run("RNN", [RNN[0][:1], *RNN[1:]], {"hidden_size": 2, "activations": [name]})
        np.testing.assert_allclose(y.numpy()[0, 0], f(mc.tensor(RNN[0][0] @ RNN[1][0].T)).numpy(), rtol=1e-5)


def test_clipped_gates_of_recurrent_networks():
    """With all sums clipped to 0, gates are 1/2 and new values are 0."""
    h, c = randn(1, 2, 2), randn(1, 2, 2)
    state = [None, None, h]
    weights = {n: [randn(1, 2, 3), randn(1, 2 * n, 3), randn(1, 2 * n, 2)] for n in (1, 3, 4)}
    settings = {"hidden_size": 2, "clip": 0.0}
    assert run("RNN", weights[1] + state, settings)[0].abs().sum().item() == 0
    for linear in (0, 1):
        y = run("GRU", weights[3] + state, settings | {"linear_before_reset": linear})
        np.testing.assert_allclose(y.numpy()[0], h / 2, rtol=1e-6)
    for peepholes in (None, randn(1, 6)):
        *_, h1, c1 = run("LSTM", [*weights[4], *state, c, peepholes], settings, outputs=3)
        np.testing.assert_allclose(c1.numpy(), c / 2, rtol=1e-6)
        np.testing.assert_allclose(h1.numpy(), np.tanh(c / 2) / 2, rtol=1e-6)


def test_an_input_gate_that_also_forgets():
    x, w, r = randn(1, 2, 3), randn(1, 8, 3), randn(1, 8, 2)
    open_gate = np.float32([[50, 50] + [0] * 14])
    c = randn(1, 2, 2)
    *_, found = run("LSTM", [x, w, r, open_gate, None, None, c], {"hidden_size": 2, "input_forget": 1}, outputs=3)
    np.testing.assert_allclose(found.numpy()[0], np.tanh(x[0] @ w[0, 6:].T), rtol=1e-5)
