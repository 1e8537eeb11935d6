"""Tests of tensor files: round trips, damaged files, other formats, and writes that fail without a partial file."""

import errno
import json
import os
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save_file

from minicnn import atomic
from minicnn.errors import CheckpointError
from minicnn.training import tensor_file
from minicnn.training.tensor_file import read_tensor_file, write_tensor_file

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(3)}
CONTENT = {"numbers": [1, 2.5, None, True], "text": "ö", "deep": {"er": 0.1}}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file.safetensors"
    write_tensor_file("call", path, "thing", ARRAYS, CONTENT)
    return path


def views(arrays):
    """Return the arrays as non-contiguous views of several kinds."""
    return st.tuples(arrays, st.sampled_from([np.s_[...], np.s_[::-1], np.s_[::2]]), st.booleans()).map(
        lambda t: (t[0][t[1]] if t[0].ndim else t[0]).T if t[2] else t[0][t[1] if t[0].ndim else ...]
    )


@given(
    arrays=st.dictionaries(
        st.text("abc.", min_size=1, max_size=5),
        views(
            hnp.arrays(
                st.sampled_from([np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_]),
                hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
            )
        ),
        max_size=4,
    ),
    content=st.dictionaries(st.text(max_size=3), st.integers() | st.floats(allow_nan=False) | st.text() | st.none()),
)
def test_everything_comes_back_exactly(tmp_path_factory, arrays, content):
    path = tmp_path_factory.mktemp("round") / "file"
    write_tensor_file("call", path, "thing", arrays, content)
    kind, found, text = read_tensor_file("call", path)
    assert kind == "thing"
    assert text == content
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def test_other_readers_find_the_arrays(path):
    found = load_file(path)
    assert found.keys() == ARRAYS.keys()
    np.testing.assert_array_equal(found["a"], ARRAYS["a"])


def test_a_file_of_somebody_else_has_no_kind(tmp_path):
    path = tmp_path / "other"
    save_file(ARRAYS, path, {"format": "pt"})
    kind, arrays, content = read_tensor_file("call", path)
    assert kind is None
    assert content == {}
    assert arrays.keys() == ARRAYS.keys()


def test_every_damaged_byte_is_noticed_or_harmless(path):
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= int(rng.integers(1, 256))
        path.write_bytes(bad)
        try:
            kind, arrays, content = read_tensor_file("call", path)
        except CheckpointError as error:
            assert "damaged" in str(error) or "format version" in str(error)  # noqa: PT017
            continue
        assert kind is None or len(kind) == len("thing")  # the only word without a checksum
        assert kind is None or content == CONTENT
        assert all(arrays[name].tobytes() == ARRAYS[name].tobytes() for name in arrays if kind)


def test_every_truncation_is_noticed(path):
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(CheckpointError, match=r"call: '.*' is damaged, or not a safetensors file"):
            read_tensor_file("call", path)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04" + b"x" * 100, b"\x89PNG\r\n\x1a\n" * 20, b"hello"])
def test_foreign_files(tmp_path, data):
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"is damaged, or not a safetensors file \(.*\); use another copy"):
        read_tensor_file("call", path)


def test_a_type_that_numpy_lacks(tmp_path):
    path = tmp_path / "x"
    header = json.dumps({"w": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"ab")
    with pytest.raises(CheckpointError, match=r"not a safetensors file"):
        read_tensor_file("call", path)


def test_missing_files(tmp_path):
    with pytest.raises(CheckpointError, match=r"call: there is no file '.*gone'; check the name"):
        read_tensor_file("call", tmp_path / "gone")
    with pytest.raises(CheckpointError, match=r"call: there is a folder '"):
        read_tensor_file("call", tmp_path)


@pytest.mark.parametrize("entry", ["{}", "[]", "7", "{", '{"kind": "x", "version": "y", "crc32": 0, "content": "{}"}'])
def test_a_header_that_says_nothing(tmp_path, entry):
    path = tmp_path / "x"
    save_file(ARRAYS, path, {"minicnn": entry})
    with pytest.raises(CheckpointError, match=r"is damaged"):
        read_tensor_file("call", path)


def test_a_newer_format(path, monkeypatch):
    monkeypatch.setattr(tensor_file, "VERSION", 7)
    write_tensor_file("call", path, "thing", {"z": np.array([1j])}, CONTENT)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=r"has format version 7, and this minicnn reads up to 2; update minicnn"):
        read_tensor_file("call", path)


