"""Tests of losses, also of class indices (cross_entropy.py): hand-computed values, edge cases and error messages.

Tests of other values are in tests/nn/test_against_torch.py.
"""

from math import log

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError, AutogradError, DTypeError, ShapeError
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.nn import functional as F
from tests import standin_cupy

INF = float("inf")
X = minicnn.ones(4, 3)
Y = minicnn.tensor([0, 2, 1, 1])


def test_by_hand():
    x, t = minicnn.tensor([0.0, 3.0]), minicnn.tensor([1.0, 1.0])
    assert F.mse_loss(x, t).item() == 2.5
    assert F.l1_loss(x, t, reduction="sum").item() == 3.0
    assert F.huber_loss(x, t, reduction="none", delta=0.5).tolist() == [0.375, 0.875]
    assert F.smooth_l1_loss(x, t, reduction="none", beta=2.0).tolist() == [0.25, 1.0]
    scores = minicnn.tensor([[log(1.0), log(3.0)]])
    assert F.cross_entropy(scores, minicnn.tensor([0])).item() == pytest.approx(log(4), rel=1e-6)
    assert F.binary_cross_entropy(minicnn.tensor([0.25]), minicnn.tensor([1.0])).item() == pytest.approx(log(4))
    assert F.binary_cross_entropy_with_logits(minicnn.zeros(1), minicnn.ones(1)).item() == pytest.approx(log(2))


def test_one_hot():
    assert F.one_hot(minicnn.tensor([[1], [0]]), 3).tolist() == [[[0, 1, 0]], [[1, 0, 0]]]
    assert F.one_hot(minicnn.zeros(0, dtype=minicnn.int64)).shape == (0, 0)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradients_of_both_orders(reduction):
    x = minicnn.randn(4, 3, dtype=minicnn.float64, requires_grad=True)
    t = minicnn.rand(4, 3, dtype=minicnn.float64)
    losses = [
        lambda x: F.mse_loss(x, t, reduction=reduction),
        lambda x: F.huber_loss(x, t, reduction, delta=0.8),
        lambda x: F.cross_entropy(x, Y, ignore_index=2, label_smoothing=0.1, reduction=reduction),
        lambda x: F.cross_entropy(x, F.normalize(t, 1), reduction=reduction),
        lambda x: F.binary_cross_entropy(x.sigmoid(), t, reduction=reduction),
        lambda x: F.binary_cross_entropy_with_logits(x, t, pos_weight=t + 1, reduction=reduction),
    ]
    for loss in losses:
        assert gradcheck(loss, x)
        assert gradgradcheck(loss, x)


