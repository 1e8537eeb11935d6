"""Hypothesis strategies that draw inputs for the tests of all primitives and kernels.

They need Hypothesis, which the extra `dev` installs.
"""

from minicnn.testing import graphs as _graphs  # noqa: F401 (the import of these modules declares the primitives)
from minicnn.testing import matrices as _matrices  # noqa: F401
from minicnn.testing import strategies as _strategies  # noqa: F401
from minicnn.testing import windows as _windows  # noqa: F401
from minicnn.testing.draw import Case, Draw, cases, declare, declared, fill_empty_with_nan

__all__ = ["Case", "Draw", "cases", "declare", "declared", "fill_empty_with_nan"]
