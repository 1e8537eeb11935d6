"""Tests of command-line arguments: numbers and folders."""

import argparse
import sys

import pytest

from minicnn.cli.arguments import Parser, add_device, count, output_folder, positive, seed
from minicnn.runtime.devices import CPU


def test_good_ones(tmp_path):
    assert (count("1"), count(" 12 "), seed("0"), positive("3e-3")) == (1, 12, 0, 0.003)
    assert output_folder(str(tmp_path)) == tmp_path
    assert output_folder(str(tmp_path / "new")) == tmp_path / "new"


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "", "nan", "+-1"])
def test_bad_counts(text):
    with pytest.raises(argparse.ArgumentTypeError, match="must be an integer of at least 1, got "):
        count(text)


@pytest.mark.parametrize("text", ["-1", "0.5", "x"])
def test_bad_seeds(text):
    with pytest.raises(argparse.ArgumentTypeError, match="must be an integer of at least 0, got "):
        seed(text)


@pytest.mark.parametrize("text", ["0", "-1e-3", "inf", "nan", "fast"])
def test_bad_rates(text):
    with pytest.raises(argparse.ArgumentTypeError, match="must be a number above 0, got "):
        positive(text)


def test_a_file_is_no_folder_to_write_into(tmp_path):
    (tmp_path / "x").touch()
    with pytest.raises(argparse.ArgumentTypeError, match=r"'.*x' is a file; name a folder"):
        output_folder(str(tmp_path / "x"))


def test_devices():
    parser = Parser(prog="p")
    add_device(parser)
    assert parser.parse_args([]).device is parser.parse_args(["--device", "cpu"]).device is CPU
    with pytest.raises(SystemExit):
        parser.parse_args(["--device", "abacus"])


def test_a_device_that_does_not_work_says_why(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    parser = Parser(prog="p")
    add_device(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--device", "cuda"])
    assert "argument --device: cuda needs CuPy, which is not installed; install it with" in capsys.readouterr().err
