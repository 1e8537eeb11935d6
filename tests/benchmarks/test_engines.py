"""Tests of the benchmark engines: results, gradients, training steps, and the kernels that ran."""

from dataclasses import replace

import numpy as np
import pytest

import minicnn
from benchmarks.cases import Net, Op
from benchmarks.engines import Engine, minicnn_kernels
from minicnn.runtime import dispatch

CASE = Op(
    group="conv",
    name="n",
    function="conv2d",
    shapes={"input": (2, 8, 6, 6), "weight": (4, 8, 3, 3), "bias": (4,)},
    params={"padding": 1},
    backward=True,
)


@pytest.fixture
def engine():
    return Engine(minicnn, inference=minicnn.no_grad)


def test_results_name_the_output_and_each_gradient(engine):
    _, results = engine.prepare(CASE)
    assert list(results()) == ["output", "gradient of input", "gradient of weight", "gradient of bias"]
    _, results = engine.prepare(replace(CASE, image=True))
    assert list(results()) == ["output", "gradient of weight", "gradient of bias"]
    _, results = engine.prepare(replace(CASE, backward=False))
    assert list(results()) == ["output"]


def test_a_second_call_does_not_add_to_the_gradients(engine):
    call, results = engine.prepare(CASE)
    first = results()
    call()
    for name, again in results().items():
        np.testing.assert_array_equal(again, first[name])


def test_forward_alone_records_nothing(engine):
    call, _ = engine.prepare(replace(CASE, backward=False))
    assert not call().requires_grad
    assert engine.prepare(CASE)[0]().requires_grad


def test_float64_differs_by_rounding_alone(engine):
    _, results = Engine(minicnn, dtype="float64").prepare(CASE)
    exact, found = results(), engine.prepare(CASE)[1]()
    assert all(a.dtype == np.float64 for a in exact.values())
    for name, a in found.items():
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, exact[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("network", ["CNNGenerator", "VGG classifier"])
def test_a_training_step_trains(engine, network):
    case = Net(group="training", network=network, batch=2, size=32, training=True)
    step, results = engine.prepare(case)
    first = results()
    assert set(first) == {"loss", "gradients", "loss after a step"}
    assert first["loss after a step"] < first["loss"]
    for _ in range(3):
        last = step().item()
    assert last < first["loss after a step"]


def test_inference_evaluates(engine):
    case = Net(group="inference", network="VGG classifier", batch=2, size=32, training=False)
    call, results = engine.prepare(case)
    assert not call().requires_grad
    np.testing.assert_array_equal(results()["output"], results()["output"])  # batch norm does not update its statistics


def test_kernels_are_those_that_ran_and_nothing_stays_watched(engine):
    call, _ = engine.prepare(CASE)
    with minicnn.use_backends():
        references = minicnn_kernels(call)
    assert {"conv", "conv_input_grad", "conv_weight_grad"} <= references.keys()
    assert set(references.values()) == {"reference/reference"}
    with minicnn.use_backends("numpy"):
        assert minicnn_kernels(call)["conv"].startswith("numpy/")
    from minicnn.autograd import primitive

    assert primitive.select is dispatch.select
