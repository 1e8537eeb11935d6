"""Packages that only some functions need: imported when such a function runs, with an error that names the cure."""

from importlib import import_module
from types import ModuleType

from minicnn.errors import MissingPackageError

__all__ = ["import_optional"]


def import_optional(module: str, *, call: str, package: str, extra: str) -> ModuleType:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        What to import, as in ``"skimage.restoration"``.
    call : str
        The function on whose behalf it is imported; the message starts with it.
    package : str
        The package's name as pip knows it.
    extra : str
        The extra of minicnn that brings the package.

    Returns
    -------
    ModuleType
        The imported module.

    Raises
    ------
    MissingPackageError
        If the package is not installed.
    """
    top = module.partition(".")[0]
    try:
        import_module(top)
    except ModuleNotFoundError as error:
        if error.name != top:
            raise  # the package is there but lacks something itself, and says so
        raise MissingPackageError(
            f"{call}: needs {package}, which is not installed; install it with: pip install 'minicnn[{extra}]'"
        ) from error
    return import_module(module)
