"""Tests of special functions against SciPy. tests/oracles/calls/elementwise.py compares them with PyTorch."""

import numpy as np
import pytest

import minicnn as mc
from minicnn.autograd import gradcheck, gradgradcheck

scipy_special = pytest.importorskip("scipy.special")

EVERYWHERE = np.concatenate([np.linspace(-30, 30, 997), 10.0 ** np.arange(-12, 3)])
POSITIVE = np.concatenate([np.linspace(0.01, 40, 997), 10.0 ** np.arange(-6, 9)])


@pytest.mark.parametrize("name", ["erfc", "gammaln", "psi", "trigamma", "tetragamma", "erfinv"])
def test_every_digit_of_float64(name):
    if name == "erfinv":
        x = np.concatenate([np.linspace(-1, 1, 999), 1 - 10.0 ** -np.arange(1, 16), 10.0 ** -np.arange(1, 16)])
    else:
        x = POSITIVE if "tri" in name or "tetra" in name else EVERYWHERE
    y, expected = {
        "erfc": lambda x: (mc.erfc(x), scipy_special.erfc(x.numpy())),
        "erfinv": lambda x: (mc.erfinv(x), scipy_special.erfinv(x.numpy())),
        "gammaln": lambda x: (mc.lgamma(x), scipy_special.gammaln(x.numpy())),
        "psi": lambda x: (mc.digamma(x), scipy_special.psi(x.numpy())),
        "trigamma": lambda x: (mc.polygamma(1, x), scipy_special.polygamma(1, x.numpy())),
        "tetragamma": lambda x: (mc.polygamma(2, x), scipy_special.polygamma(2, x.numpy())),
    }[name](mc.tensor(x))
    size = np.maximum(np.abs(expected), 0 if name in ("erfc", "erfinv") else 1)  # near a zero, the error is absolute
    finite = np.isfinite(expected)
    assert finite.sum() > 900
    np.testing.assert_array_equal(y.numpy()[~finite & ~np.isnan(expected)], expected[~finite & ~np.isnan(expected)])
    assert (np.abs(y.numpy()[finite] - expected[finite]) <= 1e-12 * size[finite] + 1e-300).all()


def test_gradients_at_the_removable_holes():
    x = mc.tensor([0.0, 0.25, -1.5], dtype=mc.float64, requires_grad=True)
    assert gradcheck(mc.sinc, x)
    y = mc.tensor([0.5, 2.0, 3.0], dtype=mc.float64, requires_grad=True)
    assert gradcheck(mc.xlogy, (x, y))
    assert gradgradcheck(lambda x, y: mc.xlogy(x, y) + mc.sinc(y), (x, y))
    assert mc.xlogy(mc.zeros(1), mc.zeros(1)).item() == 0


def test_sinc_has_a_second_gradient_at_0():
    """sinc(x) = 1 - (πx)² / 6 + ...: the second derivative at 0 is -π² / 3. PyTorch gives NaN."""
    x = mc.tensor([0.0, 1e-3, 0.0159, 0.016, 0.5], dtype=mc.float64, requires_grad=True)
    (first,) = mc.autograd.grad(mc.sinc(x).sum(), x, create_graph=True)
    (second,) = mc.autograd.grad(first.sum(), x)
    assert first[0].item() == 0
    assert second[0].item() == pytest.approx(-(np.pi**2) / 3)
    assert gradcheck(mc.sinc, x)
    assert gradgradcheck(mc.sinc, x)
