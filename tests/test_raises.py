"""The `Raises` sections: a public function names every error of minicnn that its code raises, and no other.

The code of a function is its own body and the bodies of the private functions and methods that it calls.
"""

import ast
import builtins
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

import minicnn
from minicnn import errors
from minicnn.errors import ShapeError

MODULES = sorted(module.name for module in pkgutil.walk_packages(minicnn.__path__, "minicnn."))
SECTION = re.compile(r"^Raises\n-+\n(.*?)(?=^\w[^\n]*\n-+$|\Z)", re.MULTILINE | re.DOTALL)


def public_functions() -> dict[str, Callable[..., Any]]:
    """Return the functions and the methods of classes that a module defines in its `__all__`."""
    found = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", ()):
            thing = getattr(module, public)
            if getattr(thing, "__module__", None) != name:
                continue
            if inspect.isfunction(thing):
                found[f"{name}.{public}"] = thing
            elif inspect.isclass(thing):
                for method, function in vars(thing).items():
                    function = getattr(function, "__func__", function)
                    if inspect.isfunction(function) and not method.startswith("_"):
                        found[f"{name}.{public}.{method}"] = function
    return found


def unwrapped(function: Callable[..., Any]) -> Any:
    """Return the function that others wrap; of a primitive, its body."""
    function = inspect.unwrap(function)
    return getattr(function, "body", function)


@cache
def tree(function: Callable[..., Any]) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(unwrapped(function))))


def is_error(name: str) -> bool:
    return isinstance(getattr(errors, name, None), type)


def raised(function: Callable[..., Any], owner: type | None, seen: set[Any]) -> Iterator[str]:
    """Yield the names of the errors that the code of a function raises."""
    function = unwrapped(function)
    if function in seen:
        return
    seen.add(function)
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.Raise) and node.exc is not None:
            made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(made, ast.Name) and is_error(made.id):
                yield made.id
        if isinstance(node, ast.Call):
            called = None
            if isinstance(node.func, ast.Name) and node.func.id.startswith("_"):
                called = function.__globals__.get(node.func.id)
            elif re.match(r"(self|cls)\._\w+$", ast.unparse(node.func)) and owner is not None:
                called = getattr(owner, ast.unparse(node.func).partition(".")[2], None)
            if inspect.isfunction(called) and called.__module__.startswith("minicnn"):
                yield from raised(called, owner, seen)


def caught(function: Callable[..., Any]) -> set[str]:
    """Return the names of the errors that a function catches itself."""
    handlers = [node.type for node in ast.walk(tree(function)) if isinstance(node, ast.ExceptHandler) and node.type]
    return {name.id for handler in handlers for name in ast.walk(handler) if isinstance(name, ast.Name)}


def named(function: Callable[..., Any]) -> set[str]:
    """Return the names in the Raises section."""
    section = SECTION.search(inspect.getdoc(function) or "")
    heads = re.findall(r"^(\w[\w, ]*)$", section[1], re.MULTILINE) if section else []
    return {name for head in heads for name in re.split(r", *", head)}


def owner_of(name: str) -> type | None:
    module = name.rpartition(".")[0]
    package, _, cls = module.rpartition(".")
    try:
        found = getattr(importlib.import_module(package), cls, None)
    except ModuleNotFoundError:
        return None
    return found if isinstance(found, type) else None


def text_of(function: Callable[..., Any], owner: type | None) -> str:
    """Return the docstring, with the docstrings of the functions that it refers to: "see `x`", "errors as in `x`"."""
    text, todo = "", [function]
    while todo:
        new = inspect.getdoc(todo.pop()) or ""
        if new not in text:
            text += new
            names = re.findall(r"(?:[Ss]ee|as in) `(\w+)`", new)
            found = (getattr(owner, name, None) or unwrapped(function).__globals__.get(name) for name in names)
            todo += [other for other in found if other is not None]
    return text


FUNCTIONS = public_functions()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_are_named(name):
    function, owner = FUNCTIONS[name], owner_of(name)
    text = text_of(function, owner)
    missing = {error for error in set(raised(function, owner, set())) - caught(function) if error not in text}
    assert missing == set()


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if named(function)])
def test_named_errors_exist(name):
    known = {n for n in named(FUNCTIONS[name]) if is_error(n) or isinstance(getattr(builtins, n, None), type)}
    assert named(FUNCTIONS[name]) == known


def test_an_error_that_is_not_named_is_found():
    def call(x: int) -> None:
        """Do something."""
        if x < 0:
            raise errors.ShapeError("call: x is negative")
        raise ShapeError("call: x is positive")

    assert set(raised(call, None, set())) == {"ShapeError"}
    assert "ShapeError" not in text_of(call, None)
