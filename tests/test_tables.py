"""Tests of tables as text and as HTML."""

from minicnn.tables import html_table, text_table

ROWS = [["a", "b", "number", "last"], ["long", "x", "7", "text"], ["", "xy", "123456", ""]]


def test_text_is_aligned():
    assert text_table(ROWS) == "a     b   number  last\nlong  x        7  text\n      xy  123456"
    assert text_table(ROWS, left=(0,)).splitlines()[1] == "long   x       7  text"


def test_html_has_a_head_and_rows_and_shows_texts_as_they_are():
    html = html_table([["n", "<b>"], ["1", "x < y & z"]], left=())
    assert html.startswith('<table><thead><tr><th style="text-align:right; vertical-align:top; white-space:pre">n</th>')
    assert "&lt;b&gt;" in html
    assert (
        '<td style="text-align:left; vertical-align:top; white-space:pre">x &lt; y &amp; z</td></tr></tbody></table>'
        in html
    )


def test_details_open_in_the_last_column_of_their_row():
    html = html_table([["n", "name"], ["1", "one"], ["2", "two"]], details=["", "more <than> two"])
    assert html.count("<details>") == 1
    assert "<details><summary>two</summary><pre>more &lt;than&gt; two</pre></details>" in html
