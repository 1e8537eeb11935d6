"""Tests of the Fashion-MNIST dataset: images, labels, and errors for damaged files."""

import gzip
import struct

import numpy as np
import pytest

from minicnn.data import fashion_mnist
from minicnn.data.fashion_mnist import FashionMNIST
from minicnn.errors import DataError

REPAIR = r"apt-get install dataset-fashion-mnist, or pass root="


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def pictures(count=5):
    return np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def put(root, images, labels, part="train", pack=True):
    for name, content in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
        content = content if isinstance(content, bytes) else idx(content)
        (root / (f"{name}.gz" if pack else name)).write_bytes(gzip.compress(content) if pack else content)


@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize("part", ["train", "t10k"])
def test_pictures_and_labels_are_read(tmp_path, pack, part):
    images, labels = pictures(), np.array([0, 9, 3, 3, 1], np.uint8)
    put(tmp_path, images, labels, part, pack)
    dataset = FashionMNIST(tmp_path, train=part == "train")
    assert len(dataset) == 5
    np.testing.assert_array_equal(dataset.data, images)
    np.testing.assert_array_equal(dataset.targets, labels)
    image, label = dataset[1]
    np.testing.assert_array_equal(image, images[1:2].astype(np.float32) / np.float32(255))
    assert image.dtype == np.float32
    assert type(label) is int
    assert dataset.classes[label] == "Ankle boot"
    assert len(list(dataset)) == 5


def test_without_a_root_the_folder_of_debians_package_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "_DEBIAN_FOLDER", tmp_path)
    put(tmp_path, pictures(), np.zeros(5, np.uint8))
    assert len(FashionMNIST()) == 5
    with pytest.raises(DataError, match="t10k-images"):
        FashionMNIST(train=False)


def test_a_missing_file(tmp_path):
    message = rf"there is no file '.*train-images-idx3-ubyte' or '.*\.gz'; {REPAIR}"
    with pytest.raises(DataError, match=message):
        FashionMNIST(tmp_path)
    with pytest.raises(DataError, match=message):
        FashionMNIST(tmp_path / "none")


@pytest.mark.parametrize("damage", [lambda c: c[:-20], lambda c: b"no gzip", lambda c: c[:30] + b"\xff\xff" + c[32:]])
def test_a_damaged_gzip_file(tmp_path, damage):
    put(tmp_path, pictures(), np.zeros(5, np.uint8))
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=rf"images-idx3-ubyte\.gz' cannot be read or unpacked \(.*\); {REPAIR}"):
        FashionMNIST(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\0\0", b"PK\3\4" + bytes(20), idx(np.zeros(5, np.uint8))])
def test_a_wrong_magic_number(tmp_path, content):
    put(tmp_path, content, np.zeros(5, np.uint8), pack=False)
    message = rf"must begin with the bytes 00 00 08 03, got '{content[:4].hex(' ')}'; {REPAIR}"
    with pytest.raises(DataError, match=message):
        FashionMNIST(tmp_path)


def test_a_file_that_ends_within_its_head(tmp_path):
    put(tmp_path, idx(pictures())[:10], np.zeros(5, np.uint8), pack=False)
    with pytest.raises(DataError, match=rf"images-idx3-ubyte' ends within its header of 16 bytes; {REPAIR}"):
        FashionMNIST(tmp_path)


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content + b"\0"])
@pytest.mark.parametrize("pack", [True, False])
def test_a_file_of_a_wrong_length(tmp_path, change, pack):
    content = change(idx(pictures()))
    put(tmp_path, content, np.zeros(5, np.uint8), pack=pack)
    message = rf"must hold 3920 values for its shape \(5, 28, 28\), got {len(content) - 16}; {REPAIR}"
    with pytest.raises(DataError, match=message):
        FashionMNIST(tmp_path)


def test_a_shape_that_promises_terabytes(tmp_path):
    content = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1)
    put(tmp_path, content, np.zeros(5, np.uint8))
    with pytest.raises(DataError, match=f"must hold {(2**32 - 1) ** 3} values"):
        FashionMNIST(tmp_path)


@pytest.mark.parametrize("shape", [(5, 28, 27), (5, 14, 56), (0, 28, 28)])
def test_pictures_of_another_size(tmp_path, shape):
    put(tmp_path, np.zeros(shape, np.uint8), np.zeros(shape[0], np.uint8))
    with pytest.raises(DataError, match=rf"the images must be \(N, 28, 28\), got \({shape[0]}, .*; {REPAIR}"):
        FashionMNIST(tmp_path)


def test_a_label_for_every_picture(tmp_path):
    put(tmp_path, pictures(), np.zeros(4, np.uint8))
    with pytest.raises(DataError, match=rf"every image needs a label, got 5 images and 4 labels; {REPAIR}"):
        FashionMNIST(tmp_path)


def test_labels_out_of_range(tmp_path):
    put(tmp_path, pictures(), np.array([0, 1, 10, 2, 3], np.uint8))
    with pytest.raises(DataError, match=rf"labels must lie in \[0, 9\], got 10; {REPAIR}"):
        FashionMNIST(tmp_path)


@pytest.mark.skipif(not fashion_mnist._DEBIAN_FOLDER.is_dir(), reason="dataset-fashion-mnist is not installed")
def test_the_real_files():
    train, test = FashionMNIST(), FashionMNIST(train=False)
    assert (len(train), len(test)) == (60_000, 10_000)
    np.testing.assert_array_equal(np.bincount(train.targets), np.full(10, 6000))
    assert train[0][1] == 9
    assert 0.28 < train.data.mean() / 255 < 0.29
