"""Where the files of NVIDIA's wheels lie: the compiler's library and the readers of machine code.

Nothing here needs a GPU, a driver or a CUDA toolkit, and none that is installed is used: the same wheels give the same
machine code everywhere.
"""

import re
from functools import cache
from importlib import metadata
from pathlib import Path

from minicnn.errors import MissingPackageError

__all__ = ["wheel_file"]


@cache
def wheel_file(package: str, pattern: str) -> Path:
    """Return the file of an installed package whose name, without its folders, matches a pattern.

    Parameters
    ----------
    package : str
        The package's name as pip knows it.
    pattern : str
        A regular expression for the whole name.

    Returns
    -------
    Path

    Raises
    ------
    MissingPackageError
        If the package is not installed, or has no such file.
    """
    try:
        files = metadata.distribution(package).files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate()))
        if re.fullmatch(pattern, file.name) and path.exists():
            return path
    raise MissingPackageError(
        f"kernels: needs {package}, which is not installed; install it with: pip install 'minicnn[kernels]'"
    )
