"""Times every CUDA kernel on a GPU, beside PyTorch's where that is installed.

A time is the median of several runs, each between two events of the GPU, after others that warm up. Between runs a
buffer larger than the L2 cache is written, so that no run finds its inputs there; that also keeps the GPU busy while
Python prepares the next launch, so that the time is the kernels' and not Python's.
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

FLUSHED = 256 * 2**20  # bytes; several times the L2 cache of any GPU so far
WARM_UP = 3


@dataclass(frozen=True)
class Timing:
    """How long a kernel took for a call, in milliseconds."""

    workload: str
    call: str
    kernel: str
    milliseconds: float
    flops: int
    bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, with what follows from it."""
        seconds = self.milliseconds / 1e3
        rates = {"tflop_per_s": self.flops / seconds / 1e12, "gb_per_s": self.bytes / seconds / 1e9} if seconds else {}
        return {**asdict(self), **rates}


def check_gpu() -> None:
    """Raise DeviceError, with what can be done instead, where there is no GPU to time."""
    try:
        CUDA.check()
    except (DeviceError, MissingPackageError) as error:
        raise DeviceError(
            f"times need a GPU, and {str(error).removeprefix('device: ')}. What can be said without one: "
            "'minicnn kernels report' reads the machine code and counts memory accesses, 'minicnn kernels check' runs "
            "the kernels under checkers"
        ) from error


def about_gpu() -> dict[str, Any]:
    """Return what the times belong to: the GPU's name and data, and versions."""
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
    """Yield the time of every rung that applies to its workload's call, and PyTorch's of each workload.

    Parameters
    ----------
    rungs : iterable of Rung
    dtype : "float32" or "float64"
    sizes : dict of str to int, optional
        Of the calls, where they are not to be typical.
    repeats : int
        How many runs the median is taken of.

    Raises
    ------
    ArgumentError
        If there is no such size.
    DeviceError
        If there is no GPU.
    """
    check_gpu()
    rungs = list(rungs)
    clock = Clock(repeats)
    for workload, own in sized(rungs, sizes or {}).items():
        call = workload.call(dtype, **own)
        arrays = [[CUDA.array(a) for a in x] if isinstance(x, list) else CUDA.array(x) for x in call.arrays]

        def timing(kernel: str, run: Callable[[], Any], name: str = workload.name, call: Call = call) -> Timing:
            return Timing(name, call.text, kernel, clock.time(run), call.flops, call.moved)

        for rung in rungs:
            if rung.workload is workload and accepts(rung.kernel, call):
                yield timing(rung.kernel.name, _prepared(rung.kernel, arrays, call.params))
        theirs = _peer(workload.operation, arrays, call.params)
        if theirs:
            yield timing("PyTorch", theirs)


def _prepared(kernel: Kernel, arrays: list[Any], params: dict[str, Any]) -> Callable[[], Any]:
    return lambda: kernel.function(*arrays, **params)


class Clock:
    """Measures calls that queue work on the GPU."""

    def __init__(self, repeats: int) -> None:
        self.cuda, self.repeats = CUDA.xp.cuda, repeats
        self.buffer = CUDA.xp.empty(FLUSHED, "uint8")
        self._flush(1)
        self.flush_time = max(self._between(lambda: self._flush(1)), 0.01)

    def time(self, run: Callable[[], Any]) -> float:
        """Return the median time in milliseconds."""
        run()  # compiles
        start = time.perf_counter()
        for _ in range(WARM_UP):
            run()
        prepared = (time.perf_counter() - start) * 1e3 / WARM_UP  # how long Python is busy with one
        flushes = min(ceil(2 * prepared / self.flush_time), 100)
        times = []
        for _ in range(self.repeats):
            self._flush(max(flushes, 1))
            times.append(self._between(run))
        return median(times)

    def _between(self, run: Callable[[], Any]) -> float:
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
    """Return the roofline's time as a share of this one, if the GPU's data are known."""
    for gpu in GPUS:
        if device in gpu.reported and timing.milliseconds:
            return gpu.bound(timing.flops, timing.bytes, dtype) / timing.milliseconds
    return None


# --- PyTorch --------------------------------------------------------------------------------------------------


def _torch() -> Any:
    """PyTorch, if it is installed and sees the GPU."""
    try:
        torch = import_module("torch")
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


def _peer(operation: str, arrays: list[Any], params: dict[str, Any]) -> Callable[[], Any] | None:
    """Return PyTorch's call for the same, by cuDNN and cuBLAS in full float32, if there is one."""
    torch = _torch()
    if torch is None or operation not in PEERS:
        return None
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = True  # the fastest of cuDNN's algorithms
    tensors = [torch.as_tensor(a, device="cuda") for a in arrays]
    return PEERS[operation](torch, *tensors, **params)


def _geometry(spec: Any) -> tuple[Any, ...]:
    return spec.stride, tuple(before for before, _ in spec.padding), spec.dilation


def _conv(torch: Any, x: Any, w: Any, spec: Any) -> Callable[[], Any]:
    stride, padding, dilation = _geometry(spec)
    return lambda: torch.nn.functional.conv2d(x, w, None, stride, padding, dilation, spec.groups)


def _conv_gradient(torch: Any, g: Any, x: Any, w: Any, spec: Any, which: int) -> Callable[[], Any]:
    stride, padding, dilation = _geometry(spec)
    wanted = [i == which for i in range(3)]
    backward = torch.ops.aten.convolution_backward
    return lambda: backward(g, x, w, None, stride, padding, dilation, False, [0, 0], spec.groups, wanted)


def _conv_input_grad(torch: Any, g: Any, w: Any, spec: Any) -> Callable[[], Any]:
    x = g.new_empty((g.shape[0], w.shape[1] * spec.groups, *spec.input_size))
    return _conv_gradient(torch, g, x, w, spec, 0)


def _conv_weight_grad(torch: Any, x: Any, g: Any, spec: Any) -> Callable[[], Any]:
    w = g.new_empty((g.shape[1], x.shape[1] // spec.groups, *spec.kernel_size))
    return _conv_gradient(torch, g, x, w, spec, 1)


def _max_pool(torch: Any, x: Any, spec: Any) -> Callable[[], Any]:
    return lambda: torch.nn.functional.max_pool2d(x, spec.kernel_size, spec.stride, return_indices=True)


PEERS: dict[str, Callable[..., Callable[[], Any]]] = {
    "conv": _conv,
    "conv_input_grad": _conv_input_grad,
    "conv_weight_grad": _conv_weight_grad,
    "max_pool": _max_pool,
    "avg_pool": lambda torch, x, spec: lambda: torch.nn.functional.avg_pool2d(x, spec.kernel_size, spec.stride),
    "matmul": lambda torch, a, b: lambda: torch.matmul(a, b),
    "linear": lambda torch, x, w: lambda: torch.nn.functional.linear(x, w),
    "relu": lambda torch, x: lambda: torch.relu(x),
}
