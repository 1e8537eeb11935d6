"""Verification for your own functions, layers and kernels, in a notebook or a test.

`check(function, *inputs)` tests a function in every way and prints a table. `identities` has laws for layers: adjoint,
linearity, equivariance. `gradcheck` and `gradgradcheck` compare gradients with finite differences. `cases` draws inputs
of every primitive with Hypothesis; this part needs the extra `testing`.
"""

from importlib import import_module

from minicnn.autograd.gradcheck import gradcheck, gradgradcheck
from minicnn.testing import identities
from minicnn.testing.check import Check, Report, check

__all__ = [
    "Case",
    "Check",
    "Draw",
    "Report",
    "cases",
    "check",
    "declare",
    "declared",
    "fill_empty_with_nan",
    "gradcheck",
    "gradgradcheck",
    "identities",
]

# Their import declares the primitives.
_DECLARATIONS = ("complex_numbers", "functions", "graphs", "matrices", "places", "strategies", "windows")


def __getattr__(name: str) -> object:  # Hypothesis is not needed for the rest
    if name not in __all__:
        raise AttributeError(f"minicnn.testing has no {name!r}")
    for module in _DECLARATIONS:
        import_module(f"minicnn.testing.{module}")
    return getattr(import_module("minicnn.testing.draw"), name)
