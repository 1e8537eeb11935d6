"""The base class of Tensor for its methods: empty here, filled by `ops/methods.py`.

The operations import Tensor, so this file cannot import them. Editors and type checkers read the signatures in
`methods.pyi`. `make stubs` writes this stub file from `ops/methods.py`, and a test checks that both are equal.
"""

from typing import Generic, TypeVar

__all__ = ["TensorMethods"]

TensorT = TypeVar("TensorT")  # Tensor


class TensorMethods(Generic[TensorT]):
    """Arithmetic, reductions, shapes, conversions and changes in place."""

    __slots__ = ()
