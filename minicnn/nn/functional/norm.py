"""Normalisation: batch, instance, group, layer and RMS norm, and over near channels.

The normalisations are built on the primitives of `ops/norm.py`: `normalize` subtracts the mean and divides by the
standard deviation, `normalize_with` does the same with given statistics, weight and bias.
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn.functional.pool import avg_pool2d
from minicnn.ops import norm
from minicnn.ops.create import ones, ones_like, zeros, zeros_like
from minicnn.ops.elementwise import add, div, mul, square, sub
from minicnn.ops.exponentials import pow, rsqrt
from minicnn.ops.in_place import write
from minicnn.ops.indexing import getitem
from minicnn.ops.operands import promote
from minicnn.ops.padding import pad
from minicnn.ops.reduce import mean, var
from minicnn.ops.shape import as_float, expand, reshape
from minicnn.runtime.devices import Array

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


def _prepare(call: str, x: Tensor, **vectors: Tensor | None) -> list[Tensor]:
    """Return x and the vectors (C,), all of the same dtype. A weight that is None becomes ones, a bias zeros."""
    size = x.shape[1:2]
    for name, t in vectors.items():
        if t is not None and t.shape != size:
            raise ShapeError(f"{call}: {name} must have a number for each channel, ({size[0]},), got {t.shape}")
    tensors = [x, *(t for t in vectors.values() if t is not None)]
    if any(t.dtype != x.dtype for t in tensors):
        dtype = promote(*tensors)
        x, vectors = x.to(dtype), {name: t if t is None else t.to(dtype) for name, t in vectors.items()}
    defaults = {"weight": ones, "bias": zeros}
    return [
        x,
        *(defaults[name](*size, dtype=x.dtype, device=x.device) if t is None else t for name, t in vectors.items()),
    ]


def _affine(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Return w x + b along axis 1."""
    return norm.normalize_with(x, zeros_like(w), ones_like(w), w, b, eps=0.0)


