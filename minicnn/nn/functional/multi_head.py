"""multi_head_attention_forward, attention between several projections of the same vectors."""

import math

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn.functional.attention import scaled_dot_product_attention
from minicnn.nn.functional.dropout import dropout
from minicnn.ops.activation import softmax
from minicnn.ops.comparison import where
from minicnn.ops.create import full_like, zeros, zeros_like
from minicnn.ops.indexing import cat
from minicnn.ops.linalg import linear, matmul, mT
from minicnn.ops.shape import broadcast_to, reshape

__all__ = ["multi_head_attention_forward"]


def _as_float_mask(call: str, name: str, mask: Tensor | None, like: Tensor) -> Tensor | None:
    """Return a mask as numbers that are added to the scores: -inf where a bool mask is True."""
    if mask is None or mask.dtype.kind == "f":
        return mask
    if mask.dtype.kind != "b":
        raise DTypeError(f"{call}: {name} must be of bool or float, got {mask.dtype}")
    return where(mask, full_like(mask, -math.inf, dtype=like.dtype), zeros_like(mask, dtype=like.dtype))


def _joined_masks(
    call: str, scores: tuple[int, int, int, int], query: Tensor, padding: Tensor | None, mask: Tensor | None
) -> Tensor | None:
    """Return the sum of the masks, which broadcasts to the scores (N, H, L, S)."""
    n, heads, length, count = scores
    padding, mask = (
        _as_float_mask(call, "key_padding_mask", padding, query),
        _as_float_mask(call, "attn_mask", mask, query),
    )
    if padding is not None:
        if padding.shape != (n, count):
            raise ShapeError(f"{call}: key_padding_mask must be (N, S) = {(n, count)}, got {padding.shape}")
        padding = reshape(padding, (n, 1, 1, count))
    if mask is not None:
        if mask.shape not in ((length, count), (n * heads, length, count)):
            raise ShapeError(
                f"{call}: attn_mask must be (L, S) = {(length, count)} or (N num_heads, L, S) = "
                f"{(n * heads, length, count)}, got {mask.shape}"
            )
        mask = reshape(mask, (1 if mask.ndim == 2 else n, 1 if mask.ndim == 2 else heads, length, count))
    return mask if padding is None else padding if mask is None else padding + mask


