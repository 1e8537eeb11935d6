"""Tests of contact sheets and loss curves: positions of the images, no overlaps, and errors."""

import sys

import numpy as np
import pytest

from minicnn.data.images import read_image
from minicnn.errors import DataError, MissingPackageError, ShapeError
from minicnn.imaging.figures import comparison_sheet, loss_curve

RED, GREEN, BLUE = (np.array(colour, np.float32)[:, np.newaxis, np.newaxis] for colour in np.eye(3))


def flat(colour, height, width):
    return np.broadcast_to(colour, (3, height, width))


def box(sheet, colour):
    """Return (top, bottom, left, right) of all pixels with exactly this colour, and whether they fill this box."""
    mask = (np.abs(sheet - colour) < 1e-6).all(axis=0)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return (top, bottom, left, right), mask[top:bottom, left:right].all()


class TestComparisonSheet:
    def draw(self, tmp_path, *arguments):
        comparison_sheet(tmp_path / "sheet.png", *arguments)
        return read_image(tmp_path / "sheet.png")

    def test_pictures_lie_side_by_side_whole_and_unscaled(self, tmp_path):
        sheet = self.draw(tmp_path, [[flat(RED, 200, 220), flat(GREEN, 200, 220)]], ["left", "right"])
        (top, bottom, left, right), filled = box(sheet, RED)
        assert filled
        assert (bottom - top, right - left) == (200, 220)
        (top_2, bottom_2, left_2, _), filled = box(sheet, GREEN)
        assert filled
        assert (top_2, bottom_2) == (top, bottom)
        assert left_2 == right + 12

    def test_gaps_of_12_pixels_and_lines_of_20_with_a_margin_of_4(self, tmp_path):
        sheet = self.draw(tmp_path, [[flat(RED, 192, 200)]], ["a"], [["b\nc"]])
        assert sheet.shape == (3, 12 + (4 + 20 + 4) + 192 + (4 + 2 * 20 + 4) + 12, 12 + 200 + 12)
        assert box(sheet, RED)[0] == (12 + 28, 12 + 28 + 192, 12, 12 + 200)

    def test_small_pictures_grow_by_a_whole_factor_to_sharp_squares(self, tmp_path):
        picture = np.zeros((3, 16, 32), np.float32)
        picture[:, 3, 5] = RED[:, 0, 0]
        sheet = self.draw(tmp_path, [[picture]], ["a"])
        (top, bottom, left, right), filled = box(sheet, RED)
        assert filled
        assert (bottom - top, right - left) == (6, 6)  # 32 * 6 = 192

    def test_sizes_stay_comparable_and_share_a_middle(self, tmp_path):
        sheet = self.draw(tmp_path, [[flat(RED, 32, 32), flat(GREEN, 28, 28)]], ["in", "out"])
        (top, bottom, *_), _ = box(sheet, RED)
        (top_2, bottom_2, *_), _ = box(sheet, GREEN)
        assert (bottom - top, bottom_2 - top_2) == (192, 168)
        assert top + bottom == top_2 + bottom_2

    def test_the_input_of_an_enlargement_is_shown_at_full_size(self, tmp_path):
        sheet = self.draw(tmp_path, [[flat(RED, 67, 67), flat(GREEN, 201, 201)]], ["small", "large"])
        (top, bottom, *_), _ = box(sheet, RED)
        assert bottom - top == 201

    def test_the_lines_of_a_caption_stand_below_one_another(self, tmp_path):
        sheet = self.draw(tmp_path, [[flat(RED, 192, 192)]], [""], [["EEE\nEEE\nEEE"]])
        (_, bottom, *_), _ = box(sheet, RED)
        ink = (sheet[:, bottom:] < 0.5).any(axis=(0, 2))
        assert (np.diff(ink.astype(int)) == 1).sum() == 3

    def test_captions_stand_below_their_picture_and_widen_the_column(self, tmp_path):
        long = "a caption that is a good deal wider than the picture above it"
        pictures = [[flat(RED, 192, 100), flat(GREEN, 192, 100)], [flat(BLUE, 192, 100), flat(GREEN, 192, 100)]]
        plain = self.draw(tmp_path, pictures, ["one", "two"])
        sheet = self.draw(tmp_path, pictures, ["one", "two"], [[long, "30.1 dB\n0.91"], ["", ""]])
        assert sheet.shape[2] > plain.shape[2] + 200
        (_, bottom, left, right), filled = box(sheet, RED)
        assert filled
        (top, *_), filled = box(sheet, BLUE)
        assert filled
        between = sheet[:, bottom + 2 : top - 2, 12:-12] < 0.5  # text pixels
        assert between.any()
        assert not between[:, -4:].any()
        ink = np.flatnonzero(between.any(axis=(0, 1)))
        assert ink[0] + 12 < left
        assert any(right < column + 12 for column in ink)

    def test_grey_pictures_and_many_formats(self, tmp_path):
        comparison_sheet(tmp_path / "sheet.jpg", [[np.full((1, 192, 192), 0.5)]], ["grey"])
        sheet = read_image(tmp_path / "sheet.jpg")
        np.testing.assert_allclose(sheet[:, 100, 100], 0.5, atol=0.02)

    @pytest.mark.parametrize(("text", "shown"), [("σ = 5", "sigma = 5"), ("Ω", "?")])
    def test_letters_that_the_font_lacks_are_replaced(self, tmp_path, text, shown):
        first = self.draw(tmp_path, [[flat(RED, 192, 192)]], [text])
        np.testing.assert_array_equal(first, self.draw(tmp_path, [[flat(RED, 192, 192)]], [shown]))

    @pytest.mark.parametrize(("rows", "titles"), [([], ["a"]), ([[]], [])])
    def test_no_picture_is_refused(self, tmp_path, rows, titles):
        message = (
            rf"^comparison_sheet: the figure must have at least 1 image, got {len(rows)} rows and {len(titles)} column"
        )
        with pytest.raises(ShapeError, match=message):
            self.draw(tmp_path, rows, titles)

    def test_numbers_that_differ_are_refused(self, tmp_path):
        row = [flat(RED, 8, 8)] * 2
        with pytest.raises(
            ShapeError, match=r"^comparison_sheet: row 1 has 1 images and 1 captions for 2 column titles"
        ):
            self.draw(tmp_path, [row, row[:1]], ["a", "b"])
        with pytest.raises(
            ShapeError, match=r"^comparison_sheet: row 0 has 2 images and 3 captions for 2 column titles"
        ):
            self.draw(tmp_path, [row], ["a", "b"], [["x", "y", "z"]])
        with pytest.raises(ShapeError, match=r"^comparison_sheet: 2 rows of images need 2 rows of captions, got 1"):
            self.draw(tmp_path, [row, row], ["a", "b"], [["x", "y"]])

    @pytest.mark.parametrize("shape", [(8, 8), (2, 8, 8), (1, 3, 8, 8), (3, 0, 8)])
    def test_what_is_no_picture_is_refused(self, tmp_path, shape):
        with pytest.raises(ShapeError, match=r"^comparison_sheet: images must be .* C = 1 or 3, row 0 has \("):
            self.draw(tmp_path, [[np.zeros(shape)]], ["a"])

    def test_nan_is_refused(self, tmp_path):
        with pytest.raises(DataError, match="NaN"):
            self.draw(tmp_path, [[np.full((3, 8, 8), np.nan)]], ["diverged"])
        assert list(tmp_path.iterdir()) == []


