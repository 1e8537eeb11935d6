"""Tests of arithmetic and element-wise functions against NumPy, and against PyTorch in corner cases.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

import numpy as np
import pytest
from hypothesis import given

import minicnn as mc
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import complex_type
from minicnn.errors import ArgumentError, DTypeError
from minicnn.ops import elementary, elementwise, exponentials
from minicnn.runtime.devices import to_host
from minicnn.testing import cases

NUMPY = {
    "abs": np.abs,
    "add": np.add,
    "ceil": np.ceil,
    "cos": np.cos,
    "div": np.divide,
    "exp": np.exp,
    "expm1": np.expm1,
    "floor": np.floor,
    "floor_divide": np.floor_divide,
    "log": np.log,
    "log1p": np.log1p,
    "mul": np.multiply,
    "neg": np.negative,
    "pow": np.power,
    "remainder": np.remainder,
    "round": np.rint,
    "rsqrt": lambda x: x**-0.5,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sign": lambda x: np.nan_to_num(np.sign(x)),  # of NaN it is 0, as in PyTorch
    "sin": np.sin,
    "sqrt": np.sqrt,
    "square": lambda x: x**2,
    "sub": np.subtract,
    "tanh": np.tanh,
    "trunc": np.trunc,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "atanh": np.arctanh,
    "cosh": np.cosh,
    "exp2": lambda x: 2.0**x,  # NumPy's function takes no complex numbers
    "hypot": np.hypot,
    "log2": np.log2,
    "log10": np.log10,
    "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2,
    "sinh": np.sinh,
    "tan": np.tan,
    "fmod": np.fmod,
}


def test_every_function_has_an_oracle():
    aliases = {name for name in elementary.__all__ if name.startswith("arc")}
    names = {*elementwise.__all__, *exponentials.__all__, *elementary.__all__} - aliases - {"sgn"}  # sgn: test_calls.py
    assert names <= NUMPY.keys()
    assert all(getattr(elementary, name) is getattr(elementary, f"a{name[3:]}") for name in aliases)


@pytest.mark.parametrize("name", NUMPY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_numpy(name, device, dtype):
    @given(case=cases(name))
    def check(case):
        inputs = case.cast(dtype)
        y = getattr(mc, name)(*(Tensor._of(x, device=device) for x in inputs))
        assert y.dtype in (dtype, complex_type(mc.dtype(dtype)))
        rtol = 1e-5 if dtype == np.float32 else 1e-12
        with np.errstate(all="ignore"):  # complex functions have poles
            expected = NUMPY[name](*case.inputs)
        np.testing.assert_allclose(to_host(y.array), expected, rtol=rtol, atol=rtol)

    check()


@pytest.mark.parametrize("values", [([7, -7, 7, -7], [2, 2, -2, -2]), ([7.5, -7.5, 0.0], [2.0, 2.0, -3.0])])
def test_quotients_round_down_and_remainders_follow_the_divisor(values):
    a, b = map(mc.tensor, values)
    assert (a // b).tolist() == [x // y for x, y in zip(*values, strict=True)]
    assert (a % b).tolist() == [x % y for x, y in zip(*values, strict=True)]
    assert mc.remainder(mc.tensor([5.0]), float("inf")).item() == 5.0
    assert (mc.tensor([5.0]) // 0.0).item() == float("inf")


@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod"])
def test_integers_are_not_divided_by_zero(name):
    with pytest.raises(ArgumentError, match=f"{name}: integers cannot be divided by 0"):
        getattr(mc, name)(mc.tensor([1, 2]), mc.tensor([1, 0]))


def test_powers():
    assert (mc.tensor([2, 3]) ** 2).tolist() == [4, 9]
    assert (mc.tensor([True]) ** 2).tolist() == [1]
    assert (mc.tensor([2, 3]) ** 0.5).dtype == mc.float32
    assert (2 ** mc.tensor([1.0, 3.0])).tolist() == [2.0, 8.0]
    assert (mc.tensor([0.0]) ** 0).item() == 1.0
    assert mc.square(mc.tensor([True])).dtype == mc.int64
    x = mc.tensor([0.0, 1.0, 2.0], requires_grad=True)
    (x**0).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_the_gradient_of_zero_to_the_zero():
    a, b = (mc.tensor([0.0, 0.0, 2.0], requires_grad=True), mc.tensor([0.0, 2.0, 0.0], requires_grad=True))
    (a**b).sum().backward()
    assert a.grad.tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(b.grad.array, [0.0, 0.0, np.log(2)], rtol=1e-6)


def test_integers_have_no_negative_powers():
    with pytest.raises(
        DTypeError, match=r"pow: int64 cannot be raised to a negative power; convert it with .float\(\)"
    ):
        mc.tensor([2, 3]) ** -1
    assert (mc.tensor([1, -1, -1, 2, 0]) ** mc.tensor([-1, -2, -3, -1, -1])).tolist() == [1, 1, -1, 0, 0]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (mc.neg, "neg: expected numbers .*use ~x.*, got bool"),
        (mc.trunc, "trunc: expected numbers, got bool"),
        (lambda x: x - x, "sub: expected numbers .*, got bool"),
    ],
)
def test_bools_are_no_numbers(function, message):
    with pytest.raises(DTypeError, match=message):
        function(mc.tensor([True]))
    assert (mc.tensor([True]) + mc.tensor([True])).tolist() == [True]
    assert (mc.tensor([True]) * 3).tolist() == [3]


@pytest.mark.parametrize("name", ["floor", "ceil", "round"])
def test_rounding_leaves_integers_alone(name):
    x = mc.tensor([1, -2])
    y = getattr(mc, name)(x)
    assert (y.dtype, y.tolist()) == (mc.int64, [1, -2])
    assert y.array is not x.array


def test_small_integers_wrap_around_as_in_pytorch():
    x = mc.tensor([1], dtype=mc.uint8)
    assert ((x + 300).item(), (x - 2).item(), (-x).item()) == (45, 255, 255)


@pytest.mark.parametrize("name", ["exp", "sqrt", "sin", "tanh", "log1p"])
def test_integers_become_floats(name):
    assert getattr(mc, name)(mc.tensor([0, 1])).dtype == mc.float32
    assert getattr(mc, name)(np.zeros(2)).dtype == mc.float64
    assert getattr(mc, name)(0.0).dtype == mc.float32


def test_gradients_of_third_order():
    x = Tensor._of(np.array([0.5, 1.5]), requires_grad=True)

    def second(x):
        (first,) = mc.autograd.grad((mc.sin(x) * mc.exp(x) / x).sum(), x, create_graph=True)
        return mc.autograd.grad(first.sum(), x, create_graph=True)[0]

    assert gradcheck(second, x)
    assert gradgradcheck(lambda x: (x**3).log() * x.rsqrt(), x)


@pytest.mark.parametrize("operation", ["add", "sub", "mul", "div"])
def test_a_repeated_operand_may_be_the_larger_one(operation):
    """Large enough for native kernels, which read a broadcast operand without a copy."""
    row = mc.rand(1, 20000) + 1
    several = (mc.rand(20000) + 1).expand(5, 20000)
    function = getattr(elementwise, operation)
    for a, b in ((row, several), (several, row)):
        np.testing.assert_allclose(function(a, b).numpy(), NUMPY[operation](a.numpy(), b.numpy()), rtol=1e-6)
        assert function(a, b).shape == (5, 20000)


@pytest.mark.parametrize("name", ["logaddexp", "logaddexp2"])
@pytest.mark.parametrize("far", [1e3, 1e30])
def test_second_gradients_of_log_sums_of_numbers_that_are_far_apart_are_0(name, far):
    a = mc.tensor([0.0, far], requires_grad=True)
    b = mc.tensor([far, 0.0], requires_grad=True)
    first = mc.autograd.grad(getattr(mc, name)(a, b).sum(), (a, b), create_graph=True)
    assert [g.tolist() for g in first] == [[0, 1], [1, 0]]
    for g in first:
        assert [h.tolist() for h in mc.autograd.grad(g.sum(), (a, b), retain_graph=True)] == [[0, 0], [0, 0]]
