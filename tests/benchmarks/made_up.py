"""Invented results of a benchmark run, for the tests of reports and plots."""

from typing import Any


def record(
    group: str = "conv", name: str = "a", backward: bool = False, flops: int | None = 10**9, **turns: list[float]
) -> dict[str, Any]:
    """Return the record of a case with the given turns (seconds) of each contender."""
    mode = "forward + backward" if backward else "forward"
    results: dict[str, Any] = {n.replace("_", "-"): {"turns": t, "errors": {"output": 1e-7}} for n, t in turns.items()}
    figures = {"flops": flops, "bytes": 10**7, "threads": 2}
    return {
        "key": f"{group}: {name}, {mode}",
        "group": group,
        "name": name,
        "backward": backward,
        **figures,
        "results": results,
    }


def run() -> dict[str, Any]:
    """Return the results of a run: two convolutions, one with a wrong result, memory of a network, and imports."""
    first = record(minicnn=[1.0], numpy=[2.0], torch=[2.0], torch_default=[4.0])
    first["results"]["minicnn"] |= {"kernels": {"conv": "native/x"}, "errors": {"output": 3e-7}}
    failed = record(name="b", minicnn=[], torch=[2.0])
    failed["results"]["minicnn"]["failed"] = "wrong by 1e-3"
    both = record(backward=True, minicnn=[1.0], torch=[4.0], mygrad=[20.0])
    slow = record(name="b", backward=True, minicnn=[4.0], torch=[2.0])
    slow["results"]["mygrad"] = {"skipped": "no stride"}
    nets = []
    for batch in (1, 64):
        net = record("training", f"CNNGenerator, {batch} of 32²", True, None, minicnn=[1.0], numpy=[3.0], torch=[2.0])
        nets.append(net | {"key": net["key"].replace("forward + backward", "step"), "bytes": None})
    growth = [
        record("growth", f"residual denoiser, 1 of {size}²", False, None, minicnn=[1.0 * size], torch=[2.0 * size])
        for size in (32, 64)
    ]
    alone = nets[1] | {"group": "growth", "key": "growth: CNNGenerator, 64 of 32², step, 1 thread", "threads": 1}
    memory = {"key": "memory: CNNGenerator", "group": "memory", "name": "CNNGenerator", "results": {}}
    memory["results"] = {
        "minicnn": {"bytes": 1 << 20},
        "torch": {"bytes": 1 << 21},
        "torch-default": {"bytes": 1 << 21},
    }
    imports = {"minicnn": {"turns": [0.1]}, "nothing": {"turns": [0.01]}}
    about = {
        "date": "today",
        "commit": "0",
        "cpu": "a processor",
        "simd": "avx2",
        "cores": 2,
        "gigabytes": 8,
        "system": "Linux 6",
        "compiler": "g++ 12",
        "threads": 2,
        "minutes": 1.0,
        "versions": {n: {"Python": "3", "NumPy": "2", "library": "1"} for n in ("minicnn", "torch", "mygrad")},
        "absent": {"tinygrad": "no clang"},
    }
    cases = [first, failed, both, slow, *nets, *growth, alone, memory]
    cases.append({"key": "import: all", "group": "import", "name": "all", "results": imports})
    return {"about": about, "peaks": {"flop_per_s": 3e11, "bytes_per_s": 2e10}, "cases": cases}
