"""Tests of random crops, flips and PatchDataset."""

import copy
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn.data.crops import PatchDataset, random_crop, random_flip, scale_factors
from minicnn.errors import DataError


def coordinates(height, width, scale=1):
    """Return an image (2, height * scale, width * scale): each pixel holds the coordinates of its cell in the grid."""
    grid = np.stack(np.mgrid[:height, :width]).astype(np.float32)
    return grid.repeat(scale, axis=1).repeat(scale, axis=2)


@st.composite
def scenes(draw):
    """Draw images of one scene at several scales, their scales, a patch size for the first image, and a generator."""
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    scales = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    scales = [scale // min(scales) if min(scales) > 1 else scale for scale in scales]
    if 1 not in scales:
        scales.append(1)
    size = draw(st.integers(1, height)) * scales[0], draw(st.integers(1, width)) * scales[0]
    images = [coordinates(height, width, scale) for scale in scales]
    return images, scales, size, np.random.default_rng(draw(st.integers(0, 2**32)))


# scale_factors


@pytest.mark.parametrize(
    ("sizes", "factors"),
    [
        ([(4, 6)], (1,)),
        ([(4, 6), (4, 6)], (1, 1)),
        ([(12, 18), (4, 6), (8, 12)], (3, 1, 2)),
        ([(4, 6), (8, 13)], None),
        ([(4, 6), (4, 12)], None),
        ([(4, 6), (6, 4)], None),
        ([(4, 6), (6, 9)], None),
    ],
)
def test_scale_factors_are_whole_and_equal_on_both_axes(sizes, factors):
    assert scale_factors(sizes) == factors


# random_crop


@settings(deadline=None)
@given(scene=scenes())
def test_a_crop_shows_the_same_cells_in_every_picture(scene):
    images, scales, (height, width), rng = scene
    patches = random_crop(images, (height, width), rng)
    base_height, base_width = height // scales[0], width // scales[0]
    top, left = patches[0][:, 0, 0].astype(int)
    expected = coordinates(100, 100)[:, top : top + base_height, left : left + base_width]
    for patch, scale in zip(patches, scales, strict=True):
        assert patch.shape == (2, base_height * scale, base_width * scale)
        np.testing.assert_array_equal(patch, expected.repeat(scale, axis=1).repeat(scale, axis=2))


def test_every_position_is_equally_likely():
    rng = np.random.default_rng(0)
    counts = np.zeros((3, 4), int)
    for _ in range(2400):
        (patch,) = random_crop([coordinates(5, 6)], 3, rng)
        counts[tuple(patch[:, 0, 0].astype(int))] += 1
    assert counts.min() > 140  # 200 are expected, 4 standard deviations are 55
    assert counts.max() < 260


def test_a_crop_is_determined_by_the_generator_and_is_a_view():
    image = coordinates(9, 9)
    (first,) = random_crop([image], 4, np.random.default_rng(5))
    (second,) = random_crop([image], 4, np.random.default_rng(5))
    np.testing.assert_array_equal(first, second)
    assert np.shares_memory(first, image)


@pytest.mark.parametrize("size", [(5, 4), (4, 7), 5])
def test_a_picture_smaller_than_the_patch(size):
    height, width = size if isinstance(size, tuple) else (size, size)
    message = f"random_crop: a patch of {height} x {width} does not fit into an image of 4 x 6; choose a smaller patch"
    with pytest.raises(DataError, match=message):
        random_crop([np.zeros((3, 4, 6))], size, np.random.default_rng(0))


def test_sizes_that_are_no_multiples():
    message = r"sizes must be equal or integer multiples of the smallest, got shapes \[\(3, 4, 6\), \(3, 6, 9\)\]"
    with pytest.raises(DataError, match=message):
        random_crop([np.zeros((3, 4, 6)), np.zeros((3, 6, 9))], 2, np.random.default_rng(0))


def test_a_patch_that_is_no_multiple_of_the_scale():
    message = "so height and width of the patch must be multiples of 2, got 4 x 3"
    with pytest.raises(DataError, match=message):
        random_crop([np.zeros((3, 8, 8)), np.zeros((1, 4, 4))], (4, 3), np.random.default_rng(0))


@pytest.mark.parametrize("images", [[], [np.zeros((4, 4))], [np.zeros((3, 0, 4))], [np.zeros((1, 3, 4, 4))]])
def test_what_is_no_picture(images):
    shapes = re.escape(str([image.shape for image in images]))
    with pytest.raises(DataError, match=rf"images must be arrays \(C, H, W\) .* got shapes {shapes}"):
        random_crop(images, 2, np.random.default_rng(0))


@pytest.mark.parametrize("size", [0, (4, 0), 2.5, (1, 2, 3), "4"])
def test_what_is_no_patch_size(size):
    with pytest.raises(DataError, match="random_crop: size must be an integer of at least 1, got"):
        random_crop([np.zeros((3, 4, 4))], size, np.random.default_rng(0))


# random_flip


@settings(deadline=None)
@given(scene=scenes(), rotate=st.booleans())
def test_flips_treat_all_pictures_alike(scene, rotate):
    images, scales, _, rng = scene
    flipped = random_flip(images, rng, rotate=rotate)
    small = flipped[scales.index(1)]
    for image, scale in zip(flipped, scales, strict=True):
        np.testing.assert_array_equal(image, small.repeat(scale, axis=1).repeat(scale, axis=2))
    cells = sorted(map(tuple, small.reshape(2, -1).T))
    assert cells == sorted(map(tuple, images[scales.index(1)].reshape(2, -1).T))


@pytest.mark.parametrize(("rotate", "kinds"), [(False, 4), (True, 8)])
def test_all_symmetries_occur_equally_often(rotate, kinds):
    image = np.arange(4.0).reshape(1, 2, 2)
    rng = np.random.default_rng(0)
    seen = [tuple(random_flip([image], rng, rotate=rotate)[0].ravel()) for _ in range(800)]
    turned = [np.rot90(image[0], k) for k in range(4)] if rotate else [image[0], np.rot90(image[0], 2)]
    assert set(seen) == {tuple(part.ravel()) for turn in turned for part in (turn, turn[:, ::-1])}
    assert min(seen.count(kind) for kind in set(seen)) > 800 / kinds * 0.65


# PatchDataset


def test_patches_depend_on_seed_epoch_and_index_alone():
    images = [np.random.default_rng(i).random((3, 200 + i, 250), dtype=np.float32) for i in range(3)]
    first = PatchDataset(images, 8, 50, rotate=True, seed=1)
    second = PatchDataset(iter(images), (8, 8), 50, rotate=True, seed=1)
    forward = [first[i] for i in range(50)]
    for i in reversed(range(50)):
        np.testing.assert_array_equal(second[i], forward[i])
    assert len({patch.tobytes() for patch in forward}) == 50
    for other in (first.at_epoch(1), PatchDataset(images, 8, 50, rotate=True, seed=2)):
        assert not any(np.array_equal(other[i], forward[i]) for i in range(50))
    np.testing.assert_array_equal(first.at_epoch(1).at_epoch(0)[7], forward[7])
    np.testing.assert_array_equal(copy.copy(first)[7], forward[7])
    assert first.epoch == 0


def test_patches_are_contiguous_and_own_their_memory():
    image = np.zeros((3, 8, 8), np.float32)
    dataset = PatchDataset([image], 8, 20, rotate=True)
    for i in range(20):
        patch = dataset[i]
        assert patch.flags.c_contiguous
        assert patch.dtype == np.float32
        patch[:] = 1
    assert image.max() == 0


@settings(deadline=None, max_examples=50)
@given(scale=st.integers(1, 3), flip=st.booleans(), rotate=st.booleans(), index=st.integers(0, 99))
def test_a_pair_stays_aligned_through_crop_and_flip(scale, flip, rotate, index):
    pairs = [(coordinates(9, 11) + 100 * i, coordinates(9, 11, scale) + 100 * i) for i in range(3)]
    image, target = PatchDataset(pairs, 4, 100, flip=flip, rotate=rotate)[index]
    assert image.shape == (2, 4, 4)
    np.testing.assert_array_equal(target, image.repeat(scale, axis=1).repeat(scale, axis=2))


def test_without_flips_a_patch_is_a_plain_crop():
    dataset = PatchDataset([coordinates(9, 9)], 4, 40, flip=False)
    for i in range(40):
        assert (np.diff(dataset[i][0], axis=0) == 1).all()
        assert (np.diff(dataset[i][1], axis=1) == 1).all()


def test_all_pictures_are_used():
    dataset = PatchDataset([np.full((1, 4, 4), float(i)) for i in range(5)], 2, 100)
    assert {dataset[i].max() for i in range(100)} == {0, 1, 2, 3, 4}


def test_a_transform_gets_the_patch_and_the_generator():
    def add_noise(patch, rng):
        return patch + rng.normal(size=patch.shape), patch

    dataset = PatchDataset([coordinates(9, 9)], 4, 10, transform=add_noise)
    noisy, clean = dataset[3]
    assert clean.shape == (2, 4, 4)
    assert not np.array_equal(noisy, clean)
    np.testing.assert_array_equal(noisy, dataset[3][0])
    assert not np.array_equal(noisy - clean, dataset[4][0] - dataset[4][1])


def test_iteration_ends():
    assert len(list(PatchDataset([np.zeros((1, 4, 4))], 2, 7))) == 7
    with pytest.raises(IndexError, match=r"index must lie in \[0, 7\), got -1"):
        PatchDataset([np.zeros((1, 4, 4))], 2, 7)[-1]


def test_a_small_picture_is_named_at_the_start():
    message = "PatchDataset: image 1: a patch of 5 x 5 does not fit into an image of 4 x 9; choose a smaller patch"
    with pytest.raises(DataError, match=message):
        PatchDataset([np.zeros((3, 9, 9)), np.zeros((3, 4, 9))], 5, 10)


def test_arguments_out_of_range():
    images = [np.zeros((3, 9, 9))]
    with pytest.raises(DataError, match="PatchDataset: there are no images to cut patches from"):
        PatchDataset([], 4, 10)
    with pytest.raises(DataError, match="PatchDataset: count must be an integer of at least 1, got 0"):
        PatchDataset(images, 4, 0)
    with pytest.raises(DataError, match="PatchDataset: seed must be an integer of at least 0, got -1"):
        PatchDataset(images, 4, 10, seed=-1)
    with pytest.raises(DataError, match=r"rotate=True needs a square patch, got size \(4, 5\)"):
        PatchDataset(images, (4, 5), 10, rotate=True)
    with pytest.raises(DataError, match=r"PatchDataset: image 0: images must be arrays"):
        PatchDataset([np.zeros((9, 9))], 4, 10)
