"""Tests of the plots of a benchmark run."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import pytest

from benchmarks import plots
from tests.benchmarks.made_up import run


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    yield
    plt.close("all")


def test_three_pictures_are_drawn(tmp_path):
    plots.draw(run(), tmp_path / "plots")
    pictures = sorted((tmp_path / "plots").iterdir())
    assert [p.name for p in pictures] == ["growth.png", "ratios.png", "roofline.png"]
    assert all(p.stat().st_size > 10_000 for p in pictures)


def test_the_ratios_have_a_dot_for_each_case():
    figure = plots.ratios(run())
    drawn = [len(dots.get_xdata()) for dots in figure.axes[0].lines if dots.get_marker() == "o"]
    assert sum(drawn) == 1 + 1 + 2 + 2 + 1 + 2 + 1 + 1  # dots per goal: minicnn and NumPy, without the failed case


def test_the_roofline_has_the_machine_for_its_roof():
    axes = plots.roofline(run()).axes[0]
    assert max(axes.lines[0].get_ydata()) == 300
    (x,), (y,) = next((d.get_xdata(), d.get_ydata()) for d in axes.lines if d.get_label() == "minicnn")
    assert (x, y) == (100, 1)  # 1e9 operations, 1e7 bytes, one second


def test_growth_counts_images_pixels_and_threads():
    left, middle, right = plots.growth(run()).axes
    assert list(left.lines[0].get_xdata()) == [1, 64]
    assert list(middle.lines[0].get_xdata()) == [32, 64]
    assert [bar.get_width() for bar in right.patches] == [1, 1, 1]
