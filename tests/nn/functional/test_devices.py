"""The functions that are built from several primitives give the same results and gradients on every device."""

import numpy as np
import pytest

import minicnn
from minicnn.runtime.devices import CPU
from tests.device_calls import CALLS, ELEMENTWISE, run


@pytest.mark.parametrize("name", [*ELEMENTWISE, *CALLS])
@pytest.mark.filterwarnings("ignore")
def test_results_are_those_of_the_cpu(name, device):
    minicnn.manual_seed(0)
    expected = run(name, CPU)
    minicnn.manual_seed(0)
    for found, wanted in zip(run(name, device), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=2e-5)