def _normalize_channels(x: Tensor, w: Tensor, b: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return w normalize(x) + b, the mean and the biased variance of each channel; in one pass if a kernel exists."""
    fused = norm.batch_norm.in_one_pass(("normalize", "normalize_with"), x, w, b, eps=eps)
    if fused is not None:
        y, average, variance = fused
        return y, average, variance
    axes = (0, *range(2, x.ndim))
    with no_grad():  # a sum of values far from 0 would lose digits, so the first value of each channel is subtracted
        first = getitem(x, (slice(0, 1), slice(None), *(slice(0, 1),) * (x.ndim - 2)))
        apart = sub(x, first)
        statistics = add(mean(apart, axes), reshape(first, w.shape)), var(apart, axes, correction=0)
    return _affine(norm.normalize(x, axes=axes, eps=eps), w, b), *statistics


def _update_running(running: Tensor, batch: Array, momentum: float | Tensor) -> None:
    """Write running (1 - momentum) + batch momentum into `running`."""
    step = momentum.array if isinstance(momentum, Tensor) else momentum
    write(running, ..., running.array * (1 - step) + batch * step)


def _check_input(call: str, x: Tensor, axes: int) -> None:
    if x.ndim < axes:
        raise ShapeError(f"{call}: input needs at least {axes} axes, (N, C, ...), got {x.shape}")
    if x.dtype.kind != "f":
        raise DTypeError(f"{call}: the tensor holds {x.dtype}; convert it with .float() first")


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel: y = weight (x - μ) / √(σ² + eps) + bias.

    Parameters
    ----------
    input : Tensor, (N, C, ...), float
    running_mean, running_var : Tensor, (C,), or None
        In training they are updated: running = (1 - momentum) running + momentum batch, with the UNBIASED variance.
        Otherwise they are μ and σ².
    weight, bias : Tensor, (C,), optional
    training : bool
        True: μ and σ² are the mean and the biased variance of the batch.
    momentum : float, or a Tensor with a single element
    eps : float

    Returns
    -------
    Tensor, the shape of the input

    Raises
    ------
    ShapeError
        If sizes do not fit, if a channel has a single value in training, or if the running statistics are missing
        without training.
    ArgumentError
        If eps is negative, or 0 in training, or only one of the running statistics is given.
    DTypeError
        If the input is not floating point.

    References
    ----------
    Ioffe and Szegedy, "Batch normalization", 2015, algorithms 1 and 2.
    """
    _check_input("batch_norm", input, 2)
    if eps < 0 or (training and eps == 0):
        raise ArgumentError(f"batch_norm: eps must be above 0 in training and at least 0 without, got {eps}")
    if training and (running_mean is None) != (running_var is None):
        raise ArgumentError("batch_norm: give both running_mean and running_var, or none of them")
    if not training:
        if running_mean is None or running_var is None:
            raise ShapeError("batch_norm: without training, running_mean and running_var are needed")
        tensors = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
        return norm.normalize_with(*_prepare("batch_norm", input, **tensors), eps=eps)
    count = input.array.size // max(input.shape[1], 1)
    if count == 1:
        raise ShapeError(
            f"batch_norm: training needs at least 2 values for each channel, got {input.shape}; use a larger batch"
        )
    x, w, b = _prepare("batch_norm", input, weight=weight, bias=bias)
    if not count:
        return _affine(x, w, b)
    y, batch_mean, batch_var = _normalize_channels(x, w, b, eps)
    if running_mean is not None and running_var is not None:
        _update_running(running_mean, batch_mean.array, momentum)
        _update_running(running_var, batch_var.array * (count / (count - 1)), momentum)
    return y


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each image: y = weight (x - μ) / √(σ² + eps) + bias.

    Parameters
    ----------
    input : Tensor, (N, C, *spatial), float
    running_mean, running_var : Tensor, (C,), or None
        With `use_input_stats` they are updated by the statistics of the images, averaged over the batch.
    weight, bias : Tensor, (C,), optional
    use_input_stats : bool
        True: μ and σ² are computed for each channel of each image. False: they are the running statistics.
    momentum : float
    eps : float

    Returns
    -------
    Tensor, the shape of the input

    Raises
    ------
    ShapeError
        If sizes do not fit, or if a channel has a single pixel.
    DTypeError
        If the input is not floating point.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky, "Instance normalization", 2016.
    """
    _check_input("instance_norm", input, 3)
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    axes = tuple(range(2, input.ndim))
    if all(input.shape[a] == 1 for a in axes):
        raise ShapeError(f"instance_norm: a channel needs at least 2 pixels, got {input.shape}")
    x, w, b = _prepare("instance_norm", input, weight=weight, bias=bias)
    if not x.array.size:
        return _affine(x, w, b)
    images, channels = x.shape[:2]
    count = prod(x.shape[2:])
    w, b = (reshape(expand(t, shape=(images, channels)), (images * channels,)) for t in (w, b))
    y, image_mean, image_var = _normalize_channels(reshape(x, (1, images * channels, count)), w, b, eps)
    if running_mean is not None and running_var is not None:
        _update_running(running_mean, image_mean.array.reshape(images, channels).mean(0), momentum)
        unbiased = image_var.array.reshape(images, channels).mean(0) * (count / (count - 1))
        _update_running(running_var, unbiased, momentum)
    return reshape(y, x.shape)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalise groups of channels of each image: y = weight (x - μ) / √(σ² + eps) + bias.

    Parameters
    ----------
    input : Tensor, (N, C, ...), float
    num_groups : int
        Each group of C / num_groups channels has a mean μ and a biased variance σ² in each image.
    weight, bias : Tensor, (C,), optional
    eps : float

    Returns
    -------
    Tensor, the shape of the input

    Raises
    ------
    ShapeError
        If the channels cannot be split into `num_groups`, sizes do not fit, or the only image has one value a group.
    DTypeError
        If the input is not floating point.

    References
    ----------
    Wu and He, "Group normalization", 2018.
    """
    _check_input("group_norm", input, 2)
    if num_groups < 1 or input.shape[1] % num_groups:
        raise ShapeError(f"group_norm: {input.shape[1]} channels cannot be split into num_groups={num_groups}")
    if prod(input.shape) == num_groups:
        raise ShapeError(f"group_norm: {num_groups} groups of one value have no variance; the input is {input.shape}")
    grouped = reshape(input, (input.shape[0], num_groups, input.shape[1] // num_groups, *input.shape[2:]))
    y = reshape(norm.normalize(grouped, axes=tuple(range(2, grouped.ndim)), eps=eps), input.shape)
    if weight is None and bias is None:
        return y
    y, w, b = _prepare("group_norm", y, weight=weight, bias=bias)
    return _affine(y, w, b)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise over the last axes: y = weight (x - μ) / √(σ² + eps) + bias.

    Parameters
    ----------
    input : Tensor, (..., *normalized_shape), float
    normalized_shape : sequence of int
        The sizes of the axes over which the mean μ and the biased variance σ² are computed.
    weight, bias : Tensor, normalized_shape, optional
    eps : float

    Returns
    -------
    Tensor, the shape of the input

    Raises
    ------
    ShapeError
        If the input does not end in `normalized_shape`, or weight or bias have another shape.
    DTypeError
        If the input is not floating point.

    References
    ----------
    Ba, Kiros and Hinton, "Layer normalization", 2016.
    """
    shape = tuple(normalized_shape)
    _check_input("layer_norm", input, 1)
    if not shape or input.shape[-len(shape) :] != shape:
        raise ShapeError(f"layer_norm: the input {input.shape} must end in normalized_shape={shape}")
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.shape != shape:
            raise ShapeError(f"layer_norm: {name} must be normalized_shape={shape}, got {t.shape}")
    y: Tensor = norm.normalize(input, axes=tuple(range(input.ndim - len(shape), input.ndim)), eps=eps)
    y = y if weight is None else mul(y, weight)
    return y if bias is None else add(y, bias)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divide by the root of the mean square of the last axes: y = weight x / √(mean x² + eps).

    Parameters
    ----------
    input : Tensor, (..., *normalized_shape), float
    normalized_shape : sequence of int
        The sizes of the axes of the mean.
    weight : Tensor, normalized_shape, optional
        It is converted to the input's element type.
    eps : float, optional
        By default the resolution of the element type.

    Returns
    -------
    Tensor, the shape of the input

    Raises
    ------
    ShapeError
        If the input does not end in `normalized_shape`, or the weight has another shape.
    DTypeError
        If the input is not floating point.

    References
    ----------
    Zhang and Sennrich, "Root mean square layer normalization", 2019.
    """
    shape = tuple(normalized_shape)
    _check_input("rms_norm", input, 1)
    if not shape or input.shape[-len(shape) :] != shape:
        raise ShapeError(f"rms_norm: the input {input.shape} must end in normalized_shape={shape}")
    if weight is not None and weight.shape != shape:
        raise ShapeError(f"rms_norm: weight must be normalized_shape={shape}, got {weight.shape}")
    eps = float(np.finfo(input.dtype).eps) if eps is None else eps
    axes = tuple(range(input.ndim - len(shape), input.ndim))
    y = mul(input, rsqrt(add(mean(square(input), axes, keepdim=True), eps)))
    return y if weight is None else mul(y, weight.to(input.dtype))


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divide each element by the strength of near channels: y = x / (k + alpha mean x²)^beta over `size` channels.

    Parameters
    ----------
    input : Tensor, (N, C, ...)
        With at least 3 axes.
    size : int
        The channels from c - size // 2 to c + (size - 1) // 2. Channels that do not exist count as 0.
    alpha, beta, k : float

    Returns
    -------
    Tensor, the shape of the input

    Raises
    ------
    ShapeError
        If the input has fewer than 3 axes, or size is below 1.

    References
    ----------
    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012.
    """
    if input.ndim < 3 or size < 1:
        raise ShapeError(
            f"local_response_norm: input must have at least 3 axes and size must be at least 1, got {input.shape} and "
            f"size={size}"
        )
    if not input.numel():
        return input
    x = as_float(input)
    squares = reshape(square(x), (x.shape[0], 1, x.shape[1], prod(x.shape[2:])))
    strength = avg_pool2d(pad(squares, (0, 0, size // 2, (size - 1) // 2)), (size, 1), stride=1)
    return div(x, pow(add(mul(reshape(strength, x.shape), alpha), k), float(beta)))
