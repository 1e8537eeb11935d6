"""Tests of sets of pictures: folders, classes, Fashion-MNIST, random samples."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicnn.errors import DataError
from minicnn.generation import pictures as module
from minicnn.generation.pictures import PictureSet, RandomPictures, load_pictures, picture_shape, square


def write(path, colour, size=(12, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def test_a_folder_becomes_squares_of_one_size(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ENOUGH", 30)
    for i in range(30):
        write(tmp_path / f"{i:02}.png", (8 * i, 0, 255), (12 + i, 40 - i))
    train, held_out = load_pictures(tmp_path, 8)
    assert train.pictures.shape == (27, 3, 8, 8)
    assert train.pictures.dtype == np.uint8
    assert held_out.pictures[:, 0, 0, 0].tolist() == [8 * 9, 8 * 19, 8 * 29]
    assert (train.pictures[5] == train.pictures[5, :, :1, :1]).all()
    assert train.labels is None
    assert train.classes == ()


def test_subfolders_are_classes(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ENOUGH", 12)
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        for i in range(6):
            write(tmp_path / name / "deep" / f"{i}.png", colour)
    train, held_out = load_pictures(tmp_path, 4)
    assert train.classes == held_out.classes == ("blue", "red")
    assert train.labels.tolist() == [0] * 6 + [1] * 4 + [1]
    for picture, label in zip(train.pictures, train.labels, strict=True):
        assert picture[:, 0, 0].tolist() == [[0, 0, 255], [255, 0, 0]][label]
    write(tmp_path / "loose.png", (0, 0, 0))
    assert load_pictures(tmp_path, 4)[0].labels is None


def test_pictures_of_one_name_are_held_out_together(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ENOUGH", 20)
    for name in range(20):
        for folder, value in (("a", name), ("b", 100 + name))[: 1 + name % 2]:
            write(tmp_path / folder / f"{name:02}.png", (value, value, value))
    _, held_out = load_pictures(tmp_path, 4, grey=True)
    assert held_out.pictures[:, 0, 0, 0].tolist() == [9, 19, 109, 119]
    monkeypatch.setattr(module, "ENOUGH", 25)  # too few names: every tenth file
    assert load_pictures(tmp_path, 4, grey=True)[1].pictures[:, 0, 0, 0].tolist() == [9, 19, 119]


@pytest.mark.parametrize(("folders", "names"), [(1100, 20), (2, 800), (40, 700), (1, 700), (3000, 1)])
def test_a_tenth_is_held_out_whatever_the_names_are(folders, names):
    paths = [Path(f"{folder:04}/{name:04}.png") for folder in range(folders) for name in range(names)]
    held_out = module._held_out(paths)
    assert held_out.sum() == pytest.approx(min(len(paths) // 10, 1000), rel=0.02)


def test_grey_and_held_out_at_most(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_HELD_OUT", 2)
    monkeypatch.setattr(module, "ENOUGH", 40)
    for i in range(40):
        write(tmp_path / f"{i:02}.png", (i, i, i))
    train, held_out = load_pictures(tmp_path, 4, grey=True)
    assert train.pictures.shape == (38, 1, 4, 4)
    assert held_out.pictures[:, 0, 0, 0].tolist() == [19, 39]


def test_the_middle_is_cut_out():
    picture = np.zeros((1, 4, 8), np.float32)
    picture[:, :, 2:6] = 1
    np.testing.assert_array_equal(square(picture, 4), np.ones((1, 4, 4)))
    np.testing.assert_array_equal(square(picture.transpose(0, 2, 1), 2), np.ones((1, 2, 2)))


def test_broken_files(tmp_path):
    for i in range(3):
        write(tmp_path / f"{i}.png", (i, i, i))
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"text\.png.*or add --skip-broken"):
        load_pictures(tmp_path, 4)
    said = []
    train, held_out = load_pictures(tmp_path, 4, skip_broken=True, say=said.append)
    assert (len(train), len(held_out)) == (3, 0)  # few pictures are all used
    assert len(said) == 1
    assert said[0].startswith(f"skipped {tmp_path / 'text.png'}: ")


def test_too_few_pictures(tmp_path):
    write(tmp_path / "a.png", (1, 2, 3))
    with pytest.raises(DataError, match="holds 1 picture; a generator needs many: hundreds"):
        load_pictures(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        load_pictures(tmp_path / "none")


def test_a_folder_may_have_the_name_of_the_dataset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i in range(3):
        write(tmp_path / "fashion-mnist" / f"{i}.png", (i, i, i))
    assert picture_shape("fashion-mnist", 8, grey=False) == (3, 8)
    assert load_pictures("fashion-mnist", 8)[0].pictures.shape == (3, 3, 8, 8)


def test_fashion_mnist(tmp_path, monkeypatch):
    assert picture_shape("fashion-mnist", 8, grey=False) == (1, 28)
    assert picture_shape(tmp_path, 8, grey=True) == (1, 8)
    for part, count in (("train", 5), ("t10k", 3)):
        images = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (count, 28, 28)) + bytes(count * 784)
        labels = bytes([0, 0, 8, 1]) + count.to_bytes(4, "big") + bytes(range(count))
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    monkeypatch.setattr("minicnn.data.fashion_mnist._DEBIAN_FOLDER", tmp_path)
    train, held_out = load_pictures("fashion-mnist")
    assert train.pictures.shape == (5, 1, 28, 28)
    assert held_out.labels.tolist() == [0, 1, 2]
    assert train.classes[9] == "Ankle boot"


def test_random_pictures_are_those_of_seed_epoch_and_index():
    pictures = PictureSet(np.arange(20, dtype=np.uint8).reshape(20, 1, 1, 1), np.arange(20))
    data = RandomPictures(pictures, 300, seed=1)
    assert len(data) == 300
    picture, label = data[7]
    assert picture.dtype == np.float32
    assert picture.item() == pytest.approx(label / 255)
    numbers = [int(data[i][1]) for i in range(300)]
    assert set(numbers) == set(range(20))
    assert numbers == [int(RandomPictures(pictures, 300, seed=1)[i][1]) for i in range(300)]
    assert numbers != [int(data.at_epoch(1)[i][1]) for i in range(300)]
    assert numbers != [int(RandomPictures(pictures, 300, seed=2)[i][1]) for i in range(300)]
    assert len(RandomPictures(PictureSet(pictures.pictures), 5)[0]) == 1
