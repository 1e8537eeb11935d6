"""Run every CUDA kernel under the simulator's checkers, with the threads in several orders; no error may occur."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn.backends.build import flattened, kernel_folder
from minicnn.backends.cuda import simulator
from minicnn.backends.cuda.launch import Source
from minicnn.errors import KernelError
from minicnn.profiling.checking import check_here
from minicnn.profiling.ladder import covering, launched_by_small_calls, rungs, sources
from minicnn.profiling.workloads import workloads
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CUDASIM, Device
from minicnn.testing import cases, declared

CHILD = "libasan" in os.environ.get("LD_PRELOAD", "")  # true in the child process that the last test starts
MODE = "address" if CHILD else "traced"
KERNELS = [
    (operation, k.name)
    for operation in dispatch.operations()
    for k in dispatch.kernels(operation, CUDASIM)
    if k.backend == "cuda"
]
DRAWN = [pair for pair in KERNELS if pair[0] in declared()]
STEPS = [pair for pair in KERNELS if pair[0] not in declared()]
OPTIMIZERS = {
    "adam_step": [
        lambda p: minicnn.optim.Adam(p, weight_decay=0.1, amsgrad=True),
        lambda p: minicnn.optim.AdamW(p, weight_decay=0.1),
    ],
    "sgd_step": [
        lambda p: minicnn.optim.SGD(p, 0.1),
        lambda p: minicnn.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    ],
}
EXAMPLES = settings(max_examples=max(3, (settings.default or settings()).max_examples // 10))


def ready() -> Device:
    if Device.reasons()["cudasim"]:
        pytest.skip(Device.reasons()["cudasim"])
    return CUDASIM


def named(operation: str, name: str) -> dispatch.Kernel:
    return next(k for k in dispatch.kernels(operation, CUDASIM) if k.name == name and k.backend == "cuda")


@pytest.mark.parametrize(("operation", "name"), DRAWN)
@EXAMPLES
@given(data=st.data())
def test_clean(operation, name, data):
    device, kernel = ready(), named(operation, name)
    case = data.draw(cases(operation))
    inputs = tuple(device.array(x) for x in case.cast(data.draw(st.sampled_from([np.float32, np.float64]))))
    if kernel.supports is not None and not kernel.supports(*inputs, **case.params):
        return
    with simulator.simulate(mode=MODE, order="shuffled", seed=data.draw(st.integers(0, 99))), np.errstate(all="ignore"):
        kernel.function(*inputs, **case.params)


SMALL = [pytest.param(rung, id=f"{rung.workload.name}/{rung.kernel.name}") for rung in covering(rungs())]


@pytest.mark.parametrize("rung", SMALL)
def test_clean_in_small_calls(rung):
    """Run every entry: examples of Hypothesis are too small for large tiles, and seldom fit special kernels."""
    ready()
    assert [complaint for _, complaint in check_here([rung], MODE)] == [""]


def test_small_calls_launch_every_entry():
    entries = {(source.name, entry) for source in sources().values() for entry in source.entries}
    assert entries - launched_by_small_calls(rungs()) == set()


@pytest.mark.parametrize(("operation", "name"), STEPS)
@pytest.mark.parametrize("case", [0, 1])
def test_optimizer_steps_clean(operation, name, case):
    device = ready()
    shapes = [(3, 5), (1,), (700,), (0, 2)]
    parameters = [minicnn.rand(*s).to(device).requires_grad_() for s in shapes]
    optimizer = OPTIMIZERS[operation][case](parameters)
    with simulator.simulate(mode=MODE, order="shuffled"), minicnn.use_kernel(operation, name):
        for _ in range(2):
            for p in parameters:
                p.grad = minicnn.ones_like(p)
            optimizer.step()


@pytest.mark.long
@pytest.mark.skipif(CHILD, reason="this is the process that it starts")
def test_clean_under_address_sanitizer():
    ready()
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:xdist", "-p", "no:cacheprovider", __file__]
    environment = {**os.environ, **simulator.environment(), "HYPOTHESIS_PROFILE": "ci"}
    result = subprocess.run([*command, "-k", "clean"], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert int(re.search(r"(\d+) passed", result.stdout)[1]) == len(DRAWN) + len(SMALL) + 2 * len(STEPS)


# --- mutants: without any one of its barriers a kernel must be caught -------------------------------------------------

BARRIER = re.compile(r"__sync(?:threads|warp)\(\);")
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def barriers() -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Return for each barrier (file, line) the .cu files that include it, each with its text without this barrier."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for path in sorted((kernel_folder() / "cuda").glob("*.cu")):
        text = flattened(path)
        for match in BARRIER.finditer(text):
            mark, _, lines = text[: match.start()].rpartition("#line ")[2].partition("\n")
            first, name = mark.split(" ")
            place = (name.strip('"'), str(int(first) + lines.count("\n")))
            found.setdefault(place, []).append((path.name, text[: match.start()] + ";" + text[match.end() :]))
    return found


def calls(operation: str) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Yield small calls of an operation in which every loop of its kernels runs more than once."""
    for workload in workloads(operation):
        sizes = workload.small
        grouped = sizes.get("groups", 1) > 1
        variants = [{}, {"batch": 3}, {"filters": 2 * sizes["filters"]} if grouped else {}]
        for variant in variants if "batch" in sizes else [{}]:
            call = workload.call(**{**sizes, **variant})
            yield call.arrays, call.params
    if operation == "conv_weight_grad":  # 25 pixels: more than a stage remains after the main loop
        workload = workloads(operation)[0]
        call = workload.call(**{**workload.small, "batch": 1, "size": 5})
        yield call.arrays, call.params
    if operation in ("normalize", "rstd"):
        yield (np.random.default_rng(0).random((70, 40), np.float32),), {"axes": (0,), "eps": 1e-5}


