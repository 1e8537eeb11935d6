"""`import_optional`: imports of packages that only a few functions need.

The import runs when the function is called. If the package is missing, the error message says how to install it.
"""

from importlib import import_module
from types import ModuleType

from minicnn.errors import MissingPackageError

__all__ = ["import_optional"]


def import_optional(module: str, *, call: str, package: str, extra: str) -> ModuleType:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        The module, for example ``"skimage.restoration"``.
    call : str
        The name of the public function, with which the message starts.
    package : str
        The package's name for pip.
    extra : str
        The extra of minicnn that installs the package.

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
            raise  # the package is installed, but a dependency of it is missing
        raise MissingPackageError(
            f"{call}: needs {package}, which is not installed; install it with: pip install 'minicnn[{extra}]'"
        ) from error
    return import_module(module)
