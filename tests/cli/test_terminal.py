"""Tests of pictures in a terminal: colours, sizes, and where there are none."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from minicnn.cli.terminal import picture_lines, shows_pictures


def file(pixels):
    content = io.BytesIO()
    Image.fromarray(np.uint8(pixels)).save(content, "PNG")
    return content.getvalue()


def test_a_letter_shows_two_pixels():
    red, blue, green, white = (255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 255)
    (line,) = picture_lines(file([[red, green], [blue, white]]), 2)
    block = "\N{UPPER HALF BLOCK}"
    assert line == (
        f"\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m{block}\x1b[38;2;0;255;0m\x1b[48;2;255;255;255m{block}\x1b[0m"
    )


@pytest.mark.parametrize(("height", "width", "columns", "rows"), [(40, 80, 20, 5), (1, 100, 10, 1), (30, 10, 4, 6)])
def test_the_picture_keeps_its_shape(height, width, columns, rows):
    lines = picture_lines(file(np.full((height, width, 3), 9)), columns)
    assert len(lines) == rows
    assert {line.count("\N{UPPER HALF BLOCK}") for line in lines} == {columns}


def test_pixels_are_averaged():
    (line,) = picture_lines(file(np.float32([[[0], [200]] * 4] * 8).repeat(3, 2)), 1)
    assert "38;2;100;100;100" in line


@pytest.mark.parametrize(
    ("terminal", "encoding", "variables", "expected"),
    [
        (True, "utf-8", {}, True),
        (False, "utf-8", {}, False),
        (True, "ascii", {}, False),
        (True, "UTF-8", {"NO_COLOR": "1"}, False),
        (True, "UTF-8", {"NO_COLOR": ""}, True),
        (True, "UTF-8", {"TERM": "dumb"}, False),
    ],
)
def test_pictures_need_a_terminal_with_colours(terminal, encoding, variables, expected, monkeypatch):
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    output.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert shows_pictures() == expected
