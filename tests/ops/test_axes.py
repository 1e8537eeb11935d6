"""Tests of axes and sizes in all forms that a user may pass."""

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import ShapeError
from minicnn.ops.axes import axes_of, axis_of, sizes_of


def test_axes_are_counted_from_either_end():
    assert [axis_of("f", d, 3) for d in (-3, -1, 0, 2)] == [0, 2, 0, 2]
    assert (axis_of("f", 0, 0), axis_of("f", -1, 0)) == (0, 0)
    assert axes_of("f", None, 3) == axes_of("f", (), 3) == (0, 1, 2)
    assert axes_of("f", -1, 3) == axes_of("f", np.int64(2), 3) == (2,)
    assert axes_of("f", [2, 0], 3) == (0, 2)
    assert axes_of("f", 0, 0) == ()


@pytest.mark.parametrize(("dim", "ndim"), [(3, 3), (-4, 3), (1, 0), (-2, 0)])
def test_axes_that_are_not_there(dim, ndim):
    for function in (axis_of, axes_of):
        with pytest.raises(ShapeError, match=f"sum: dim={dim} is out of range for a tensor of {ndim} axes"):
            function("sum", dim, ndim)


def test_an_axis_named_twice():
    with pytest.raises(ShapeError, match=r"sum: dim=\(0, -2\) names an axis twice"):
        axes_of("sum", (0, -2), 2)


@pytest.mark.parametrize("args", [(2, 3), ((2, 3),), ([2, 3],), (np.array([2, 3]).tolist(),), (np.int64(2), 3)])
def test_sizes_apart_or_together(args):
    assert sizes_of("f", args) == (2, 3)
    assert mc.zeros(*args).shape == mc.ones(6).reshape(*args).shape == (2, 3)
    assert mc.ones(1).expand(*args).shape == mc.ones(1, 1).repeat(*args).shape == (2, 3)


def test_no_sizes():
    assert sizes_of("f", ()) == sizes_of("f", ((),)) == ()
    assert mc.zeros(()).shape == ()
    assert sizes_of("f", (mc.tensor(2), 3)) == (2, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.sum("a"), "sum: dim must be an integer, got 'a'"),
        (lambda x: x.sum(0.5), "sum: dim must be an integer, got 0.5"),
        (lambda x: x.max(dim=(0, 1)), r"max: dim must be an integer, got \(0, 1\)"),
        (lambda x: x.min(dim=(0, 1)), r"min: dim must be an integer, got \(0, 1\)"),
        (lambda x: x.cumsum(dim=(0, 1)), r"cumsum: dim must be an integer, got \(0, 1\)"),
        (lambda x: x.reshape("a"), "reshape: sizes must be integers, got 'a'"),
        (lambda x: x.expand(2.5, 1), r"expand: sizes must be integers, got \(2.5, 1\)"),
        (lambda x: x.permute(None), "permute: sizes must be integers, got None"),
        (lambda x: mc.zeros("a"), "zeros: sizes must be integers, got 'a'"),
    ],
)
def test_what_is_no_integer(call, message):
    with pytest.raises(ShapeError, match=message):
        call(mc.ones(2, 2))


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "var", "std", "flip", "squeeze", "all", "any"])
def test_an_empty_sequence_of_axes(name):
    """As in PyTorch 2.13, it means all axes for most reductions, and no axis for the last four functions."""
    x = mc.arange(6.0).reshape(1, 2, 3)
    y = getattr(mc, name)(x, ())
    if name in ("flip", "squeeze"):
        np.testing.assert_array_equal(y.numpy(), x.numpy())
    elif name in ("all", "any"):
        np.testing.assert_array_equal(y.numpy(), x.numpy() != 0)
    else:
        assert y.item() == pytest.approx(getattr(mc, name)(x).item())
