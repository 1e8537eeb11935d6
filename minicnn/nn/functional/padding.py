"""Padding: each axis is put together from the pieces before it, itself, and the pieces after it."""

from collections.abc import Callable, Sequence
from typing import Literal

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.indexing import _pad, cat, getitem
from minicnn.ops.shape import broadcast_to, flip

__all__ = ["pad"]

Side = Literal["before", "after"]


def _part(x: Tensor, axis: int, start: int, stop: int) -> Tensor:
    return getitem(x, (slice(None),) * axis + (slice(start, stop),))


def _reflect(x: Tensor, axis: int, side: Side, n: int) -> Tensor:
    size = x.shape[axis]
    return flip(_part(x, axis, 1, n + 1) if side == "before" else _part(x, axis, size - n - 1, size - 1), axis)


def _replicate(x: Tensor, axis: int, side: Side, n: int) -> Tensor:
    edge = 0 if side == "before" else x.shape[axis] - 1
    return broadcast_to(_part(x, axis, edge, edge + 1), (*x.shape[:axis], n, *x.shape[axis + 1 :]))


def _wrap(x: Tensor, axis: int, side: Side, n: int) -> Tensor:
    size = x.shape[axis]
    return _part(x, axis, size - n, size) if side == "before" else _part(x, axis, 0, n)


# For each mode: what is put beside an axis, and how much of it an axis of a given size has.
_MODES: dict[str, tuple[Callable[[Tensor, int, Side, int], Tensor], Callable[[int], float]]] = {
    "reflect": (_reflect, lambda size: size - 1),
    "replicate": (_replicate, lambda size: float("inf") if size else 0),
    "circular": (_wrap, lambda size: size),
}


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Put elements around a tensor, or take them away.

    Parameters
    ----------
    input : Tensor
    pad : sequence of int
        (before, after) of the LAST axis, then of the one before it, and so on: (left, right, top, bottom) for images.
        Negative numbers cut off.
    mode : "constant", "reflect" (the edge not repeated), "replicate" (the edge) or "circular" (the other side)
    value : float, optional
        What "constant" fills with; 0 if left out.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the numbers do not come in pairs, or an axis is too small to be cut or mirrored so far.

    Examples
    --------
    >>> import minicnn
    >>> pad(minicnn.tensor([[1, 2, 3]]), (2, -1), mode="reflect").tolist()
    [[3, 2, 1, 2]]
    """
    pads = tuple(int(p) for p in pad)
    if len(pads) % 2 or len(pads) > 2 * input.ndim:
        raise ShapeError(
            f"pad: pad must be (before, after) for at most {input.ndim} axes, the last axis first; got {pads} "
            f"for input {input.shape}"
        )
    if mode != "constant" and mode not in _MODES:
        raise ArgumentError(f"pad: mode must be 'constant', {', '.join(map(repr, _MODES))}, got {mode!r}")
    widths = [(0, 0)] * (input.ndim - len(pads) // 2) + list(zip(pads[-2::-2], pads[-1::-2], strict=True))
    cut_last = mode in ("reflect", "replicate")  # as in PyTorch, they show what is cut off too
    x = input if cut_last else _cropped(input, widths)
    grown = tuple((max(before, 0), max(after, 0)) for before, after in widths)
    if mode == "constant":
        return _pad(x, widths=grown, value=value or 0) if any(map(any, grown)) else x
    beside, largest = _MODES[mode]
    for axis, (before, after) in enumerate(grown):
        if not before and not after:
            continue
        limit = largest(x.shape[axis])
        if max(before, after) > limit:
            raise ShapeError(
                f"pad: mode={mode!r} can pad axis {axis} of {input.shape} by at most {limit}, "
                f"got {(before, after)}; use less, or mode='constant'"
            )
        ahead = [beside(x, axis, "before", before)] if before else []
        behind = [beside(x, axis, "after", after)] if after else []
        x = cat([*ahead, x, *behind], axis)
    return _cropped(x, widths) if cut_last else x


def _cropped(x: Tensor, widths: list[tuple[int, int]]) -> Tensor:
    cuts = [(max(-before, 0), max(-after, 0)) for before, after in widths]
    if any(a + b > size for (a, b), size in zip(cuts, x.shape, strict=True)):
        raise ShapeError(
            f"pad: negative padding cuts off more than there is; input is {x.shape}, (before, after) {widths}"
        )
    if not any(map(any, cuts)):
        return x
    return getitem(x, tuple(slice(a, size - b) for (a, b), size in zip(cuts, x.shape, strict=True)))
