"""`minicnn info`: print versions, devices and the kernels of each operation, or the content of a model file."""

import argparse
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

import minicnn
from minicnn.backends.build import compiler
from minicnn.backends.native.library import build_all, missing
from minicnn.cli.arguments import add_command
from minicnn.errors import KernelError
from minicnn.runtime.devices import Device
from minicnn.runtime.dispatch import kernels, operations
from minicnn.training import load_state

__all__ = ["add", "run"]

DETAILS = """\
Print the versions, the devices and, for each operation, the kernels in the order in which they are tried.
With a file, print the model in it. With --build, build the native kernels now, and not when they are first needed.

examples:
  minicnn info
  minicnn info --build
  minicnn info runs/demo/denoiser.safetensors
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "info", run, "print devices and kernels, or the content of a model file", DETAILS)
    parser.add_argument("model", type=Path, nargs="?", metavar="MODEL", help="a .safetensors file")
    parser.add_argument("--build", action="store_true", help="build the native kernels for this processor")


def run(options: argparse.Namespace) -> None:
    """Run the command; errors as in `load_state` and `build_all`."""
    if options.model is not None:
        _print_model(options.model)
        return
    if options.build:
        built = build_all()
        print(f"{len(built)} native libraries are ready" if built else f"nothing is built: {missing()}")
        return
    print(f"minicnn {minicnn.__version__}, Python {platform.python_version()}, NumPy {np.__version__}")
    print(f"{platform.platform()}, {_blas()}")
    print(f"native kernels: {_native()}")
    for name, reason in Device.reasons().items():
        if reason:
            print(f"device {name} is not available: {reason}")
            continue
        print(f"device {name}:")
        for operation in operations():
            names = [f"{k.backend}/{k.name}" for k in kernels(operation, Device.named(name))]
            if len(names) > 1:
                print(f"  {operation:<20} {', '.join(names)}")
        print("  all other operations have only their reference")


def _native() -> str:
    reason = missing().removeprefix("kernels: ")
    if reason:
        return f"none, {reason}"
    try:
        origin = compiler()[1]
    except KernelError:
        origin = "prebuilt"
    return f"{origin}, {minicnn.get_num_threads()} threads"


def _blas() -> str:
    from threadpoolctl import threadpool_info

    found = [f"{pool['internal_api']} with {pool['num_threads']} threads" for pool in threadpool_info()]
    return ", ".join(found) or f"no known BLAS (executable {sys.executable})"


def _print_model(path: Path) -> None:
    state, about = load_state(path)
    for name, value in about.items():
        print(f"{name}: {value}")
    print(f"{sum(t.numel() for t in state.values()):,} numbers in {len(state)} tensors:")
    for name, tensor in state.items():
        print(f"  {name:<24} {tensor.dtype} {tuple(tensor.shape)}")
