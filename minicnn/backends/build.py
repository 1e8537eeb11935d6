"""Builds the C++ files of kernels/ with the machine's compiler, and keeps the libraries in a cache folder.

The name of a library is a hash of its source and flags, so each is built once. A wheel can contain libraries too, in
kernels/built. A library from the wheel is used only if its hash is the same, so code for another processor never runs.
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

__all__ = ["REFUSED", "cache_folder", "cached", "compiler", "flattened", "kernel_folder", "loaded", "shared_library"]

SANITIZER: list[str] = []  # compiler flags that tests add to every native library, before they build the first library

REFUSED = "cannot compile it:"  # the compiler's own message follows


@cache
def kernel_folder() -> Path:
    """Return the folder kernels/: inside the package if it was installed from a wheel, beside the package otherwise.

    Raises
    ------
    KernelError
        If the folder does not exist.
    """
    places = [Path(__file__).parents[1] / "kernels", Path(__file__).parents[2] / "kernels"]
    for place in places:
        if (place / "cudasim.hpp").is_file():
            return place
    raise KernelError(f"kernels: found neither {places[0]} nor {places[1]}; install minicnn again")


def cache_folder() -> Path:
    """Return the cache folder: $XDG_CACHE_HOME/minicnn, or ~/.cache/minicnn; a temporary folder if it is read-only."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minicnn"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return _temporary_folder()


@cache
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="minicnn-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def cached(key: Sequence[str | bytes], suffix: str, make: Callable[[Path], None]) -> Path:
    """Return the file with this key from the cache; if there is none, call `make` to write it.

    Parameters
    ----------
    key : sequence of str or bytes
        Everything on which the content depends; its hash is the name of the file.
    suffix : str
        The end of the file's name, for example ".so".
    make : callable
        Takes a path and writes the file there. The complete file is then moved into the cache, so that other processes
        never read an incomplete file.

    Raises
    ------
    KernelError
        If the cache folder cannot be written.
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
                f"kernels: cannot write to {path.parent}: {error}; set $XDG_CACHE_HOME to a folder with free space"
            ) from error
    return path


def _digest(key: Sequence[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in key:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]


def flattened(path: Path) -> str:
    """Return the text of a kernel file in which each `#include "..."` is replaced by the file, once.

    Raises
    ------
    KernelError
        If an included file is neither in the same folder nor in kernels/cuda, or a CUDA file includes a system header.
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
    """Return the path of the C++ compiler and its version: the first that exists of $CXX, g++ and c++.

    Raises
    ------
    KernelError
        If there is no compiler.
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
    """Return the path of a shared library built from C++ source. Build it only if neither cache nor wheel have it.

    Parameters
    ----------
    name : str
        The name for error messages.
    text : str
        The whole source; it includes only system headers.
    flags : sequence of str
    libraries : sequence of Path
        The libraries that this library is linked to.
    shipped : bool
        Use a library from the wheel, if there is one with the same hash.

    Raises
    ------
    KernelError
        If there is no compiler, the compiler reports an error, or the cache folder cannot be written.
    """
    key = [sys.platform, platform.machine(), *flags, text]
    if shipped:
        for found in (kernel_folder() / "built").glob(f"{_digest(key)}-*.so"):
            return found
    program, version = compiler()

    def make(path: Path) -> None:
        _announce()
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
            raise KernelError(f"{name}: {program} {REFUSED}\n{result.stderr[:4000].rstrip()}")

    return cached(key, f"-{_digest([version])[:8]}.so", make)


@cache
def _announce() -> None:
    """Tell a person who waits, once, why the first call takes long."""
    if sys.stderr.isatty() or "ipykernel" in sys.modules:
        print(
            "minicnn: building kernels for this processor, only this once; it takes about half a minute",
            file=sys.stderr,
        )


def loaded(
    name: str, text: str, flags: Sequence[str], libraries: Sequence[Path] = (), mode: int = ctypes.DEFAULT_MODE
) -> tuple[ctypes.CDLL, Path]:
    """Build or find a library as `shared_library` does, and load it; return the library and its path.

    A library that cannot be loaded is built again: it may be incomplete after a power cut, or the wheel's library may
    need a newer system.

    Raises
    ------
    KernelError
        If the library cannot be built or loaded.
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
        raise KernelError(f"{name}: the library built from it cannot be loaded: {error}") from error
