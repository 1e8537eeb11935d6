"""Tests of native kernels on arrays that are large enough for all loops, with 1, 2 and 3 threads.

The results must equal the reference. tests/ops/test_primitives.py tests small arrays.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import minicnn
from minicnn.backends.native import library
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CPU
from minicnn.testing import cases, declared, fill_empty_with_nan

if library.missing():  # another test may have imported kernels that cannot run here
    pytest.skip(library.missing(), allow_module_level=True)

KERNELS = [
    pytest.param(k, id=f"{operation}/{k.name}")
    for operation in dispatch.operations()
    for k in dispatch.kernels(operation, CPU, ("native",))
    if k.backend == "native" and operation in declared()
]
EXAMPLES = settings(
    max_examples=max(3, (settings.default or settings()).max_examples // 8), suppress_health_check=list(HealthCheck)
)
CONV_BIAS_RELU, PICK = (dispatch.kernels(name, CPU)[-1].function for name in ("conv_bias_relu", "pick"))
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}


def outputs(kernel, inputs, params):
    with np.errstate(all="ignore"), fill_empty_with_nan():
        out = kernel.function(*inputs, **params)
    return out if type(out) is tuple else (out,)


@pytest.fixture(autouse=True)
def threads():
    before = minicnn.get_num_threads()
    yield
    minicnn.set_num_threads(before)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kernel", KERNELS)
@EXAMPLES
@given(data=st.data())
def test_large_arrays(kernel, dtype, data):
    case = data.draw(cases(kernel.operation, large=True))
    inputs = case.cast(dtype)
    assume(kernel.accepts(inputs, case.params))
    *_, reference = dispatch.kernels(kernel.operation, CPU)
    minicnn.set_num_threads(1)
    alone = outputs(kernel, inputs, case.params)
    for number in (2, 3):
        minicnn.set_num_threads(number)
        for y, same in zip(outputs(kernel, inputs, case.params), alone, strict=True):
            assert y.tobytes() == same.tobytes(), f"{number} threads gave other bits"
    exact = outputs(reference, case.inputs, case.params)
    if kernel.operation == "conv_bias_relu_pool":  # any of nearly equal values may win: compare values
        activation = CONV_BIAS_RELU(*case.inputs, spec=case.params["spec"])
        alone = [alone[0], PICK(activation, alone[1], spec=case.params["pool"])]
        exact = [exact[0], exact[0]]
    for y, right in zip(alone, exact, strict=True):
        assert y.shape == right.shape
        largest = max(1.0, float(np.abs(right[np.isfinite(right)]).max(initial=0)))
        nan = not np.isfinite(right).all()
        np.testing.assert_allclose(y, right, rtol=0, atol=TOLERANCE[dtype] * largest, equal_nan=nan)
