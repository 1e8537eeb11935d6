"""Tests of the data of the classifier of clothes."""

import numpy as np

from minicnn.generation.pictures import PictureSet
from recipes.clothes import Flipped


def test_half_of_the_pictures_are_flipped():
    pictures = np.zeros((200, 1, 4, 4), np.uint8)
    pictures[:, :, :, 0] = 255  # light at the left
    data = Flipped(PictureSet(pictures, np.arange(200)))
    found = [data[i] for i in range(len(data))]
    assert [label for _, label in found] == list(range(200))
    left = np.array([picture[0, 0, 0] == 1 for picture, _ in found])
    right = np.array([picture[0, 0, 3] == 1 for picture, _ in found])
    assert (left != right).all()
    assert 70 < left.sum() < 130
    again = np.array([data[i][0][0, 0, 0] == 1 for i in range(200)])
    np.testing.assert_array_equal(again, left)
    other = data.at_epoch(1)
    assert any((other[i][0] != found[i][0]).any() for i in range(200))
