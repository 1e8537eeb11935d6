"""Tests of the recipe for photos: its list, and the files in files. The download itself is not tested."""

import io
import json
import struct

import numpy as np
import pytest
from PIL import Image

from recipes import photos

PACKAGES = json.loads(photos.LIST.read_text(encoding="utf-8"))
LICENCES = {"BSD-2-Clause", "BSD-3-Clause", "MIT", "CC0-1.0", "LicenseRef-public-domain"}
RESERVED = ("palapeli", "tuxpaint", "mate-backgrounds", "lomiri", "scikit-learn")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: f"{p['package']} {p['version']}")
def test_every_photo_has_an_author_and_a_free_licence(package):
    assert not any(word in package["package"] for word in RESERVED)
    for photo in package["photos"]:
        assert photo["author"]
        assert photo["licence"] in LICENCES or photo["licence"].startswith(("CC-BY-", "CC-BY-SA-"))
        assert "NC" not in photo["licence"]
        assert "ND" not in photo["licence"]
        assert 0 < photo["scale"] <= 1


def test_no_photo_is_there_twice(tmp_path):
    pairs = [(package, photo) for package in PACKAGES for photo in package["photos"]]
    assert len({photo["sha256"] for _, photo in pairs}) == len(pairs) > 250
    assert len({photos.target(tmp_path, *pair) for pair in pairs}) == len(pairs)
    assert 10 <= sum(photo["held_out"] for _, photo in pairs) <= 20


def test_a_photo_is_reduced_by_averaging():
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    half = np.asarray(photos.reduced(file.getvalue(), 0.5))
    expected = pixels.reshape(20, 2, 30, 2, 3).mean((1, 3))
    np.testing.assert_allclose(half, expected, atol=1)
    assert photos.reduced(file.getvalue(), 1).size == (60, 40)


def test_an_entry_of_an_eet_file(tmp_path):
    names, contents = [b"first\0", b"edje/images/0\0"], [b"one", b"a photo"]
    head = struct.pack(">3I", 0x1EE70F42, 2, 0)
    place = len(head) + 24 * 2
    table, tail = b"", b""
    for name, content in zip(names, contents, strict=True):
        at = place + len(tail)
        table += struct.pack(">6I", at, len(content), len(content), at + len(content), len(name), 0)
        tail += content + name
    (tmp_path / "a.edj").write_bytes(head + table + tail)
    assert photos.member(tmp_path, "a.edj#edje/images/0") == b"a photo"
    with pytest.raises(SystemExit, match=r"a\.edj has no entry x"):
        photos.member(tmp_path, "a.edj#x")


def test_a_file_of_a_qt_resource(tmp_path):
    names = b""
    offsets = []
    for name in ("folder", "photo.webp"):
        offsets.append(len(names))
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    contents = struct.pack(">I", 4) + b"webp"
    nodes = [
        struct.pack(">IHII", 0, 2, 1, 1),  # the root: one child, node 1
        struct.pack(">IHII", offsets[0], 2, 1, 2),  # folder: one child, node 2
        struct.pack(">IHHHI", offsets[1], 0, 0, 0, 0),  # the file, at place 0 of the contents
    ]
    tree = 20
    start = tree + 14 * 3
    head = b"qres" + struct.pack(">4I", 1, tree, start, start + len(contents))
    (tmp_path / "a.rcc").write_bytes(head + b"".join(nodes) + contents + names)
    assert photos.member(tmp_path, "a.rcc#folder/photo.webp") == b"webp"
    with pytest.raises(SystemExit, match=r"a\.rcc has no file folder/none"):
        photos.member(tmp_path, "a.rcc#folder/none")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list.d/debian.sources", "Types: deb\nURIs: http://example.org/debian\nSuites: stable\n"),
        ("sources.list", "# a comment\ndeb [arch=amd64] http://example.org/debian stable main\n"),
        ("sources.list", "deb http://example.org/debian/ stable main\n"),
    ],
)
def test_the_mirror_is_the_machines_own(tmp_path, monkeypatch, name, text):
    monkeypatch.setattr(photos, "SOURCES", tmp_path)
    with pytest.raises(SystemExit, match="no Debian mirror is named"):
        photos.mirror()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert photos.mirror() == "http://example.org/debian"
