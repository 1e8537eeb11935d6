"""Default arguments are PyTorch's, for every public name that PyTorch has too.

tests/oracles/record_torch_signatures.py recorded them. Wrong defaults are found here and not in the tests of a module.
"""

import importlib
import inspect
import json
from pathlib import Path

import pytest

RECORDED = json.loads((Path(__file__).parent / "oracles" / "torch_signatures.json").read_text(encoding="utf-8"))
NAMES = [(module, name) for module, names in RECORDED.items() for name in names]
OTHER = {("nn", "ModuleList", "modules")}  # None and an empty list mean the same


def ours(module, name):
    function = getattr(importlib.import_module(f"minicnn.{module}"), name)
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_defaults_are_pytorchs(module, name):
    expected, found = RECORDED[module][name], ours(module, name)
    for argument in sorted(expected.keys() & found.keys()):
        if (module, name, argument) not in OTHER:
            default = found[argument]
            assert (list(default) if isinstance(default, tuple) else default) == expected[argument], argument


def test_the_record_is_not_empty():
    compared = sum(len(RECORDED[m][n].keys() & ours(m, n).keys()) for m, n in NAMES)
    assert compared >= 300


@pytest.mark.parametrize("module", RECORDED)
def test_few_public_names_are_not_in_the_record(module):
    """A new public name must be recorded, or PyTorch does not have it."""
    names = importlib.import_module(f"minicnn.{module}").__all__
    callables = {n for n in names if callable(getattr(importlib.import_module(f"minicnn.{module}"), n))}
    assert callables - RECORDED[module].keys() <= {"bias_act", "erf", "calculate_fan_in_and_fan_out"}