class TestLossCurve:
    def test_it_draws_every_curve_in_its_colour(self, tmp_path):
        rng = np.random.default_rng(0)
        losses = np.exp(-np.linspace(0, 5, 400)) * rng.uniform(0.7, 1.3, 400)
        loss_curve(tmp_path / "loss.png", {"training": losses.tolist(), "held out": losses[39::40].tolist()}, title="T")
        picture = read_image(tmp_path / "loss.png")
        assert picture.shape == (3, 600, 960)
        for colour in (0x1F77B4, 0xFF7F0E):  # matplotlib's first two colours
            rgb = np.array([colour >> 16, colour >> 8 & 255, colour & 255])[:, np.newaxis, np.newaxis] / 255
            _, _, columns = np.nonzero(np.broadcast_to((np.abs(picture - rgb) < 0.02).all(axis=0), picture.shape))
            assert columns.max() - columns.min() > 500  # full width, also with a tenth of the values

    @pytest.mark.parametrize("losses", [[0.5], [1.0, 0.0, 0.5], [1.0, float("nan"), float("inf"), 0.1], [1, 2, 3]])
    def test_odd_values_leave_a_gap(self, tmp_path, losses):
        loss_curve(tmp_path / "loss.png", {"training": losses, "nothing yet": []})
        assert read_image(tmp_path / "loss.png").shape == (3, 600, 960)

    @pytest.mark.parametrize("losses", [{}, {"training": []}, {"training": [0.0, float("nan")]}])
    def test_nothing_to_draw_is_refused(self, tmp_path, losses):
        with pytest.raises(
            DataError, match=r"^loss_curve: a logarithmic axis needs finite positive values, got \{.*; check"
        ):
            loss_curve(tmp_path / "loss.png", losses)

    def test_a_missing_matplotlib_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        message = r"^loss_curve: needs matplotlib, which is not installed; .* pip install 'minicnn\[viz\]'$"
        with pytest.raises(MissingPackageError, match=message):
            loss_curve(tmp_path / "loss.png", {"training": [1.0]})

    def test_it_leaves_the_figures_of_others_alone(self, tmp_path):
        import matplotlib.pyplot as plt

        loss_curve(tmp_path / "loss.png", {"training": [1.0, 0.5]})
        assert plt.get_fignums() == []
