"""The exceptions of minicnn. All derive from MiniCNNError, so `except MiniCNNError` catches all of them.

Each exception also derives from a suitable built-in exception, and from RuntimeError where PyTorch raises that one. A
message contains the call, the broken rule, the actual values and the repair. Public functions check their arguments;
kernels do not check them again.
"""

__all__ = [
    "AnomalyError",
    "ArgumentError",
    "AutogradError",
    "CheckpointError",
    "DTypeError",
    "DataError",
    "DeviceError",
    "KernelError",
    "LinAlgError",
    "MiniCNNError",
    "MissingFileError",
    "MissingPackageError",
    "OutOfRangeError",
    "ShapeError",
]


class MiniCNNError(Exception):
    """The base class of all exceptions of minicnn."""


class ShapeError(MiniCNNError, ValueError, RuntimeError):
    """Sizes do not fit each other, or a size is out of range."""


class OutOfRangeError(ShapeError, IndexError):
    """An index or the number of an axis is out of range."""


class ArgumentError(MiniCNNError, ValueError, RuntimeError):
    """An argument that is not a size is out of range or not among the allowed values."""


class DTypeError(MiniCNNError, TypeError, RuntimeError):
    """The operation does not support an element type, or an argument has the wrong type."""


class DeviceError(MiniCNNError, RuntimeError):
    """A device does not exist or does not work, or the tensors of an operation are on different devices."""


class KernelError(MiniCNNError, RuntimeError):
    """A kernel does not exist, does not support the call, or cannot be built."""


class LinAlgError(MiniCNNError, RuntimeError):
    """A matrix is singular or not positive definite, or a decomposition does not converge."""


class AutogradError(MiniCNNError, RuntimeError):
    """A gradient cannot be computed: there is no graph, the graph was freed, or a saved tensor was modified."""


class AnomalyError(AutogradError):
    """An operation produced NaN or infinity inside `detect_anomaly`."""


class CheckpointError(MiniCNNError, RuntimeError):
    """A checkpoint or state dict is damaged or does not match the model."""


class MissingFileError(CheckpointError, FileNotFoundError):
    """There is no file of this name."""


class DataError(MiniCNNError, ValueError):
    """A data file or folder cannot be used."""


class MissingPackageError(MiniCNNError, ImportError):
    """An optional package is not installed; the message contains the command that installs it."""
