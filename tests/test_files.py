"""Tests of the source tree: files are short, and their names describe their content."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "minicnn"
LONGEST = 400  # lines
PYTORCHS = ("utils", "nn/utils", "nn/modules/utils")  # names that programs import
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "misc", "common"}


def test_no_file_is_too_long():
    lengths = {path.relative_to(PACKAGE): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert lengths
    assert {str(path): length for path, length in lengths.items() if length > LONGEST} == {}


def test_every_name_says_what_is_inside():
    paths = [path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py")]
    own = [path for path in paths if not any(path.is_relative_to(name) for name in PYTORCHS)]
    assert 0 < len(own) < len(paths)
    assert [str(path) for path in own if SAYS_NOTHING.intersection(path.parts)] == []
