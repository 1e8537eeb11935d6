"""Tests of the worker process: errors of results, kernels, and memory."""

import numpy as np
import pytest

from benchmarks.cases import cases
from benchmarks.contenders import Process
from benchmarks.worker import Worker, error, resident

KEY = "one element: conv2d, forward + backward"


def test_error_is_relative_and_keeps_nan():
    assert error(np.array([3.0, 4.5]), np.array([3.0, 4.0])) == pytest.approx(0.1)
    assert error(np.zeros(2), np.zeros(2)) == 0
    assert np.isnan(error(np.array([np.nan]), np.ones(1)))
    with pytest.raises(ValueError, match=r"the result is \(2,\), the exact one \(3,\)"):
        error(np.ones(2), np.ones(3))


def test_prepare_tells_errors_and_kernels(tmp_path):
    worker, exact = Worker("minicnn", 1), tmp_path / "exact.npz"
    results = worker._build(KEY)[1]()
    np.savez(exact, **{**results, "output": results["output"] * 2})
    answer = worker.prepare(KEY, str(exact))
    assert answer["errors"]["output"] == pytest.approx(0.5)
    assert answer["errors"]["gradient of input"] == 0
    assert "conv" in answer["kernels"]
    assert worker.time(3, True)["seconds"] > 0


def test_a_peer_competes_in_convolution_alone(tmp_path):
    training = next(key for key, case in cases().items() if case.group == "training")
    assert Worker("mygrad", 1).prepare(training, "") == {"skipped": "it competes in convolution alone"}


def test_memory_grows_with_the_batch():
    sizes = []
    for batch in (1, 256):
        with Process("minicnn") as process:
            sizes.append(process.ask("memory", case=f"training: CNNGenerator, {batch} of 32², step")["bytes"])
    assert 10e6 < sizes[0] < 20e6  # 630,000 parameters, their gradients and Adam's two moments
    assert sizes[0] + 8e6 < sizes[1]  # at least 256 images of 32 channels, 16²


def test_the_peak_is_at_least_what_is_resident():
    assert 0 < resident("VmRSS") <= resident("VmHWM")
    assert resident("VmNothing") == 0
