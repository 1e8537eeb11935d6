"""Imports run strictly downward, and no module imports itself in a circle: read from the syntax trees."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "minicnn"

# Every part of the package, lowest first: a row may import the rows above it in this table. A part is a file or folder
# directly below minicnn/, each backend a part of its own; "surface" is minicnn/__init__.py, on which only the command
# line stands. So tensor.py may not import autograd.py, and no layer may import the surface.
LAYERS = (
    {"errors"},  # L0
    {"geometry", "dtypes"},
    {"devices", "memory", "random", "threads"},  # L1
    {"dispatch", "cuda"},
    {"program"},
    {"backends"},  # L2
    {"tape"},  # L3
    {"tensor"},
    {"primitive"},
    {"autograd"},
    {"ops"},  # L4
    {"nn", "optim", "data"},  # L5
    {"models", "training", "imaging", "interpret", "compress", "distributed", "testing", "profiling"},  # L6
    {"surface"},
    {"cli"},  # L7
)
# Parts of one row ignore each other, but for these declared steps: (importer, imported).
STEPS = {
    ("backends.native", "backends.build"),
    ("backends.cuda", "backends.build"),
    ("imaging", "models"),
    ("imaging", "training"),
}
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}


def find_modules(package: Path) -> dict[str, Path]:
    """Return the file of every module by its dotted name."""
    names = ((".".join(path.relative_to(package.parent).with_suffix("").parts), path) for path in package.rglob("*.py"))
    return {name.removesuffix(".__init__"): path for name, path in sorted(names)}


def part_of(module: str) -> str:
    _, *names = module.split(".")
    return ".".join(names[: 2 if names[:1] == ["backends"] else 1]) or "surface"


def imported(node: ast.AST, module: str, modules: dict[str, Path]) -> list[str]:
    """Return the modules of minicnn that one statement or call names; `from a import b` names a.b if that is one."""
    match node:
        case ast.Import(names=aliases):
            found = [alias.name for alias in aliases]
        case ast.ImportFrom(module=name, names=aliases, level=dots):
            above = module.split(".") if modules[module].name == "__init__.py" else module.split(".")[:-1]
            base = ".".join([*(above[: len(above) + 1 - dots] if dots else []), *([name] if name else [])])
            longer = [f"{base}.{alias.name}" for alias in aliases]
            found = [name if name in modules else base for name in longer]
        case ast.Call(
            func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            found = [name]
        case _:
            found = []
    return [name for name in found if name.split(".")[0] == "minicnn"]


def everything_but_types(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but those for type checkers alone: a name for a type upstairs is not a dependency on it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for other in node.orelse:
                yield from everything_but_types(other)
            continue
        yield node
        yield from everything_but_types(node)


def run_on_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when the module is imported: no function's body, nothing for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from run_on_import(node)


def complaints(package: Path) -> list[str]:
    modules = find_modules(package)
    trees = {module: ast.parse(path.read_bytes()) for module, path in modules.items()}
    found = []
    for module, tree in trees.items():
        part = part_of(module)
        if part.split(".")[0] not in LEVEL:
            found.append(f"{module} is in no layer")
            continue
        for node in everything_but_types(tree):
            for other in sorted({part_of(name) for name in imported(node, module, modules)}):
                down = LEVEL.get(other.split(".")[0], len(LAYERS)) < LEVEL[part.split(".")[0]]
                if not (down or other == part or (part, other) in STEPS):
                    found.append(f"{module}:{node.lineno} may not import {other}")
    edges = {
        module: {name for node in run_on_import(tree) for name in imported(node, module, modules)}
        for module, tree in trees.items()
    }
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        found.append(f"circular import: {' -> '.join(reversed(error.args[1]))}")
    return found


def test_imports_run_strictly_downward():
    assert complaints(PACKAGE) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"ops/conv": "from minicnn.tensor import Tensor\nfrom ..geometry import ConvSpec"}, []),
        ({"imaging/edit": "import minicnn.models", "cli/main": "from minicnn import __version__"}, []),
        ({"nn/a": "def f():\n    from minicnn.nn import b", "nn/b": "from . import a"}, []),
        ({"tensor": "from minicnn.nn import Linear"}, ["minicnn.tensor:1 may not import nn"]),
        ({"geometry": "from minicnn import tensor", "tensor": ""}, ["minicnn.geometry:1 may not import tensor"]),
        ({"tensor": "from . import autograd", "autograd": ""}, ["minicnn.tensor:1 may not import autograd"]),
        ({"tape": "if TYPE_CHECKING:\n    from .tensor import Tensor", "tensor": ""}, []),
        ({"nn/module": "from ..optim.sgd import SGD"}, ["minicnn.nn.module:1 may not import optim"]),
        ({"optim/sgd": "def f():\n    import minicnn.data"}, ["minicnn.optim.sgd:2 may not import data"]),
        ({"models/resnet": "from minicnn import imaging", "imaging/__init__": ""}, ["imaging"]),
        ({"backends/numpy/conv": "from ..cuda import launch"}, ["may not import backends.cuda"]),
        ({"ops/conv": "import importlib\nimportlib.import_module('minicnn.cli')"}, ["may not import cli"]),
        ({"ops/conv": "import minicnn"}, ["minicnn.ops.conv:1 may not import surface"]),
        ({"geometry": "import minicnn.strange"}, ["may not import strange"]),
        ({"strange": ""}, ["minicnn.strange is in no layer"]),
        ({"nn/a": "from minicnn.nn import b", "nn/b": "from . import a"}, ["circular import: minicnn.nn."]),
        ({"nn/__init__": "from .a import A", "nn/a": "from minicnn.nn import B"}, ["circular import: minicnn.nn"]),
    ],
)
def test_the_checker_finds_what_is_planted(tmp_path, files, expected):
    for name, text in files.items():
        path = tmp_path / "minicnn" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = complaints(tmp_path / "minicnn")
    assert len(found) == len(expected)
    assert all(part in complaint for part, complaint in zip(expected, found, strict=True))
