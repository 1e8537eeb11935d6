"""CUDA C++ to machine code with NVRTC, NVIDIA's compiler as a library: it needs neither a GPU nor a driver.

The few functions of its C interface are called through ctypes. NVIDIA's own binding, cuda-bindings, does the same, but
its version would have to agree with the compiler's and with the one that PyTorch pins.
"""

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

from minicnn.backends.build import cached
from minicnn.errors import KernelError
from minicnn.profiling.wheels import wheel_file

__all__ = ["ARCHITECTURES", "REALS", "compile_cuda", "nvrtc_version"]

ARCHITECTURES = ("sm_75", "sm_80", "sm_90")  # Turing (T4), Ampere (A100), Hopper (H100)
REALS = {"float32": "float", "float64": "double"}  # what -DReal= says for an element type
PACKAGE, LIBRARY = "nvidia-cuda-nvrtc-cu12", r"libnvrtc\.so\.\d+|nvrtc64_\d+_\d+\.dll"


def compile_cuda(name: str, text: str, architecture: str, dtype: str) -> Path:
    """Return the CUBIN of CUDA C++; the same text is compiled once, and again by another compiler.

    Parameters
    ----------
    name : str
        The file's, for error messages.
    text : str
        All of it: with its headers, no include is left.
    architecture : str
        As in "sm_80".
    dtype : str
        "float32" or "float64": what the type Real is.

    Raises
    ------
    KernelError
        If it does not compile; the message holds the compiler's.
    MissingPackageError
        If the wheel with the compiler is not installed.
    """
    options = [f"--gpu-architecture={architecture}", f"-DReal={REALS[dtype]}", "-std=c++17"]

    def make(path: Path) -> None:
        path.write_bytes(_compile(name, text, options))

    return cached(["nvrtc", nvrtc_version(), *options, text], ".cubin", make)


@cache
def nvrtc_version() -> str:
    """Return the compiler's version, as in "12.9"."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    _call("Version", ctypes.byref(major), ctypes.byref(minor))
    return f"{major.value}.{minor.value}"


def _compile(name: str, text: str, options: list[str]) -> bytes:
    program = ctypes.c_void_p()
    _call("CreateProgram", ctypes.byref(program), text.encode(), name.encode(), 0, None, None)
    try:
        arguments = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
        if _library().nvrtcCompileProgram(program, len(options), arguments):
            log = _fetch(program, "ProgramLog").rstrip(b"\0").decode().strip()
            raise KernelError(f"{name}: NVRTC refuses it for {' '.join(options)}:\n{log[:4000]}")
        return _fetch(program, "CUBIN")
    finally:
        _call("DestroyProgram", ctypes.byref(program))


def _fetch(program: ctypes.c_void_p, what: str) -> bytes:
    size = ctypes.c_size_t()
    _call(f"Get{what}Size", program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    _call(f"Get{what}", program, buffer)
    return buffer.raw


def _call(name: str, *arguments: Any) -> None:
    status = getattr(_library(), f"nvrtc{name}")(*arguments)
    if status:
        raise KernelError(f"NVRTC: {name} failed: {_library().nvrtcGetErrorString(status).decode()}")


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(wheel_file(PACKAGE, LIBRARY)))
    library.nvrtcGetErrorString.restype = ctypes.c_char_p
    return library
