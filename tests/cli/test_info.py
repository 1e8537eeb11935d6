"""Tests of `minicnn info`."""

import sys

import numpy as np

import minicnn
from minicnn.cli import info
from minicnn.models import CNNGenerator
from minicnn.runtime.dispatch import operations
from minicnn.training import save_model


def test_what_runs_here(run):
    result = run("info")
    assert result.code == 0
    assert f"minicnn {minicnn.__version__}, Python 3." in result.out
    assert f"NumPy {np.__version__}" in result.out
    assert "threads" in result.out
    assert "device cpu:" in result.out
    line = next(line for line in result.out.splitlines() if line.startswith("  conv "))
    assert line.endswith("reference/reference")
    assert "conv" in operations()


def test_which_kernels_run_on_the_cpu(run, monkeypatch):
    monkeypatch.setattr(info, "missing", lambda: "")
    monkeypatch.setattr(info, "compiler", lambda: ("/usr/bin/g++", "g++ 12.2.0"))
    assert f"native kernels: g++ 12.2.0, {minicnn.get_num_threads()} threads\n" in run("info").out
    monkeypatch.setattr(info, "missing", lambda: "kernels: no C++ compiler was found")
    assert "native kernels: none, no C++ compiler was found\n" in run("info").out


def test_kernels_can_be_built_ahead(run, monkeypatch):
    monkeypatch.setattr(info, "build_all", lambda: ["a.so", "b.so"])
    assert run("info", "--build").out == "2 native libraries are ready\n"
    monkeypatch.setattr(info, "build_all", list)
    monkeypatch.setattr(info, "missing", lambda: "kernels: no C++ compiler was found")
    assert run("info", "--build").out == "nothing is built: kernels: no C++ compiler was found\n"


def test_what_an_editor_is(run, model):
    result = run("info", model)
    assert result.code == 0
    assert "architecture: ResidualEditor" in result.out
    assert "task: denoise" in result.out
    assert "head.weight              float32 (4, 12, 3, 3)" in result.out


def test_what_another_model_is(run, tmp_path):
    save_model(tmp_path / "g.safetensors", CNNGenerator(), architecture="CNNGenerator", arguments={})
    result = run("info", tmp_path / "g.safetensors")
    assert "architecture: CNNGenerator" in result.out
    assert f"{sum(p.numel() for p in CNNGenerator().parameters()):,} numbers in 8 tensors" in result.out


def test_a_file_that_is_no_model(mistake, tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"not a model")
    assert "x.safetensors' is damaged, or not a safetensors file" in mistake("info", tmp_path / "x.safetensors")
    assert "there is a folder" in mistake("info", tmp_path)


def test_a_device_that_is_missing_and_why(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert "device cuda is not available: cuda needs CuPy, which is not installed" in run("info").out
