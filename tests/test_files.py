"""Tests of the source tree: files are short, and their names describe their content."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "minicnn"
LONGEST = 400  # lines
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "misc", "common"}


def test_no_file_is_too_long():
    lengths = {path.relative_to(PACKAGE): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert lengths
    assert {str(path): length for path, length in lengths.items() if length > LONGEST} == {}


def test_every_name_says_what_is_inside():
    names = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")]
    names = [name.relative_to("nn/utils") if name.is_relative_to("nn/utils") else name for name in names]
    assert [str(name) for name in names if SAYS_NOTHING.intersection(name.with_suffix("").parts)] == []
