"""`save` and `load`: tensors and plain containers of them in files. `torch_files.py` reads PyTorch's own files."""

from minicnn.serialization.files import load, save

__all__ = ["load", "save"]
