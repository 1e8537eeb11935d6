"""Measurement of the CUDA kernels on a GPU, and of PyTorch's functions if PyTorch is installed.

A time is the median of several runs between two CUDA events, after warm-up runs. Before each run a buffer larger than
the L2 cache is written, so that the inputs are not in the cache. This also keeps the GPU busy while Python prepares the
next launch, so the time does not include Python's overhead.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from math import ceil
from statistics import median
from typing import Any

from minicnn.errors import DeviceError, MissingPackageError
from minicnn.profiling.gpus import GPUS
from minicnn.profiling.ladder import Rung, accepts
from minicnn.profiling.report import sized
from minicnn.profiling.workloads import Call
from minicnn.runtime.devices import CUDA
from minicnn.runtime.dispatch import Kernel

__all__ = ["Clock", "Timing", "about_gpu", "bench", "check_gpu", "share_of_bound"]

FLUSH_BYTES = 256 * 2**20  # several times the largest L2 cache of a GPU
WARM_UP = 3  # runs before the measured runs


@dataclass(frozen=True)
class Timing:
    """The time of a kernel for a call, in milliseconds, with the call's operations and bytes."""

    workload: str
    call: str
    kernel: str
    milliseconds: float
    flops: int
    bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Return the fields and the rates in TFLOP/s and GB/s, for JSON."""
        seconds = self.milliseconds / 1e3
        rates = {"tflop_per_s": self.flops / seconds / 1e12, "gb_per_s": self.bytes / seconds / 1e9} if seconds else {}
        return {**asdict(self), **rates}


def check_gpu() -> None:
    """Check that a GPU works.

    Raises
    ------
    DeviceError
        If no GPU works. The message names the alternatives.
    """
    try:
        CUDA.check()
    except (DeviceError, MissingPackageError) as error:
        raise DeviceError(
            f"times need a GPU, and {str(error).removeprefix('device: ')}. Without a GPU, 'minicnn kernels report' "
            "analyses the machine code and counts memory accesses, and 'minicnn kernels check' runs the kernels under "
            "checkers"
        ) from error


def about_gpu() -> dict[str, Any]:
    """Return the GPU's name and properties, and the versions of the libraries."""
    cupy = CUDA.xp
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    torch = _torch()
    return {
        "device": properties["name"].decode(),
        "compute_capability": f"{properties['major']}.{properties['minor']}",
        "multiprocessors": properties["multiProcessorCount"],
        "l2_bytes": properties["l2CacheSize"],
        "cupy": cupy.__version__,
        "torch": torch.__version__ if torch else None,
        "cudnn": torch.backends.cudnn.version() if torch else None,
    }


def bench(
    rungs: Iterable[Rung], dtype: str = "float32", sizes: dict[str, int] | None = None, repeats: int = 20
) -> Iterator[Timing]:
    """Yield the time of every rung that supports its workload's call, and PyTorch's time for each workload.

    Parameters
    ----------
    rungs : iterable of Rung
    dtype : "float32" or "float64"
    sizes : dict of str to int, optional
        Replace sizes of the typical calls.
    repeats : int
        The number of runs of which the median is taken.

    Raises
    ------
    ArgumentError
        If the name of a size is unknown.
    DeviceError
        If there is no GPU.
    """
    check_gpu()
    rungs = list(rungs)
    clock = Clock(repeats)
    for workload, changed in sized(rungs, sizes or {}).items():
        call = workload.call(dtype, **changed)
        arrays = [[CUDA.array(a) for a in x] if isinstance(x, list) else CUDA.array(x) for x in call.arrays]

        def timing(kernel: str, run: Callable[[], Any], name: str = workload.name, call: Call = call) -> Timing:
            return Timing(name, call.text, kernel, clock.time(run), call.flops, call.moved)

        for rung in rungs:
            if rung.workload is workload and accepts(rung.kernel, call):
                yield timing(rung.kernel.name, _bind(rung.kernel, arrays, call.params))
        torch_call = _torch_call(workload.operation, arrays, call.params)
        if torch_call:
            yield timing("PyTorch", torch_call)


def _bind(kernel: Kernel, arrays: list[Any], params: dict[str, Any]) -> Callable[[], Any]:
    return lambda: kernel.function(*arrays, **params)


