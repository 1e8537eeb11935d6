"""What tests of primitives and kernels draw their inputs from; needs Hypothesis, which the `dev` extra brings."""

from minicnn.testing import graphs as _programs  # noqa: F401 (holds declarations, as the next two do)
from minicnn.testing import strategies as _strategies  # noqa: F401
from minicnn.testing import windows as _windows  # noqa: F401
from minicnn.testing.draw import Case, Draw, cases, declare, declared, nothing_is_empty

__all__ = ["Case", "Draw", "cases", "declare", "declared", "nothing_is_empty"]