def test_content_that_is_not_json(tmp_path):
    with pytest.raises(CheckpointError, match=r"call: '.*' cannot hold this: .*set.*; convert it to numbers and text"):
        write_tensor_file("call", tmp_path / "x", "thing", {}, {"a": {1, 2}})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", ["clongdouble", "U3", "object", "M8[s]"])
def test_a_type_that_the_file_cannot_hold(tmp_path, dtype):
    with pytest.raises(
        CheckpointError,
        match=r"call: '.*x' cannot hold the array 'w' of type .*, only bool, integers, floats .*; convert it",
    ):
        write_tensor_file("call", tmp_path / "x", "thing", {"w": np.zeros(2, dtype)}, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers(tmp_path, dtype):
    arrays = {"z": np.array([[1 + 2j, 3j], [-1, 0]], dtype).T, "empty": np.zeros((0, 2), dtype), "x": np.ones(2)}
    write_tensor_file("call", tmp_path / "x", "thing", {**arrays, "number": np.array(2j, dtype)}, {})
    found = read_tensor_file("call", tmp_path / "x")[1]
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert found["number"] == 2j
    assert found["number"].shape == ()
    assert found["z"].flags.writeable


def test_a_foreign_byte_order_comes_back_as_the_machines(tmp_path):
    write_tensor_file("call", tmp_path / "x", "thing", {"w": np.array([1.0, 2.0], ">f4")}, {})
    found = read_tensor_file("call", tmp_path / "x")[1]["w"]
    assert found.dtype == np.float32
    assert found.tolist() == [1, 2]


@pytest.mark.parametrize("failing", ["write", "fsync", "replace"])
def test_a_failing_write_leaves_the_old_file_and_nothing_else(path, monkeypatch, failing):
    before = path.read_bytes()

    def fail(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    if failing == "write":
        opened = type(path).open

        def open_full(self, *args):
            stream = opened(self, *args)
            stream.write(b"half")
            stream.close()  # makes every later write raise an error
            fail()

        monkeypatch.setattr(type(path), "open", open_full)
    else:
        monkeypatch.setattr(os, failing, fail)
    with pytest.raises(
        CheckpointError, match=r"call: '.*' cannot be written \(No space left on device\); an old file is unchanged"
    ):
        write_tensor_file("call", path, "thing", {"a": np.zeros(5)}, {})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's /dev/full")
def test_a_full_disk(tmp_path, monkeypatch):
    class Full:
        hex = "full"

    monkeypatch.setattr(atomic.uuid, "uuid4", Full)
    (tmp_path / ".full.tmp").symlink_to("/dev/full")
    opened = type(tmp_path).open
    monkeypatch.setattr(type(tmp_path), "open", lambda self, mode: opened(self, "wb"))
    with pytest.raises(CheckpointError, match=r"cannot be written"):
        write_tensor_file("call", tmp_path / "x", "thing", ARRAYS, CONTENT)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_made(tmp_path):
    write_tensor_file("call", tmp_path / "a" / "b" / "x", "thing", ARRAYS, CONTENT)
    assert read_tensor_file("call", tmp_path / "a" / "b" / "x")[0] == "thing"


def test_a_place_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"cannot be written"):
        write_tensor_file("call", tmp_path / "file" / "x", "thing", ARRAYS, CONTENT)
