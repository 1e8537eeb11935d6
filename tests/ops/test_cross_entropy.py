"""Tests of cross entropy with class indices: label smoothing, class weights, invalid labels, and extreme numbers.

test_primitives.py tests kernels and gradients, as for all primitives. tests/nn tests the losses that use them.
"""

import numpy as np
import pytest

import minicnn
from minicnn.autograd.tensor import Tensor
from minicnn.backends.native.library import usable
from minicnn.ops.cross_entropy import Classes, cross_entropy, cross_entropy_grad, nll, nll_grad

INF, NAN = float("inf"), float("nan")
KERNELS = ["reference", *(["lines"] if usable() else [])]


@pytest.fixture(params=KERNELS, autouse=True)
def kernel(request):
    names = ("nll", "nll_grad", "cross_entropy", "cross_entropy_grad")
    with minicnn.use_kernel(names[0], request.param), minicnn.use_kernel(names[1], request.param):  # noqa: SIM117
        with minicnn.use_kernel(names[2], request.param), minicnn.use_kernel(names[3], request.param):
            yield


def shares(labels, weight, smoothing):
    """Return the target weight of each class in each example, (N, C)."""
    n = len(weight)
    return (1 - smoothing) * np.eye(n)[labels] * weight + smoothing / n * weight


@pytest.mark.parametrize("smoothing", [0.0, 0.2, 1.0])
def test_the_equations(smoothing):
    rng = np.random.default_rng(0)
    x, labels, weight, g = rng.normal(size=(5, 37)), rng.integers(0, 37, 5), rng.random(37), rng.normal(size=5)
    u, p = shares(labels, weight, smoothing), np.exp(x) / np.exp(x).sum(1, keepdims=True)
    rest, classes = (Tensor._of(labels), Tensor._of(weight)), Classes(1, smoothing, -100)
    np.testing.assert_allclose(nll(Tensor._of(x), *rest, classes=classes)[0].numpy(), -(u * x).sum(1))
    np.testing.assert_allclose(nll_grad(Tensor._of(g), *rest, classes=classes).numpy(), -g[:, None] * u)
    loss, each = cross_entropy(Tensor._of(x), *rest, classes=classes)
    np.testing.assert_allclose(loss.numpy(), -(u * np.log(p)).sum(1))
    np.testing.assert_allclose(each.numpy(), weight[labels])
    to_x = cross_entropy_grad(Tensor._of(g), Tensor._of(x), *rest, classes=classes).numpy()
    np.testing.assert_allclose(to_x, g[:, None] * (p * u.sum(1, keepdims=True) - u), atol=1e-15)


def test_labels_that_are_ignored_or_no_class():
    x, weight = minicnn.tensor([[0.0, 1.0]] * 4), minicnn.tensor([2.0, 3.0])
    labels, classes = minicnn.tensor([0, 7, 2, -1]), Classes(1, 0.5, 7)
    for function in (nll, cross_entropy):
        loss, each = function(x, labels, weight, classes=classes)
        assert each.tolist()[:2] == [2, 0]
        assert loss.isnan().tolist() == each.isnan().tolist() == [False, False, True, True]
        assert loss.tolist()[1] == 0
    g = minicnn.tensor([1.0, INF, NAN, 1.0])
    for gradient in (
        nll_grad(g, labels, weight, classes=classes),
        cross_entropy_grad(g, x, labels, weight, classes=classes),
    ):
        assert (gradient != 0).any(1).tolist() == [True, False, False, False]


@pytest.mark.parametrize("columns", [1, 3])
def test_scores_at_the_edges(columns):
    scores = [[1e30, 0.0, -1e30], [0.0, -INF, -INF], [-INF, -INF, -INF], [INF, 0.0, 0.0], [NAN, 0.0, 0.0]]
    x = minicnn.tensor(scores).reshape(5, 3, 1).expand(5, 3, columns)
    labels, weight = minicnn.zeros(5, columns, dtype=minicnn.int64), minicnn.ones(3)
    loss, _ = cross_entropy(x, labels, weight, classes=Classes(1, 0.0, -1))
    np.testing.assert_array_equal(loss[:, 0].numpy(), [0, 0, NAN, NAN, NAN])
    to_x = cross_entropy_grad(minicnn.ones(5, columns), x, labels, weight, classes=Classes(1, 0.0, -1))
    np.testing.assert_array_equal(to_x[:2, :, 0].numpy(), np.zeros((2, 3)))
    assert to_x[2:].isnan().all().item()


def test_weight_and_labels_are_constants():
    weight = minicnn.ones(3, requires_grad=True)
    loss, _ = cross_entropy(minicnn.ones(2, 3), minicnn.tensor([0, 1]), weight, classes=Classes(1, 0.1, -1))
    assert not loss.requires_grad
