"""`pad`, which adds elements around a tensor or removes them, in PyTorch's four modes.

"constant" is a primitive. The other modes concatenate, axis by axis, the piece before the tensor, the tensor and the
piece after it. All steps have gradients, so `pad` needs no gradient rule.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.indexing import _pad, cat, getitem
from minicnn.ops.shape import broadcast_to, flip

__all__ = ["pad"]

Side = Literal["before", "after"]


def _slice(x: Tensor, axis: int, start: int, stop: int) -> Tensor:
    return getitem(x, (slice(None),) * axis + (slice(start, stop),))


def _reflect(x: Tensor, axis: int, side: Side, n: int) -> Tensor:
    size = x.shape[axis]
    return flip(_slice(x, axis, 1, n + 1) if side == "before" else _slice(x, axis, size - n - 1, size - 1), axis)


def _replicate(x: Tensor, axis: int, side: Side, n: int) -> Tensor:
    edge = 0 if side == "before" else x.shape[axis] - 1
    return broadcast_to(_slice(x, axis, edge, edge + 1), (*x.shape[:axis], n, *x.shape[axis + 1 :]))


def _wrap(x: Tensor, axis: int, side: Side, n: int) -> Tensor:
    size = x.shape[axis]
    return _slice(x, axis, size - n, size) if side == "before" else _slice(x, axis, 0, n)


# For each mode: the function that makes the piece, and the largest piece that an axis of a given size allows.
_MODES: dict[str, tuple[Callable[[Tensor, int, Side, int], Tensor], Callable[[int], float]]] = {
    "reflect": (_reflect, lambda size: size - 1),
    "replicate": (_replicate, lambda size: float("inf") if size else 0),
    "circular": (_wrap, lambda size: size),
}


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Add elements before and after axes of a tensor, or remove them.

    Parameters
    ----------
    input : Tensor
    pad : sequence of int
        (before, after) for the LAST axis, then for the axis before it, and so on. For images this is
        (left, right, top, bottom). Negative numbers remove elements.
    mode : str
        "constant" adds `value`. "reflect" mirrors at the border element, without repeating it. "replicate" repeats the
        border element. "circular" continues with the other end of the axis.
    value : float, optional
        For "constant"; default 0.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the number of values in `pad` does not fit, or an axis is too small for the padding.
    ArgumentError
        If `mode` is unknown, or there is a `value` for another mode than "constant".

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
    if mode != "constant" and value:
        raise ArgumentError(f"pad: value is only for mode='constant', got value={value} and mode={mode!r}")
    crop_last = mode in ("reflect", "replicate")  # as in PyTorch, the pieces may hold elements that are removed
    x = input if crop_last else _crop(input, widths)
    added = tuple((max(before, 0), max(after, 0)) for before, after in widths)
    if mode == "constant":
        return _pad(x, widths=added, value=value or 0) if any(map(any, added)) else x
    make_piece, max_width = _MODES[mode]
    for axis, (before, after) in enumerate(added):
        if not before and not after:
            continue
        limit = max_width(x.shape[axis])
        if max(before, after) > limit:
            raise ShapeError(
                f"pad: mode={mode!r} can pad axis {axis} of {input.shape} by at most {limit}, "
                f"got {(before, after)}; use less, or mode='constant'"
            )
        left = [make_piece(x, axis, "before", before)] if before else []
        right = [make_piece(x, axis, "after", after)] if after else []
        x = cat([*left, x, *right], axis)
    return _crop(x, widths) if crop_last else x


def _crop(x: Tensor, widths: list[tuple[int, int]]) -> Tensor:
    cuts = [(max(-before, 0), max(-after, 0)) for before, after in widths]
    if any(a + b > size for (a, b), size in zip(cuts, x.shape, strict=True)):
        raise ShapeError(
            f"pad: negative padding removes more elements than the axis has; input is {x.shape}, "
            f"(before, after) {widths}"
        )
    if not any(map(any, cuts)):
        return x
    return getitem(x, tuple(slice(a, size - b) for (a, b), size in zip(cuts, x.shape, strict=True)))
