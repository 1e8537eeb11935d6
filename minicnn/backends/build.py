"""Builds the C++ of kernels/ with the machine's own compiler, once: libraries are found again by their content.

A wheel that is built where there is a compiler carries libraries in kernels/built. They are taken if their content is
what would be built here, so code for another processor never is.
"""

import atexit
import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from minicnn.errors import KernelError

__all__ = ["cache_folder", "cached", "compiler", "flattened", "kernel_folder", "loaded", "shared_library"]

SANITIZER: list[str] = []  # flags that tests add to every native library; set before the first is built


@cache
def kernel_folder() -> Path:
    """Return the folder kernels/: inside the package where it was installed from a wheel, beside it in a checkout.

    Raises
    ------
    KernelError
        If it is in neither place.
    """
    places = [Path(__file__).parents[1] / "kernels", Path(__file__).parents[2] / "kernels"]
    for place in places:
        if (place / "cudasim.hpp").is_file():
            return place
    raise KernelError(f"kernels: found neither {places[0]} nor {places[1]}; install minicnn again")


def cache_folder() -> Path:
    """Return the folder of what is built on first use: $XDG_CACHE_HOME/minicnn, by default ~/.cache/minicnn."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minicnn"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return _fallback()


@cache
def _fallback() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="minicnn-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def cached(key: Sequence[str | bytes], suffix: str, make: Callable[[Path], None]) -> Path:
    """Return the file of this key in the cache; where there is none yet, `make` writes it to the path that it is given.

    Parameters
    ----------
    key : sequence of str or bytes
        Everything that the content depends on.
    suffix : str
        The end of the file's name, such as ".so".
    make : callable
        Its file is moved to its place when it is complete, so that nobody ever sees half of one.
    """
    path = cache_folder() / f"{_digest(key)}{suffix}"
    if not path.exists():
        try:
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                unfinished = Path(folder) / path.name
                make(unfinished)
                os.replace(unfinished, path)
        except OSError as error:
            raise KernelError(
                f"kernels: cannot write to {path.parent}: {error}; set $XDG_CACHE_HOME to a place that has room"
            ) from error
    return path


def _digest(key: Sequence[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in key:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]


def flattened(path: Path) -> str:
    """Return the text of a kernel file with its `#include "..."` lines replaced by the files, each once.

    Raises
    ------
    KernelError
        If a file is neither beside the one that includes it nor in kernels/cuda.
    """
    seen: set[Path] = set()

    def text(file: Path) -> str:
        seen.add(file)
        lines = [f'#line 1 "{file.name}"']
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith('#include "'):
                name = line.split('"')[1]
                other = next((f / name for f in (file.parent, kernel_folder() / "cuda") if (f / name).exists()), None)
                if other is None:
                    raise KernelError(f"{file.name}:{number}: {name} is neither here nor in {kernel_folder()}/cuda")
                lines.append((text(other) if other not in seen else "") + f'\n#line {number + 1} "{file.name}"')
            elif line.lstrip().startswith("#include <") and file.suffix in (".cu", ".cuh"):
                raise KernelError(f"{file.name}:{number}: CUDA files include no system headers: NVRTC has none")
            elif line.strip() != "#pragma once":
                lines.append(line)
        return "\n".join(lines)

    return text(path) + "\n"


@cache
def compiler() -> tuple[str, str]:
    """Return the C++ compiler and its version: $CXX, g++ or c++, whichever is there.

    Raises
    ------
    KernelError
        If there is none.
    """
    for name in (os.environ.get("CXX"), "g++", "c++"):
        found = shutil.which(name) if name else None
        if found:
            result = subprocess.run([found, "--version"], capture_output=True, text=True, errors="replace", check=False)
            return found, result.stdout.partition("\n")[0]
    raise KernelError(
        "kernels: no C++ compiler was found ($CXX, g++, c++); install one (Debian, Ubuntu: apt-get install g++)"
    )


def shared_library(
    name: str, text: str, flags: Sequence[str], libraries: Sequence[Path] = (), shipped: bool = True
) -> Path:
    """Build a shared library from C++ source, unless the same was built before or came with a wheel.

    Parameters
    ----------
    name : str
        What error messages call it.
    text : str
        The whole source, with no includes but the system's.
    flags : sequence of str
    libraries : sequence of Path
        Libraries that it needs and finds in the process.
    shipped : bool
        Take what came with a wheel, if it is the same.

    Raises
    ------
    KernelError
        If there is no compiler, or it refuses the source.
    """
    key = [sys.platform, platform.machine(), *flags, text]
    if shipped:
        for found in (kernel_folder() / "built").glob(f"{_digest(key)}-*.so"):
            return found
    program, version = compiler()

    def make(path: Path) -> None:
        source = path.with_suffix(".cpp")
        source.write_text(text, encoding="utf-8")
        command = [
            program,
            "-std=c++17",
            "-shared",
            "-fPIC",
            *flags,
            "-o",
            str(path),
            str(source),
            *map(str, libraries),
        ]
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        source.unlink()
        if result.returncode:
            raise KernelError(f"{name}: {program} refuses it:\n{result.stderr[:4000].rstrip()}")

    return cached(key, f"-{_digest([version])[:8]}.so", make)


def loaded(
    name: str, text: str, flags: Sequence[str], libraries: Sequence[Path] = (), mode: int = ctypes.DEFAULT_MODE
) -> tuple[ctypes.CDLL, Path]:
    """Build a library as `shared_library` does, or find it, and load it; return it with its file.

    What cannot be loaded is built anew: half a file after a power cut, or a wheel's library that wants a newer system.

    Raises
    ------
    KernelError
        If it cannot be built, or what was built cannot be loaded.
    """
    path = shared_library(name, text, flags, libraries)
    try:
        return ctypes.CDLL(str(path), mode), path
    except OSError:
        if path.parent == cache_folder():
            path.unlink(missing_ok=True)
        path = shared_library(name, text, flags, libraries, shipped=False)
    try:
        return ctypes.CDLL(str(path), mode), path
    except OSError as error:
        raise KernelError(f"{name}: what was built from it cannot be loaded: {error}") from error
