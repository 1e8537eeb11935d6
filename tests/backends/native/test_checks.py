"""Run every native kernel under the compiler's sanitizers: no access outside of an array, no race between threads.

The sanitizers must be loaded when a process starts. So the checks run in child processes, which run this file.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import minicnn
from minicnn.backends import build
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CPU
from minicnn.testing import cases, declared

FLAGS = {
    "libasan": ["-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "libtsan": ["-O1", "-g1", "-fsanitize=thread", "-DEVERY_THREAD"],
}
# Python frees little memory before it exits, so a leak is not a fault of a kernel.
OPTIONS = {"libasan": {"ASAN_OPTIONS": "detect_leaks=0"}, "libtsan": {"TSAN_OPTIONS": "exitcode=66"}}
CHILD = next((name for name in FLAGS if name in os.environ.get("LD_PRELOAD", "")), "")
build.SANITIZER[:] = FLAGS.get(CHILD, [])

from minicnn.backends.native import library  # noqa: E402 (builds the pool of threads)

if library.missing():
    pytest.skip(library.missing(), allow_module_level=True)

KERNELS = [
    (operation, k.name)
    for operation in dispatch.operations()
    for k in dispatch.kernels(operation, CPU, ("native",))
    if k.backend == "native"
]
DRAWN = [pair for pair in KERNELS if pair[0] in declared()]
STEPS = [pair for pair in KERNELS if pair[0] not in declared()]
REAL = ["float32", "float64"]
OPTIMIZERS = {
    "adam_step": lambda p: minicnn.optim.AdamW(p, weight_decay=0.1, amsgrad=True),
    "sgd_step": lambda p: minicnn.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
}
EXAMPLES = settings(
    max_examples=max(3, (settings.default or settings()).max_examples // 10), suppress_health_check=list(HealthCheck)
)
in_a_child = pytest.mark.skipif(not CHILD, reason="runs in the processes that test_clean starts")


def named(operation: str, name: str) -> dispatch.Kernel:
    return next(k for k in dispatch.kernels(operation, CPU, ("native",)) if k.name == name and k.backend == "native")


def alone(x: Any) -> Any:
    """Copy arrays to memory of their own, so that no other array follows in memory."""
    return [alone(a) for a in x] if isinstance(x, list) else x.copy() if x.flags.c_contiguous else x


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = minicnn.get_num_threads()
    minicnn.set_num_threads(3)
    yield
    minicnn.set_num_threads(before)


@in_a_child
@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(("operation", "name"), DRAWN)
@EXAMPLES
@given(data=st.data())
def test_drawn(operation, name, large, dtype, data):
    """Large arrays run all loops and threads. It is an error if a kernel supports no example."""
    kernel, case = named(operation, name), data.draw(cases(operation, large=large))
    inputs = [alone(x) for x in case.cast(dtype)]
    assume(kernel.accepts(inputs, case.params))
    kernel.function(*inputs, **case.params)


@in_a_child
@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize(("operation", "name"), STEPS)
def test_optimizer_steps(operation, name, dtype):
    parameters = [
        minicnn.rand(*s, dtype=getattr(minicnn, dtype)).requires_grad_() for s in [(3, 5), (1,), (70_000,), (0, 2)]
    ]
    optimizer = OPTIMIZERS[operation](parameters)
    with minicnn.use_kernel(operation, name):
        for _ in range(2):
            for p in parameters:
                p.grad = minicnn.ones_like(p)
            optimizer.step()


PLANTED = """
#include "threads.hpp"
extern "C" void beyond(Real* y, int64_t n) { y[n] = 1; }
extern "C" void race(Real* y, int64_t n) { parallel(n, [&](int64_t i) { for (int k = 0; k < 1000; ++k) y[0] += i; }); }
"""


@in_a_child
def test_planted(request):
    """Run a kernel with a planted bug: the sanitizers must stop the process or make it fail."""
    source = library.Source("planted.cpp")
    vars(source)["text"] = PLANTED.replace(
        '#include "threads.hpp"', (build.kernel_folder() / "cpu" / "threads.hpp").read_text()
    )
    y = np.zeros(100_000, np.float32)
    source.call("beyond" if CHILD == "libasan" else "race", y, y.size if CHILD == "libasan" else 64)


def child(which: str, tests: str) -> subprocess.CompletedProcess[str]:
    program, _ = build.compiler()
    found = subprocess.run([program, f"-print-file-name={which}.so"], capture_output=True, text=True, check=False)
    if not Path(found.stdout.strip()).is_absolute():
        pytest.skip(f"{program} comes without {which}")
    environment = {**os.environ, **OPTIONS[which], "LD_PRELOAD": found.stdout.strip(), "HYPOTHESIS_PROFILE": "ci"}
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:xdist", "-p", "no:cacheprovider", __file__]
    return subprocess.run([*command, "-k", tests], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(bool(CHILD), reason="this is the process that it starts")
@pytest.mark.long
@pytest.mark.parametrize("which", FLAGS)
def test_clean(which):
    result = child(which, "drawn or steps")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-6000:]
    assert int(re.search(r"(\d+) passed", result.stdout)[1]) == len(REAL) * (2 * len(DRAWN) + len(STEPS))


@pytest.mark.skipif(bool(CHILD), reason="this is the process that it starts")
@pytest.mark.parametrize(("which", "complaint"), [("libasan", "heap-buffer-overflow"), ("libtsan", "data race")])
def test_the_sanitizers_see(which, complaint):
    result = child(which, "planted")
    assert result.returncode != 0
    assert complaint in result.stdout + result.stderr
