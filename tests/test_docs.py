"""Tests of the documents: Python code compiles, examples give the shown output, links have a target."""

import doctest
import re
from pathlib import Path

import pytest

from tests.conftest import MISSING

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(path for folder in ("docs", "kernels", "benchmarks") for path in (ROOT / folder).rglob("*.md")),
]
FENCE = re.compile(r"^( *)```(.*?)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)[^)]*\)")


def python_blocks(text: str) -> list[tuple[int, str]]:
    """Return (line number, code) of every ```python block."""
    return [
        (text[: match.start(3)].count("\n"), match[3])
        for match in FENCE.finditer(text)
        if match[2].strip() in {"python", "py", "pycon"}
    ]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings: lower case, hyphens for spaces."""
    headings = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text()))
    broken = []
    for link in LINK.findall(prose):
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            broken.append(link)
    return broken


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def page(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_python_compiles_and_examples_hold(page, tmp_path, monkeypatch, own_primitives):
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    names: dict[str, object] = {}  # the examples of a page share variables
    for line, code in python_blocks(page.read_text()):
        if re.search("cudasim|backends.cuda", code) and MISSING["cudasim"]:
            break  # the rest of the page needs the simulator
        if ">>>" in code:
            example = doctest.DocTestParser().get_doctest(code, names, f"{page.name}:{line}", str(page), line)
            runner.run(example, clear_globs=False)
            names = example.globs
        else:
            compile(code, f"{page}:{line}", "exec")
    assert runner.summarize(verbose=False).failed == 0


def test_links_lead_somewhere(page):
    assert broken_links(page) == []


def test_the_link_checker_finds_what_is_planted(tmp_path):
    (tmp_path / "other.md").write_text("# A heading, with `code`\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Top\n[a](other.md) [b](other.md#a-heading-with-code) [c](#top) [d](https://example.org)\n"
        "![e](missing.png) [f](other.md#nothing) `[g](code)`\n```\n[h](code)\n```\n"
    )
    assert broken_links(page) == ["missing.png", "other.md#nothing"]


def test_python_blocks_are_found():
    text = "text\n```python\nx = 1\n```\n```sh\nmake\n```\n  ```py\n  y = 2\n  ```\n"
    assert [line for line, _ in python_blocks(text)] == [2, 8]
