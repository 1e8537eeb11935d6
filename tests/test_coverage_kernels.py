"""Tests of the coverage report: each reason is for a line that exists."""

from tests.coverage_kernels import KERNELS, REASONS


def test_every_reason_is_of_a_line():
    for name, line in (key.split(": ", 1) for key in REASONS):
        assert line in map(str.strip, (KERNELS / name).read_text(encoding="utf-8").splitlines())
