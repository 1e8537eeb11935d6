"""`wheel_file` finds files of NVIDIA's wheels: the compiler's library and the disassemblers.

The wheels need no GPU, no driver and no CUDA toolkit. An installed toolkit is not used, so the same wheels give the
same machine code on every machine.
"""

import re
from functools import cache
from importlib import metadata
from pathlib import Path

from minicnn.errors import MissingPackageError

__all__ = ["wheel_file"]


@cache
def wheel_file(package: str, pattern: str) -> Path:
    """Return the path of a file of an installed package.

    Parameters
    ----------
    package : str
        The package's name for pip.
    pattern : str
        A regular expression for the whole file name, without folders.

    Returns
    -------
    Path

    Raises
    ------
    MissingPackageError
        If the package is not installed, or does not contain the file.
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
