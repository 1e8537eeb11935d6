"""Tests of `minicnn demo`: its arguments and errors. tests/imaging tests the demonstration itself."""

from pathlib import Path

import pytest

from minicnn.cli import demo
from minicnn.errors import MissingPackageError


@pytest.fixture
def calls(monkeypatch):
    calls = []
    monkeypatch.setattr(demo, "run_demo", lambda folder, **options: calls.append((folder, options)))
    return calls


def test_defaults_and_arguments(run, calls, tmp_path):
    assert run("demo").code == 0
    assert run("demo", "--out", tmp_path, "--quick", "--seed", 3).code == 0
    assert calls == [(Path("runs/demo"), {"quick": False, "seed": 0}), (tmp_path, {"quick": True, "seed": 3})]


def test_mistakes(mistake, calls, tmp_path, monkeypatch):
    (tmp_path / "x").touch()
    assert f"argument --out: '{tmp_path / 'x'}' is a file; name a folder" in mistake("demo", "--out", tmp_path / "x")
    assert "argument --seed: must be an integer of at least 0, got -1" in mistake("demo", "--seed", "-1")

    def lacks(*arguments, **options):
        raise MissingPackageError("load_photo: needs scikit-image; install it with: pip install 'minicnn[data]'")

    monkeypatch.setattr(demo, "run_demo", lacks)
    assert "pip install 'minicnn[data]'" in mistake("demo")


def test_ctrl_c(run, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt("training stopped after step 3; resume from 'x'")  # the demo cannot resume

    monkeypatch.setattr(demo, "run_demo", stop)
    result = run("demo")
    assert (result.code, result.err.strip()) == (
        130,
        "minicnn demo: stopped; the same command starts from the beginning",
    )
