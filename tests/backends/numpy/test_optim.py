"""Tests of optimizer steps in NumPy: the reference's results, for any block size and number of threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.backends.numpy import optim as module
from minicnn.backends.step_options import AdamOptions, SGDOptions
from minicnn.runtime.devices import CPU
from minicnn.runtime.dispatch import kernels

SHAPES = [(), (3,), (1000, 300), (7, 5, 3), (0, 4), (2, 200_000)]
CASES = {
    "adam": ("adam_step", 4, AdamOptions(0.1, 0.9, 0.99, 1e-8, 0.0, False)),
    "adam with weight decay and amsgrad": ("adam_step", 5, AdamOptions(0.1, 0.9, 0.99, 1e-4, 0.1, False)),
    "adamw": ("adam_step", 4, AdamOptions(0.1, 0.9, 0.99, 1e-8, 0.1, True)),
    "sgd": ("sgd_step", 2, SGDOptions(0.1, 0.0, 0.0, False)),
    "sgd with momentum": ("sgd_step", 3, SGDOptions(0.1, 0.9, 0.0, False)),
    "sgd with nesterov and weight decay": ("sgd_step", 3, SGDOptions(0.1, 0.9, 0.1, True)),
}


def step(case, dtype, kernel=0, transposed=False, shapes=SHAPES):
    """Return all arrays after a step that starts from random values."""
    operation, count, options = CASES[case]
    rng = np.random.default_rng(0)
    lists = [[rng.random(s).astype(dtype).reshape(s) for s in shapes] for _ in range(count)]
    if transposed:
        lists = [[a.T for a in arrays] for arrays in lists]
    lists += [[]] * ((5 if operation == "adam_step" else 3) - count)
    name, values = (
        ("steps", [1, 2, 3, 4, 5, 6]) if operation == "adam_step" else ("shares", [1.0, 0.5, 0.4, 0.3, 0.2, 0.1])
    )
    numbers = {name: values[: len(shapes)]}
    kernels(operation, CPU, ("numpy",))[kernel].function(*lists, **numbers, options=options)
    return [a for arrays in lists for a in arrays]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_reference_takes_the_same_step(case, transposed):
    exact = step(case, np.float64, kernel=-1, transposed=transposed)
    for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-13)):
        for y, right in zip(step(case, dtype, transposed=transposed), exact, strict=True):
            assert y.dtype == dtype
            np.testing.assert_allclose(y, right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", CASES)
def test_blocks_pieces_and_threads_change_no_bit(case, monkeypatch):
    expected = [a.tobytes() for a in step(case, np.float32)]
    for name, value in (("BLOCK", 8), ("PIECE", 1000), ("LARGE", 1 << 30)):
        monkeypatch.setattr(module, name, value)
        assert [a.tobytes() for a in step(case, np.float32)] == expected


@given(
    case=st.sampled_from(list(CASES)),
    shape=st.lists(st.integers(0, 5), max_size=4).map(tuple),
    block=st.integers(1, 20),
    transposed=st.booleans(),
)
def test_blocks_of_any_size_give_the_same_bits(case, shape, block, transposed):
    expected = [a.tobytes() for a in step(case, np.float32, transposed=transposed, shapes=[shape])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        assert [a.tobytes() for a in step(case, np.float32, transposed=transposed, shapes=[shape])] == expected


def test_blocks_cover_everything_once_and_share_memory(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 8)
    array = np.zeros((7, 3))
    blocks = list(module._blocks(array))
    assert [b.shape for b, s, t in blocks if s.shape == t.shape == b.shape] == [(2, 3), (2, 3), (2, 3), (1, 3)]
    for block, _, _ in blocks:
        block += 1
    assert (array == 1).all()
