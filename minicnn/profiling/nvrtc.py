"""`compile_cuda` compiles CUDA C++ to machine code with NVRTC, NVIDIA's compiler as a library, without a GPU or driver.

ctypes calls the functions of NVRTC's C interface. NVIDIA's own binding, cuda-bindings, is not used: its version would
have to match the compiler's version and the version that PyTorch pins.
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
REALS = {"float32": "float", "float64": "double"}  # dtype -> the value of -DReal=
PACKAGE, LIBRARY = "nvidia-cuda-nvrtc-cu12", r"libnvrtc\.so\.\d+|nvrtc64_\d+_\d+\.dll"


def compile_cuda(name: str, text: str, architecture: str, dtype: str) -> Path:
    """Return the path of the CUBIN (machine code) of CUDA C++. It is cached by text, options and compiler version.

    Parameters
    ----------
    name : str
        The name of the file, for error messages.
    text : str
        The whole source text, with all includes replaced by their content.
    architecture : str
        For example "sm_80".
    dtype : "float32" or "float64"
        The type `Real` of the source.

    Raises
    ------
    KernelError
        If the text does not compile. The message holds the compiler's log.
    MissingPackageError
        If the wheel with the compiler is not installed.
    """
    options = [f"--gpu-architecture={architecture}", f"-DReal={REALS[dtype]}", "-std=c++17"]

    def make(path: Path) -> None:
        path.write_bytes(_compile(name, text, options))

    return cached(["nvrtc", nvrtc_version(), *options, text], ".cubin", make)


@cache
def nvrtc_version() -> str:
    """Return the compiler's version, for example "12.9"; errors as in `compile_cuda`."""
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
            raise KernelError(f"{name}: NVRTC cannot compile it with {' '.join(options)}:\n{log[:4000]}")
        return _fetch(program, "CUBIN")
    finally:
        _call("DestroyProgram", ctypes.byref(program))


def _fetch(program: ctypes.c_void_p, item: str) -> bytes:
    size = ctypes.c_size_t()
    _call(f"Get{item}Size", program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    _call(f"Get{item}", program, buffer)
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
