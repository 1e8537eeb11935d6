"""The base class that gives Tensor its methods: empty here, filled by `ops/methods.py`.

The operations are built on Tensor, so this file cannot import them. Editors and type checkers read the signatures in
`methods.pyi`. `make stubs` writes that file from `ops/methods.py`, and a test keeps the two equal.
"""

__all__ = ["TensorMethods"]


class TensorMethods:
    """Arithmetic, reductions, shapes, conversions and changes in place."""

    __slots__ = ()
