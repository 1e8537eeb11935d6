"""Tests of optimizer steps in one call over all parameters: the reference's results, also for NaN and infinity."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn.backends.native import library
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CPU
from tests.step_params import packed, trajectory

pytestmark = pytest.mark.skipif(not library.usable(), reason="needs a C++ compiler")

SHAPES = st.lists(
    st.sampled_from([(), (1,), (3, 5), (0, 2), (16,), (17, 15), (2, 3, 5, 143), (5, 8200)]), min_size=1, max_size=5
)
ADAM = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.0, "decoupled": False}
SGD = {"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, "nesterov": False}


def native(operation):
    first, *_ = dispatch.kernels(operation, CPU)
    assert (first.backend, first.name) == ("native", "multi_tensor")
    return first


def check(operation, shapes, options, kept, seed):
    run, reference = native(operation).function, dispatch.kernels(operation, CPU)[-1].function
    exact = trajectory(reference, operation, shapes, np.float64, options, kept, seed)
    threads = minicnn.get_num_threads()
    for dtype, tolerance in ((np.float32, 2e-5), (np.float64, 1e-13)):
        result = trajectory(run, operation, shapes, dtype, options, kept, seed)
        try:
            minicnn.set_num_threads(3)
            again = trajectory(run, operation, shapes, dtype, options, kept, seed)
        finally:
            minicnn.set_num_threads(threads)
        expected = trajectory(reference, operation, shapes, dtype, options, kept, seed)
        single = 40 * np.finfo(dtype).eps  # the same roundings, except for fused multiply-adds
        for y, same, like, right in zip(result, again, expected, exact, strict=True):
            assert (y.dtype, y.shape) == (dtype, right.shape)
            assert y.tobytes() == same.tobytes()
            np.testing.assert_allclose(y, right, rtol=0, atol=tolerance)
            np.testing.assert_allclose(y, like, rtol=single, atol=single)


@given(
    shapes=SHAPES,
    weight_decay=st.sampled_from([0.0, 0.1]),
    decoupled=st.booleans(),
    amsgrad=st.booleans(),
    seed=st.integers(0, 99),
)
def test_adam_is_the_reference(shapes, weight_decay, decoupled, amsgrad, seed):
    options = {**ADAM, "lr": 0.01, "eps": 1e-4, "weight_decay": weight_decay, "decoupled": decoupled}
    check("adam_step", shapes, options, (True, True, amsgrad), seed)


@given(
    shapes=SHAPES,
    weight_decay=st.sampled_from([0.0, 0.1]),
    momentum=st.sampled_from([(0.0, False), (0.9, False), (0.9, True)]),
    seed=st.integers(0, 99),
)
def test_sgd_is_the_reference(shapes, weight_decay, momentum, seed):
    options = {"lr": 0.05, "momentum": momentum[0], "weight_decay": weight_decay, "nesterov": momentum[1]}
    check("sgd_step", shapes, options, (momentum[0] > 0,), seed)


def test_the_first_steps_by_hand():
    p, g, m, v = ([np.full(5, x), np.full(3, x)] for x in (1.0, 2.0, 0.0, 0.0))
    native("adam_step").function(p, g, m, v, [], **packed({**ADAM, "steps": [1, 1]}))
    for i, size in enumerate((5, 3)):
        np.testing.assert_allclose(p[i], np.full(size, 0.9), rtol=1e-7)  # a step of lr against the sign of the gradient
        np.testing.assert_allclose(m[i], 0.2)
        np.testing.assert_allclose(v[i], 0.04)
    native("sgd_step").function(p, g, [], **packed({**SGD, "shares": [1.0, 1.0]}))
    np.testing.assert_allclose(p[0], 0.7, rtol=1e-7)


def test_every_parameter_counts_its_own_steps():
    p, g, m, v = ([np.full(5, x), np.full(5, x)] for x in (0.0, 2.0, 0.0, 0.0))
    native("adam_step").function(p, g, m, v, [], **packed({**ADAM, "eps": 0.0, "steps": [1, 7]}))
    for y, t in zip(p, (1, 7), strict=True):
        corrected = 0.2 / (1 - 0.9**t) / math.sqrt(0.04 / (1 - 0.99**t))
        np.testing.assert_allclose(y, -0.1 * corrected, rtol=1e-12)


@pytest.mark.parametrize("size", [5, 100])  # in the remainder after the last SIMD vector, and in a vector
def test_a_maximum_that_is_nan_stays(size):
    values = np.resize([1.0, np.nan, 3.0, np.inf, 0.5], size)
    p, g, m, v = [np.zeros(size)], [np.sqrt(values)], [np.zeros(size)], [np.zeros(size)]
    largest = [np.resize([2.0, 2.0, np.nan, 2.0, 0.0], size)]
    native("adam_step").function(p, g, m, v, largest, **packed({**ADAM, "beta2": 0.0, "steps": [1]}))
    expected = np.resize([2.0, np.nan, np.nan, np.inf, 0.5], size)
    np.testing.assert_allclose(largest[0], expected, rtol=1e-15)


def test_without_weight_decay_nothing_is_multiplied_by_zero():
    p, g, m, v = ([np.full(20, x)] for x in (np.inf, 1.0, 0.0, 0.0))
    native("adam_step").function(p, g, m, v, [], **packed({**ADAM, "steps": [1]}))
    native("sgd_step").function(p, g, [], **packed({**SGD, "shares": [1.0]}))
    assert np.isposinf(p[0]).all()
    assert np.isfinite(m[0]).all()


def test_arrays_that_cannot_be_changed_in_place_are_left_to_the_reference():
    def lists(p, state=None, g=None):
        state = np.zeros(p.shape, p.dtype) if state is None else state
        return [[p], [np.zeros(p.shape, p.dtype) if g is None else g], [state], [state.copy()], []]

    good = np.zeros((4, 6), np.float32)
    turned, read_only = np.zeros((6, 4), np.float32).T, good.copy()
    read_only.flags.writeable = False
    misaligned = np.zeros(21, np.uint8)[1:].view(np.float32)
    refused = [
        lists(turned),
        lists(read_only),
        lists(misaligned),
        lists(good, state=turned),
        lists(good, state=good.astype(np.float64)),
        lists(good.astype(np.float16)),
        [a + b for a, b in zip(lists(good), lists(good.astype(np.float64)), strict=True)],
    ]
    adam, sgd = native("adam_step"), native("sgd_step")
    assert adam.supports(*lists(good), **packed({**ADAM, "steps": [1]}))
    assert adam.supports(*lists(good, g=turned), **packed({**ADAM, "steps": [1]}))
    assert sgd.supports(*lists(good)[:3], **packed({**SGD, "shares": [1.0]}))
    for wrong in refused:
        assert not adam.supports(*wrong, **packed({**ADAM, "steps": [1]}))
        assert not sgd.supports(*wrong[:3], **packed({**SGD, "shares": [1.0]}))


def test_chunks_hold_every_element_once():
    from minicnn.backends.native import optim

    sizes = (3, 0, 2 * optim.CHUNK + 1, optim.CHUNK, 1)
    table = optim._chunks(sizes)
    seen = [np.zeros(size, int) for size in sizes]
    for parameter, start, size in table.tolist():
        assert size > 0
        seen[parameter][start : start + size] += 1
    assert all((count == 1).all() for count in seen)
    assert len(table) == 6
    assert optim._chunks(sizes) is table  # cached, not built in every step


@pytest.mark.parametrize(
    "build",
    [
        lambda p: minicnn.optim.Adam(p, 0.1, amsgrad=True),
        lambda p: minicnn.optim.AdamW(p, 0.1),
        lambda p: minicnn.optim.SGD(p, 0.1, momentum=0.9, dampening=0.3, weight_decay=0.1),
        lambda p: minicnn.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ],
)
def test_optimizers_step_as_on_the_reference(build):
    ways = []
    for kernel in ("multi_tensor", "reference"):
        rng = np.random.default_rng(0)
        parameters = [minicnn.tensor(rng.normal(size=s)).requires_grad_() for s in ((3, 4), (), (5,))]
        optimizer = build(parameters)
        with dispatch.use_kernel("adam_step", kernel), dispatch.use_kernel("sgd_step", kernel):
            for step in range(5):
                optimizer.zero_grad()
                loss = sum(((p - 1) ** 2).sum() * (i + 1) for i, p in enumerate(parameters) if i != 1 or step > 1)
                loss.backward()
                optimizer.step()
        ways.append([p.detach().numpy() for p in parameters])
    for y, expected in zip(*ways, strict=True):
        np.testing.assert_allclose(y, expected, rtol=1e-12)
