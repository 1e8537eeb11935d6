"""Tests of grids of pictures."""

import numpy as np
import pytest

import minicnn
from minicnn.data import read_image
from minicnn.errors import DataError, ShapeError
from minicnn.imaging.grid import make_grid, save_image


def test_pictures_lie_row_by_row_with_padding():
    pictures = np.arange(1, 6, dtype=np.float32).reshape(5, 1, 1, 1).repeat(2, 2).repeat(3, 3)
    grid = make_grid(pictures, nrow=3, padding=1, pad_value=9)
    assert (grid.shape, grid.dtype) == ((3, 7, 13), np.float32)
    row = [9, 1, 1, 1, 9, 2, 2, 2, 9, 3, 3, 3, 9]
    last = [9, 4, 4, 4, 9, 5, 5, 5, 9, 9, 9, 9, 9]
    expected = [[9] * 13, row, row, [9] * 13, last, last, [9] * 13]
    for channel in grid:
        np.testing.assert_array_equal(channel, expected)


@pytest.mark.parametrize("kind", ["tensor", "list", "tuple", "float64"])
def test_kinds_of_input(kind):
    pictures = np.random.default_rng(0).random((4, 3, 2, 2), np.float32)
    given = {
        "tensor": minicnn.tensor(pictures, requires_grad=True),
        "list": [minicnn.tensor(p) for p in pictures],
        "tuple": tuple(pictures),
        "float64": pictures.astype(np.float64),
    }[kind]
    np.testing.assert_array_equal(make_grid(given, nrow=2, padding=0), make_grid(pictures, nrow=2, padding=0))
    np.testing.assert_array_equal(make_grid(pictures, nrow=9, padding=0), np.concatenate(pictures, axis=2))


@pytest.mark.parametrize("shape", [(1, 1, 4, 5), (1, 4, 5), (4, 5), (3, 4, 5), (1, 3, 4, 5)])
def test_a_single_picture_has_no_padding(shape):
    picture = np.random.default_rng(0).random(shape, np.float32)
    assert make_grid(picture).shape == (3, 4, 5)
    np.testing.assert_array_equal(make_grid(picture)[-1], picture.reshape(-1, 4, 5)[-1])


def test_values_are_normalised_together_or_each():
    pictures = np.array([[0, 1], [2, 6]], np.float32).reshape(2, 1, 1, 2)
    np.testing.assert_allclose(make_grid(pictures, padding=0, normalize=True)[0], [[0, 1 / 6, 1 / 3, 1]])
    np.testing.assert_allclose(make_grid(pictures, padding=0, normalize=True, scale_each=True)[0], [[0, 1, 0, 1]])
    ranged = make_grid(pictures, padding=0, normalize=True, value_range=(1, 3))
    np.testing.assert_allclose(ranged[0], [[0, 0, 0.5, 1]])
    np.testing.assert_array_equal(make_grid(np.ones((2, 1, 1, 1)), padding=0, normalize=True), np.zeros((3, 1, 2)))


def test_a_grid_becomes_a_file(tmp_path):
    pictures = np.random.default_rng(0).random((3, 1, 4, 4), np.float32)
    save_image(pictures, tmp_path / "grid.png", nrow=2, padding=1)
    np.testing.assert_allclose(read_image(tmp_path / "grid.png"), make_grid(pictures, nrow=2, padding=1), atol=0.003)


def test_mistakes(tmp_path):
    with pytest.raises(ShapeError, match="pass pictures of the same shape"):
        make_grid([np.zeros((1, 2, 2)), np.zeros((1, 3, 2))])
    with pytest.raises(ShapeError, match="got none"):
        make_grid([])
    with pytest.raises(ShapeError, match=r"must be \(N, C, H, W\) and not empty, got \(0, 1, 4, 4\)"):
        make_grid(np.zeros((0, 1, 4, 4)))
    with pytest.raises(ShapeError, match="nrow must be at least 1 and padding at least 0, got 0 and 2"):
        make_grid(np.zeros((2, 1, 4, 4)), nrow=0)
    with pytest.raises(ShapeError, match="got 8 and -1"):
        make_grid(np.zeros((2, 1, 4, 4)), padding=-1)
    with pytest.raises(DataError, match="NaN"):
        save_image(np.full((2, 1, 4, 4), np.nan), tmp_path / "grid.png")
