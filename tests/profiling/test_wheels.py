"""Tests of the search for NVIDIA's files in installed wheels."""

import pytest

from minicnn.errors import MissingPackageError
from minicnn.profiling.wheels import wheel_file


def test_a_file_is_found_by_its_name():
    assert wheel_file("numpy", r"_core\.py|version\.py").name == "version.py"


@pytest.mark.parametrize(("package", "pattern"), [("nvidia-cuda-nothing", ".*"), ("numpy", r"cuobjdump")])
def test_what_is_missing_names_the_extra(package, pattern):
    with pytest.raises(MissingPackageError, match=rf"^kernels: needs {package}, .* pip install 'minicnn\[kernels\]'$"):
        wheel_file(package, pattern)
