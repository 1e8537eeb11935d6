"""Tests of fused convolution blocks: a fused kernel gives the same result as the separate operations.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

import numpy as np
import pytest

import minicnn
from minicnn.autograd import grad
from minicnn.autograd.tensor import Tensor
from minicnn.geometry import conv_spec, pool_spec
from minicnn.ops import conv_block as module
from minicnn.ops.conv_block import conv_block
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CPU

X, W = (2, 3, 9, 8), (4, 3, 3, 2)
SPEC = conv_spec("conv2d", X, W, padding=1)
POOL = pool_spec("max_pool2d", (2, 4, *SPEC.output_size), 3, 2, 1)
CASES = {
    "conv_bias": {"spec": SPEC},
    "conv_bias_relu": {"spec": SPEC, "relu": True},
    "conv_bias_relu_pool": {"spec": SPEC, "relu": True, "pool": POOL},
    "conv_transpose_bias": {"spec": SPEC, "transposed": True},
    "conv_transpose_bias_relu": {"spec": SPEC, "transposed": True, "relu": True},
}


def drawn(name: str) -> list[Tensor]:
    rng = np.random.default_rng(0)
    small, large = (2, 4, *SPEC.output_size), X
    shapes = (small, W, W[1:2]) if "transpose" in name else (large, W, W[:1])
    return [Tensor._of(rng.standard_normal(shape), requires_grad=True) for shape in shapes]


def two_orders(name: str) -> list[np.ndarray]:
    """Return the output, the gradients, and the second-order gradients (of the sum of squared gradients)."""
    inputs = drawn(name)
    y = conv_block(*inputs, **CASES[name])
    h = Tensor._of(np.random.default_rng(1).standard_normal(y.shape))
    first = grad(y, inputs, h, create_graph=True)
    second = grad(sum((g**2).sum() for g in first), inputs[:2])
    return [t.detach().array for t in (y, *first, *second)]


@pytest.fixture
def ran(own_primitives):
    """The names of the fused operations that ran; each gets its reference as a kernel."""
    names = []
    for name in CASES:
        operation = getattr(module, name)

        def kernel(*arrays, _name=name, _body=operation.body, **params):
            names.append(_name)
            return _body(*arrays, **params)

        dispatch._table[name] = [k for k in dispatch._table[name] if k.backend == "reference"]
        dispatch.kernel(name, "numpy", name="test")(kernel)
    return names


@pytest.mark.parametrize("name", CASES)
def test_one_pass_and_parts_agree_to_the_second_order(ran, name):
    together = two_orders(name)
    assert ran == [name]
    with minicnn.use_backends():
        apart = two_orders(name)
    assert ran == [name]
    for a, b in zip(together, apart, strict=True):
        assert np.abs(b).max() > 0
        np.testing.assert_allclose(a, b, atol=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_the_first_layer_wants_no_gradient_of_its_input(ran, name):
    x, w, b = drawn(name)
    conv_block(x.detach(), w, b, **CASES[name]).sum().backward()
    u, v, c = drawn(name)
    with minicnn.use_backends():
        conv_block(u.detach(), v, c, **CASES[name]).sum().backward()
    np.testing.assert_allclose(w.grad.array, v.grad.array, atol=1e-11)
    np.testing.assert_allclose(b.grad.array, c.grad.array, atol=1e-11)


def test_without_a_kernel_for_all_the_largest_part_in_one_pass_runs(ran):
    dispatch._table["conv_bias_relu_pool"].pop()
    dispatch.kernels.cache_clear()
    conv_block(*drawn("conv"), **CASES["conv_bias_relu_pool"])
    assert ran == ["conv_bias_relu"]


@pytest.mark.parametrize("part", ["conv", "max_pool"])
def test_who_forces_a_kernel_for_a_part_gets_it(ran, part):
    with minicnn.use_kernel(part, "reference"):
        conv_block(*drawn("conv"), **CASES["conv_bias_relu_pool"])
    assert ran == []
    with minicnn.use_kernel("conv_bias_relu_pool", "test"):
        conv_block(*drawn("conv"), **CASES["conv_bias_relu_pool"])
    assert ran == ["conv_bias_relu_pool"]


def test_a_bias_alone_keeps_no_output(ran):
    x, w, b = drawn("conv")
    y = conv_block(x, w, b, spec=SPEC)
    y.mul_(2)
    y.sum().backward()
    assert b.grad.tolist() == [2.0 * np.prod((2, *SPEC.output_size))] * 4


def test_by_hand():
    x = Tensor._of([[[[1.0, -2.0], [3.0, 0.5]]]], requires_grad=True)
    w, b = Tensor._of([[[[2.0]]], [[[-1.0]]]], requires_grad=True), Tensor._of([1.0, -9.0], requires_grad=True)
    spec = conv_spec("conv2d", x.shape, w.shape)
    y, winner = module.conv_bias_relu_pool(x, w, b, spec=spec, pool=pool_spec("max_pool2d", (1, 2, 2, 2), 2))
    assert y.tolist() == [[[[7.0]], [[0.0]]]]  # 2 · 3 + 1; the second filter gives 0
    assert winner.tolist() == [[[[2]], [[0]]]]
    y.sum().backward()
    assert x.grad.tolist() == [[[[0.0, 0.0], [2.0, 0.0]]]]
    assert w.grad.reshape(2).tolist() == [3.0, 0.0]
    assert b.grad.tolist() == [1.0, 0.0]


def test_nan_passes():
    x, w, b = drawn("conv")
    x.array[0, 0, 4, 4] = np.nan
    y = conv_block(x.detach(), w.detach(), b.detach(), **CASES["conv_bias_relu_pool"])
    assert np.isnan(y.array[0]).any()
    assert not np.isnan(y.array[1]).any()


def test_every_fused_operation_has_a_case():
    assert sorted(CASES) == sorted(name for name in module.__all__ if name != "conv_block")
    assert all(len(dispatch.kernels(name, CPU)) for name in CASES)
