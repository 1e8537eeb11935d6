"""Tests of `replace_file`: the old file or the new one, its permissions, and links."""

import os

import pytest

from minicnn.atomic import replace_file


def write(path, content):
    with replace_file(path) as stream:
        stream.write(content)


def test_a_new_file_has_ordinary_permissions(tmp_path):
    write(tmp_path / "a", b"new")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o640)
    write(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_bytes(b"old")
    (tmp_path / "link").symlink_to("folder/a")
    write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "a").read_bytes() == b"new"
    assert os.listdir(tmp_path / "folder") == ["a"]


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path):
    (tmp_path / "a").write_bytes(b"old")

    def interrupted():
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), replace_file(tmp_path / "a") as stream:
        stream.writelines(interrupted())
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]
