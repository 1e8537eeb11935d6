"""Tests of `minicnn.cuda`, which has PyTorch's functions for the GPU."""

import sys
from types import SimpleNamespace

import pytest

import minicnn
from minicnn.errors import DeviceError, MissingPackageError
from tests import standin_cupy


def test_with_a_gpu():
    with standin_cupy.installed(), standin_cupy.counting() as counts:
        assert minicnn.cuda.is_available()
        assert minicnn.cuda.device_count() == 1
        assert counts.waits == []
        minicnn.cuda.synchronize()
        assert [what for what, _ in counts.waits] == ["synchronize"]


def test_without_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert not minicnn.cuda.is_available()
    assert minicnn.cuda.device_count() == 0
    with pytest.raises(MissingPackageError, match="cuda needs CuPy, which is not installed"):
        minicnn.cuda.synchronize()


def test_without_a_gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False)))
    assert not minicnn.cuda.is_available()
    with pytest.raises(DeviceError, match="cuda needs an NVIDIA GPU"):
        minicnn.cuda.synchronize()
