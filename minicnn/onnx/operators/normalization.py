"""Normalisation and dropout."""

from typing import Literal

import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import bool_
from minicnn.errors import ArgumentError
from minicnn.onnx.registry import operator
from minicnn.onnx.values import number
from minicnn.ops.axes import axis_of
from minicnn.ops.comparison import where
from minicnn.ops.create import ones_like, zeros_like
from minicnn.ops.sampling import rand

__all__: list[str] = []


def _per_channel(t: Tensor, x: Tensor) -> Tensor:
    """Give a number for each channel the axes of x."""
    return t.reshape(-1, *(1,) * (x.ndim - 2))


@operator("BatchNormalization", since=14, settings=(3, 4))
def _batch_norm(
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
    outputs: int,
) -> Tensor | tuple[Tensor, ...]:
    """With `training_mode` also the new running statistics, in which the old ones have the share `momentum`."""
    dtype = x.dtype
    if not training_mode:
        x = x.to(mean.dtype)
        return F.batch_norm(x, mean, var, scale.to(mean.dtype), bias.to(mean.dtype), False, 0.0, epsilon).to(dtype)
    axes = [axis for axis in range(x.ndim) if axis != 1]
    now, now_var = x.mean(axes).detach(), x.var(axes, correction=0).detach()
    running = tuple((old * momentum + new * (1 - momentum)).to(old.dtype) for old, new in ((mean, now), (var, now_var)))
    return (F.batch_norm(x, None, None, scale, bias, True, 0.0, epsilon), *running)


@operator("BatchNormalization", settings=(3, 4))
def _batch_norm_6(
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    is_test: int = 1,
    spatial: int = 1,
) -> Tensor:
    """Before version 14 a file for inference had one output, and training was not defined."""
    if not spatial:
        raise ArgumentError("BatchNormalization: statistics for each pixel (spatial=0) are not supported")
    return F.batch_norm(x, mean, var, scale, bias, False, 0.0, epsilon)


@operator("InstanceNormalization")
def _instance_norm(x: Tensor, scale: Tensor, bias: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    return F.instance_norm(x, None, None, scale, bias, True, 0.0, epsilon)


@operator("LayerNormalization")
def _layer_norm(
    x: Tensor,
    scale: Tensor,
    bias: Tensor | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
    outputs: int,
) -> Tensor | tuple[Tensor, ...]:
    """Over the axes from `axis` on; also the means and the inverses of the standard deviations."""
    axis = axis_of("LayerNormalization", axis, x.ndim)
    shape = x.shape[axis:]
    fits = scale.shape == shape and (bias is None or bias.shape == shape)
    if fits:
        y = F.layer_norm(x, shape, scale, bias, epsilon)
    else:  # they broadcast
        y = F.layer_norm(x, shape, None, None, epsilon) * scale
        y = y if bias is None else y + bias
    if outputs == 1:
        return y
    axes = list(range(axis, x.ndim))
    var = x.var(axes, correction=0, keepdim=True)
    return y, x.mean(axes, keepdim=True), (var + epsilon).sqrt().reciprocal()


@operator("RMSNormalization")
def _rms_norm(x: Tensor, scale: Tensor, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1) -> Tensor:
    return F.rms_norm(x, x.shape[axis_of("RMSNormalization", axis, x.ndim) :], None, epsilon) * scale


@operator("GroupNormalization", since=21)  # ONNX has withdrawn that of version 18
def _group_norm(
    x: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int, epsilon: float = 1e-5, stash_type: int = 1
) -> Tensor:
    return F.group_norm(x, num_groups, scale, bias, epsilon)


@operator("LRN")
def _lrn(x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Tensor:
    """Each element by a power of the sum of squares in a window of channels.

    An even window has its additional channel after the element, and that of `F.local_response_norm` is before it.
    """
    flipped = F.local_response_norm(x.flip(1), size, alpha, beta, bias)
    return flipped.flip(1)


@operator("LpNormalization")
def _lp_normalization(x: Tensor, *, axis: int = -1, p: Literal[1, 2] = 2) -> Tensor:
    """x divided by its norm along an axis, and 0 where the norm is 0."""
    norm = x.norm(p, axis, True)
    return where(norm == 0, zeros_like(x), x / where(norm == 0, ones_like(norm), norm))


@operator("Dropout", since=12, settings=(1,))
def _dropout(
    x: Tensor,
    ratio: Tensor | None = None,
    training_mode: Tensor | None = None,
    *,
    seed: int | None = None,
    outputs: int,
) -> Tensor | tuple[Tensor, Tensor]:
    """x and a mask of ones, except if the file asks for training. The seed has no effect."""
    p = 0.5 if ratio is None else number(ratio)
    if training_mode is None or not number(training_mode) or p == 0:
        return x, ones_like(x).to(bool_)
    if not 0 <= p <= 1:
        raise ArgumentError(f"Dropout: ratio must be in [0, 1], got {p}")
    mask = rand(*x.shape, device=x.device) >= p
    return where(mask, x / (1 - p) if p < 1 else x, zeros_like(x)), mask


@operator("Dropout")
def _dropout_1(x: Tensor, *, ratio: float = 0.5, is_test: int = 1, outputs: int) -> tuple[Tensor, Tensor]:
    """Before version 12 a file could not ask for training."""
    return x, ones_like(x).to(bool_)
