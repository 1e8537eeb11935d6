"""The parts of the project that have mutants, and the tests of each file, in the order in which they run."""

import re
from pathlib import Path

PARTS = {
    "cpu": ("kernels/cpu/*.cpp", "kernels/cpu/*.hpp"),
    "cuda": ("kernels/cuda/*.cu", "kernels/cuda/*.cuh"),
    "ops": ("minicnn/ops/*.py",),
    "autograd": (
        "minicnn/autograd/*.py",
        "minicnn/backends/trace.py",
    ),
    "optim": ("minicnn/optim/**/*.py",),
    "nn": ("minicnn/nn/**/*.py",),
    "imaging": ("minicnn/imaging/*.py",),
}
WHOLE = {  # further tests, for mutants that survive the tests of their file
    "cpu": ["tests/backends/native/test_checks.py", "-k", "libasan"],  # accesses beyond an array change no result
    "cuda": [],  # each file has a test file of its own
    "ops": ["tests/ops", "-k", "not cuda"],
    "autograd": ["tests/autograd", "tests/test_tensor_in_place.py", "tests/ops", "-k", "not cuda"],
    "optim": ["tests/optim", "tests/training", "tests/test_signatures.py"],
    "nn": ["tests/nn", "tests/test_signatures.py"],
    "imaging": ["tests/imaging"],
}  # fmt: skip
BESIDES = {  # tests of native kernels that are not in the table of paths
    "fuse.cpp": ["tests/backends/native/test_fuse.py"],
    "simd.hpp": ["tests/backends/native/test_fuse.py"],
    "optim.cpp": ["tests/backends/native/test_optim.py"],
    "threads.cpp": ["tests/backends/native/test_threads.py"],
    "threads.hpp": ["tests/backends/native/test_threads.py"],
    "winograd.cpp": ["tests/backends/native/test_winograd.py"],
    "winograd.hpp": ["tests/backends/native/test_winograd.py"],
    "conv_weight_grad_winograd.cpp": ["tests/backends/native/test_winograd.py"],
    "exp.hpp": ["tests/backends/native/test_vector_math.py", "tests/backends/native/test_fuse.py"],
    "log.hpp": ["tests/backends/native/test_vector_math.py", "tests/backends/native/test_fuse.py"],
    "erf.hpp": ["tests/backends/native/test_vector_math.py", "tests/backends/native/test_fuse.py"],
}


def files_of(root: Path, part: str) -> list[str]:
    found = {p.relative_to(root).as_posix() for pattern in PARTS[part] for p in root.glob(pattern)}
    return sorted(found)


def tests_of(root: Path, part: str, file: str) -> list[list[str]]:
    """Return the arguments of pytest for each run, in order."""
    path = Path(file)
    if part in ("cpu", "cuda"):
        sources = _including(path.parent, root, path.name)
    if part == "cpu":
        runs = [BESIDES[path.name]] if path.name in BESIDES else []
        stems = sorted(s.removesuffix(".cpp") for s in sources if s.endswith(".cpp"))
        if stems:
            chosen = " or ".join(f"[{stem}.cpp-" for stem in stems)
            runs.insert(0, ["tests/backends/native/test_paths.py", "-k", chosen])
    elif part == "cuda":
        stems = sorted(s.removesuffix(".cu") for s in sources if s.endswith(".cu"))
        runs = [[t for stem in stems if (root / (t := f"tests/backends/cuda/test_{stem}.py")).exists()]]
        if path.name == "conv_input_grad.cu":
            runs = [["tests/backends/cuda/test_conv.py"]]
    else:
        mirrored = [
            f"tests/{path.relative_to('minicnn').parent}/test_{path.name}",
            *([f"tests/test_{path.name}"] if part == "autograd" else []),
        ]
        runs = [[t] for t in dict.fromkeys(mirrored) if (root / t).exists()]
        if part == "ops":
            runs.append(["tests/ops/test_primitives.py", "-k", "not cuda"])
        if part == "nn":
            runs.append(["tests/nn/test_against_torch.py"])
    return [run for run in (*runs, WHOLE[part]) if run]


def _including(folder: Path, root: Path, name: str) -> set[str]:
    """Return the file and all files that include it, directly or through others."""
    found, before = {name}, set[str]()
    while found != before:
        before = set(found)
        for file in (root / folder).iterdir():
            included = re.findall(r'^#include "([^"]+)"', file.read_text(encoding="utf-8"), re.MULTILINE)
            if found & set(included):
                found.add(file.name)
    return found
