"""Tests of `minicnn bench`."""

import json
import sys
from types import SimpleNamespace

import pytest

from minicnn.cli import bench as module
from minicnn.profiling import timing

SMALL = ("--shape", "batch=1", "--shape", "channels=2", "--shape", "size=8", "--repeats", "1")


@pytest.fixture(autouse=True)
def _small_buffer(monkeypatch):
    monkeypatch.setattr(timing, "FLUSH_BYTES", 1024)
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.usefixtures("gpu")
def test_times_are_shown_and_written(run, tmp_path):
    result = run("bench", "kernels", "relu", "max_pool/slab", *SMALL, "--out", tmp_path / "times.json")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("device ")
    assert "relu: 1 x 2 x 8 x 8" in lines
    assert sum(line.split() == ["kernel", "ms", "TFLOP/s", "GB/s", "of", "the", "bound"] for line in lines) >= 2
    rows = {line.split()[0]: line.split() for line in lines if line and line.split()[0] in ("vec4", "direct", "slab")}
    assert set(rows) == {"vec4", "direct", "slab"}
    assert all(len(row) == 5 and float(row[1]) > 0 for row in rows.values())
    assert lines[-1] == str(tmp_path / "times.json")
    saved = json.loads((tmp_path / "times.json").read_text())
    assert saved["device"]
    assert (saved["dtype"], saved["repeats"]) == ("float32", 1)
    assert {"relu", "max_pool"} <= {entry["workload"] for entry in saved["times"]}
    assert all(entry["milliseconds"] > 0 for entry in saved["times"])


@pytest.mark.usefixtures("gpu")
def test_a_known_gpu_gets_its_bound(run, monkeypatch):
    about = timing.about_gpu()
    monkeypatch.setattr(module, "about_gpu", lambda: {**about, "device": "NVIDIA H100 80GB HBM3"})
    result = run("bench", "kernels", "relu/direct", *SMALL)
    assert "device NVIDIA H100" in result.out
    assert result.out.splitlines()[-1].endswith("%")


def test_without_a_gpu_it_refuses_and_names_what_can_be_done(mistake, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False)))
    line = mistake("bench", "kernels")
    assert line.startswith("minicnn bench: times need a GPU, and cuda needs an NVIDIA GPU with its driver")
    assert "'minicnn kernels report' analyses the machine code" in line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "minicnn bench: the following arguments are required: PART"),
        (("kernels", "--repeats", "0"), "argument --repeats: must be an integer of at least 1, got 0"),
        (("layers",), "invalid choice: 'layers'"),
    ],
)
def test_wrong_arguments(mistake, arguments, line):
    assert line in mistake("bench", *arguments)
