"""Tests of devices: names, printed form, and the reason why a device is not available."""

import copy
import pickle
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import minicnn
from minicnn.errors import DeviceError, MissingPackageError
from minicnn.runtime.devices import CPU, CUDA, CUDASIM, Device, to_host, xp
from tests import standin_cupy


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)


@pytest.fixture
def no_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False)))


def test_found_by_name():
    assert Device.named("cpu") is CPU is Device("cpu") is minicnn.device("cpu")
    assert Device.named(CPU) is Device(CPU) is CPU
    assert "cpu" in Device.available()
    assert (str(CPU), repr(CPU), CPU.type) == ("cpu", "Device('cpu')", "cpu")
    assert (CPU.index, CUDA.index) == (None, 0)
    assert [d.on_host for d in (CPU, CUDASIM, CUDA)] == [True, True, False]
    assert copy.deepcopy({"d": CPU})["d"] is pickle.loads(pickle.dumps(CPU)) is CPU


def test_one_gpu_with_two_names():
    with standin_cupy.installed():
        assert Device.named("cuda") is Device.named("cuda:0") is CUDA
        with pytest.raises(DeviceError, match=r"got 'cuda:1', but minicnn uses one GPU, .*CUDA_VISIBLE_DEVICES"):
            Device.named("cuda:1")


@pytest.mark.usefixtures("no_cupy")
def test_a_gpu_that_is_not_there_is_a_value_until_it_is_used():
    device = minicnn.device("cuda", 0)
    assert device is minicnn.device("cuda:0") is minicnn.device(type="cuda", index=0) is minicnn.device(device)
    assert (device.type, device.index, device == minicnn.zeros(1).device) == ("cuda", 0, False)
    assert minicnn.device("cpu", 0) is minicnn.device("cpu:0") is CPU
    for use in (lambda: minicnn.zeros(1, device=device), lambda: minicnn.zeros(1).to(device)):
        with pytest.raises(MissingPackageError, match="cuda needs CuPy"):
            use()
    with pytest.raises(DeviceError, match="got 'cuda:1', but minicnn uses one GPU"):
        minicnn.device("cuda", 1)


def test_a_device_that_is_not_there():
    for name in ("abacus", "abacus:0", None):
        with pytest.raises(DeviceError, match=f"device: there is no device {name!r}; there are cpu, cuda, cudasim$"):
            Device.named(name)


@pytest.mark.usefixtures("no_compiler")
def test_the_simulator_without_a_compiler():
    message = r"cudasim runs CUDA kernels through a C\+\+ compiler, and none was found .* apt-get install g\+\+"
    with pytest.raises(DeviceError, match=f"^device: {message}"):
        minicnn.zeros(1, device="cudasim")
    assert "cudasim" not in Device.available()
    assert Device.reasons()["cudasim"].startswith("cudasim runs CUDA kernels")


def test_the_compiler_that_cxx_names(monkeypatch):
    monkeypatch.setenv("CXX", "a compiler")
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "a compiler" else None)
    assert Device.named("cudasim") is CUDASIM


@pytest.mark.usefixtures("no_cupy")
def test_the_gpu_without_cupy():
    message = r"device: cuda needs CuPy, which is not installed; install it with: pip install 'minicnn\[cuda\]', or use"
    with pytest.raises(MissingPackageError, match=message):
        minicnn.zeros(1).to("cuda")
    assert "cuda" not in Device.available()


@pytest.mark.usefixtures("no_gpu")
def test_cupy_without_a_gpu():
    message = "device: cuda needs an NVIDIA GPU with its driver, and CuPy finds none; use cudasim, which runs the same"
    with pytest.raises(DeviceError, match=message):
        minicnn.zeros(1).cuda()
    assert Device.reasons()["cuda"].startswith("cuda needs an NVIDIA GPU")


def test_cupy_that_cannot_be_imported(monkeypatch, tmp_path):
    (tmp_path / "cupy.py").write_text("import a_library_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    with pytest.raises(DeviceError, match="cuda needs CuPy, which cannot be imported here: No module named 'a_library"):
        Device.named("cuda")


def test_cupy_is_imported_when_the_gpu_is_asked_for():
    program = "import sys, minicnn; minicnn.zeros(1, device='cpu') + 1; print('cupy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_arrays_are_not_copied_on_the_way(device):
    a = device.array(np.ones(3))
    assert device.array(a) is a
    assert device.array(a, np.float64) is a
    assert device.array(a, np.float32).dtype == np.float32
    assert xp(a) is device.xp
    np.testing.assert_array_equal(device.to_numpy(a), np.ones(3))
    assert isinstance(to_host(a), np.ndarray)


def test_the_host_shares_numpy_memory():
    a = np.ones(3)
    for device in (CPU, CUDASIM):
        assert device.array(a) is a
        assert device.to_numpy(a) is a
        assert device.array([1, 2], np.float32).dtype == np.float32


def test_the_module_that_handles_an_array():
    assert xp(np.ones(1)) is xp(np.float32(1)) is xp(1.0) is xp([1]) is np
    with standin_cupy.installed() as cupy:
        assert xp(cupy.ones(1)) is cupy
