"""scaled_dot_product_attention, means weighted by similarity."""

import math

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import default_dtype
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn.functional.dropout import dropout
from minicnn.ops.activation import softmax
from minicnn.ops.comparison import where
from minicnn.ops.create import full_like, zeros_like
from minicnn.ops.linalg import matmul, mT
from minicnn.ops.ranges import arange
from minicnn.ops.shape import broadcast_to, reshape

__all__ = ["scaled_dot_product_attention"]


def _shared_by_groups(call: str, query: Tensor, t: Tensor) -> Tensor:
    """Repeat each head of a key or value for the heads of the query that share it."""
    if min(query.ndim, t.ndim) < 3 or not t.shape[-3] or query.shape[-3] % t.shape[-3]:
        raise ShapeError(
            f"{call}: with enable_gqa, the heads of the query must be a multiple of the heads of key and value; got "
            f"{query.shape} and {t.shape}"
        )
    *lead, heads, length, width = t.shape
    group = query.shape[-3] // heads
    copies = broadcast_to(t.unsqueeze(-3), (*lead, heads, group, length, width))
    return reshape(copies, (*lead, heads * group, length, width))


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return softmax(scale Q Kᵀ + mask) V: for each query the mean of the values, weighted by similarity to the keys.

    Parameters
    ----------
    query : Tensor, (..., L, E), float
    key : Tensor, (..., S, E)
    value : Tensor, (..., S, F)
        The leading axes broadcast.
    attn_mask : Tensor, (..., L, S), optional
        Of bool: True where a query may see a key. Of float: is added to the products before the softmax. A query that
        sees no key, because its row is False or -inf, gets zeros.
    dropout_p : float
        The probability with which a weight becomes 0, also in evaluation: pass 0.0 there.
    is_causal : bool
        Query i sees the keys 0 to i only. It excludes `attn_mask`.
    scale : float, optional
        Default: 1/√E.
    enable_gqa : bool
        The third axis from the end counts heads, and a head of key and value serves a group of heads of the query.

    Returns
    -------
    Tensor, (..., L, F)

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError
        If the element types differ, or the mask has neither this type nor bool.
    ArgumentError
        If there are both a mask and `is_causal`, or `dropout_p` is not in [0, 1].

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017, equation 1. Ainslie et al., "GQA: training generalized
    multi-query transformer models from multi-head checkpoints", 2023.

    Examples
    --------
    >>> import minicnn
    >>> q = minicnn.zeros(1, 2, 4)  # all products are equal, so each result is the mean of the values
    >>> scaled_dot_product_attention(q, q, minicnn.tensor([[[1.0], [3.0]]])).tolist()
    [[[2.0], [2.0]]]
    """
    call = "scaled_dot_product_attention"
    shapes = f"query {query.shape}, key {key.shape}, value {value.shape}"
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise ShapeError(f"{call}: query, key and value need two axes or more, got {shapes}")
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ShapeError(f"{call}: query and key need equal widths, key and value equal lengths, got {shapes}")
    if enable_gqa:
        key, value = (_shared_by_groups(call, query, t) for t in (key, value))
    if attn_mask is not None and is_causal:
        raise ArgumentError(f"{call}: attn_mask and is_causal exclude each other; put the causal mask into attn_mask")
    scores = matmul(query * (1 / math.sqrt(query.shape[-1]) if scale is None else scale), mT(key))
    if is_causal:
        length, count = scores.shape[-2:]
        rows, columns = (arange(n, device=scores.device) for n in (length, count))
        attn_mask = columns <= rows.unsqueeze(1)
    if attn_mask is None:
        return matmul(dropout(softmax(scores, -1), dropout_p), value)
    if attn_mask.dtype.kind == "b":
        scores = where(attn_mask, scores, full_like(scores, -math.inf))
    elif attn_mask.dtype in (query.dtype, default_dtype):
        scores = scores + attn_mask
    else:
        raise DTypeError(f"{call}: attn_mask must be of bool or {query.dtype}, got {attn_mask.dtype}")
    some = (scores > -math.inf).any(-1, keepdim=True)  # without a key the softmax would be NaN
    weights = softmax(where(some, scores, zeros_like(scores)), -1)
    weights = where(some, weights, zeros_like(weights))
    return matmul(dropout(weights, dropout_p), value)
