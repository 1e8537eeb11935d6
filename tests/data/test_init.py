"""Tests of minicnn.data: its public names, and its import without Pillow."""

import subprocess
import sys

import minicnn.data


def test_every_public_name_is_there_once():
    assert len(minicnn.data.__all__) == len(set(minicnn.data.__all__))
    for name in minicnn.data.__all__:
        assert hasattr(minicnn.data, name)


def test_importing_does_not_need_pillow():
    program = "import sys; sys.modules['PIL'] = None; import minicnn.data"
    subprocess.run([sys.executable, "-c", program], check=True)
