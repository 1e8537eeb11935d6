"""Record the default arguments of PyTorch's public functions and classes, for tests/test_signatures.py.

Run by hand with PyTorch 2.13, which the project itself does not need:

    python -m tests.oracles.record_torch_signatures

It writes torch_signatures.json in this folder: module -> name -> argument -> default, of names that minicnn has.
"""

import ast
import importlib
import inspect
import json
from pathlib import Path
from typing import Any

MODULES = ("nn", "nn.functional", "nn.init", "nn.utils", "optim", "optim.lr_scheduler")


def plain(value: Any) -> Any:
    """Return a default as a JSON value."""
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


def defaults(module: Any, name: str) -> dict[str, Any]:
    """Return the default of each argument that has one."""
    function = getattr(module, name)
    if name.startswith(("max_pool", "adaptive_max_pool")):  # picks one of two functions; this one has the arguments
        function = getattr(module, f"_{name}")
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # PyTorch's functions in C++ have a signature in their text alone
        head = function.__doc__.strip().partition(") ->")[0] + ")"
        call = ast.parse(head, mode="eval").body
        assert isinstance(call, ast.Call)
        return {k.arg: plain(ast.literal_eval(k.value)) for k in call.keywords if k.arg}
    return {p.name: plain(p.default) for p in parameters if p.default is not p.empty}


def shared_names(module: str, other: Any) -> list[str]:
    """Return the public functions and classes of a module of minicnn that the other module has too."""
    ours = importlib.import_module(f"minicnn.{module}")
    return [n for n in sorted(ours.__all__) if callable(getattr(ours, n)) and callable(getattr(other, n, None))]


def main() -> None:
    found = {}
    for module in MODULES:
        other = importlib.import_module(f"torch.{module}")
        found[module] = {name: defaults(other, name) for name in shared_names(module, other)}
    path = Path(__file__).with_name("torch_signatures.json")
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
