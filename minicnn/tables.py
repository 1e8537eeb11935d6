"""Tables as aligned text, for terminals, and as HTML, for notebooks."""

from collections.abc import Sequence
from html import escape

__all__ = ["html_table", "text_table"]


def text_table(rows: Sequence[Sequence[str]], left: Sequence[int] = (0, 1)) -> str:
    """Return rows as aligned text. Columns in `left` and the last column are left-aligned, the others right-aligned."""
    size = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def cell(text: str, column: int) -> str:
        return text.ljust(size[column]) if column in left or column == len(size) - 1 else text.rjust(size[column])

    return "\n".join("  ".join(cell(text, column) for column, text in enumerate(row)).rstrip() for row in rows)


def html_table(rows: Sequence[Sequence[str]], left: Sequence[int] = (0, 1), details: Sequence[str] = ()) -> str:
    """Return rows as an HTML table; the first row is its head. It has the colours of the page, light or dark.

    Parameters
    ----------
    rows : sequence of rows
        Texts, not HTML.
    left : sequence of int
        The columns that are left-aligned, beside the last one.
    details : sequence of str
        A longer text for each row but the first. A click on the row's last cell opens it.
    """
    last = len(rows[0]) - 1

    def cell(tag: str, text: str, column: int, more: str = "") -> str:
        side = "left" if column in left or column == last else "right"
        content = escape(text)
        if more:
            content = f"<details><summary>{content}</summary><pre>{escape(more)}</pre></details>"
        return f'<{tag} style="text-align:{side}; vertical-align:top; white-space:pre">{content}</{tag}>'

    lines = ["".join(cell("th", text, column) for column, text in enumerate(rows[0]))]
    for number, row in enumerate(rows[1:]):
        more = [""] * last + [details[number] if details else ""]
        lines.append("".join(cell("td", text, column, more[column]) for column, text in enumerate(row)))
    head, *body = (f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"