def _one_more(t: Tensor, axis: int) -> Tensor:
    """Append zeros along an axis (a mask: False)."""
    shape = tuple(1 if a == axis % t.ndim else s for a, s in enumerate(t.shape))
    return cat([t, zeros(shape, dtype=t.dtype, device=t.device)], axis)


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Return the attention of several heads, as `nn.MultiheadAttention` computes it, and its weights.

    Parameters
    ----------
    query : Tensor, (L, N, E) or (L, E)
    key, value : Tensor, (S, N, width) or (S, width)
    embed_dim_to_check : int
        E.
    num_heads : int
        Each head has E / num_heads elements of the projected vectors.
    in_proj_weight, in_proj_bias : Tensor, (3 E, E) and (3 E,), optional
        The projections of query, key and value, one above the other.
    bias_k, bias_v : Tensor, (1, 1, E), optional
        One more key and value.
    add_zero_attn : bool
        Append a key and a value of zeros.
    dropout_p : float
        The probability with which a weight becomes 0, if `training`.
    out_proj_weight, out_proj_bias : Tensor, (E, E) and (E,)
    key_padding_mask : Tensor, (N, S) or (S,), optional
        Of bool: True where a key is left out. Of float: is added to the scores.
    need_weights : bool
        Return the weights.
    attn_mask : Tensor, (L, S) or (N num_heads, L, S), optional
        Of bool: True where a query may not see a key (the opposite of `scaled_dot_product_attention`). Of float: is
        added to the scores.
    use_separate_proj_weight : bool
        Project with `q_proj_weight`, `k_proj_weight` and `v_proj_weight` instead.
    static_k, static_v : Tensor, (N num_heads, S, E / num_heads), optional
        Projected keys and values, instead of `key` and `value`.
    average_attn_weights : bool
        Return the mean of the weights of all heads.
    is_causal : bool
        `attn_mask` is the causal mask; a hint.

    Returns
    -------
    output : Tensor, (L, N, E) or (L, E)
    weights : Tensor, (N, L, S), or (N, num_heads, L, S) without an average, or None

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError
        If the element types differ, or a mask is of integers.
    ArgumentError
        If a weight is missing, or `is_causal` is given without `attn_mask`.

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017, section 3.2.2.
    """
    call = "multi_head_attention"
    batched = query.ndim == 3
    if query.ndim not in (2, 3) or key.ndim != query.ndim or value.ndim != query.ndim:
        raise ShapeError(
            f"{call}: query, key and value must be (length, N, width), or all (length, width); got {query.shape}, "
            f"{key.shape}, {value.shape}"
        )
    if is_causal and attn_mask is None:
        raise ArgumentError(f"{call}: is_causal says what attn_mask is, so it needs attn_mask; pass the causal mask")
    causal = is_causal and key_padding_mask is None and not need_weights
    attn_mask = None if causal else attn_mask
    if not batched:
        query, key, value = (t.unsqueeze(1) for t in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, n, width = query.shape
    same_keys = key.shape[:2] == value.shape[:2] if use_separate_proj_weight else key.shape == value.shape
    if width != embed_dim_to_check or width % num_heads or key.shape[1] != n or not same_keys:
        raise ShapeError(
            f"{call}: the query's width must be embed_dim = {embed_dim_to_check} and a multiple of num_heads = "
            f"{num_heads}, and key and value must fit; got {query.shape}, {key.shape}, {value.shape}"
        )
    q, k, v = _projected(
        call,
        (query, key, value),
        (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else (in_proj_weight,),
        in_proj_bias,
    )
    if bias_k is not None and bias_v is not None:
        k, v = (cat([t, broadcast_to(b, (1, n, width))], 0) for t, b in ((k, bias_k), (v, bias_v)))
        attn_mask, key_padding_mask = (
            None if mask is None else _one_more(mask, -1) for mask in (attn_mask, key_padding_mask)
        )
    size = width // num_heads
    q = reshape(q, (length, n, num_heads, size)).permute(1, 2, 0, 3)
    k, v = (_heads(call, t, static, (n, num_heads, size)) for t, static in ((k, static_k), (v, static_v)))
    if add_zero_attn:
        k, v = _one_more(k, 2), _one_more(v, 2)
        attn_mask, key_padding_mask = (
            None if mask is None else _one_more(mask, -1) for mask in (attn_mask, key_padding_mask)
        )
    mask = _joined_masks(call, (n, num_heads, length, k.shape[2]), q, key_padding_mask, attn_mask)
    dropout_p = dropout_p if training else 0.0
    weights: Tensor | None = None
    if need_weights:
        scores = matmul(q * math.sqrt(1 / size), mT(k))
        weights = dropout(softmax(scores if mask is None else scores + mask, -1), dropout_p)
        y = matmul(weights, v)
    else:
        y = scaled_dot_product_attention(q, k, v, mask, dropout_p, causal)
    output = linear(reshape(y.permute(2, 0, 1, 3), (length, n, width)), out_proj_weight, out_proj_bias)
    if weights is not None:
        weights = weights.mean(1) if average_attn_weights else weights
    if batched:
        return output, weights
    return output.squeeze(1), None if weights is None else weights.squeeze(0)


def _heads(call: str, t: Tensor, static: Tensor | None, sizes: tuple[int, int, int]) -> Tensor:
    """Return projected keys or values as (N, H, S, size), or the given ones in their place."""
    n, heads, size = sizes
    if static is None:
        return reshape(t, (len(t), n, heads, size)).permute(1, 2, 0, 3)
    if static.ndim != 3 or static.shape[::2] != (n * heads, size):
        expected = f"(N num_heads, S, E / num_heads) = ({n * heads}, S, {size})"
        raise ShapeError(f"{call}: static_k and static_v must be {expected}, got {static.shape}")
    return reshape(static, (n, heads, static.shape[1], size))


def _projected(
    call: str, inputs: tuple[Tensor, ...], weights: tuple[Tensor | None, ...], bias: Tensor | None
) -> list[Tensor]:
    """Return the projections of query, key and value."""
    if any(w is None for w in weights):
        raise ArgumentError(
            f"{call}: a weight of the projections is None; pass in_proj_weight, or with use_separate_proj_weight "
            "q_proj_weight, k_proj_weight and v_proj_weight"
        )
    several: list[Tensor] = [w for w in weights if w is not None]
    if len(several) == 1:
        several = list(several[0].chunk(3))
    biases = [None] * 3 if bias is None else bias.chunk(3)
    return [linear(x, w, b) for x, w, b in zip(inputs, several, biases, strict=True)]
