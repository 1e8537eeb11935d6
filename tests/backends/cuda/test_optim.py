"""Tests of optimizer steps in one launch, or one per tensor: the reference's results, and minimal memory traffic."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn.backends.cuda import optim
from minicnn.backends.cuda.simulator import counting, simulate
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CUDASIM, Device
from tests.step_params import packed, trajectory

pytestmark = pytest.mark.skipif(bool(Device.reasons()["cudasim"]), reason="needs a C++ compiler")

NAMES = ["multi_tensor", "per_tensor"]
SHAPES = st.lists(
    st.sampled_from([(), (1,), (3, 5), (0, 2), (4,), (17, 15), (optim.CHUNK,), (2, 3, 5, 143), (8200,)]),
    min_size=1,
    max_size=5,
)


def rung(operation, name):
    (found,) = [k for k in dispatch.kernels(operation, CUDASIM) if (k.backend, k.name) == ("cuda", name)]
    return found


def check(operation, name, shapes, options, kept, seed):
    run = rung(operation, name).function
    reference = dispatch.kernels(operation, CUDASIM)[-1].function
    exact = trajectory(reference, operation, shapes, np.float64, options, kept, seed)
    for dtype, tolerance in ((np.float32, 2e-5), (np.float64, 1e-13)):
        result = trajectory(run, operation, shapes, dtype, options, kept, seed)
        with simulate(order="shuffled"):
            again = trajectory(run, operation, shapes, dtype, options, kept, seed)
        expected = trajectory(reference, operation, shapes, dtype, options, kept, seed)
        single = 10 * np.finfo(dtype).eps  # the same roundings, except for fused multiply-adds
        for y, same, like, right in zip(result, again, expected, exact, strict=True):
            assert (y.dtype, y.shape) == (dtype, right.shape)
            assert y.tobytes() == same.tobytes()
            np.testing.assert_allclose(y, right, rtol=0, atol=tolerance)
            np.testing.assert_allclose(y, like, rtol=single, atol=single)


@pytest.mark.parametrize("name", NAMES)
@given(
    shapes=SHAPES,
    weight_decay=st.sampled_from([0.0, 0.1]),
    decoupled=st.booleans(),
    amsgrad=st.booleans(),
    seed=st.integers(0, 99),
)
def test_adam_is_the_reference(name, shapes, weight_decay, decoupled, amsgrad, seed):
    options = {"lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-4}
    check(
        "adam_step",
        name,
        shapes,
        {**options, "weight_decay": weight_decay, "decoupled": decoupled},
        (True, True, amsgrad),
        seed,
    )


@pytest.mark.parametrize("name", NAMES)
@given(
    shapes=SHAPES,
    weight_decay=st.sampled_from([0.0, 0.1]),
    momentum=st.sampled_from([(0.0, False), (0.9, False), (0.9, True)]),
    seed=st.integers(0, 99),
)
def test_sgd_is_the_reference(name, shapes, weight_decay, momentum, seed):
    options = {"lr": 0.05, "momentum": momentum[0], "weight_decay": weight_decay, "nesterov": momentum[1]}
    check("sgd_step", name, shapes, options, (momentum[0] > 0,), seed)


ADAM = {"steps": [1, 2], "lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.0, "decoupled": False}
SGD = {"shares": [1.0, 1.0], "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, "nesterov": False}


@pytest.mark.parametrize("name", NAMES)
def test_the_first_steps_by_hand(name):
    p, g, m, v = ([np.full(5, x), np.full(3, x)] for x in (1.0, 2.0, 0.0, 0.0))
    rung("adam_step", name).function(p, g, m, v, [], **packed({**ADAM, "steps": [1, 1]}))
    for i, size in enumerate((5, 3)):
        np.testing.assert_allclose(p[i], np.full(size, 0.9), rtol=1e-7)  # a step of lr against the sign of the gradient
        np.testing.assert_allclose(m[i], 0.2)
        np.testing.assert_allclose(v[i], 0.04)
    rung("sgd_step", name).function(p, g, [], **packed(SGD))
    np.testing.assert_allclose(p[0], 0.7, rtol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_counts_its_own_steps(name):
    p, g, m, v = ([np.full(5, x), np.full(5, x)] for x in (0.0, 2.0, 0.0, 0.0))
    rung("adam_step", name).function(p, g, m, v, [], **packed({**ADAM, "steps": [1, 7], "eps": 0.0}))
    for y, t in zip(p, (1, 7), strict=True):
        corrected = 0.2 / (1 - 0.9**t) / math.sqrt(0.04 / (1 - 0.99**t))
        np.testing.assert_allclose(y, -0.1 * corrected, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_maximum_that_is_nan_stays(name):
    values = np.array([1.0, np.nan, 3.0, np.inf, 0.5])
    p, g, m, v = [np.zeros(5)], [np.sqrt(values)], [np.zeros(5)], [np.zeros(5)]
    largest = [np.array([2.0, 2.0, np.nan, 2.0, 0.0])]
    options = {**ADAM, "steps": [1], "beta2": 0.0}
    rung("adam_step", name).function(p, g, m, v, largest, **packed(options))
    np.testing.assert_array_equal(largest[0][:4], [2.0, np.nan, np.nan, np.inf])
    np.testing.assert_allclose(largest[0][4], 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_without_weight_decay_nothing_is_multiplied_by_zero(name):
    p, g, m, v = ([np.array([x, x])] for x in (np.inf, 1.0, 0.0, 0.0))
    rung("adam_step", name).function(p, g, m, v, [], **packed({**ADAM, "steps": [1]}))
    rung("sgd_step", name).function(p, g, [], **packed({**SGD, "shares": [1.0]}))
    assert np.isposinf(p[0]).all()
    assert np.isfinite(m[0]).all()


def test_arrays_that_cannot_be_changed_in_place_are_left_to_the_reference():
    def lists(p, state=None, g=None):
        state = np.zeros(p.shape, p.dtype) if state is None else state
        return [[p], [np.zeros(p.shape, p.dtype) if g is None else g], [state], [state.copy()], []]

    good = np.zeros((4, 6), np.float32)
    turned, misaligned = np.zeros((6, 4), np.float32).T, np.zeros(5, np.float32)[1:]
    refused = [
        lists(turned),
        lists(misaligned),
        lists(good, state=turned),
        lists(good, state=good.astype(np.float64)),
        lists(good.astype(np.float16)),
        [a + b for a, b in zip(lists(good), lists(good.astype(np.float64)), strict=True)],
    ]
    for name in NAMES:
        adam, sgd = rung("adam_step", name), rung("sgd_step", name)
        assert adam.supports(*lists(good), **packed(ADAM))
        assert adam.supports(*lists(good, g=turned), **packed(ADAM))
        assert sgd.supports(*lists(good)[:3], **packed(SGD))
        for wrong in refused:
            assert not adam.supports(*wrong, **packed(ADAM))
            assert not sgd.supports(*wrong[:3], **packed(SGD))


def test_chunks_hold_every_element_once():
    sizes = (3, 0, 2 * optim.CHUNK + 1, optim.CHUNK, 1)
    table = optim._chunks(np, "cpu", sizes)
    seen = [np.zeros(size, int) for size in sizes]
    for tensor, start, size in table.tolist():
        assert size > 0
        assert start % 4 == 0
        seen[tensor][start : start + size] += 1
    assert all((count == 1).all() for count in seen)
    assert len(table) == 6
    assert optim._chunks(np, "cpu", sizes) is table  # cached, not built in every step


def tensors(count):
    """Return the arguments of a step over tensors of different sizes."""
    rng = np.random.default_rng(0)
    shapes = [(100, 100), (64,), (3, 3, 3, 5), (20000,)]
    return [[abs(rng.normal(size=s)).astype(np.float32) for s in shapes] for _ in range(count)]


def test_one_launch_for_all_tensors_that_moves_little_else():
    adam, sgd = {**ADAM, "steps": [1] * 4}, {**SGD, "shares": [1.0] * 4, "momentum": 0.9}
    with counting() as launches:
        rung("adam_step", "multi_tensor").function(*tensors(5), **packed(adam))
        rung("sgd_step", "multi_tensor").function(*tensors(3), **packed(sgd))
    assert [(launch.entry, launch.grid[0]) for launch in launches] == [("optim_adam", 10), ("optim_sgd", 10)]
    for launch, moves in zip(launches, (5 + 4, 3 + 2), strict=True):
        least = moves * sum(a.nbytes for a in tensors(1)[0]) / 32
        assert least <= launch.sectors_moved <= 1.05 * least
        assert launch.sectors_requested <= 1.05 * launch.sectors_ideal
    with counting() as launches:
        rung("sgd_step", "per_tensor").function(*tensors(3), **packed(sgd))
    assert [launch.entry for launch in launches] == ["optim_sgd_each"] * 4


@pytest.mark.parametrize(
    "build",
    [
        lambda p: minicnn.optim.Adam(p, 0.1, amsgrad=True),
        lambda p: minicnn.optim.AdamW(p, 0.1),
        lambda p: minicnn.optim.SGD(p, 0.1, momentum=0.9, dampening=0.3, weight_decay=0.1),
        lambda p: minicnn.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ],
)
def test_optimizers_take_the_same_way_as_on_the_cpu(build):
    ways = []
    for device in ("cpu", "cudasim"):
        rng = np.random.default_rng(0)
        values = [rng.normal(size=s) for s in ((3, 4), (), (5,))]
        parameters = [minicnn.tensor(v, device=device).requires_grad_() for v in values]
        optimizer = build(parameters)
        for step in range(5):
            optimizer.zero_grad()
            loss = sum(((p - 1) ** 2).sum() * (i + 1) for i, p in enumerate(parameters) if i != 1 or step > 1)
            loss.backward()
            optimizer.step()
        ways.append([p.detach().to("cpu").numpy() for p in parameters])
    for y, expected in zip(*ways, strict=True):
        np.testing.assert_allclose(y, expected, rtol=1e-12)
