"""One training step of CNNGenerator, minicnn against PyTorch: time, interleaved in one process, and peak memory.

Run it with `make bench`. Both train the same weights on the same batch of 64 with Adam, on as many threads. PyTorch is
measured twice: as it comes, and with its page faults tuned away by the allocator's environment variables and its fused
Adam. The time is the median of steps taken in turns; a ratio below 1 means that minicnn is faster. Peak memory is what
a process of its own grows by over the steps, without the libraries themselves.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

THREADS = 2
TUNED = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_TOP_PAD_": "268435456"}


def ours(batch: int) -> Callable[[], None]:
    import minicnn
    from minicnn.models import CNNGenerator

    minicnn.manual_seed(0)
    model = CNNGenerator()
    optimizer = minicnn.optim.Adam(model.parameters(), lr=0.001)
    data, target = minicnn.randn(batch, 3, 32, 32), minicnn.rand(batch, 784)

    def step() -> None:
        optimizer.zero_grad()
        loss = minicnn.mean((model(data) - target) ** 2)
        loss.backward()
        optimizer.step()

    return step


def theirs(batch: int, fused: bool) -> Callable[[], None]:
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(THREADS)

    class CNNGenerator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
            self.pool, self.tanh = nn.MaxPool2d(2, 2), nn.Tanh()
            self.fc1, self.fc2 = nn.Linear(64 * 8 * 8, 128), nn.Linear(128, 784)

        def forward(self, x):  # type: ignore[no-untyped-def]
            x = self.pool(F.relu(self.conv1(x)))
            x = self.pool(F.relu(self.conv2(x))).view(-1, 64 * 8 * 8)
            return self.tanh(self.fc2(F.relu(self.fc1(x))))

    torch.manual_seed(0)
    model = CNNGenerator()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=fused)
    data, target = torch.randn(batch, 3, 32, 32), torch.rand(batch, 784)

    def step() -> None:
        optimizer.zero_grad()
        loss = torch.mean((model(data) - target) ** 2)
        loss.backward()
        optimizer.step()

    return step


def interleaved(batch: int, rounds: int, fused: bool) -> dict[str, float]:
    """Median seconds of each, and the median of the ratios of neighbouring runs."""
    steps = {"minicnn": ours(batch), "torch": theirs(batch, fused)}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for i in range(rounds + 5):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if i >= 5:
                times[name].append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(times["minicnn"], times["torch"], strict=True)]
    return {**{name: median(values) for name, values in times.items()}, "ratio": median(ratios)}


def peak_memory(library: str, batch: int) -> float:
    """MiB by which a process that imports the library, builds the model and takes one step of one image grows."""
    step = ours(1) if library == "minicnn" else theirs(1, False)
    step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step = ours(batch) if library == "minicnn" else theirs(batch, False)
    for _ in range(5):
        step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def child(*arguments: str, tuned: bool = False) -> dict[str, float]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS), **(TUNED if tuned else {})}
    run = subprocess.run([sys.executable, __file__, *arguments], env=environment, check=True, capture_output=True)
    result: dict[str, float] = json.loads(run.stdout)
    return result


def machine() -> str:
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "?",
    )
    import torch

    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, PyTorch {torch.__version__}"
    return f"{cpu}, {THREADS} threads, {versions}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--part", choices=["time", "fused", "minicnn", "torch"], help="one measurement, as JSON")
    options = parser.parse_args()
    if options.part in ("time", "fused"):
        print(json.dumps(interleaved(options.batch, options.rounds, options.part == "fused")))
    elif options.part:
        print(json.dumps({"mib": peak_memory(options.part, options.batch)}))
    else:
        common = ("--batch", str(options.batch), "--rounds", str(options.rounds), "--part")
        plain, tuned = child(*common, "time"), child(*common, "fused", tuned=True)
        memory = {name: child(*common, name)["mib"] for name in ("minicnn", "torch")}
        print(f"One training step of CNNGenerator, batch {options.batch}, float32 ({machine()}):\n")
        print("| | minicnn | PyTorch | ratio |\n|---|---|---|---|")
        for title, result in (("step, PyTorch as it comes", plain), ("step, PyTorch tuned, fused Adam", tuned)):
            ours_ms, theirs_ms = (f"{result[name] * 1e3:.1f} ms" for name in ("minicnn", "torch"))
            print(f"| {title} | {ours_ms} | {theirs_ms} | {result['ratio']:.2f} |")
        ratio = memory["minicnn"] / memory["torch"]
        print(f"| peak memory | {memory['minicnn']:.0f} MiB | {memory['torch']:.0f} MiB | {ratio:.2f} |")


if __name__ == "__main__":
    main()
