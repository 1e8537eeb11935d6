"""The backends: folders with kernels that are faster than the references. `dispatch` imports them on first use.

`cudnn` and `mps` are not backends. They answer programs that ask for PyTorch's.
"""

from importlib import import_module

__all__: list[str] = []


def __getattr__(name: str) -> object:  # programs write ``torch.backends.cuda.matmul.allow_tf32 = True``
    if name == "cuda":
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"minicnn.backends has no {name!r}")