def complaint(file: str) -> str:
    """Run every kernel of the modules that use a file; return the first error message."""
    modules = [getattr(minicnn.backends.cuda, name) for name in minicnn.backends.cuda.__all__]
    users = {m.__name__ for m in modules for v in vars(m).values() if isinstance(v, Source) and v.name == file}
    kernels = [k for k in (named(*pair) for pair in KERNELS) if k.function.__module__ in users]
    inputs = {operation: list(calls(operation)) for operation in {k.operation for k in kernels}}
    for number in range(max(map(len, inputs.values()))):  # the first call of every kernel comes first
        for kernel in kernels:
            for arrays, params in inputs[kernel.operation][number : number + 1]:
                if kernel.supports is not None and not kernel.supports(*arrays, **params):
                    continue
                copies = [[a.copy() for a in v] if isinstance(v, list) else v for v in arrays]
                try:
                    with simulator.simulate(mode="traced", order="shuffled"), np.errstate(all="ignore"):
                        kernel.function(*copies, **params)
                except KernelError as error:
                    return str(error)
    return ""


ALL = barriers()
FIRST = {file: place for place, mutants in reversed(ALL.items()) for file, _ in mutants if place[0] == file}


@pytest.mark.skipif(CHILD, reason="races are for the traced mode")
@pytest.mark.parametrize("place", ALL if THOROUGH else FIRST.values(), ids=":".join)
def test_a_missing_barrier_is_caught(place, monkeypatch):
    ready()
    caught = []
    for file, mutant in ALL[place]:
        with monkeypatch.context() as patch:
            for name in minicnn.backends.cuda.__all__:
                for source in vars(getattr(minicnn.backends.cuda, name)).values():
                    if isinstance(source, Source) and source.name == file:
                        patch.setitem(vars(source), "text", mutant)
            caught.append(complaint(file))
        if caught[-1]:
            break
    assert re.search("race|uninitialised", caught[-1]), "nobody missed the barrier"
