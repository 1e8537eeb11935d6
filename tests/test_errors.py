"""Tests of the exceptions: a common base class, and the matching built-in exceptions as further bases."""

import pytest

from minicnn import errors
from minicnn.errors import MiniCNNError

PARENTS = {
    "AnomalyError": RuntimeError,
    "ArgumentError": ValueError,
    "AutogradError": RuntimeError,
    "CheckpointError": RuntimeError,
    "DTypeError": TypeError,
    "DataError": ValueError,
    "DeviceError": RuntimeError,
    "KernelError": RuntimeError,
    "LinAlgError": RuntimeError,
    "MissingFileError": FileNotFoundError,
    "MissingPackageError": ImportError,
    "OutOfRangeError": IndexError,
    "ShapeError": ValueError,
}


@pytest.mark.parametrize("name", sorted(set(errors.__all__) - {"MiniCNNError"}))
def test_each_is_of_the_tree_and_of_python(name):
    error = getattr(errors, name)
    assert issubclass(error, MiniCNNError)
    assert issubclass(error, PARENTS[name])
    with pytest.raises(MiniCNNError, match="what happened"):
        raise error("what happened")


def test_the_tree_catches_nothing_else():
    assert MiniCNNError.__bases__ == (Exception,)
    assert issubclass(errors.AnomalyError, errors.AutogradError)
    assert issubclass(errors.OutOfRangeError, errors.ShapeError)
