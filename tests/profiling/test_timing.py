"""Tests of timing on a GPU, with the stand-in for CuPy, whose clock returns fixed times."""

import sys
from types import SimpleNamespace

import pytest

from minicnn.errors import ArgumentError, DeviceError
from minicnn.profiling import timing as module
from minicnn.profiling.report import choose
from minicnn.profiling.timing import Timing, about_gpu, bench, check_gpu, share_of_bound
from minicnn.profiling.workloads import workloads

SMALL = {"batch": 1, "channels": 2, "size": 8}


@pytest.fixture
def small_buffer(monkeypatch):
    """Make the buffer that flushes the cache small, because the stand-in has no GPU cache."""
    monkeypatch.setattr(module, "FLUSH_BYTES", 1024)


@pytest.fixture
def no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.usefixtures("gpu", "small_buffer", "no_torch")
def test_every_rung_is_timed():
    found = list(bench(choose(["relu"]).rungs, sizes=SMALL, repeats=2))
    assert [timing.kernel for timing in found] == ["vec4", "direct"]
    for timing in found:
        assert timing.workload == "relu"
        assert timing.call == "1 x 2 x 8 x 8"
        assert (timing.flops, timing.bytes) == (128, 2 * 128 * 4)
        assert timing.milliseconds > 0


@pytest.mark.usefixtures("gpu", "small_buffer", "no_torch")
def test_lists_of_arrays_go_to_the_gpu_too():
    found = list(bench(choose(["sgd_step"]).rungs, "float64", {"tensors": 2, "size": 10}, 1))
    assert found
    assert {timing.bytes for timing in found} == {2 * 10 * 8 * 5}


@pytest.mark.usefixtures("gpu", "small_buffer", "no_torch")
def test_kernels_that_do_not_apply_are_left_out():
    sizes = {"kernel": 2, "stride": 2, "size": 8, "batch": 1, "channels": 1}
    found = list(bench(choose(["max_pool"]).rungs, sizes=sizes, repeats=1))
    assert found
    assert "warp" not in {timing.kernel for timing in found}


@pytest.mark.usefixtures("gpu", "small_buffer", "no_torch")
def test_sizes_that_are_not_there():
    with pytest.raises(ArgumentError, match="there is no size depth"):
        next(bench(choose(["relu"]).rungs, sizes={"depth": 1}))


@pytest.mark.usefixtures("gpu", "small_buffer")
def test_a_time_is_the_median_and_the_cache_is_flushed_before_each_run(monkeypatch):
    clock = module.Clock(repeats=3)
    events = []
    times = iter([5.0, 1.0, 3.0])
    monkeypatch.setattr(clock, "_flush", lambda n: events.append("flush"))
    monkeypatch.setattr(clock, "_measure", lambda run: (run(), next(times))[1])
    assert clock.time(lambda: events.append("run")) == 3.0
    assert events == ["run"] * (1 + module.WARM_UP) + ["flush", "run"] * 3


@pytest.mark.usefixtures("gpu", "small_buffer")
def test_slow_launches_are_hidden_behind_more_flushes(monkeypatch):
    clock = module.Clock(repeats=1)
    clock.flush_time = 1.0  # milliseconds
    flushes = []
    monkeypatch.setattr(clock, "_flush", flushes.append)
    now = iter([0.0, 0.015])  # three warm-up runs in 15 ms
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(now))
    clock.time(lambda: None)
    assert flushes == [10]


@pytest.mark.usefixtures("gpu", "no_torch")
def test_what_the_times_belong_to():
    about = about_gpu()
    assert set(about) >= {"device", "compute_capability", "multiprocessors", "l2_bytes", "cupy", "torch"}
    assert about["device"]
    assert about["torch"] is None


def test_without_a_gpu_the_alternatives_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False)))
    with pytest.raises(
        DeviceError, match=r"^times need a GPU, and cuda needs an NVIDIA GPU .*'minicnn kernels report'"
    ):
        check_gpu()
    with pytest.raises(DeviceError, match="'minicnn kernels check' runs"):
        next(bench([]))


def test_without_cupy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(DeviceError, match=r"times need a GPU, and cuda needs CuPy, .*pip install 'minicnn\[cuda\]'"):
        check_gpu()


