"""Tests that run for every primitive, device and kernel. The lists are generated, so a new kernel is tested too."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.autograd.primitive import Primitive, primitives
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import complex_type
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CPU, CUDA, CUDASIM, Device, to_host, xp
from minicnn.testing import Case, cases, declared, fill_empty_with_nan

for _module in pkgutil.walk_packages(minicnn.ops.__path__, "minicnn.ops."):
    importlib.import_module(_module.name)

PRIMITIVES = primitives()
NAMES = sorted(PRIMITIVES)
SMOOTH = [name for name in NAMES if PRIMITIVES[name].rules]
EXAMPLES = settings.default.max_examples if settings.default else 100
HALF, FEW = settings(max_examples=max(5, EXAMPLES // 2)), settings(max_examples=max(5, EXAMPLES // 4))
# Gradients on a GPU: the rules are the same and the kernels are compared, so this finds a value on another device.
GPU = settings(max_examples=max(1, EXAMPLES // 12))
on_a_gpu = pytest.mark.parametrize("device", [CUDASIM, CUDA], indirect=True, ids=str)
TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-10}


@pytest.fixture(autouse=True, scope="module")
def _kernels_need_not_pay() -> Iterator[None]:
    """Remove the `profitable` conditions, so that kernels for large arrays also run on the small examples here."""
    for name in Device.available():
        dispatch.kernels("conv", Device.named(name))  # loads the backends
    before = dict(dispatch._table)
    dispatch._table.update({name: [replace(k, profitable=None) for k in found] for name, found in before.items()})
    dispatch.kernels.cache_clear()
    yield
    dispatch._table.update(before)
    dispatch.kernels.cache_clear()


def test_every_primitive_is_declared():
    assert sorted(set(NAMES) ^ declared()) == []


def call(function: Any, inputs: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, ...]:
    """Call a kernel on arrays of a device; return all its outputs as arrays."""
    with np.errstate(all="ignore"), fill_empty_with_nan():
        out = function(*inputs, **params)
    return tuple(np.asarray(y) if isinstance(y, np.generic) else y for y in (out if type(out) is tuple else (out,)))


def run(function: Any, inputs: tuple[Any, ...], params: dict[str, Any], device: Device) -> list[np.ndarray[Any, Any]]:
    """Call a kernel on copies that have the inputs' memory layout; return all its outputs as NumPy arrays."""
    return [to_host(y) for y in call(function, tuple(device.array(x) for x in inputs), params)]


def assert_close(y: np.ndarray[Any, Any], expected: np.ndarray[Any, Any], tolerance: float) -> None:
    assert y.shape == expected.shape
    if y.dtype.kind == "c":
        for part in ("real", "imag"):
            assert_close(getattr(y, part), getattr(expected, part), tolerance)
        return
    if y.dtype.kind != "f":
        np.testing.assert_array_equal(y, expected)
        return
    largest = max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0)))
    np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance * largest, equal_nan=not np.isfinite(expected).all())


def won(case: Case, outputs: list[np.ndarray[Any, Any]], tolerance: float) -> bool:
    """Return whether the winners of a pooled convolution are elements that are as large as the maxima."""
    spec, pool = case.params["spec"], case.params["pool"]
    z = PRIMITIVES["conv_bias_relu"].body(*case.inputs, spec=spec)
    picked = PRIMITIVES["pick"].body(z, outputs[1], spec=pool)
    return np.allclose(picked, outputs[0], atol=tolerance * max(1.0, float(np.abs(z).max(initial=0))), equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
@HALF
@given(data=st.data())
def test_every_kernel_agrees_with_the_reference(name, device, data):
    case: Case = data.draw(cases(name))
    reference = PRIMITIVES[name].body
    for dtype, tolerance in TOLERANCE.items():
        inputs = case.cast(dtype)
        before = [x.copy() for x in inputs]
        expected = run(reference, case.inputs, case.params, device)
        kinds = [y.dtype for y in run(reference, inputs, case.params, device)]
        arrays = [device.array(x) for x in inputs]
        for kernel in dispatch.kernels(name, device):
            if not kernel.accepts(arrays, case.params):
                continue
            first = run(kernel.function, inputs, case.params, device)
            again = run(kernel.function, inputs, case.params, device)
            for y, same, kind in zip(first, again, kinds, strict=True):
                assert y.dtype == kind
                assert y.tobytes() == same.tobytes(), f"{kernel.name}: the same inputs gave other bits"
            if name == "conv_bias_relu_pool":  # where two elements are equal up to rounding, either may win
                first[1] = expected[1] if won(case, first, tolerance) else first[1]
            for y, right in zip(first, expected, strict=True):
                assert_close(y, right, tolerance)
            for x, old in zip(inputs, before, strict=True):
                np.testing.assert_array_equal(x, old, err_msg=f"{kernel.name} modified its input")


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(data=st.data())
def test_floats_keep_their_type(name, data):
    case: Case = data.draw(cases(name))
    floats = [x for x in case.inputs if x.dtype.kind in "fc"]
    for dtype in TOLERANCE if floats and name != "cast" else ():
        (y, *_) = run(PRIMITIVES[name].body, case.cast(dtype), case.params, Device.named("cpu"))
        assert y.dtype in (dtype, complex_type(dtype)) or y.dtype.kind in "bi"


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(data=st.data())
def test_outputs_own_their_memory_unless_they_are_views(name, device, data):
    case: Case = data.draw(cases(name))
    inputs = [device.array(x) for x in case.inputs]
    for kernel in dispatch.kernels(name, device):
        if not kernel.accepts(inputs, case.params):
            continue
        first = call(kernel.function, tuple(inputs), case.params)
        kept = [to_host(y).copy() for y in first]
        others = tuple(
            device.array(-x) if x.dtype.kind in "fc" and name not in ("pow", "cholesky") else x for x in inputs
        )
        call(kernel.function, others, case.params)
        for y, old in zip(first, kept, strict=True):
            np.testing.assert_array_equal(to_host(y), old, err_msg=f"{kernel.name} gave away its working memory")
            shares = any(xp(y).may_share_memory(y, x) for x in inputs if xp(x) is xp(y))
            assert not shares or PRIMITIVES[name].view, f"{kernel.name} gave away its input"
            assert getattr(y.flags, "writeable", True) or PRIMITIVES[name].view or not y.ndim


def function_of(primitive: Primitive, case: Case, device: Device) -> tuple[Any, list[Tensor]]:
    """Return the primitive as a function of tensors, and the tensors. Residuals have no gradient and are dropped."""
    tensors = [
        Tensor._of(x, requires_grad=x.dtype.kind in "fc" and primitive.differentiable(i), device=device)
        for i, x in enumerate(case.inputs)
    ]

    def function(*values: Tensor) -> Tensor:
        out = primitive(*values, **case.params)
        return out[0] if primitive.residuals else out

    return function, tensors


def check_gradients(name: str, check: Any, device: Device, data: st.DataObject) -> None:
    function, tensors = function_of(PRIMITIVES[name], data.draw(cases(name, smooth=True)), device)
    assert check(function, tensors)


@pytest.mark.parametrize("name", SMOOTH)
@HALF
@given(data=st.data())
def test_first_gradients(name, data):
    check_gradients(name, gradcheck, CPU, data)


@pytest.mark.parametrize("name", SMOOTH)
@FEW
@given(data=st.data())
def test_second_gradients(name, data):
    check_gradients(name, gradgradcheck, CPU, data)


@on_a_gpu
@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@GPU
@given(data=st.data())
def test_gradients_on_a_gpu(name, check, device, data):
    check_gradients(name, check, device, data)
