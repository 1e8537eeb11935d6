"""Optimizer steps in two threads: each takes the reference's step on its share of the rows of all parameters."""

from types import EllipsisType
from typing import Any

from minicnn.backends.numpy.threads import run
from minicnn.runtime.devices import CPU, Array
from minicnn.runtime.dispatch import kernel, kernels

__all__: list[str] = []

LARGE = 1 << 17  # elements from which two threads beat one
PIECE = 1 << 16  # elements, all of whose arrays stay in the cache
REQUIRES = f"{LARGE} elements and more"

Piece = tuple[int, slice | EllipsisType]  # the number of a parameter, some of its rows


def _pieces(parameters: list[Array]) -> list[Piece]:
    pieces: list[Piece] = []
    for i, p in enumerate(parameters):
        if p.size <= PIECE:
            pieces.append((i, ...))
        else:
            rows = max(1, PIECE * len(p) // p.size)
            pieces += [(i, slice(row, row + rows)) for row in range(0, len(p), rows)]
    return pieces


def _register(operation: str, numbers: str) -> None:
    """Register the step; its option `numbers` has an entry for each parameter."""

    def large(parameters: list[Array], *others: list[Array], **options: Any) -> bool:
        return bool(sum(p.size for p in parameters) >= LARGE)

    @kernel(operation, "numpy", name="threads", supports=large, requires=REQUIRES)
    def step(*lists: list[Array], **options: Any) -> None:
        reference = kernels(operation, CPU)[-1].function
        pieces = _pieces(lists[0])

        def share(mine: list[Piece]) -> None:
            arrays = [[all_of_them[i][rows] for i, rows in mine] if all_of_them else [] for all_of_them in lists]
            reference(*arrays, **{**options, numbers: [options[numbers][i] for i, _ in mine]})

        run(share, [pieces[::2], pieces[1::2]])


_register("adam_step", "steps")
_register("sgd_step", "shares")
