"""Calls as text, whose results PyTorch recorded. tests/test_calls.py compares minicnn with the record.

Each file of this folder is a topic: `START` is a program that defines names, and `CALLS` are expressions with them. To
add a call, add a line, and run record_torch_calls.py with PyTorch.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import Any

__all__ = ["TOPICS", "run"]

TOPICS = {m.name: importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)}

COMMON = """
F, nn, optim = torch.nn.functional, torch.nn, torch.optim

def gradients(output, *inputs):
    first = torch.autograd.grad(output.sum(), inputs, create_graph=True)
    sums = [g.sum() for g in first if g.requires_grad]
    return first, [torch.autograd.grad(s, i, retain_graph=True, allow_unused=True) for s in sums for i in inputs]

def refused(function, *arguments, **options):
    try:
        function(*arguments, **options)
    except Exception:
        return True
    return False
"""


def run(topic: str, call: str, torch: ModuleType) -> Any:
    """Return the result of a call as JSON values, or the word "raises"."""
    scope = {"torch": torch}
    exec(COMMON + TOPICS[topic].START, scope)
    try:
        return _plain(eval(call, scope))
    except Exception:
        return "raises"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, complex):
        return [_plain(value.real), _plain(value.imag)]
    if not hasattr(value, "requires_grad"):
        return round(value, 5) if isinstance(value, float) else value
    return {
        "values": _plain(value.detach().tolist()),
        "dtype": str(value.dtype).removeprefix("torch."),
        "requires_grad": value.requires_grad,
    }
