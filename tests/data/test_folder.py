"""Tests of ImageFolder and PairedImageFolder."""

import re
from pathlib import Path

import numpy as np
import pytest

from minicnn.data.folder import ImageFolder, PairedImageFolder
from minicnn.data.images import write_image
from minicnn.errors import DataError


def put(path: Path, value=0.2, size=(4, 6), channels=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, np.full((channels, *size), value, np.float32))


def put_text(path: Path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("no image")


# ImageFolder


def test_all_files_are_found_sorted_and_hidden_ones_ignored(tmp_path):
    for name in ("b.png", "a/z.bmp", "a/b/c.tif", "c.png", "A.png"):
        put(tmp_path / name)
    put_text(tmp_path / ".hidden")
    put_text(tmp_path / ".thumbs" / "d.png")
    folder = ImageFolder(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in folder.paths] == [
        "A.png", "a/b/c.tif", "a/z.bmp", "b.png", "c.png",
    ]  # fmt: skip
    assert len(folder) == 5
    assert folder.skipped == {}


def test_indexing_reads_in_the_asked_mode(tmp_path):
    put(tmp_path / "a.png", 0.2)
    put(tmp_path / "b.png", 0.4)
    assert [image.shape for image in ImageFolder(tmp_path)] == [(3, 4, 6), (3, 4, 6)]
    grey = ImageFolder(str(tmp_path), mode="grey")
    np.testing.assert_allclose(grey[1], np.full((1, 4, 6), 0.4), rtol=1e-6)
    np.testing.assert_allclose(grey[-2], np.full((1, 4, 6), 0.2), rtol=1e-6)
    with pytest.raises(IndexError):
        grey[2]


def test_a_bad_file_raises_when_it_is_read(tmp_path):
    put(tmp_path / "a.png")
    put_text(tmp_path / "b.png")
    folder = ImageFolder(tmp_path)
    assert len(folder) == 2
    assert folder[0].shape == (3, 4, 6)
    with pytest.raises(DataError, match=r"b\.png' is not an image of a known format"):
        folder[1]


def test_bad_files_are_skipped_and_counted_if_asked(tmp_path):
    for name in ("a.png", "c.png", "e.png"):
        put(tmp_path / name)
    put_text(tmp_path / "b.png")
    (tmp_path / "d.png").write_bytes((tmp_path / "c.png").read_bytes()[:-30])
    (tmp_path / "f.png").touch()
    folder = ImageFolder(tmp_path, on_error="skip")
    assert [path.name for path in folder.paths] == ["a.png", "c.png", "e.png"]
    assert [path.name for path in folder.skipped] == ["b.png", "d.png", "f.png"]
    reasons = list(folder.skipped.values())
    assert "is not an image" in reasons[0]
    assert "truncated" in reasons[1]
    assert "is empty" in reasons[2]
    assert repr(folder) == f"ImageFolder('{tmp_path}': 3 images, rgb, 3 skipped)"
    assert len(list(folder)) == 3


def test_a_folder_of_bad_files_alone_is_an_error(tmp_path):
    for i in range(5):
        put_text(tmp_path / f"{i}.png")
    with pytest.raises(
        DataError, match=r"ImageFolder: none of the 5 files in '.*' can be read: .*0\.png.*; and 2 more"
    ):
        ImageFolder(tmp_path, on_error="skip")


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_an_empty_folder_is_an_error(tmp_path, on_error):
    put_text(tmp_path / ".hidden")
    (tmp_path / "sub").mkdir()
    with pytest.raises(DataError, match=r"ImageFolder: the folder '.*' holds no files \(hidden ones do not count\)"):
        ImageFolder(tmp_path, on_error=on_error)


def test_what_is_no_folder(tmp_path):
    put(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"ImageFolder: '.*a\.png' must be a folder of images, but it is a file"):
        ImageFolder(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"ImageFolder: '.*none' must be a folder of images, but it does not exist"):
        ImageFolder(tmp_path / "none")


def test_unknown_choices(tmp_path):
    with pytest.raises(DataError, match="ImageFolder: mode must be one of 'rgb', 'grey', got 'L'"):
        ImageFolder(tmp_path, mode="L")
    with pytest.raises(DataError, match="ImageFolder: on_error must be one of 'raise', 'skip', got 'ignore'"):
        ImageFolder(tmp_path, on_error="ignore")
    with pytest.raises(DataError, match="PairedImageFolder: target_mode must be one of"):
        PairedImageFolder(tmp_path, tmp_path, target_mode="L")


# PairedImageFolder


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "in", tmp_path / "out"


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_pairs_are_matched_by_name_below_the_folder(folders, on_error):
    inputs, targets = folders
    for i, name in enumerate(("b", "sea/a", "a", "sea/photo.v2")):
        put(inputs / f"{name}.png", i / 10)
        put(targets / f"{name}.bmp", i / 10 + 0.5)
    pairs = PairedImageFolder(inputs, targets, on_error=on_error)
    assert [path.relative_to(inputs).as_posix() for path, _ in pairs.paths] == [
        "a.png", "b.png", "sea/a.png", "sea/photo.v2.png",
    ]  # fmt: skip
    assert len(pairs) == 4
    for image, target in pairs:
        np.testing.assert_allclose(target, image + 0.5, atol=1 / 255)
    assert repr(pairs) == f"PairedImageFolder('{inputs}' -> '{targets}': 4 pairs, rgb -> rgb, 0 skipped)"


def test_the_target_may_have_a_mode_of_its_own(folders):
    inputs, targets = folders
    put(inputs / "a.png")
    put(targets / "a.png")
    assert [part.shape for part in PairedImageFolder(inputs, targets)[0]] == [(3, 4, 6), (3, 4, 6)]
    assert [part.shape for part in PairedImageFolder(inputs, targets, mode="grey")[0]] == [(1, 4, 6), (1, 4, 6)]
    mixed = PairedImageFolder(inputs, targets, target_mode="grey")
    assert [part.shape for part in mixed[0]] == [(3, 4, 6), (1, 4, 6)]


def test_files_without_a_partner_are_listed(folders):
    inputs, targets = folders
    for name in ("a", "b", "c"):
        put(inputs / f"{name}.png")
    for name in ("b", "d"):
        put(targets / f"{name}.png")
    message = (
        r"every input in '.*in' needs a target .* 3 of the files have no partner: .*a\.png.*c\.png.*d\.png'; rename"
    )
    with pytest.raises(DataError, match=message):
        PairedImageFolder(inputs, targets)
    pairs = PairedImageFolder(inputs, targets, on_error="skip")
    assert [path.name for path, _ in pairs.paths] == ["b.png"]
    assert {path.name: why for path, why in pairs.skipped.items()} == dict.fromkeys(
        ("a.png", "c.png", "d.png"), "has no partner of the same name"
    )


def test_a_long_list_of_names_is_cut(folders):
    inputs, targets = folders
    for i in range(15):
        put(inputs / f"{i:02}.png")
        put(targets / f"x{i:02}.png")
    with pytest.raises(DataError, match=r"30 of the files have no partner: .*09\.png' and 20 more; rename"):
        PairedImageFolder(inputs, targets, on_error="skip")


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_two_files_of_one_name_are_listed(folders, on_error):
    inputs, targets = folders
    put(inputs / "a.png")
    put(targets / "a.png")
    put(targets / "a.bmp")
    message = r"PairedImageFolder: '.*out' has several files of the same name: '.*a\.bmp', '.*a\.png'; keep one of each"
    with pytest.raises(DataError, match=message):
        PairedImageFolder(inputs, targets, on_error=on_error)


def test_a_sidecar_file_is_no_second_picture_when_skipping(folders):
    inputs, targets = folders
    put(inputs / "a.png")
    put(targets / "a.png")
    put_text(inputs / "a.txt")
    pairs = PairedImageFolder(inputs, targets, on_error="skip")
    assert len(pairs) == 1
    assert [path.name for path in pairs.skipped] == ["a.txt"]


@pytest.mark.parametrize("sizes", [((4, 6), (4, 6)), ((4, 6), (12, 18)), ((8, 12), (4, 6)), ((1, 1), (3, 3))])
def test_sizes_may_be_whole_multiples(folders, sizes):
    inputs, targets = folders
    put(inputs / "a.png", size=sizes[0])
    put(targets / "a.png", size=sizes[1])
    for on_error in ("raise", "skip"):
        image, target = PairedImageFolder(inputs, targets, on_error=on_error)[0]
        assert (image.shape[1:], target.shape[1:]) == sizes


@pytest.mark.parametrize("sizes", [((4, 6), (6, 4)), ((4, 6), (6, 9)), ((4, 6), (8, 13)), ((4, 6), (4, 12))])
def test_sizes_that_do_not_fit(folders, sizes):
    inputs, targets = folders
    put(inputs / "a.png", size=sizes[0])
    put(targets / "a.png", size=sizes[1])
    pairs = PairedImageFolder(inputs, targets)
    message = "the sizes must be equal or integer multiples, got {} x {} and {} x {} (height x width)"
    message = message.format(*sizes[0], *sizes[1])
    with pytest.raises(DataError, match=rf"a\.png' and '.*a\.png': {re.escape(message)}; resize an image"):
        pairs[0]
    with pytest.raises(DataError, match="PairedImageFolder: no pair is left: the sizes must be equal"):
        PairedImageFolder(inputs, targets, on_error="skip")
    put(inputs / "b.png")
    put(targets / "b.png")
    pairs = PairedImageFolder(inputs, targets, on_error="skip")
    assert [path.name for path, _ in pairs.paths] == ["b.png"]
    assert list(pairs.skipped.values()) == [message, message]


def test_a_bad_file_of_a_pair(folders):
    inputs, targets = folders
    for folder in folders:
        put(folder / "a.png")
        put(folder / "b.png")
    put_text(targets / "b.png")
    pairs = PairedImageFolder(inputs, targets)
    with pytest.raises(DataError, match=r"out/b\.png' is not an image"):
        pairs[1]
    pairs = PairedImageFolder(inputs, targets, on_error="skip")
    assert len(pairs) == 1
    assert {path.parent.name for path in pairs.skipped} == {"in", "out"}
    assert "1 pairs, rgb -> rgb, 2 skipped" in repr(pairs)


def test_an_empty_or_unreadable_side(folders):
    inputs, targets = folders
    put(inputs / "a.png")
    targets.mkdir()
    with pytest.raises(DataError, match=r"PairedImageFolder: the folder '.*out' holds no files"):
        PairedImageFolder(inputs, targets)
    put_text(targets / "a.png")
    with pytest.raises(DataError, match=r"PairedImageFolder: none of the 1 files in '.*out' can be read"):
        PairedImageFolder(inputs, targets, on_error="skip")
