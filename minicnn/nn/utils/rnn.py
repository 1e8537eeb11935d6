"""Batches of sequences of several lengths: padded to one length, or packed, step by step, without any padding."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.create import as_tensor, full, tensor
from minicnn.ops.indexing import cat, stack
from minicnn.ops.slices import index_copy, index_select
from minicnn.ops.sorting import argsort

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """The steps of several sequences: the first step of each, then the second step of each that has one, and so on.

    `pack_padded_sequence` and `pack_sequence` make it, and `RNN`, `LSTM` and `GRU` take it.

    Attributes
    ----------
    data : Tensor, (sum of the lengths, ...)
    batch_sizes : Tensor of int64, (longest length,)
        How many sequences have this step.
    sorted_indices, unsorted_indices : Tensor of int64, (number of sequences,), or None
        The order by length, the longest first, and the way back. None: the sequences were sorted already.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if batch_sizes is None:  # an older form: one pair
            data, batch_sizes = data
        assert batch_sizes is not None
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert or move the data, as `Tensor.to` does; the order moves along."""
        data = self.data.to(*args, **kwargs)
        indices = (None if t is None else t.to(data.device) for t in (self.sorted_indices, self.unsorted_indices))
        return type(self)(data, self.batch_sizes, *indices)

    def cpu(self) -> Self:
        """Move to the CPU."""
        return self.to("cpu")

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """Move to the GPU."""
        return self.to("cuda")

    def double(self) -> Self:
        """Convert to float64."""
        return self._replaced(self.data.double())

    def float(self) -> Self:
        """Convert to float32."""
        return self._replaced(self.data.float())

    def half(self) -> Self:
        """Convert to float16."""
        return self._replaced(self.data.half())

    def long(self) -> Self:
        """Convert to int64."""
        return self._replaced(self.data.long())

    def int(self) -> Self:
        """Convert to int32."""
        return self._replaced(self.data.int())

    def short(self) -> Self:
        """Convert to int16."""
        return self._replaced(self.data.short())

    def char(self) -> Self:
        """Convert to int8."""
        return self._replaced(self.data.char())

    def byte(self) -> Self:
        """Convert to uint8."""
        return self._replaced(self.data.byte())

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on the GPU."""
        return bool(self.data.is_cuda)

    def _replaced(self, data: Tensor) -> Self:
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the permutation that undoes this one: result[permutation[i]] = i."""
    return None if permutation is None else argsort(permutation)


def _places(batch_sizes: Iterable[int], count: int, device: Any) -> Tensor:
    """Return where each row of a packed sequence is in a padded one, (length × count) rows."""
    rows = [step * count + np.arange(size) for step, size in enumerate(batch_sizes)]
    return tensor(np.concatenate(rows), device=device)


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a batch of padded sequences, without the padding.

    Parameters
    ----------
    input : Tensor, (L, N, ...)
        Or (N, L, ...) with `batch_first`.
    lengths : Tensor or sequence of int, (N,)
    batch_first : bool
    enforce_sorted : bool
        The lengths must fall. False: the sequences are sorted here.

    Raises
    ------
    ShapeError
        If the lengths do not fit the input, or are not sorted although `enforce_sorted` is True.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.tensor([[1, 2, 3], [4, 0, 0]])
    >>> packed = pack_padded_sequence(x, [3, 1], batch_first=True)
    >>> packed.data.tolist(), packed.batch_sizes.tolist()
    ([1, 4, 2, 3], [2, 1, 1])
    """
    call = "pack_padded_sequence"
    counts = as_tensor(lengths).long().cpu()
    order: Tensor | None = None
    if not enforce_sorted and counts.ndim == 1:
        order = argsort(counts, descending=True, stable=True)
        counts = counts[order]
        order = order.to(input.device)
    if batch_first:
        input = input.transpose(0, 1)
    several = counts.numpy()
    if input.ndim < 2 or several.ndim != 1 or len(several) != input.shape[1]:
        raise ShapeError(
            f"{call}: lengths must hold one number for each sequence of the input {input.shape}, got {counts.shape}"
        )
    if len(several) == 0 or several.min() < 1 or several.max() > len(input):
        raise ShapeError(f"{call}: lengths must be from 1 to {len(input)}, got {several.tolist()}")
    if (several[1:] > several[:-1]).any():
        raise ShapeError(f"{call}: lengths must fall, got {several.tolist()}; sort, or pass enforce_sorted=False")
    if order is not None:
        input = index_select(input, 1, order)
    sizes = (several[None] > np.arange(several[0])[:, None]).sum(1)
    rows = input.reshape(-1, *input.shape[2:])
    data = index_select(rows, 0, _places(sizes, len(several), input.device))
    return PackedSequence(data, tensor(sizes), order)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return the padded batch and the lengths, (L, N, ...) and (N,); the inverse of `pack_padded_sequence`.

    Parameters
    ----------
    sequence : PackedSequence
    batch_first : bool
        The result is (N, L, ...).
    padding_value : float
    total_length : int, optional
        L; by default the longest length.

    Raises
    ------
    ShapeError
        If `total_length` is smaller than the longest length.
    """
    data, batch_sizes, _, back = sequence
    sizes = batch_sizes.cpu().numpy()
    length, count = len(sizes) if total_length is None else total_length, int(sizes[0])
    if length < len(sizes):
        raise ShapeError(f"pad_packed_sequence: total_length={length} must be at least the longest, {len(sizes)}")
    rows = full((length * count, *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    padded = index_copy(rows, 0, _places(sizes, count, data.device), data).reshape(length, count, *data.shape[1:])
    lengths = tensor((sizes[:, None] > np.arange(count)).sum(0))
    if back is not None:
        padded, lengths = index_select(padded, 1, back), lengths[back.cpu()]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Return sequences (length, ...) as one tensor, (longest length, N, ...), with a value behind the shorter ones.

    Parameters
    ----------
    sequences : iterable of Tensor
    batch_first : bool
        The result is (N, longest length, ...).
    padding_value : float
    padding_side : "right" or "left"

    Raises
    ------
    ArgumentError
        If the side is unknown.
    ShapeError
        If there is no sequence, or the other sizes differ.

    Examples
    --------
    >>> import minicnn
    >>> pad_sequence([minicnn.tensor([1, 2]), minicnn.tensor([3])], batch_first=True).tolist()
    [[1, 2], [3, 0]]
    """
    several = list(sequences)
    if padding_side not in ("right", "left"):
        raise ArgumentError(f"pad_sequence: padding_side must be 'right' or 'left', got {padding_side!r}")
    if not several or any(not t.ndim or t.shape[1:] != several[0].shape[1:] for t in several):
        shapes = [tuple(t.shape) for t in several]
        raise ShapeError(f"pad_sequence: give sequences of at least one axis, which differ in the first, got {shapes}")
    longest = max(len(t) for t in several)

    def padded(t: Tensor) -> Tensor:
        rest = full((longest - len(t), *t.shape[1:]), padding_value, device=t.device).to(t.dtype)
        return cat([t, rest] if padding_side == "right" else [rest, t], 0)

    return stack([padded(t) for t in several], 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """Return the sequences of a padded batch, each with its length."""
    batch = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [sequence[:length] for sequence, length in zip(batch, lengths.tolist(), strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (length, ...); see `pack_padded_sequence`."""
    return pack_padded_sequence(pad_sequence(sequences), [len(t) for t in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return the sequences of a packed batch; the inverse of `pack_sequence`."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences))
