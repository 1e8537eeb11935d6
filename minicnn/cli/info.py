"""`minicnn info`: what runs here, and what a file holds."""

import argparse
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

import minicnn
from minicnn.backends.build import compiler
from minicnn.backends.native.library import missing
from minicnn.cli.arguments import add_command
from minicnn.errors import KernelError
from minicnn.runtime.devices import Device
from minicnn.runtime.dispatch import kernels, operations
from minicnn.training import load_state

__all__ = ["add", "run"]

DETAILS = """\
Tell what runs on this machine: versions, devices, and for each operation the kernels in the order they are tried.
With a file, tell what model it holds.

examples:
  minicnn info
  minicnn info runs/demo/denoiser.safetensors
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "info", run, "tell what runs here, or what a model file holds", DETAILS)
    parser.add_argument("model", type=Path, nargs="?", metavar="MODEL", help="a .safetensors file")


def run(options: argparse.Namespace) -> None:
    """Run it."""
    if options.model is not None:
        _tell_model(options.model)
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
            tried = [f"{k.backend}/{k.name}" for k in kernels(operation, Device.named(name))]
            if len(tried) > 1:
                print(f"  {operation:<20} {', '.join(tried)}")
        print("  every other operation has its reference alone")


def _native() -> str:
    reason = missing().removeprefix("kernels: ")
    if reason:
        return f"none, {reason}"
    try:
        by = compiler()[1]
    except KernelError:
        by = "prebuilt"
    return f"{by}, {minicnn.get_num_threads()} threads"


def _blas() -> str:
    from threadpoolctl import threadpool_info

    found = [f"{pool['internal_api']} with {pool['num_threads']} threads" for pool in threadpool_info()]
    return ", ".join(found) or f"no BLAS that can be told (executable {sys.executable})"


def _tell_model(path: Path) -> None:
    state, about = load_state(path)
    for name, value in about.items():
        print(f"{name}: {value}")
    print(f"{sum(t.numel() for t in state.values()):,} numbers in {len(state)} tensors:")
    for name, tensor in state.items():
        print(f"  {name:<24} {tensor.dtype} {tuple(tensor.shape)}")
