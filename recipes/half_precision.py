"""write_half: a network as it comes with the package, with half precision and metadata."""

from pathlib import Path
from typing import Any

import numpy as np

from minicnn.nn import Module
from minicnn.training.tensor_file import write_tensor_file

__all__ = ["write_half"]


def write_half(call: str, path: Path, network: Module, **about: Any) -> None:
    """Write the class of a network, its arguments, its weights with half precision, and metadata to a file."""
    arrays = {name: t.numpy() for name, t in network.state_dict().items()}
    halves = {name: a.astype(np.float16) if a.dtype.kind == "f" else a for name, a in arrays.items()}
    named = {"architecture": type(network).__name__, "arguments": network.arguments, **about}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensor_file(call, path, "model", halves, named)
