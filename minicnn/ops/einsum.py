"""Einstein summation: `einsum` reads the labels of the axes, and contracts one operand after another.

Two operands are one batched matrix product: common axes of the result are the batch, common axes that vanish are the
inner axis.

    "nij,njk->nik"      batch n, rows i, inner j, columns k
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.elementwise import mul
from minicnn.ops.linalg import matmul
from minicnn.ops.reduce import sum
from minicnn.ops.shape import broadcast_to, permute, reshape
from minicnn.ops.strided import diagonal

__all__ = ["einsum"]

Labels = list[str]  # of the axes; the axes of an ellipsis have the labels "...0", "...1", counted from the last


def einsum(*args: Any) -> Tensor:
    """Return the sum of products that an equation describes: ``einsum("ij,jk->ik", a, b)``.

    A letter is the label of an axis. Axes with one label run together, and have one size, or 1. Labels that are not
    behind the arrow are summed. Without an arrow, the result has the labels that appear once, in alphabetical order.
    "..." stands for any axes, which broadcast. A label that an operand has twice means its diagonal.

    Parameters
    ----------
    *args
        The equation and the operands. Or each operand with a list of integers instead of letters, and at the end
        a list for the result: ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.

    Raises
    ------
    ArgumentError
        If the equation is wrong.
    ShapeError
        If the sizes do not fit.
    DTypeError
        If an operand is no tensor.

    Examples
    --------
    >>> import minicnn
    >>> a = minicnn.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> einsum("ij,kj->ik", a, a).tolist()
    [[5.0, 11.0], [11.0, 25.0]]
    >>> einsum("ii", a).item()
    5.0
    """
    inputs, output, operands = _read(args)
    terms = [_term(labels, x) for labels, x in zip(inputs, operands, strict=True)]
    order = _result_labels(inputs, [labels for labels, _ in terms], output)
    sizes: dict[str, int] = {}
    for labels, x in terms:
        for label, size in zip(labels, x.shape, strict=True):
            if sizes.setdefault(label, size) != size and 1 not in (size, sizes[label]):
                raise ShapeError(f"einsum: the axes of label {label!r} have the sizes {sizes[label]} and {size}")
            sizes[label] = size if sizes[label] == 1 else sizes[label]
    labels, y = terms[0]
    for i, (others, x) in enumerate(terms[1:], start=2):
        needed = {*order, *(label for later, _ in terms[i:] for label in later)}
        labels, y = _contract(labels, y, others, x, needed)
    labels, y = _summed(labels, y, set(order))
    return permute(y, [labels.index(label) for label in order]) if order else y


def _read(args: tuple[Any, ...]) -> tuple[list[str | list[Any]], Any, list[Tensor]]:
    """Return the labels of the operands, those of the result or None, and the operands."""
    if not args:
        raise ArgumentError("einsum: give an equation and operands")
    if isinstance(args[0], str):
        operands = list(args[1:])
        if len(operands) == 1 and isinstance(operands[0], list | tuple):
            operands = list(operands[0])
        left, arrow, right = args[0].replace(" ", "").partition("->")
        inputs: list[Any] = left.split(",")
        output: Any = right if arrow else None
    else:
        pairs = list(args)
        output = pairs.pop() if len(pairs) % 2 else None
        operands, inputs = pairs[::2], [_letters(labels) for labels in pairs[1::2]]
        output = None if output is None else _letters(output)
    if not operands or len(inputs) != len(operands):
        raise ArgumentError(f"einsum: {len(inputs)} lists of labels for {len(operands)} operands")
    for x in operands:
        if not isinstance(x, Tensor):
            raise DTypeError(f"einsum: expected tensors as operands, got {type(x).__name__}")
    return inputs, output, operands


def _letters(numbers: Sequence[Any]) -> str:
    """Return the labels of a list of integers from 0 to 51 as letters: 0 is A, 26 is a."""
    if any(n is not Ellipsis and not 0 <= n < 52 for n in numbers):
        raise ArgumentError(f"einsum: labels must be integers from 0 to 51, got {list(numbers)}")
    return "".join("..." if n is Ellipsis else chr(ord("A") + n if n < 26 else ord("a") + n - 26) for n in numbers)


def _split(text: Any) -> Labels:
    """Return the labels in a term; an ellipsis is one label."""
    before, dots, after = text.partition("...")
    labels = [*before, *([dots] if dots else []), *after]
    wrong = [c for c in labels if c != "..." and not (c.isascii() and c.isalpha())]
    if wrong:
        raise ArgumentError(f"einsum: labels must be letters, got {wrong[0]!r} in {text!r}")
    return labels


def _term(text: Any, x: Tensor) -> tuple[Labels, Tensor]:
    """Return the labels of an operand, each once, and the operand with the diagonals of repeated labels."""
    labels = _split(text)
    rest = x.ndim - len(labels) + ("..." in labels)
    if rest < 0 or (rest and "..." not in labels):
        raise ShapeError(f"einsum: {text!r} does not have a label for each axis of {x.shape}")
    if "..." in labels:
        at = labels.index("...")
        labels[at : at + 1] = [f"...{i}" for i in reversed(range(rest))]
    for label in [c for i, c in enumerate(labels) if c in labels[:i]]:
        first = labels.index(label)
        second = labels.index(label, first + 1)
        if x.shape[first] != x.shape[second]:
            raise ShapeError(f"einsum: the axes of label {label!r} of {x.shape} have different sizes")
        x = diagonal(x, 0, first, second)
        labels = [c for i, c in enumerate(labels) if i not in (first, second)] + [label]
    return labels, x


def _result_labels(inputs: Sequence[Any], terms: list[Labels], output: Any) -> Labels:
    dots = sorted({c for labels in terms for c in labels if c.startswith("...")}, reverse=True)
    dots.sort(key=lambda c: -int(c[3:]))
    if output is None:
        every = [c for text in inputs for c in _split(text) if c != "..."]
        return dots + sorted(c for c in set(every) if every.count(c) == 1)
    order = [c for label in _split(output) for c in (dots if label == "..." else [label])]
    known = {c for labels in terms for c in labels}
    if len(set(order)) != len(order) or not set(order) <= known:
        raise ArgumentError(f"einsum: the result {output!r} must have labels of the operands, each once")
    return order


def _summed(labels: Labels, x: Tensor, kept: set[str]) -> tuple[Labels, Tensor]:
    """Sum over the axes whose labels are not kept."""
    axes = [i for i, label in enumerate(labels) if label not in kept]
    return ([c for c in labels if c in kept], sum(x, axes, dtype=x.dtype)) if axes else (labels, x)


def _contract(la: Labels, a: Tensor, lb: Labels, b: Tensor, needed: set[str]) -> tuple[Labels, Tensor]:
    """Return the product of two operands, summed over the labels that are not needed any more."""
    shapes = dict(zip(la, a.shape, strict=True)), dict(zip(lb, b.shape, strict=True))
    # an axis of size 1 beside a longer one only repeats: the longer one is summed first
    single = {c for c in set(la) & set(lb) - needed if shapes[0][c] != shapes[1][c]}
    la, a = _summed(la, a, needed | (set(lb) - single))
    lb, b = _summed(lb, b, needed | (set(la) - single))
    la, a = _summed(la, a, needed | set(lb))
    batch = [c for c in la if c in lb and c in needed]
    inner = [c for c in la if c in lb and c not in needed]
    rows, columns = [c for c in la if c not in lb], [c for c in lb if c not in la]
    sizes = {**dict(zip(lb, b.shape, strict=True)), **dict(zip(la, a.shape, strict=True))}
    for c in batch:
        sizes[c] = np.broadcast_shapes((a.shape[la.index(c)],), (b.shape[lb.index(c)],))[0]
    a = permute(a, [la.index(c) for c in (*batch, *rows, *inner)])
    b = permute(b, [lb.index(c) for c in (*batch, *inner, *columns)])
    count = len(batch)
    if not inner:  # an outer product
        b = reshape(b, (*b.shape[:count], *(1,) * len(rows), *b.shape[count:]))
        y = mul(reshape(a, (*a.shape, *(1,) * len(columns))), b)
        return [*batch, *rows, *columns], y
    lead = tuple(sizes[c] for c in batch)
    a = a if a.shape[:count] == lead else broadcast_to(a, (*lead, *a.shape[count:]))
    b = b if b.shape[:count] == lead else broadcast_to(b, (*lead, *b.shape[count:]))
    n, k, m = (prod(sizes[c] for c in part) for part in (rows, inner, columns))
    y = matmul(reshape(a, (*lead, n, k)), reshape(b, (*lead, k, m)))
    return [*batch, *rows, *columns], reshape(y, (*lead, *(sizes[c] for c in (*rows, *columns))))
