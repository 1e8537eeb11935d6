"""PyTorch's address of TensorBoard's writer, which the package tensorboardX has."""

from typing import Any

from minicnn.optional import import_optional

__all__ = ["SummaryWriter"]


def SummaryWriter(*args: Any, **kwargs: Any) -> Any:  # noqa: N802 (PyTorch's name)
    """Return a writer of tensorboardX, with its arguments.

    Raises
    ------
    MissingPackageError
        If tensorboardX is not installed.
    """
    package = import_optional("tensorboardX", call="SummaryWriter", package="tensorboardX", extra="tensorboard")
    return package.SummaryWriter(*args, **kwargs)
