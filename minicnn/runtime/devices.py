"""Devices: each has an array module (NumPy or CuPy) and a list of backends whose kernels run on its arrays.

| device | arrays | kernels |
|---|---|---|
| `cpu` | NumPy | C++ and NumPy |
| `cuda` | CuPy, on the first NVIDIA GPU | CUDA |
| `cudasim` | NumPy | the same CUDA kernels, compiled for the CPU by the machine's C++ compiler: slow, but checked |
"""

from __future__ import annotations

import os
import shutil
import sys
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from minicnn.errors import DeviceError, MiniCNNError, MissingPackageError

__all__ = ["CPU", "CUDA", "CUDASIM", "Array", "Device", "to_host", "xp"]

Array: TypeAlias = Any  # numpy.ndarray, or the array class of the device's own module


class Device:
    """A device. There is one object for each name: `Device("cpu")` always returns the same object.

    Parameters
    ----------
    type : str
        The name, also with the number of the GPU: "cuda:0".
    index : int, optional
        This number, 0.
    backends : tuple of str, optional
        The backends of a new device, in the order in which they are tried. Default: return the device of this name,
        also if it does not work here. An error comes with the first tensor.

    Attributes
    ----------
    on_host : bool
        Whether the arrays are NumPy arrays, so that reading a value does not wait for a GPU.

    Raises
    ------
    DeviceError
        If the device does not exist.

    Examples
    --------
    >>> Device("cpu")
    Device('cpu')
    >>> Device("cuda", 0) == Device("cuda:0")
    True
    """

    __slots__ = ("backends", "name")
    backends: tuple[str, ...]
    name: str
    on_host = True

    def __new__(
        cls, type: str | Device, index: int | None = None, *, backends: tuple[str, ...] | None = None
    ) -> Device:
        if backends is None:
            return Device._found(type if index is None else f"{type}:{index}")
        self = super().__new__(cls)
        self.name, self.backends = str(type), backends
        return self

    def __repr__(self) -> str:
        return f"Device({self.name!r})"

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> Any:
        return Device, (self.name,)  # pickle and copy return the same object

    @property
    def type(self) -> str:
        """The name, as in PyTorch."""
        return self.name

    @property
    def index(self) -> int | None:
        """The number of the GPU, 0; None for the CPU, as in PyTorch."""
        return None if self.on_host else 0

    @property
    def xp(self) -> ModuleType:
        """The array module of this device: NumPy or CuPy."""
        return np

    @staticmethod
    def named(device: str | Device) -> Device:
        """Return the device with this name; "cuda:0" means "cuda". Check that it works on this machine.

        Raises
        ------
        DeviceError
            If the device does not exist, or does not work on this machine.
        MissingPackageError
            If a package that the device needs is not installed.
        """
        found = Device._found(device)
        if found is not device or not found.on_host:  # the constructor has not checked it
            found.check()
        return found

    @staticmethod
    def _found(device: str | Device) -> Device:
        """Return the device with this name, also if it does not work on this machine."""
        if isinstance(device, Device):
            return device
        name, _, index = str(device).partition(":")
        if name not in _devices:
            raise DeviceError(f"device: there is no device {device!r}; there are {', '.join(_devices)}")
        if index not in ("", "0"):
            raise DeviceError(
                f"device: got {device!r}, but minicnn uses one GPU, 'cuda'; choose the GPU with the environment "
                "variable CUDA_VISIBLE_DEVICES"
            )
        return _devices[name]

    @staticmethod
    def available() -> list[str]:
        """Return the names of the devices that work on this machine."""
        return [name for name, reason in Device.reasons().items() if not reason]

    @staticmethod
    def reasons() -> dict[str, str]:
        """Return for each device the reason why it does not work on this machine, or "" if it works."""
        result = dict.fromkeys(_devices, "")
        for device in _devices.values():
            try:
                device.check()
            except MiniCNNError as error:
                result[device.name] = str(error).removeprefix("device: ")
        return result

    def check(self) -> None:
        """Raise DeviceError or MissingPackageError if the device does not work on this machine."""

    def array(self, data: Any, dtype: Any = None) -> Array:
        """Return `data` as an array of this device; copy it only if necessary."""
        return np.asarray(data, dtype=dtype)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        """Return an array of this device as a NumPy array; copy it only if necessary."""
        return to_host(array)


class _Simulator(Device):
    """The device cudasim: NumPy arrays, CUDA kernels on the CPU."""

    __slots__ = ()

    def check(self) -> None:
        if not any(shutil.which(name) for name in (os.environ.get("CXX"), "g++", "c++") if name):
            raise DeviceError(
                "device: cudasim runs CUDA kernels through a C++ compiler, and none was found ($CXX, g++, c++); "
                "install one (Debian, Ubuntu: apt-get install g++)"
            )


class _GPU(Device):
    """The device cuda: CuPy arrays, CUDA kernels. CuPy is imported on first use."""

    __slots__ = ()
    on_host = False

    @property
    def xp(self) -> ModuleType:
        import cupy

        module: ModuleType = cupy
        return module

    def check(self) -> None:
        try:
            available = self.xp.cuda.is_available()
        except ImportError as error:
            if error.name != "cupy":
                raise DeviceError(f"device: cuda needs CuPy, which cannot be imported here: {error}") from error
            raise MissingPackageError(
                "device: cuda needs CuPy, which is not installed; install it with: pip install 'minicnn[cuda]', "
                "or use cudasim, which needs no GPU"
            ) from error
        if not available:
            raise DeviceError(
                "device: cuda needs an NVIDIA GPU with its driver, and CuPy finds none; use cudasim, which runs the "
                "same kernels on the CPU"
            )

    def array(self, data: Any, dtype: Any = None) -> Array:
        """Return `data` as an array of this device; copy it only if necessary."""
        if isinstance(data, self.xp.ndarray):
            return data if dtype is None else data.astype(dtype, copy=False)
        return self.xp.asarray(np.asarray(data, dtype=dtype))


CPU = Device("cpu", backends=("native", "numpy"))
CUDA = _GPU("cuda", backends=("cuda",))
CUDASIM = _Simulator("cudasim", backends=("cuda",))
_devices = {device.name: device for device in (CPU, CUDA, CUDASIM)}


def xp(array: Array) -> ModuleType:
    """Return the array module of `array`, NumPy or CuPy. Reference kernels call array functions only through it."""
    if isinstance(array, np.ndarray) or type(array).__module__.partition(".")[0] != "cupy":
        return np
    return sys.modules["cupy"]


def to_host(array: Array) -> np.ndarray[Any, Any]:
    """Return an array of any device as a NumPy array. Copy it only if necessary; wait for the GPU."""
    m = xp(array)
    host: np.ndarray[Any, Any] = m.asarray(array) if m is np else m.asnumpy(array)
    return host
