"""Arithmetic that is composed of other functions: interpolation, products and quotients that are added, remainders."""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError
from minicnn.ops.comparison import where
from minicnn.ops.elementwise import abs, add, mul, sub

__all__ = ["lerp"]


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """Return input + weight (end - input), element by element, exact for the weights 0 and 1.

    Raises
    ------
    DTypeError
        If the tensors do not hold floats of one type.

    Examples
    --------
    >>> import minicnn
    >>> lerp(minicnn.tensor([1.0]), minicnn.tensor([3.0]), 0.25).tolist()
    [1.5]
    """
    kinds = {t.dtype for t in (input, end, weight) if isinstance(t, Tensor)}
    if len(kinds) > 1 or input.dtype.kind != "f":
        raise DTypeError(
            f"lerp: expected floats of one type, got {', '.join(sorted(map(str, kinds)))}; convert with .to()"
        )
    step = sub(end, input)
    if not isinstance(weight, Tensor):
        near = -0.5 < weight < 0.5
        return add(input, mul(step, weight)) if near else sub(end, mul(step, 1 - weight))
    return where(abs(weight) < 0.5, add(input, mul(step, weight)), sub(end, mul(step, sub(1, weight))))
