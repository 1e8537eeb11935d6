"""Tests of special functions against SciPy. tests/oracles/calls/elementwise.py compares them with PyTorch."""

import numpy as np
import pytest

import minicnn as mc
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.errors import AutogradError

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


def _values(name):
    """Return the values of a function, the values of SciPy, and the largest error that is allowed."""
    x = {
        "bessel_y0": POSITIVE[POSITIVE < 1e4],
        "bessel_y1": POSITIVE[POSITIVE < 1e4],
        "modified_bessel_k0": POSITIVE,
        "scaled_modified_bessel_k0": POSITIVE,
        "modified_bessel_k1": POSITIVE,
        "scaled_modified_bessel_k1": POSITIVE,
    }.get(name, EVERYWHERE)
    others = {
        "bessel_j0": "j0", "bessel_j1": "j1", "bessel_y0": "y0", "bessel_y1": "y1", "modified_bessel_k0": "k0",
        "modified_bessel_k1": "k1", "scaled_modified_bessel_k0": "k0e", "scaled_modified_bessel_k1": "k1e",
        "airy_ai": "airy",
    }  # fmt: skip
    expected = getattr(scipy_special, others.get(name, name))(x)
    expected = expected[0] if name == "airy_ai" else expected
    return getattr(mc.special, name)(mc.tensor(x)).numpy(), expected


MORE = [
    *("i0", "i0e", "i1", "i1e", "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0"),
    *("scaled_modified_bessel_k1", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "airy_ai", "erfcx", "log_ndtr"),
]


@pytest.mark.parametrize("name", MORE)
def test_more_functions_have_the_digits_of_float64(name):
    y, expected = _values(name)
    waves = name in ("bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "airy_ai")  # near zeros, the error is absolute
    size = np.maximum(np.abs(expected), 1 if waves else 0)
    tolerance = 2e-13 if name == "log_ndtr" else 3e-14  # e^(-x²/2) of a large x loses digits
    usual = np.isfinite(expected) & (np.abs(expected) > 1e-290)
    assert usual.sum() > 900
    assert (np.abs(y[usual] - expected[usual]) <= tolerance * size[usual]).all()


def test_incomplete_gamma_functions_and_the_zeta_function():
    a = 10.0 ** np.linspace(-6, 4, 60)[:, None]
    for x in (a * np.linspace(0.2, 4, 60), 10.0 ** np.linspace(-8, 2, 60) + 0 * a):
        for name in ("gammainc", "gammaincc"):
            expected = getattr(scipy_special, name)(a, x)
            y = getattr(mc.special, name)(mc.tensor(a), mc.tensor(x)).numpy()
            error = np.abs(y - expected) / np.maximum(expected, 1e-100)
            assert error.max() < 1e-11
            assert error[a[:, 0] < 30].max() < 1e-12
    s, q = np.linspace(1.01, 60, 50)[:, None], np.linspace(0.01, 60, 50)
    np.testing.assert_allclose(mc.special.zeta(mc.tensor(s), mc.tensor(q)).numpy(), scipy_special.zeta(s, q), 1e-13)
    np.testing.assert_allclose(
        mc.polygamma(20, mc.tensor(q)).numpy(), scipy_special.polygamma(20, q), 1e-12, err_msg="n! ζ(21, x)"
    )


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("chebyshev_polynomial_t", "eval_chebyt"),
        ("chebyshev_polynomial_u", "eval_chebyu"),
        ("shifted_chebyshev_polynomial_t", "eval_sh_chebyt"),
        ("shifted_chebyshev_polynomial_u", "eval_sh_chebyu"),
        ("hermite_polynomial_h", "eval_hermite"),
        ("hermite_polynomial_he", "eval_hermitenorm"),
        ("laguerre_polynomial_l", "eval_laguerre"),
        ("legendre_polynomial_p", "eval_legendre"),
    ],
)
def test_polynomials(name, other):
    x, n = np.linspace(-2, 2, 41)[:, None], np.arange(9)
    function = getattr(mc.special, name)
    expected = getattr(scipy_special, other)(n, x)
    np.testing.assert_allclose(function(mc.tensor(x), mc.tensor(n)).numpy(), expected, 1e-12, 1e-10)
    t = mc.tensor([-0.5, 0.25, 1.5], dtype=mc.float64, requires_grad=True)
    assert gradcheck(lambda t: function(t, 4), t)
    assert gradgradcheck(lambda t: function(t, 4), t)


@pytest.mark.parametrize("kind", ["t", "u", "v", "w"])
def test_chebyshev_polynomials_of_cosines(kind):
    angle, n = np.linspace(0.1, 3, 30)[:, None], np.arange(6)
    expected = {
        "t": np.cos(n * angle),
        "u": np.sin((n + 1) * angle) / np.sin(angle),
        "v": np.cos((n + 0.5) * angle) / np.cos(angle / 2),
        "w": np.sin((n + 0.5) * angle) / np.sin(angle / 2),
    }[kind]
    for name, x in (("chebyshev", np.cos(angle)), ("shifted_chebyshev", (np.cos(angle) + 1) / 2)):
        y = getattr(mc.special, f"{name}_polynomial_{kind}")(mc.tensor(x), mc.tensor(n)).numpy()
        np.testing.assert_allclose(y, expected, atol=1e-12)


def test_gradients_of_compositions():
    x = mc.tensor([-4.0, -1.5, -0.5, 0.0, 0.02, 2.0], dtype=mc.float64, requires_grad=True)
    for name in ("i0", "i1", "log_ndtr", "spherical_bessel_j0", "bessel_j0", "airy_ai"):
        assert gradcheck(getattr(mc.special, name), x), name
        assert gradgradcheck(getattr(mc.special, name), x), name


def test_functions_without_a_derivative_say_so():
    a, x = mc.ones(2, requires_grad=True), mc.ones(2)
    for name in ("gammainc", "gammaincc", "zeta"):
        with pytest.raises(AutogradError, match=f"{name}: there is no derivative in the first argument"):
            getattr(mc.special, name)(a, x)
        with mc.no_grad():
            getattr(mc.special, name)(a, x)


def test_the_gradient_of_sinc_of_large_numbers():
    x = mc.tensor([1e10, 1e30], requires_grad=True)
    mc.sinc(x).sum().backward()
    assert (x.grad.abs() < 1e-9).all()
