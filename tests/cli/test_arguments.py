"""Numbers and folders as arguments."""

import argparse

import pytest

from minicnn.cli.arguments import count, output_folder, positive, seed


def test_good_ones(tmp_path):
    assert (count("1"), count(" 12 "), seed("0"), positive("3e-3")) == (1, 12, 0, 0.003)
    assert output_folder(str(tmp_path)) == tmp_path
    assert output_folder(str(tmp_path / "new")) == tmp_path / "new"


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "", "nan", "+-1"])
def test_bad_counts(text):
    with pytest.raises(argparse.ArgumentTypeError, match="must be a whole number of at least 1, got "):
        count(text)


@pytest.mark.parametrize("text", ["-1", "0.5", "x"])
def test_bad_seeds(text):
    with pytest.raises(argparse.ArgumentTypeError, match="must be a whole number of at least 0, got "):
        seed(text)


@pytest.mark.parametrize("text", ["0", "-1e-3", "inf", "nan", "fast"])
def test_bad_rates(text):
    with pytest.raises(argparse.ArgumentTypeError, match="must be a number above 0, got "):
        positive(text)


def test_a_file_is_no_folder_to_write_into(tmp_path):
    (tmp_path / "x").touch()
    with pytest.raises(argparse.ArgumentTypeError, match=r"'.*x' is a file; name a folder"):
        output_folder(str(tmp_path / "x"))
