"""Record the signatures of PyTorch's public functions, methods and classes, for tests/test_signatures.py.

Run by hand with PyTorch 2.13, which the project itself does not need:

    python -m tests.oracles.record_torch_signatures

It writes torch_signatures.json in this folder: module -> name -> signatures, of names that minicnn has. A function in
C++ may have several; PyTorch's stub files list them. A signature is a list of [name, kind] or [name, kind, default], as
the standard module `inspect` has them: without the object of a method.
"""

import ast
import importlib
import inspect
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

MODULES = (
    "",
    "amp",
    "func",
    "autograd",
    "autograd.functional",
    "cuda",
    "distributed",
    "distributions",
    "fft",
    "linalg",
    "nn",
    "nn.functional",
    "nn.init",
    "nn.parallel",
    "nn.utils",
    "nn.utils.parametrizations",
    "nn.utils.parametrize",
    "nn.utils.prune",
    "nn.utils.rnn",
    "optim",
    "optim.lr_scheduler",
    "random",
    "special",
    "optim.swa_utils",
    "utils.checkpoint",
    "utils.data",
)
CLASSES = ("nn.Module", "nn.Sequential", "nn.ModuleList", "nn.ModuleDict", "nn.ParameterList", "nn.ParameterDict")
CLASSES += ("optim.Optimizer", "optim.LBFGS", "optim.lr_scheduler.LRScheduler", "optim.lr_scheduler.ReduceLROnPlateau")
STUBS = {
    "": ("_VariableFunctions.pyi", None),
    "Tensor": ("__init__.pyi", "TensorBase"),
    "nn.functional": ("_nn.pyi", None),
}

Parameter = list[Any]


def plain(value: Any) -> Any:
    """Return a default as a JSON value."""
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    if inspect.ismodule(value):
        return value.__name__
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return re.sub(r" at 0x\w+", "", repr(value))  # an address differs in each run


def inspected(function: Any) -> list[Parameter]:
    """Return the parameters of a function in Python."""
    return [
        [p.name, p.kind.name] if p.default is p.empty else [p.name, p.kind.name, plain(p.default)]
        for p in inspect.signature(function).parameters.values()
        if p.name != "self"
    ]


def parsed(node: ast.FunctionDef, method: bool) -> list[Parameter]:
    """Return the parameters of a function in a stub file."""
    a = node.args
    places = [*((p, "POSITIONAL_ONLY") for p in a.posonlyargs), *((p, "POSITIONAL_OR_KEYWORD") for p in a.args)]
    found = [[p.arg, kind] for p, kind in places]
    for parameter, default in zip(reversed(found), reversed(a.defaults), strict=False):
        parameter.append(_literal(default))
    if a.vararg:
        found.append([a.vararg.arg, "VAR_POSITIONAL"])
    for p, default in zip(a.kwonlyargs, a.kw_defaults, strict=True):
        found.append([p.arg, "KEYWORD_ONLY", *([] if default is None else [_literal(default)])])
    return found[method:]


def _literal(node: ast.expr) -> Any:
    try:
        return plain(ast.literal_eval(node))
    except ValueError:
        return ast.unparse(node)


@cache
def stubs(module: str) -> dict[str, list[list[Parameter]]]:
    """Return the signatures in a stub file by name."""
    import torch

    if module not in STUBS:
        return {}
    file, name = STUBS[module]
    assert torch.__file__
    body = ast.parse((Path(torch.__file__).parent / "_C" / file).read_text(encoding="utf-8")).body
    if name:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == name)
    found: dict[str, list[list[Parameter]]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(parsed(node, method=name is not None))
    return found


def signatures(module: str, owner: Any, name: str) -> list[list[Parameter]]:
    """Return all signatures of a name."""
    function = getattr(owner, name)
    if name.startswith(("max_pool", "adaptive_max_pool")):  # picks one of two functions; this one has the arguments
        function = getattr(owner, f"_{name}", function)
    known = stubs(module).get(name) or (stubs("").get(name) if module == "nn.functional" else None)
    if known and (module in ("", "Tensor") or not inspect.isfunction(function)):
        return known
    try:
        return [inspected(function)]
    except (TypeError, ValueError):  # a class or a function in C++
        return []


def shared_names(ours: Any, names: list[str], other: Any) -> list[str]:
    """Return the names of functions and classes of ours that the other module or class has too."""
    return [n for n in sorted(names) if callable(getattr(ours, n)) and callable(getattr(other, n, None))]


def main() -> None:
    import torch

    import minicnn

    found = {}
    for module in MODULES:
        ours, other = (importlib.import_module(".".join(filter(None, (top, module)))) for top in ("minicnn", "torch"))
        found[module] = {n: signatures(module, other, n) for n in shared_names(ours, ours.__all__, other)}
    methods = [n for n in dir(minicnn.Tensor) if not n.startswith("_")]
    found["Tensor"] = {
        n: signatures("Tensor", torch.Tensor, n) for n in shared_names(minicnn.Tensor, methods, torch.Tensor)
    }
    for name in CLASSES:  # their own methods, without the ones of the class below
        module, _, cls = name.rpartition(".")
        ours, other = (getattr(importlib.import_module(f"{top}.{module}"), cls) for top in ("minicnn", "torch"))
        methods = [n for n in dir(ours) if not n.startswith("_") and inspect.isfunction(getattr(ours, n))]
        methods = [n for n in methods if name == "nn.Module" or n not in found.get("nn.Module", ())]
        found[name] = {n: signatures(name, other, n) for n in shared_names(ours, methods, other)}
    lines = []
    for module, names in found.items():
        rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(several)}" for name, several in names.items())
        lines.append(f" {json.dumps(module)}: {{\n{rows}\n }}")
    path = Path(__file__).with_name("torch_signatures.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
