"""Tests of batch norm in blocks of channels against the reference, for any number of blocks and threads."""

import numpy as np
import pytest

from minicnn.backends.numpy import norm
from minicnn.runtime.devices import CPU
from minicnn.runtime.dispatch import kernels


@pytest.mark.parametrize("operation", ["batch_norm", "batch_norm_grads"])
@pytest.mark.parametrize("block_bytes", [1, 3000, 1 << 20])
@pytest.mark.parametrize("shape", [(5, 7, 16), (1, 3, 5, 9), (3, 1, 2, 4, 4)])
def test_equals_the_reference(operation, block_bytes, shape, monkeypatch):
    monkeypatch.setattr(norm, "BLOCK_BYTES", block_bytes)
    rng = np.random.default_rng(0)
    w, b = rng.normal(size=(2, shape[1]))
    x, g = rng.normal(2, 3, (2, *shape))
    inputs = (x, w, b) if operation == "batch_norm" else (g, x, w)
    fast, reference = kernels(operation, CPU, ("numpy",))
    assert fast.supports(*inputs, eps=1e-5)
    results, expected = (k.function(*inputs, eps=1e-5) for k in (fast, reference))
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_few_pixels_are_left_to_the_reference():
    x, w = np.zeros((8, 3, 2, 2)), np.zeros(3)
    assert not kernels("batch_norm", CPU, ("numpy",))[0].supports(x, w, w, eps=1e-5)