def test_rates_and_the_share_of_the_bound():
    timing = Timing("w", "c", "k", 2.0, 4 * 10**9, 2039 * 10**6)
    assert timing.as_dict()["tflop_per_s"] == pytest.approx(2)
    assert timing.as_dict()["gb_per_s"] == pytest.approx(1019.5)
    assert share_of_bound(timing, "NVIDIA A100-SXM4-80GB", "float32") == pytest.approx(0.5)
    assert share_of_bound(timing, "another", "float32") is None
    assert share_of_bound(timing, "NVIDIA A100-PCIE-40GB", "float32") is None  # another card with a similar name
    nothing = Timing("w", "c", "k", 0.0, 1, 1)
    assert "gb_per_s" not in nothing.as_dict()
    assert share_of_bound(nothing, "NVIDIA A100-SXM4-80GB", "float32") is None


# --- PyTorch: its calls, recorded -----------------------------------------------------------------------------


class Tensor:
    """An array as PyTorch would see it."""

    def __init__(self, shape):
        self.shape = shape

    def new_empty(self, shape):
        return Tensor(shape)


@pytest.fixture
def torch(monkeypatch):
    """A fake PyTorch that records the called functions and shapes."""
    calls = []

    def called(name):
        def call(*arguments, **options):
            shown = [a.shape if isinstance(a, Tensor) else a for a in arguments]
            calls.append((name, shown, options))

        return call

    backends = SimpleNamespace(
        cudnn=SimpleNamespace(version=lambda: 90100), cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=True))
    )
    functional = SimpleNamespace(**{n: called(n) for n in ("conv2d", "max_pool2d", "avg_pool2d", "linear")})
    fake = SimpleNamespace(
        __version__="2",
        as_tensor=lambda array, device: Tensor(tuple(array.shape)),
        backends=backends,
        calls=calls,
        cuda=SimpleNamespace(is_available=lambda: True),
        matmul=called("matmul"),
        nn=SimpleNamespace(functional=functional),
        ops=SimpleNamespace(aten=SimpleNamespace(convolution_backward=called("convolution_backward"))),
        relu=called("relu"),
    )
    monkeypatch.setitem(sys.modules, "torch", fake)
    return fake


def test_pytorch_is_timed_beside_in_full_precision(torch, gpu, small_buffer):
    found = list(bench(choose(["relu"]).rungs, sizes=SMALL, repeats=1))
    assert [timing.kernel for timing in found] == ["vec4", "direct", "PyTorch"]
    assert torch.calls[0] == ("relu", [(1, 2, 8, 8)], {})
    assert torch.backends.cuda.matmul.allow_tf32 is False
    assert torch.backends.cudnn.allow_tf32 is False
    assert about_gpu()["cudnn"] == 90100


CONV = {"batch": 2, "channels": 4, "filters": 6, "size": 8, "kernel": 3, "stride": 2, "groups": 2}
GEOMETRY = [(2, 2), (1, 1), (1, 1)]


@pytest.mark.parametrize(
    ("operation", "sizes", "call"),
    [
        ("conv", CONV, ("conv2d", [(2, 4, 8, 8), (6, 2, 3, 3), None, *GEOMETRY, 2], {})),
        (
            "conv_input_grad",
            CONV,
            (
                "convolution_backward",
                [(2, 6, 4, 4), (2, 4, 8, 8), (6, 2, 3, 3), None, *GEOMETRY, False, [0, 0], 2, [True, False, False]],
                {},
            ),
        ),
        (
            "conv_weight_grad",
            CONV,
            (
                "convolution_backward",
                [(2, 6, 4, 4), (2, 4, 8, 8), (6, 2, 3, 3), None, *GEOMETRY, False, [0, 0], 2, [False, True, False]],
                {},
            ),
        ),
        ("max_pool", SMALL, ("max_pool2d", [(1, 2, 8, 8), (2, 2), (2, 2)], {"return_indices": True})),
        ("avg_pool", SMALL, ("avg_pool2d", [(1, 2, 8, 8), (2, 2), (2, 2)], {})),
        ("matmul", {"n": 2, "k": 3, "m": 4}, ("matmul", [(2, 3), (3, 4)], {})),
        ("linear", {"n": 2, "k": 3, "m": 4}, ("linear", [(2, 3), (4, 3)], {})),
    ],
)
def test_what_pytorch_is_asked(torch, operation, sizes, call):
    ours = workloads(operation)[0].call(**sizes)
    module._torch_call(operation, list(ours.arrays), ours.params)()
    assert torch.calls == [call]


def test_every_peer_has_a_test(torch):
    assert set(module.TORCH_CALLS) == {
        "conv",
        "conv_input_grad",
        "conv_weight_grad",
        "max_pool",
        "avg_pool",
        "matmul",
        "linear",
        "relu",
    }
    assert module._torch_call("col2im", [], {}) is None


def test_a_pytorch_without_a_gpu_is_left_out(torch):
    torch.cuda.is_available = lambda: False
    assert module._torch_call("relu", [], {}) is None