def test_binary_cross_entropy_at_0_and_1_is_cut_at_100_and_has_finite_gradients():
    x = minicnn.tensor([0.0, 0.0, 1.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, minicnn.tensor([0.0, 1.0, 0.0, 1.0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [0, 100, 100, 0]
    assert x.grad.isfinite().all().item()


def test_a_masked_class_of_probability_zero_does_not_spoil_the_loss():
    x = minicnn.tensor([[0.0, 0.0, -INF]], requires_grad=True)
    loss = F.cross_entropy(x, minicnn.tensor([0]))
    loss.backward()
    assert loss.item() == pytest.approx(log(2))
    np.testing.assert_allclose(x.grad.numpy(), [[-0.5, 0.5, 0]], atol=1e-6)


def test_nan_is_not_hidden():
    x, t = minicnn.tensor([[float("nan"), 0.5]]), minicnn.tensor([[1.0, 0.0]])
    for loss in (F.mse_loss, F.huber_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.cross_entropy):
        assert np.isnan(loss(x, t).item())


def test_nothing_but_ignored_gives_nan_in_the_mean_as_in_pytorch():
    assert np.isnan(F.cross_entropy(X, Y * 0, ignore_index=0).item())
    assert F.cross_entropy(X, Y * 0, ignore_index=0, reduction="sum").item() == 0


def test_integer_and_bool_targets_of_yes_and_no_are_taken():
    p, yes = minicnn.tensor([0.5, 0.25]), minicnn.tensor([True, False])
    assert F.binary_cross_entropy(p, yes).item() == F.binary_cross_entropy(p, yes.float()).item()
    assert F.binary_cross_entropy_with_logits(p, yes.long()).dtype == minicnn.float32


def test_the_inputs_element_type_stays():
    w = minicnn.ones(3)
    assert F.cross_entropy(X, Y, w, label_smoothing=0.1).dtype == minicnn.float32
    assert F.cross_entropy(X.double(), Y).dtype == minicnn.float64
    assert F.cross_entropy(X, Y, w.double()).dtype == minicnn.float64
    assert F.cross_entropy(X, Y.to(minicnn.int32)).item() == F.cross_entropy(X, Y).item()


def test_a_wrong_class_is_seen_among_ignored_ones():
    some = minicnn.tensor([0, -100, 1, -100])
    assert F.cross_entropy(X, some).item() == pytest.approx(log(3), rel=1e-6)
    with pytest.raises(ShapeError, match=r"cross_entropy: class 3 is outside 0 ... 2"):
        F.cross_entropy(X, minicnn.where(some == 1, 3, some))


def test_nothing_at_all():
    for shape, target in (((0, 3), (0,)), ((0, 0), (0,)), ((2, 3, 0), (2, 0))):
        loss = F.cross_entropy(minicnn.zeros(*shape), minicnn.zeros(*target, dtype=minicnn.int64), reduction="sum")
        assert loss.item() == 0
    assert np.isnan(F.cross_entropy(minicnn.zeros(2, 0), Y[:2] * 0 - 100).item())


PAIR = r"must have the same shape, got \(4, 3\) and \(4, 1\); use target.view"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.mse_loss(X, X[:, :2]), ShapeError, r"mse_loss: shapes \(4, 3\) and \(4, 2\) do not broadcast"),
        (lambda: F.l1_loss(X, X[:, :2]), ShapeError, r"l1_loss: shapes \(4, 3\) and \(4, 2\) do not broadcast"),
        (lambda: F.huber_loss(X, X[:, :2]), ShapeError, r"huber_loss: shapes \(4, 3\) and \(4, 2\) do not broadcast"),
        (
            lambda: F.smooth_l1_loss(X, X[:, :2]),
            ShapeError,
            r"smooth_l1_loss: shapes .* \(4, 2\) do not broadcast",
        ),
        (lambda: F.binary_cross_entropy(X, X[:, :1]), ShapeError, f"binary_cross_entropy: input and target {PAIR}"),
        (lambda: F.binary_cross_entropy_with_logits(X, X[:, :1]), ShapeError, f"_with_logits: input and target {PAIR}"),
        (
            lambda: F.mse_loss(X.long(), X.long()),
            DTypeError,
            "mse_loss: the input must be floating point, got int64",
        ),
        (
            lambda: F.mse_loss(X, X, reduction="avg"),
            ArgumentError,
            "mse_loss: reduction must be 'mean', 'sum' or 'none', got 'avg'",
        ),
        (lambda: F.huber_loss(X, X, delta=0), ArgumentError, "huber_loss: delta must be positive, got 0"),
        (lambda: F.smooth_l1_loss(X, X, beta=-1), ArgumentError, "smooth_l1_loss: beta must be at least 0, got -1"),
        (
            lambda: F.binary_cross_entropy(X * 2, X),
            ArgumentError,
            r"probabilities from 0 to 1, got values from 2 to 2; apply a sigmoid, or use binary_cross_entropy_with",
        ),
        (
            lambda: F.cross_entropy(X.long(), Y),
            DTypeError,
            "cross_entropy: the input must be floating point, got int64",
        ),
        (lambda: F.cross_entropy(X, Y, label_smoothing=2), ArgumentError, "label_smoothing must be from 0 to 1, got 2"),
        (
            lambda: F.cross_entropy(X.sum(), Y),
            ShapeError,
            r"cross_entropy: the input needs an axis of classes, got \(\)",
        ),
        (
            lambda: F.cross_entropy(X, X[:, 0]),
            ShapeError,
            r"a target of float32 holds class probabilities and must be \(4, 3\) .* got \(4,\); .* with .long\(\)",
        ),
        (lambda: F.cross_entropy(X, Y > 0), DTypeError, "class indices must be integers, got bool; convert them"),
        (
            lambda: F.cross_entropy(X, Y[:3]),
            ShapeError,
            r"input \(4, 3\) has its classes along axis 1, so class indices must be \(4,\), got \(3,\)",
        ),
        (
            lambda: F.cross_entropy(X, Y + 1),
            ShapeError,
            r"cross_entropy: class 3 is outside 0 ... 2; input is \(4, 3\); .* ignore_index \(now -100\)",
        ),
        (lambda: F.nll_loss(X, Y - 1), ShapeError, "nll_loss: class -1 is outside 0 ... 2"),
        (lambda: F.nll_loss(X.sum(), Y), ShapeError, "nll_loss: the input needs an axis of classes"),
        (lambda: F.nll_loss(X.long(), Y), DTypeError, "nll_loss: the input must be floating point"),
        (
            lambda: F.cross_entropy(X, Y, minicnn.ones(4)),
            ShapeError,
            r"cross_entropy: weight must have a number for each class, \(3,\), got \(4,\); input is \(4, 3\)",
        ),
        (lambda: F.one_hot(X), DTypeError, "one_hot: class indices must be integers, got float32; convert them"),
        (lambda: F.one_hot(Y, 2), ShapeError, "one_hot: indices run from 0 to 2, outside 0 ... num_classes - 1 = 1"),
        (
            lambda: F.one_hot(Y - 1, 3),
            ShapeError,
            "one_hot: indices run from -1 to 1, outside 0 ... num_classes - 1 = 2",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_on_a_gpu_what_is_out_of_range_makes_the_loss_nan_and_nothing_waits(gpu):
    x, y = X.to(gpu), Y.to(gpu)
    wrong = minicnn.where(y == 2, 3, y)
    with standin_cupy.counting() as counts:
        each = F.cross_entropy(x, wrong, reduction="none")
        whole = F.cross_entropy(x, wrong)
        picked = F.nll_loss(x, wrong - 1)
        outside = F.binary_cross_entropy(x * 2, x)
        inside = [F.cross_entropy(x, y), F.binary_cross_entropy(x / 2, x), F.cross_entropy(x, wrong, ignore_index=3)]
        rows = F.one_hot(wrong, 3)
    assert counts.waits == []
    assert each.isnan().tolist() == (Y == 2).tolist()
    assert all(t.isnan().item() for t in (whole, picked, outside))
    assert all(t.isfinite().item() for t in inside)
    assert rows.sum(1).tolist() == (Y != 2).long().tolist()
    assert F.one_hot(y).tolist() == F.one_hot(Y).tolist()


@pytest.mark.parametrize("name", ["weight", "pos_weight"])
def test_weights_broadcast_to_the_input_and_no_further(name):
    for shape in ((2, 3), (2,)):
        with pytest.raises(ShapeError, match=rf"{name} must broadcast to the input's shape \(3,\)"):
            F.binary_cross_entropy_with_logits(minicnn.ones(3), minicnn.ones(3), **{name: minicnn.ones(*shape)})


def test_infinite_scores_have_gradients_for_their_targets():
    t = minicnn.tensor([1.0, 0.0], requires_grad=True)
    F.binary_cross_entropy_with_logits(minicnn.tensor([-INF, INF]), t, reduction="sum").backward()
    assert t.grad.tolist() == [INF, -INF]


def test_a_weight_beside_indices_that_wants_a_gradient_is_told_so():
    weight = minicnn.ones(3, requires_grad=True)
    for loss in (F.cross_entropy, F.nll_loss):
        with pytest.raises(AutogradError, match="weight has no gradient for class indices"):
            loss(X, Y, weight)
        assert loss(X, Y, weight.detach()).item() == loss(X, Y).item()
        with minicnn.no_grad():
            assert loss(X, Y, weight).item() == loss(X, Y).item()
    F.cross_entropy(X, X / 3, weight).backward()
    assert weight.grad is not None


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.huber_loss, F.smooth_l1_loss])
def test_regression_losses_broadcast_with_a_warning(loss):
    with pytest.warns(UserWarning, match=rf"{loss.__name__}: input and target have .* \(4, 3\) and \(4, 1\) and"):
        broadcast = loss(X, X[:, :1])
    assert broadcast.item() == pytest.approx(loss(X, X[:, :1].expand(4, 3)).item(), rel=1e-6)
