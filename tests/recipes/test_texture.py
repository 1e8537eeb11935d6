"""Tests of the data of the texture classifier: held-out parts, patches with their numbers."""

import numpy as np
import pytest

import minicnn
from recipes.texture import PATCH, PhotoPatches, accuracy, split


@pytest.fixture
def photos():
    return [np.full((3, 80, 90), shade, np.float32) for shade in (0.1, 0.5, 0.9)]


def test_the_held_out_part_is_the_right_quarter():
    photo = np.random.default_rng(0).random((3, 6, 40), np.float32)
    left, right = split(photo)
    assert (left.shape, right.shape) == ((3, 6, 30), (3, 6, 10))
    np.testing.assert_array_equal(np.concatenate([left, right], 2), photo)


def test_a_patch_has_the_number_of_its_photo(photos):
    patches = PhotoPatches(photos, 30, changed=False)
    for index in range(30):
        patch, number = patches[index]
        assert number == index % 3
        assert patch.shape == (3, PATCH, PATCH)
        assert (patch == photos[number][0, 0, 0]).all()


def test_patches_are_changed_a_little_and_the_same_again(photos):
    patches = PhotoPatches(photos, 60, changed=True)
    found = [patches[i] for i in range(60)]
    assert {number for _, number in found} == {0, 1, 2}
    for patch, number in found:
        assert 0 < np.abs(patch - photos[number][0, 0, 0]).mean() < 0.2
        assert patch.dtype == np.float32
    np.testing.assert_array_equal(PhotoPatches(photos, 60, changed=True)[7][0], found[7][0])
    assert (patches.at_epoch(1)[7][0] != found[7][0]).any()


def test_accuracy_counts_the_highest_logits():
    logits = minicnn.tensor([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    assert accuracy(logits, minicnn.tensor([1, 0, 0, 0])) == 0.5
