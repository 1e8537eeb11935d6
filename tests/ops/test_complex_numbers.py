"""Laws of complex numbers; values and gradients are compared with PyTorch's in tests/oracles/."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.autograd.primitive import primitives
from minicnn.errors import AutogradError, DTypeError, ShapeError
from minicnn.testing import cases, declared

REAL_ONLY = sorted(name for name in declared() if name in primitives() and not primitives()[name].takes_complex)


def numbers(*shape: int, seed: int = 0, **options: bool) -> minicnn.Tensor:
    rng = np.random.default_rng(seed)
    return minicnn.tensor(rng.normal(size=shape) + 1j * rng.normal(size=shape), **options)


def close(a: minicnn.Tensor, b: minicnn.Tensor) -> bool:
    return a.shape == b.shape and minicnn.allclose(a, b, rtol=1e-10, atol=1e-10)


def test_conjugates():
    z, w = numbers(5), numbers(5, seed=1)
    assert close((z * w).conj(), z.conj() * w.conj())
    assert close((z * z.conj()).real, z.abs() ** 2)
    assert close(minicnn.polar(z.abs(), z.angle()), z)
    assert close(minicnn.complex(z.real, z.imag), z)
    assert close(z.exp().abs(), z.real.exp())
    m = numbers(3, 4)
    assert close((m @ m.mH).mH, m @ m.mH)


@pytest.mark.parametrize("name", ["real", "imag"])
def test_the_parts_are_views(name):
    z = numbers(3, 4)
    getattr(z.flip(0), name)  # a copy's view changes nothing
    before = z.numpy().copy()
    getattr(z[::2], name).mul_(2)
    expected = before.copy()
    getattr(expected[::2], name)[...] *= 2
    np.testing.assert_array_equal(z.numpy(), expected)


def test_pairs_and_numbers_share_memory():
    pairs = minicnn.zeros(2, 3, 2)
    z = minicnn.view_as_complex(pairs)
    z[1, 2] = 3 - 4j
    assert pairs[1, 2].tolist() == [3.0, -4.0]
    minicnn.view_as_real(z.T)[0, 0, 1] = 5
    assert z[0, 0].item() == 5j


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_the_gradient_is_the_steepest_way(a, b):
    """For a holomorphic f, the gradient of Re f is the conjugate of f'."""
    z = minicnn.tensor(complex(a, b), dtype=minicnn.complex128, requires_grad=True)
    (z**3 + 2j * z).real.backward()
    assert z.grad.item() == pytest.approx((3 * complex(a, b) ** 2 + 2j).conjugate())


@pytest.mark.parametrize(("optimizer", "lr"), [(minicnn.optim.SGD, 0.01), (minicnn.optim.Adam, 0.02)])
def test_descent_finds_the_roots_of_unity(optimizer, lr):
    z = minicnn.polar(minicnn.ones(12), minicnn.arange(12) * 0.5).requires_grad_()
    steps = optimizer([z], lr=lr)
    for _ in range(400):
        steps.zero_grad()
        ((z**5 - 1).abs() ** 2).sum().backward()
        steps.step()
    assert float((z**5 - 1).detach().abs().max()) < 1e-2
    assert {round(float(x) / (2 * np.pi / 5)) % 5 for x in z.detach().angle()} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    "f",
    [
        lambda z, x: z * x + z.conj(),
        lambda z, x: (z.abs() * x, z.angle()),
        lambda z, x: minicnn.complex(x, x * z.imag),
        lambda z, x: minicnn.view_as_real(z).sum(-1) * x,
        lambda z, x: minicnn.view_as_complex(minicnn.stack([x, z.real * 2], -1)),
    ],
)
def test_gradients_of_mixed_inputs(f):
    z, x = numbers(3, requires_grad=True), minicnn.tensor([0.5, -1.0, 2.0], dtype=minicnn.float64, requires_grad=True)
    assert gradcheck(f, (z, x))
    assert gradgradcheck(f, (z, x))


@pytest.mark.parametrize("shapes", [((3, 1), (4,)), ((), (2,)), ((2,), ())])
def test_the_parts_broadcast(shapes):
    a, b = (minicnn.randn(shape, dtype=minicnn.float64, requires_grad=True) for shape in shapes)
    assert gradcheck(minicnn.complex, (a, b))
    assert gradcheck(lambda a, b: minicnn.polar(a**2 + 1, b), (a, b))


@pytest.mark.parametrize("name", REAL_ONLY)
@given(data=st.data())
def test_other_primitives_refuse_complex_numbers(name, data):
    case = data.draw(cases(name))
    inputs = [x.astype(np.complex128) if x.dtype.kind == "f" else x for x in case.inputs]
    if not any(x.dtype.kind == "c" for x in inputs):
        return
    with pytest.raises(DTypeError, match="complex"):
        primitives()[name](*map(minicnn.tensor, inputs), **case.params)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda z: z < z, DTypeError, "complex numbers are not supported"),
        (lambda z: z.sort(), DTypeError, "complex"),
        (lambda z: z.max(), DTypeError, "complex"),
        (lambda z: minicnn.nn.Conv2d(1, 1, 3)(z.reshape(1, 1, 3, 3)), DTypeError, "complex"),
        (lambda z: minicnn.relu(z), DTypeError, "complex"),
        (lambda z: float(z[0]), TypeError, "complex"),
        (lambda z: z.requires_grad_().sum().backward(), AutogradError, "complex|gradient"),
        (lambda z: z.real.imag, DTypeError, "the imaginary part of a real number is 0"),
        (lambda z: minicnn.view_as_real(z.real), DTypeError, "expected a complex tensor"),
        (lambda z: minicnn.view_as_complex(minicnn.zeros(3)), ShapeError, "must have size 2"),
        (lambda z: minicnn.view_as_complex(minicnn.zeros(2, 3).T), ShapeError, "neighbours in memory"),
        (lambda z: minicnn.view_as_complex(minicnn.zeros(2, dtype=minicnn.int64)), DTypeError, "expected float32"),
        (lambda z: minicnn.complex(z.real, z.real.float()), DTypeError, "two floating-point tensors of one type"),
        (lambda z: z.mH, ShapeError, "expected matrices"),
        (lambda z: z.reshape(1, 3, 3).H, ShapeError, "use mH"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call(numbers(9))