class Clock:
    """A clock for calls that launch kernels on the GPU."""

    def __init__(self, repeats: int) -> None:
        self.cuda, self.repeats = CUDA.xp.cuda, repeats
        self.buffer = CUDA.xp.empty(FLUSH_BYTES, "uint8")
        self._flush(1)
        self.flush_time = max(self._measure(lambda: self._flush(1)), 0.01)

    def time(self, run: Callable[[], Any]) -> float:
        """Return the median time in milliseconds."""
        run()  # compiles
        start = time.perf_counter()
        for _ in range(WARM_UP):
            run()
        launch_time = (time.perf_counter() - start) * 1e3 / WARM_UP  # Python's time for a launch
        flushes = min(ceil(2 * launch_time / self.flush_time), 100)
        times = []
        for _ in range(self.repeats):
            self._flush(max(flushes, 1))
            times.append(self._measure(run))
        return median(times)

    def _measure(self, run: Callable[[], Any]) -> float:
        begin, end = self.cuda.Event(), self.cuda.Event()
        begin.record()
        run()
        end.record()
        end.synchronize()
        return float(self.cuda.get_elapsed_time(begin, end))

    def _flush(self, times: int) -> None:
        for _ in range(times):
            self.buffer.fill(0)


def share_of_bound(timing: Timing, device: str, dtype: str) -> float | None:
    """Return the lower bound of the time / the measured time, or None if the GPU's data are not known."""
    for gpu in GPUS:
        if device in gpu.reported and timing.milliseconds:
            return gpu.bound(timing.flops, timing.bytes, dtype) / timing.milliseconds
    return None


# --- PyTorch --------------------------------------------------------------------------------------------------


def _torch() -> Any:
    """Return PyTorch if it is installed and supports the GPU, otherwise None."""
    try:
        torch = import_module("torch")
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


def _torch_call(operation: str, arrays: list[Any], params: dict[str, Any]) -> Callable[[], Any] | None:
    """Return the same call with PyTorch (cuDNN and cuBLAS, in full float32), or None if PyTorch lacks it."""
    torch = _torch()
    if torch is None or operation not in TORCH_CALLS:
        return None
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = True  # cuDNN selects its fastest algorithm
    tensors = [torch.as_tensor(a, device="cuda") for a in arrays]
    return TORCH_CALLS[operation](torch, *tensors, **params)


def _geometry(spec: Any) -> tuple[Any, ...]:
    return spec.stride, tuple(before for before, _ in spec.padding), spec.dilation


def _conv(torch: Any, x: Any, w: Any, spec: Any) -> Callable[[], Any]:
    stride, padding, dilation = _geometry(spec)
    return lambda: torch.nn.functional.conv2d(x, w, None, stride, padding, dilation, spec.groups)


def _conv_gradient(torch: Any, g: Any, x: Any, w: Any, spec: Any, index: int) -> Callable[[], Any]:
    stride, padding, dilation = _geometry(spec)
    output_mask = [i == index for i in range(3)]  # input, weight, bias
    backward = torch.ops.aten.convolution_backward
    return lambda: backward(g, x, w, None, stride, padding, dilation, False, [0, 0], spec.groups, output_mask)


def _conv_input_grad(torch: Any, g: Any, w: Any, spec: Any) -> Callable[[], Any]:
    x = g.new_empty((g.shape[0], w.shape[1] * spec.groups, *spec.input_size))
    return _conv_gradient(torch, g, x, w, spec, 0)


def _conv_weight_grad(torch: Any, x: Any, g: Any, spec: Any) -> Callable[[], Any]:
    w = g.new_empty((g.shape[1], x.shape[1] // spec.groups, *spec.kernel_size))
    return _conv_gradient(torch, g, x, w, spec, 1)


def _max_pool(torch: Any, x: Any, spec: Any) -> Callable[[], Any]:
    return lambda: torch.nn.functional.max_pool2d(x, spec.kernel_size, spec.stride, return_indices=True)


TORCH_CALLS: dict[str, Callable[..., Callable[[], Any]]] = {
    "conv": _conv,
    "conv_input_grad": _conv_input_grad,
    "conv_weight_grad": _conv_weight_grad,
    "max_pool": _max_pool,
    "avg_pool": lambda torch, x, spec: lambda: torch.nn.functional.avg_pool2d(x, spec.kernel_size, spec.stride),
    "matmul": lambda torch, a, b: lambda: torch.matmul(a, b),
    "linear": lambda torch, x, w: lambda: torch.nn.functional.linear(x, w),
    "relu": lambda torch, x: lambda: torch.relu(x),
}
