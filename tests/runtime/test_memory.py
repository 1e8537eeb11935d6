"""Test that the process keeps freed memory, so the next large array has no page faults."""

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from minicnn.runtime.memory import keep_freed

GLIBC = platform.libc_ver()[0] == "glibc"
FAULTS = """
import resource
import numpy as np
import minicnn

def touch():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.empty(1 << 24, np.uint8).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

minicnn.relu(minicnn.ones(3))
touch()
print(min(touch() for _ in range(5)))
"""


def faults(**settings: str) -> int:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    result = subprocess.run(
        [sys.executable, "-c", FAULTS], env={**environment, **settings}, capture_output=True, text=True, check=True
    )
    return int(result.stdout)


@pytest.mark.skipif(not GLIBC, reason="glibc's settings")
def test_a_large_array_is_warm_the_second_time():
    assert faults() < 10


@pytest.mark.skipif(not GLIBC, reason="glibc's settings")
def test_who_has_settings_of_his_own_keeps_them():
    assert faults(MALLOC_MMAP_THRESHOLD_="65536") >= 8  # 16 MB: thousands of pages, or 8 large ones


def test_another_c_library_is_left_alone(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("MALLOC_", "GLIBC_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert keep_freed.__wrapped__() is False


@pytest.mark.parametrize("taken", [[1, 1], [0, 1, 1]])
def test_versions_that_take_no_large_threshold_map_nothing(monkeypatch, taken):
    for name in list(os.environ):
        if name.startswith(("MALLOC_", "GLIBC_")):
            monkeypatch.delenv(name)
    asked = []

    class Library:
        @staticmethod
        def mallopt(what, value):
            asked.append(what)
            return taken[len(asked) - 1]

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library)
    assert keep_freed.__wrapped__() is True
    assert asked == ([-3, -1] if taken[0] else [-3, -4, -1])


def test_own_settings_are_seen(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    assert keep_freed.__wrapped__() is False
