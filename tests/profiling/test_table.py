"""Tests of the table in kernels/README.md: it is complete and up to date."""

import pytest

from minicnn.backends.build import kernel_folder
from minicnn.errors import KernelError
from minicnn.profiling import table as module
from minicnn.profiling.ladder import sources
from minicnn.profiling.nvrtc import nvrtc_version
from minicnn.profiling.report import Traffic
from minicnn.profiling.table import BEGIN, END, STATIC, replace_table, rows, table

PAGE = kernel_folder() / "README.md"
STALE = "the table is not that of the kernels as they are; run: minicnn kernels table"


def committed() -> dict[str, list[str]]:
    """Return the rows of the table in the page, by entry."""
    _, _, rest = PAGE.read_text().partition(BEGIN)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in rest.partition(END)[0].splitlines()]
    return {row[0]: row for row in cells if row[0].startswith("`")}


def test_the_page_has_a_table():
    text = PAGE.read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    assert len(committed()) > 20


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize("file", sources())
def test_the_table_in_the_page_is_up_to_date(file):
    now, then = list(rows(sources()[file])), committed()
    assert [row[0] for row in now if row[0] not in then] == [], STALE
    if f"NVRTC {nvrtc_version()};" not in PAGE.read_text():
        pytest.skip("the table was made with another compiler")
    for row in now:
        assert then[row[0]][: len(STATIC)] == row, STALE


@pytest.mark.usefixtures("wheels")
def test_entries_that_are_gone_are_not_in_the_page():
    entries = {f"`{entry}`" for source in sources().values() for entry in source.entries}
    assert committed().keys() <= entries, STALE


@pytest.mark.usefixtures("wheels")
def test_the_table_has_every_entry_and_what_was_counted(monkeypatch):
    monkeypatch.setattr(module, "count", lambda rungs: {"relu_direct": Traffic("a call", 1.5, 1.25, None)})
    lines = table().splitlines()
    assert lines[0].startswith("float32, compiled by NVRTC ")
    found = [line for line in lines if line.startswith("| `")]
    assert len(found) == sum(len(source.entries) for source in sources().values())
    (relu,) = (line for line in found if line.startswith("| `relu_direct` "))
    assert relu.endswith(" | 1 LDG.32, 1 STG.32 | 1.50 | 1.25 | - |")
    assert sum(line.endswith("| - | - | - |") for line in found) == len(found) - 1


def test_the_table_is_put_between_the_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    replace_table(page, "new\n")
    replace_table(page, "newer\n")
    assert page.read_text() == f"before\n{BEGIN}\nnewer\n\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["nothing", BEGIN, END])
def test_a_page_without_markers_is_refused(tmp_path, text):
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(
        KernelError, match=r"page\.md must have the lines '<!-- made by: minicnn kernels table -->' and "
    ):
        replace_table(tmp_path / "page.md", "new\n")
