"""ctc_loss, the loss of a text whose letters have no known places in a longer sequence."""

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.nn.functional.halves import split_by_halves
from minicnn.nn.legacy import reduction_of
from minicnn.ops.comparison import clamp, maximum, where
from minicnn.ops.create import as_tensor, full_like, tensor
from minicnn.ops.exponentials import exp, log
from minicnn.ops.fuse import fuse
from minicnn.ops.padding import pad
from minicnn.ops.scatter import gather

__all__ = ["ctc_loss"]

NEVER = -1e30  # the logarithm of a probability of 0; a finite number, so that differences are numbers too


@fuse
def _log_sum(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Return log(eᵃ + eᵇ + eᶜ). No exponent is above 0, also in the gradients."""
    highest = maximum(maximum(a, b), c)
    return log(exp(a - highest) + exp(b - highest) + exp(c - highest)) + highest


def _lengths(call: str, name: str, lengths: Any, count: int, longest: int) -> np.ndarray[Any, Any]:
    """Return lengths as an array of one number for each sequence, from 0 to the longest."""
    values = as_tensor(lengths).cpu().numpy().reshape(-1)
    if values.dtype.kind not in "iu":
        raise DTypeError(f"{call}: {name} must be integers, got {values.dtype}")
    if len(values) != count or (count and not 0 <= values.min() <= values.max() <= longest):
        raise ShapeError(f"{call}: {name} must be {count} numbers from 0 to {longest}, got {values.tolist()}")
    return values


def _padded(call: str, targets: Tensor, lengths: Any, count: int, blank: int) -> tuple[Any, np.ndarray[Any, Any]]:
    """Return the targets as an array (N, S), with blanks behind the shorter ones, and their lengths."""
    values = targets.cpu().long().numpy()
    together = values.ndim == 1  # all targets one after another
    counts = _lengths(call, "target_lengths", lengths, count, values.shape[-1] if values.ndim else 0)
    if together and counts.sum() != len(values):
        raise ShapeError(f"{call}: targets must hold the {counts.sum()} labels of all sequences, got {len(values)}")
    if not together and (values.ndim != 2 or len(values) != count):
        raise ShapeError(f"{call}: targets must be ({count}, S) or the labels of all sequences, got {targets.shape}")
    inside = np.arange(max(counts, default=0)) < counts[:, None]
    padded = np.full(inside.shape, blank)
    padded[inside] = values if together else values[:, : inside.shape[1]][inside]
    return padded, counts


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Return -log of the probability of each target: the sum over all paths that read as the target.

    A path gives a label or a blank to each step. It reads as the target after equal neighbours became one label and
    the blanks went away. With z = (blank, target[0], blank, target[1], ..., blank) and the step t,

        α(t, s) = p(t, z[s]) (α(t-1, s) + α(t-1, s-1) + [z[s] is no blank and not z[s-2]] α(t-1, s-2))

    is the probability of all paths up to t that end at s, and the target has the sum of the last two α of the last
    step. All is computed in logarithms.

    Parameters
    ----------
    log_probs : Tensor, (T, N, C), or (T, C) for one sequence
        The logarithms of probabilities, as `log_softmax` returns them.
    targets : Tensor, (N, S), or (sum of target_lengths,)
        Labels, with any numbers behind the shorter targets; or all targets one after another.
    input_lengths, target_lengths : Tensor or sequence of int, (N,)
    blank : int
        The label of the blank.
    reduction : "mean", "sum" or "none"
        "mean" divides each loss by the length of its target, and then takes the mean over the batch.
    zero_infinity : bool
        A target that no path reads as, because the input is too short, has the loss 0 instead of ∞.

    Returns
    -------
    Tensor, (N,) for "none", () otherwise

    Raises
    ------
    ShapeError
        If the shapes, lengths or labels do not fit.
    DTypeError
        If lengths are not integers.
    ArgumentError
        If `reduction` is unknown.

    References
    ----------
    Graves et al., "Connectionist temporal classification", 2006.

    Examples
    --------
    >>> import minicnn
    >>> even = minicnn.full((2, 1, 2), 0.5).log()
    >>> round(ctc_loss(even, minicnn.tensor([[1]]), (2,), (1,)).exp().item(), 4)  # 3 of the 4 paths read as 1
    1.3333
    """
    call = "ctc_loss"
    reduction = reduction_of(call, None, None, reduction)
    single = log_probs.ndim == 2
    if single:
        log_probs = log_probs.unsqueeze(1)
    if log_probs.ndim != 3 or not 0 <= blank < log_probs.shape[2]:
        raise ShapeError(f"{call}: log_probs must be (T, N, C), with blank={blank} below C; got {log_probs.shape}")
    steps, count, classes = log_probs.shape
    ends = _lengths(call, "input_lengths", input_lengths, count, steps)
    labels, lengths = _padded(call, targets, target_lengths, count, blank)
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ShapeError(f"{call}: labels must be from 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    device = log_probs.device
    z = np.full((1, count, 2 * labels.shape[1] + 1), blank)
    z[0, :, 1::2] = labels
    places = tensor(np.ascontiguousarray(np.broadcast_to(z, (steps, *z.shape[1:]))), device=device)
    emitted = gather(clamp(log_probs, NEVER), 2, places)
    over = np.zeros(z.shape, bool)  # whether a path may come from two places before
    over[..., 2:] = (z[..., 2:] != blank) & (z[..., 2:] != z[..., :-2])
    skip = tensor(np.where(over, 0.0, NEVER), dtype=log_probs.dtype, device=device)
    running = tensor(np.arange(steps)[:, None, None] < ends[:, None], device=device)
    alpha = tensor(np.where(np.arange(z.shape[2]) > 0, NEVER, 0.0), dtype=log_probs.dtype, device=device).expand(
        z.shape
    )
    for step, now in enumerate(split_by_halves(emitted, [1] * steps) if steps else []):
        before = pad(alpha, (2, 0), value=NEVER)
        sums = _log_sum(alpha, before[..., 1:-1], before[..., :-2] + skip)
        alpha = where(running[step], sums + now, alpha)
    last = tensor(2 * lengths.reshape(1, count, 1), device=device)
    letter = where(last > 0, gather(alpha, 2, clamp(last - 1, 0)), NEVER)
    read = _log_sum(gather(alpha, 2, last), letter, full_like(letter, NEVER))
    loss: Tensor = -read.reshape(count)
    loss = loss * where(loss < -NEVER / 2, 1.0, 0.0 if zero_infinity else inf)
    if reduction == "mean":
        loss = (loss / tensor(np.maximum(lengths, 1), dtype=loss.dtype, device=device)).mean()
    elif reduction == "sum":
        loss = loss.sum()
    return loss.squeeze(0) if single and reduction == "none" else loss
