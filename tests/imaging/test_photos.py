"""Tests of scikit-image's photos: available offline, and split into two disjoint parts."""

import socket
import sys

import numpy as np
import pytest

from minicnn.errors import DataError, MissingPackageError, ShapeError
from minicnn.imaging.photos import HELD_OUT_PHOTOS, TRAINING_PHOTOS, centre_crop, load_photo


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a photo must not need the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("name", TRAINING_PHOTOS + HELD_OUT_PHOTOS)
def test_every_photo_loads_without_a_network(name, no_network):
    photo = load_photo(name)
    assert photo.dtype == np.float32
    assert photo.flags.c_contiguous
    assert photo.shape[0] == 3
    assert min(photo.shape[1:]) >= 300
    assert photo.min() >= 0
    assert 0.5 < photo.max() <= 1
    assert np.abs(photo[0] - photo[2]).max() > 0.1  # in colour


def test_pixels_are_those_of_scikit_image():
    import skimage.data

    photo = np.rint(255 * load_photo("chelsea").transpose(1, 2, 0))
    np.testing.assert_array_equal(photo, skimage.data.chelsea())


def test_no_photo_is_in_both_parts():
    assert not set(TRAINING_PHOTOS) & set(HELD_OUT_PHOTOS)


def test_an_unknown_photo_is_refused_with_the_names_there_are():
    with pytest.raises(DataError, match=r"^load_photo: there is no photo 'lena'; choose from astronaut, .*, rocket$"):
        load_photo("lena")


def test_a_missing_scikit_image_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    message = r"^load_photo: needs scikit-image, which is not installed; .* pip install 'minicnn\[data\]'$"
    with pytest.raises(MissingPackageError, match=message):
        load_photo("coffee")


@pytest.mark.parametrize(("shape", "size"), [((3, 28, 32), 28), ((1, 7, 5), 1), ((3, 9, 9), 9)])
def test_the_centre_has_as_much_around_it_on_every_side(shape, size):
    image = np.arange(np.prod(shape)).reshape(shape)
    crop = centre_crop(image, size)
    assert crop.shape == (shape[0], size, size)
    top, left = (shape[1] - size) // 2, (shape[2] - size) // 2
    assert crop[0, 0, 0] == image[0, top, left]
    assert np.shares_memory(crop, image)


@pytest.mark.parametrize("size", [0, 9])
def test_a_crop_that_does_not_fit_is_refused(size):
    with pytest.raises(ShapeError, match=rf"^centre_crop: size must be from 1 to 8 for \(3, 8, 12\), not {size}"):
        centre_crop(np.zeros((3, 8, 12), np.float32), size)
