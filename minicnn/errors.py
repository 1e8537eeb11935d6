"""The exceptions of minicnn: one tree, so that `except MiniCNNError` catches all of them and nothing else.

Each one also derives from the built-in exception a Python programmer would expect. A message names the call,
the rule that was broken, the actual values and the repair. Errors are raised once, at the surface; kernels trust.
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
    "MiniCNNError",
    "MissingPackageError",
    "ShapeError",
]


class MiniCNNError(Exception):
    """Base of every error that minicnn raises on purpose."""


class ShapeError(MiniCNNError, ValueError):
    """Sizes that do not fit each other, or a size parameter out of its range."""


class ArgumentError(MiniCNNError, ValueError):
    """An argument out of its range or not among its choices, where no shape is concerned."""


class DTypeError(MiniCNNError, TypeError):
    """An element type that the operation does not take."""


class DeviceError(MiniCNNError, RuntimeError):
    """A device that is not there, or tensors of two devices in one operation."""


class KernelError(MiniCNNError, RuntimeError):
    """A kernel that does not exist, does not apply, or could not be built."""


class AutogradError(MiniCNNError, RuntimeError):
    """A gradient that cannot be computed: no graph, a freed graph, a saved tensor that was changed."""


class AnomalyError(AutogradError):
    """An operation produced NaN or infinity while `detect_anomaly` was watching."""


class CheckpointError(MiniCNNError, RuntimeError):
    """A checkpoint or state dictionary that is damaged or does not match the model."""


class DataError(MiniCNNError, ValueError):
    """A file or folder of data that cannot be used."""


class MissingPackageError(MiniCNNError, ImportError):
    """An optional package is needed here and not installed; the message names the extra to install."""
