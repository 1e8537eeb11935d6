"""Tests of normalisation: error messages and statistics. test_against_torch.py tests their values."""

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError, DTypeError, ShapeError
from minicnn.nn import functional as F

X = minicnn.ones(2, 4, 3, 3)
THREE, FOUR = minicnn.ones(3), minicnn.ones(4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.batch_norm(X, THREE, FOUR),
            ShapeError,
            r"batch_norm: running_mean must .* channel, \(4,\), got \(3,\)",
        ),
        (lambda: F.batch_norm(X, None, None), ShapeError, "batch_norm: without training, running_mean and running_var"),
        (lambda: F.batch_norm(X[0, 0, 0], FOUR, FOUR), ShapeError, "batch_norm: input needs at least 2 axes"),
        (lambda: F.batch_norm(X.long(), FOUR, FOUR), DTypeError, "batch_norm: the tensor holds int64"),
        (
            lambda: F.batch_norm(X[:1, :, :1, :1], None, None, training=True),
            ShapeError,
            r"batch_norm: training needs at least 2 values for each channel, got .*; use a larger batch",
        ),
        (
            lambda: F.batch_norm(X, FOUR, FOUR, THREE),
            ShapeError,
            "batch_norm: weight must have a number for each channel",
        ),
        (
            lambda: F.instance_norm(X[:, :, :1, :1]),
            ShapeError,
            "instance_norm: a channel needs at least 2 pixels",
        ),
        (lambda: F.group_norm(X, 3), ShapeError, "group_norm: 4 channels cannot be split into num_groups=3"),
        (lambda: F.layer_norm(X, (4, 3)), ShapeError, r"layer_norm: the input \(2, 4, 3, 3\) must end"),
        (lambda: F.layer_norm(X, (3,), FOUR), ShapeError, r"layer_norm: weight must be .*\(3,\), got \(4,\)"),
        (lambda: F.layer_norm(X, (3,), THREE, FOUR), ShapeError, "layer_norm: bias must be"),
        (lambda: F.layer_norm(X.long(), (3,)), DTypeError, "layer_norm: the tensor holds int64"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_empty_batch_leaves_the_running_statistics_alone():
    mean, var = minicnn.zeros(4), minicnn.ones(4)
    assert F.batch_norm(X[:0], mean, var, training=True).shape == (0, 4, 3, 3)
    assert F.instance_norm(X[:0], mean, var).shape == (0, 4, 3, 3)
    assert mean.tolist() == [0] * 4
    assert var.tolist() == [1] * 4


@pytest.mark.parametrize("shape", [(4, 20, 5), (8, 4, 300), (3, 2, 9000), (50, 6)])
def test_channels_far_from_zero_keep_their_digits(shape):
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(shape) + 1e4).astype(np.float32)
    x[0, :, ...] += 3  # the first example is an outlier
    mean, var = minicnn.zeros(shape[1]), minicnn.ones(shape[1])
    t, w = minicnn.from_numpy(x).requires_grad_(), minicnn.ones(shape[1], requires_grad=True)
    y = F.batch_norm(t, mean, var, w, training=True, momentum=1.0)
    g = rng.standard_normal(shape).astype(np.float32)
    y.backward(minicnn.from_numpy(g))
    exact = minicnn.from_numpy(x.astype(np.float64)).requires_grad_()
    w_exact = minicnn.ones(shape[1], dtype=minicnn.float64, requires_grad=True)
    expected = F.batch_norm(exact, None, None, w_exact, training=True)
    expected.backward(minicnn.from_numpy(g.astype(np.float64)))
    axes = (0, *range(2, len(shape)))
    np.testing.assert_allclose(y.detach().array, expected.detach().array, atol=1e-3)  # the precision of x - mean
    np.testing.assert_allclose(t.grad.array, exact.grad.array, atol=2e-3)
    np.testing.assert_allclose(w.grad.array, w_exact.grad.array, rtol=1e-3, atol=1e-3 * np.sqrt(x.size))
    np.testing.assert_allclose(mean.array, x.mean(axes, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(var.array, x.astype(np.float64).var(axes, ddof=1), rtol=1e-4)
    again = F.batch_norm(minicnn.from_numpy(x), mean, var)
    spread = (-1, *(1,) * (len(shape) - 2))
    known, deviation = mean.array.reshape(spread), np.sqrt(var.array.reshape(spread) + 1e-5)
    np.testing.assert_allclose(again.array, (x - known) / deviation, atol=1e-5)


@pytest.fixture
def threads_as_before():
    before = minicnn.get_num_threads()
    yield
    minicnn.set_num_threads(before)


@pytest.mark.usefixtures("threads_as_before")
def test_batch_norm_gives_the_same_bits_for_any_number_of_threads():
    x = minicnn.from_numpy(np.random.default_rng(0).standard_normal((16, 5, 40, 40)).astype(np.float32))
    found = []
    for threads in (1, 2, 3):
        minicnn.set_num_threads(threads)
        t, w, b = x.clone().requires_grad_(), minicnn.ones(5, requires_grad=True), minicnn.zeros(5, requires_grad=True)
        y = F.batch_norm(t, None, None, w, b, training=True)
        y.backward(y.detach() ** 2)
        found.append(b"".join(a.tobytes() for a in (y.detach().array, t.grad.array, w.grad.array, b.grad.array)))
    assert found[0] == found[1] == found[2]


def test_parameters_of_another_type_are_promoted():
    y = F.batch_norm(X, FOUR, FOUR, FOUR.double())
    assert y.dtype == np.float64
    assert F.batch_norm(X, None, None, FOUR.double(), training=True).dtype == np.float64


def test_running_statistics_of_instance_norm_are_means_over_the_images():
    x = np.random.default_rng(0).standard_normal((3, 4, 2, 5)) * 3 + 1
    mean, var = minicnn.full((4,), 2.0, dtype=minicnn.float64), minicnn.full((4,), 5.0, dtype=minicnn.float64)
    F.instance_norm(minicnn.from_numpy(x), mean, var, momentum=0.25)
    np.testing.assert_allclose(mean.numpy(), 0.75 * 2 + 0.25 * x.mean((0, 2, 3)), rtol=1e-12)
    unbiased = x.reshape(3, 4, 10).var(2, ddof=1).mean(0)
    np.testing.assert_allclose(var.numpy(), 0.75 * 5 + 0.25 * unbiased, rtol=1e-12)


def test_running_statistics_of_batch_norm_move_by_the_momentum():
    x = np.random.default_rng(0).standard_normal((3, 4, 2, 5)) * 3 + 1
    mean, var = minicnn.full((4,), 2.0, dtype=minicnn.float64), minicnn.full((4,), 5.0, dtype=minicnn.float64)
    F.batch_norm(minicnn.from_numpy(x), mean, var, training=True, momentum=0.25)
    np.testing.assert_allclose(mean.numpy(), 0.75 * 2 + 0.25 * x.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(var.numpy(), 0.75 * 5 + 0.25 * x.var((0, 2, 3), ddof=1), rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 3, 2, 2), (16, 3, 24, 24), (1000, 3), (2, 1, 50, 700)])
@pytest.mark.parametrize("backend", ["native", "numpy", "reference"])
def test_statistics_of_a_constant_far_from_0_are_exact(shape, backend):
    x, mean, var = minicnn.full(shape, 12345.6), minicnn.zeros(shape[1]), minicnn.ones(shape[1])
    kernels = minicnn.use_kernel("batch_norm", "reference") if backend == "reference" else minicnn.use_backends(backend)
    with kernels:
        y = F.batch_norm(x, mean, var, training=True, momentum=1.0)
    assert y.abs().max().item() == 0
    assert mean.tolist() == [np.float32(12345.6)] * shape[1]
    assert var.tolist() == [0.0] * shape[1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.batch_norm(X, None, None, training=True, eps=0),
            ArgumentError,
            "batch_norm: eps must be above 0",
        ),
        (lambda: F.batch_norm(X, FOUR, FOUR, eps=-1), ArgumentError, "batch_norm: eps must be above 0 .*, got -1"),
        (lambda: F.batch_norm(X, FOUR, None, training=True), ArgumentError, "batch_norm: give both running_mean and"),
        (lambda: F.group_norm(X[:1, :, 0, 0], 4), ShapeError, "group_norm: 4 groups of one value have no variance"),
        (lambda: F.rms_norm(X, (4,)), ShapeError, r"rms_norm: the input .* must end in normalized_shape=\(4,\)"),
        (
            lambda: F.rms_norm(X, (3,), FOUR),
            ShapeError,
            r"rms_norm: weight must be .*, got \(4,\)",
        ),
        (lambda: F.local_response_norm(X, 0), ShapeError, "local_response_norm: .* size must be at least 1, got"),
    ],
)
def test_messages_of_limits(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_rms_norm_makes_the_mean_square_1():
    y = F.rms_norm(minicnn.randn(5, 3, 4) * 7, (3, 4))
    np.testing.assert_allclose((y * y).mean((1, 2)).numpy(), 1, rtol=1e-5)
