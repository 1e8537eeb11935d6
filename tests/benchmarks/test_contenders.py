"""Tests of the contenders' processes: requests, errors, time limits and environment."""

import os
import signal
import time
from pathlib import Path

import pytest

from benchmarks import contenders
from benchmarks.contenders import CONTENDERS, OURS, PEERS, Contender, Process, environment, missing


def test_nobody_else_sets_the_speed(monkeypatch):
    for name in ("OPENBLAS_CORETYPE", "MALLOC_ARENA_MAX", "OMP_WAIT_POLICY", "HOME"):
        monkeypatch.setenv(name, "x")
    found = environment(2, {"MALLOC_TOP_PAD_": "1"})
    assert not {"OPENBLAS_CORETYPE", "MALLOC_ARENA_MAX", "OMP_WAIT_POLICY"} & found.keys()
    assert found["OMP_NUM_THREADS"] == found["OPENBLAS_NUM_THREADS"] == "2"
    assert found["MALLOC_TOP_PAD_"] == "1"
    assert found["HOME"] == "x"


def test_only_pytorch_at_its_best_has_its_allocator_tuned():
    assert [name for name, c in CONTENDERS.items() if any("MALLOC" in v for v in c.variables)] == ["torch"]
    assert set(OURS) | set(PEERS) | {"torch", "torch-default"} == set(CONTENDERS)


def test_who_is_missing_says_why(monkeypatch, tmp_path):
    monkeypatch.setitem(CONTENDERS, "chainer", Contender("Chainer", python=tmp_path / "bin/python"))
    assert (
        missing("chainer") == "there is no .venv-bench-old: `make bench` builds it where those packages still install"
    )
    monkeypatch.setattr(contenders.shutil, "which", lambda name: None)
    assert missing("tinygrad") == "it compiles its kernels with clang, which is not installed"
    assert missing("minicnn") == ""


def test_a_process_answers_and_is_stopped_in_between():
    with Process("minicnn") as process:
        assert process.ask("versions")["library"]
        assert process._child is not None
        stat = Path(f"/proc/{process._child.pid}/stat")
        while stat.read_text().rpartition(") ")[2][0] != "T":  # waits until the process is stopped
            time.sleep(0.001)
        before = process.ticks()
        assert before > 0
        assert process.ask("time", calls=1, warm=False)["failed"].startswith("TypeError")  # no case was prepared
        assert process.ticks() >= before
    assert process._child is None
    assert not stat.exists()


def test_a_process_that_dies_says_so_and_starts_again():
    with Process("minicnn") as process:
        process.ask("versions")
        assert process._child is not None
        os.kill(process._child.pid, signal.SIGKILL)
        assert process.ask("versions") == {"failed": "the process ended with status -9"}
        assert process.ask("versions")["library"]


def test_who_takes_longer_than_there_is_patience_for_is_ended():
    with Process("minicnn") as process:
        process.ask("versions")
        assert process._child is not None
        pid = process._child.pid
        assert process.ask("memory", 0.001, case="training: U-Net, 4 of 64², step") == {"longer": 0.001}
        assert not Path(f"/proc/{pid}").exists()
        assert process.ask("versions", 60)["library"]


def test_an_interrupted_process_is_not_waited_for():
    process = Process("minicnn")
    process.ask("versions")
    child = process._child
    assert child is not None
    process.__exit__(KeyboardInterrupt)
    assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize("name", ["numpy", "reference"])
def test_a_rung_runs_no_kernel_of_a_higher_one(name, tmp_path):
    import numpy as np

    exact = tmp_path / "exact.npz"
    np.savez(exact, output=np.zeros((64, 64, 16, 16)))
    key = "conv: CNNGenerator 32→64, 64 of 16², 3×3, forward"
    with Process(name) as process:
        kernels = process.ask("prepare", case=key, exact=str(exact))["kernels"]
    assert kernels["conv"].startswith(f"{name}/")
