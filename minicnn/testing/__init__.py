"""What tests of primitives and kernels draw their inputs from; needs Hypothesis, which the `dev` extra brings."""

from minicnn.testing.strategies import Case, Draw, cases, declared

__all__ = ["Case", "Draw", "cases", "declared"]
