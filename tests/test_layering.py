"""Test that modules import only lower layers, and that there are no circular imports; read from the syntax trees.

The table in docs/architecture.md defines the layers. Imports for type checkers count too.
"""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "minicnn"


def read_layers(text: str) -> dict[str, int]:
    """Return the layer of each part, from the rows `| layer | part | ... |` of the table."""
    found = {}
    for layer, parts in re.findall(r"^\| (\d+) \| ([^|]*) \|", text, re.MULTILINE):
        for part in re.findall(r"`([^`]+)`", parts):
            found[part.removesuffix("/").removesuffix(".py").replace("/", ".")] = int(layer)
    return found


# A part is a file or a folder directly below minicnn/ or minicnn/backends/, or any other that the table names.
# "__init__" is minicnn/__init__.py.
LAYERS = read_layers((ROOT / "docs" / "architecture.md").read_text())


def find_modules(package: Path) -> dict[str, Path]:
    """Return the file of every module by its dotted name."""
    names = ((".".join(path.relative_to(package.parent).with_suffix("").parts), path) for path in package.rglob("*.py"))
    return {name.removesuffix(".__init__"): path for name, path in sorted(names)}


def part_of(module: str) -> str:
    _, *names = module.split(".")
    two = ".".join(names[:2])
    return two if two in LAYERS or names[:1] == ["backends"] else ".".join(names[:1]) or "__init__"


def imported(node: ast.AST, module: str, modules: dict[str, Path]) -> list[str]:
    """Return the modules of minicnn that a statement or call imports; `from a import b` is a.b if that is a module."""
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


def run_on_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes outside of functions, which run on import."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        yield node
        yield from run_on_import(node)


def complaints(package: Path) -> list[str]:
    modules = find_modules(package)
    trees = {module: ast.parse(path.read_bytes()) for module, path in modules.items()}
    found = []
    for module, tree in trees.items():
        part = part_of(module)
        if part not in LAYERS and part != "backends":  # `backends` itself is only backends/__init__.py
            found.append(f"{module} is in no layer")
            continue
        for node in ast.walk(tree):
            for other in sorted({part_of(name) for name in imported(node, module, modules)}):
                if other != part and LAYERS.get(other, len(LAYERS)) >= LAYERS.get(part, 0):
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


def test_the_table_names_what_exists():
    there = {part_of(module) for module in find_modules(PACKAGE)} - {"backends"}
    assert set(LAYERS) == there


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"ops/conv": "from minicnn.autograd.tensor import Tensor\nfrom ..geometry import ConvSpec"}, []),
        ({"imaging/edit": "import minicnn.models", "cli/main": "from minicnn import __version__"}, []),
        ({"nn/a": "def f():\n    from minicnn.nn import b", "nn/b": "from . import a"}, []),
        ({"autograd/tape": "from minicnn.nn import Linear"}, ["minicnn.autograd.tape:1 may not import nn"]),
        ({"geometry": "from minicnn import ops", "ops/__init__": ""}, ["minicnn.geometry:1 may not import ops"]),
        ({"dtypes": "from . import geometry", "geometry": ""}, ["minicnn.dtypes:1 may not import geometry"]),
        ({"autograd/tape": "if TYPE_CHECKING:\n    from ..ops import add", "ops/__init__": ""}, ["may not import ops"]),
        ({"nn/module": "from ..optim.sgd import SGD"}, ["minicnn.nn.module:1 may not import optim"]),
        ({"nn/linear": "def f():\n    import minicnn.data"}, ["minicnn.nn.linear:2 may not import data"]),
        ({"models/resnet": "from minicnn import imaging", "imaging/__init__": ""}, ["imaging"]),
        ({"backends/numpy/conv": "from ..cuda import launch"}, ["may not import backends.cuda"]),
        ({"backends/numpy/fuse": "from ..trace import Graph", "backends/trace": ""}, []),
        ({"ops/conv": "import importlib\nimportlib.import_module('minicnn.cli')"}, ["may not import cli"]),
        ({"ops/conv": "import minicnn"}, ["minicnn.ops.conv:1 may not import __init__"]),
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
