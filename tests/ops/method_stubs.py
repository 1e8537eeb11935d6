"""Write minicnn/autograd/methods.pyi, the signatures of Tensor's methods for editors and type checkers: `make stubs`.

`ops/methods.py` attaches functions as methods. Their signatures are read from the source. The first parameter
becomes `self`, and Tensor becomes `TensorT`.
"""

import ast
import builtins
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from minicnn.autograd import methods
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.tensor import Tensor
from minicnn.ops.methods import METHODS
from minicnn.ops.operands import Binary

TARGET = Path(methods.__file__).with_suffix(".pyi")
IMPORTS = {
    "Any": "from typing import Any",
    "Device": "from minicnn.runtime.devices import Device",
    "DType": "from minicnn.dtypes import DType",
    "Iterator": "from collections.abc import Iterator",
    "Generic": "from typing import Generic",
    "Sequence": "from collections.abc import Sequence",
    "TypeVar": "from typing import TypeVar",
    "np": "import numpy as np",
}
HEAD = """# Made from minicnn/ops/methods.py by `make stubs`; do not edit.

"""


def stubs() -> str:
    """Return the text of methods.pyi."""
    names = {name: value for name, value in METHODS.items() if _is_method(name, value)}
    hidden = {name for name in names if hasattr(builtins, name)}  # inside the class, these names are methods
    lines = [line for name, value in names.items() for line in _method(name, value, hidden)]
    text = "\n".join(f"    {line}" for line in lines)
    text = f'TensorT = TypeVar("TensorT")  # Tensor\n\nclass TensorMethods(Generic[TensorT]):\n{text}\n'
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    imports = {"import builtins", *(line for name, line in IMPORTS.items() if name in used)}
    unknown = used - set(IMPORTS) - set(dir(builtins)) - {"TensorT", "builtins", "property"}
    assert not unknown, f"no import is known for {sorted(unknown)}"
    return _formatted(HEAD + "\n".join(sorted(imports)) + "\n\n" + text)


def _formatted(text: str) -> str:
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(TARGET), "-"]
        text = subprocess.run(ruff, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
    return text


def _is_method(name: str, value: Any) -> bool:
    return callable(value) or isinstance(value, property)


def _method(name: str, value: Any, hidden: set[str]) -> Iterator[str]:
    value = inspect.unwrap(value) if callable(value) else value
    if name == "__hash__":
        yield "def __hash__(self) -> int: ..."
    elif isinstance(value, property):
        yield "@property"
        yield f"def {name}(self) -> {_type(_definition(value.fget).returns, value.fget, hidden)}: ..."
    elif isinstance(value, Binary):
        yield f"def {name}(self, other: Any) -> TensorT: ..."
    elif isinstance(value, Primitive):
        yield f"def {name}(self) -> TensorT: ..."
    else:
        function = _definition(value)
        yield f"def {name}({_arguments(function.args, value, hidden)}) -> {_type(function.returns, value, hidden)}: ..."


def _definition(function: Callable[..., Any]) -> ast.FunctionDef:
    lines, _ = inspect.getsourcelines(inspect.unwrap(function))
    (definition,) = ast.parse(inspect.cleandoc("\n" + "".join(lines))).body
    assert isinstance(definition, ast.FunctionDef)
    return definition


def _arguments(arguments: ast.arguments, function: Callable[..., Any], hidden: set[str]) -> str:
    arguments.args[0] = ast.arg("self")
    for argument in [*arguments.args[1:], *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
        if argument is not None:
            argument.annotation = ast.Name(_type(argument.annotation, function, hidden))
    return ast.unparse(arguments).replace("=", " = ")


def _type(annotation: ast.expr | None, function: Callable[..., Any], hidden: set[str]) -> str:
    """Return an annotation for the stub, with aliases expanded."""

    class Rewritten(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            value = function.__globals__.get(node.id)
            if value is Tensor:
                return ast.Name("TensorT")
            if isinstance(value, type) and value.__module__.startswith("minicnn.ops"):
                return ast.Name("Any")  # the stub may not import the operations
            if value is not None and node.id not in IMPORTS:  # an alias
                text = str(value).replace("collections.abc.", "").replace("typing.", "")
                return self.visit(ast.parse(text, mode="eval").body)
            return ast.Attribute(ast.Name("builtins"), node.id) if node.id in hidden else node

    return "Any" if annotation is None else ast.unparse(Rewritten().visit(annotation))


if __name__ == "__main__":
    TARGET.write_text(stubs())
    print(f"wrote {TARGET}")
