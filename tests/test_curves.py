"""Tests of curves as SVG."""

import re
from xml.etree import ElementTree

import pytest

from minicnn.curves import svg_curve


def points(svg):
    path = re.search(r' d="([^"]*)"', svg)[1]
    return [(kind, float(x), float(y)) for kind, x, y in re.findall(r"([ML])(\S+) ([^ML]+)", path)]


def test_a_curve_fills_its_frame_and_names_its_values():
    svg = svg_curve("loss", [3.0, 1.0, 2.0])
    assert points(svg) == [("M", 4.0, 4.0), ("L", 210.0, 116.0), ("L", 416.0, 60.0)]
    assert "loss: 1 to 3, last 2" in svg
    ElementTree.fromstring(svg)  # well formed


def test_values_that_are_not_finite_leave_a_gap():
    svg = svg_curve("a < b", [0.0, 1.0, float("nan"), 1.0, 0.0])
    assert [kind for kind, *_ in points(svg)] == ["M", "L", "M", "L"]
    assert "a &lt; b: 0 to 1, last 0" in svg


@pytest.mark.parametrize(("values", "text"), [([], "loss: no values"), ([5.0], "loss: 5 to 5, last 5")])
def test_no_value_or_one(values, text):
    assert text in svg_curve("loss", values)


def test_a_long_curve_shows_means():
    svg = svg_curve("loss", [float(i) for i in range(1000)])
    assert len(points(svg)) == 334
    assert "loss: 1 to 999" in svg
