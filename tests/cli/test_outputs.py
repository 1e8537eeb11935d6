"""Tests of the plan of `minicnn edit`: names of results. tests/cli/test_edit.py tests the rest through the command."""

from pathlib import Path

import pytest

from minicnn.cli.outputs import plan
from minicnn.errors import DataError


def outputs(names, folder=None, suffix=None, file_format=None, recursive=False, compare=False):
    return [
        str(job.output)
        for job in plan(map(str, names), folder, suffix, file_format, recursive=recursive, compare=compare)
    ]


@pytest.fixture
def folder(tmp_path):
    for name in ("b.jpg", "a.PNG", "c.ico", "notes.txt", ".d.png", "deep/b.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["a-edited.PNG", "b-edited.jpg", "c-edited.png"]),
        ({"suffix": "_2"}, ["a_2.PNG", "b_2.jpg", "c_2.png"]),
        ({"file_format": "tif"}, ["a-edited.tif", "b-edited.tif", "c-edited.tif"]),
        ({"recursive": True}, ["a-edited.PNG", "b-edited.jpg", "c-edited.png", "deep/b-edited.jpg"]),
    ],
)
def test_names_beside_the_photos(folder, options, expected):
    assert outputs([folder], **options) == [str(folder / name) for name in expected]


def test_names_in_a_folder(folder):
    out = Path("out")
    assert outputs([folder], out, recursive=True) == ["out/a.PNG", "out/b.jpg", "out/c.png", "out/deep/b.jpg"]
    assert outputs([folder / "deep" / "b.jpg"], out) == ["out/b.jpg"]
    assert outputs([folder / "*.jpg"], out, "-x") == ["out/b-x.jpg"]


def test_two_results_of_one_name(folder):
    with pytest.raises(DataError, match=r"deep/b\.jpg' and '.*/b\.jpg' would both be written to out/b\.jpg"):
        outputs([folder / "deep" / "b.jpg", folder / "b.jpg"], Path("out"))


def test_a_result_must_not_be_a_photo(folder):
    (folder / "b-edited.jpg").touch()
    with pytest.raises(DataError, match=r"b-edited\.jpg is one of the photos and would be overwritten"):
        outputs([folder / "b.jpg", folder / "b-edited.jpg"])
    assert outputs([folder / "b.jpg"]) == [str(folder / "b-edited.jpg")]


def test_a_comparison_must_not_replace_a_photo(folder):
    (folder / "b-edited-compare.jpg").touch()
    with pytest.raises(DataError, match=r"b-edited-compare\.jpg is one of the photos"):
        outputs([folder / "b.jpg", folder / "b-edited-compare.jpg"], compare=True)
    assert outputs([folder / "b.jpg"], compare=True) == [str(folder / "b-edited.jpg")]
