"""Tests of the public names: declared, complete and documented. (ruff's RUF022 checks that `__all__` is sorted.)"""

import importlib
import inspect
import pkgutil
import pydoc
from dataclasses import is_dataclass
from types import ModuleType
from typing import get_origin

import pytest

import minicnn
from minicnn import errors

MODULES = [
    "minicnn",
    *sorted(
        module.name
        for module in pkgutil.walk_packages(minicnn.__path__, "minicnn.")
        if not any(part.startswith("_") for part in module.name.split("."))
    ),
]


@pytest.fixture(params=MODULES)
def module(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def is_documented(thing: object) -> bool:
    text = vars(thing).get("__doc__") if isinstance(thing, type) else inspect.getdoc(thing)
    # Python gives a dataclass without a docstring its signature as the docstring.
    return bool(text) and not (is_dataclass(thing) and text.startswith(f"{thing.__name__}("))


def test_every_module_says_what_it_is_for(module):
    assert module.__doc__


def test_all_is_declared_and_every_name_exists(module):
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert len(set(module.__all__)) == len(module.__all__)


def test_all_is_complete(module):
    defined = {
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(thing) or inspect.isclass(thing))
        and thing.__module__ == module.__name__
    }
    assert sorted(defined - set(module.__all__)) == []


def test_every_public_function_and_class_has_a_docstring(module):
    things = {name: getattr(module, name) for name in module.__all__}
    callables = {name: thing for name, thing in things.items() if callable(thing) and get_origin(thing) is None}
    own = {name for name, thing in callables.items() if getattr(thing, "__module__", "minicnn").startswith("minicnn")}
    assert [name for name in own if not is_documented(callables[name])] == []


def test_every_error_is_a_minicnn_error_and_one_of_python():
    classes = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(error, errors.MiniCNNError) for error in classes)
    builtin = (ImportError, RuntimeError, TypeError, ValueError)
    assert all(issubclass(error, builtin) for error in classes if error is not errors.MiniCNNError)


def test_the_version_is_a_version():
    numbers = minicnn.__version__.split(".")
    assert len(numbers) == 3
    assert all(number.isdigit() for number in numbers)


def public_functions() -> dict[str, object]:
    """Return the functions of minicnn and nn.functional, and the methods of Tensor, by name."""
    places = {"minicnn": minicnn, "F": minicnn.nn.functional}
    found = {f"{place}.{name}": getattr(module, name) for place, module in places.items() for name in module.__all__}
    methods = {f"Tensor.{name}": getattr(minicnn.Tensor, name) for name in dir(minicnn.Tensor) if name[0] != "_"}
    functions = {name: thing for name, thing in {**found, **methods}.items() if callable(thing)}
    return {name: f for name, f in functions.items() if not (isinstance(f, type) and issubclass(f, Exception))}


@pytest.mark.parametrize("name", public_functions())
def test_notebooks_show_signature_and_help(name):
    thing = public_functions()[name]
    assert inspect.signature(thing)
    text = pydoc.render_doc(thing, renderer=pydoc.plaintext)
    assert (inspect.getdoc(thing) or "").split("\n")[0] in text
    if not isinstance(thing, type):
        assert thing.__name__ in text


def test_no_module_hides_a_public_name():
    """An import of minicnn/layout.py would replace PyTorch's name `layout` by the module."""
    files = {found.name for found in pkgutil.iter_modules(minicnn.__path__)}
    sources = [value for name, value in vars(minicnn).items() if name.startswith("_") and hasattr(value, "__all__")]
    assert len(sources) > 20
    assert [(source.__name__, name) for source in sources for name in source.__all__ if name in files] == []
