"""Layers of normalisation: batch, instance, group, layer and RMS norm, and over near channels.

The layers own the parameters and the running statistics. The functions of `functional` compute.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ShapeError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.arguments import check_groups, check_positive
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.create import ones, tensor, zeros
from minicnn.ops.exponentials import rsqrt
from minicnn.ops.shape import reshape, squeeze, unsqueeze
from minicnn.runtime.devices import Device

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "LocalResponseNorm",
    "RMSNorm",
]


class _StatisticsNorm(Module):
    """The base class of batch and instance norm: weight, bias and running statistics for each channel."""

    _ndims: ClassVar[tuple[int, ...]]  # allowed numbers of axes of an input

    _version = 2  # PyTorch's number since there is `num_batches_tracked`

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        device: str | Device | None,
        dtype: Any,
    ) -> None:
        super().__init__()
        check_positive(type(self).__name__, num_features=num_features)
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(ones(num_features, **place)) if affine else None
        self.bias = Parameter(zeros(num_features, **place)) if affine and bias else None
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **place) if tracked else None)
        self.register_buffer("running_var", ones(num_features, **place) if tracked else None)
        self.register_buffer("num_batches_tracked", tensor(0, device=device) if tracked else None)

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the running variance to 1 and the number of batches to 0."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0, and reset the running statistics."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:  # PyTorch's name, which classes of programs override
        if input.ndim not in self._ndims:
            shapes = " or ".join(str(n) for n in self._ndims)
            raise ShapeError(f"{type(self).__name__}: input must have {shapes} axes, got {input.shape}")

    def _channel_axis(self, input: Tensor) -> int:
        return 1

    def _check_input(self, input: Tensor) -> None:
        self._check_input_dim(input)
        channels = input.shape[self._channel_axis(input)]
        if channels != self.num_features:
            raise ShapeError(
                f"{type(self).__name__}: input has {channels} channels but the layer has "
                f"num_features={self.num_features}; input is {input.shape}"
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_StatisticsNorm):
    """The base class of BatchNorm1d, 2d and 3d."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input(input)
        momentum: float | Tensor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the running statistics are the mean over all batches
                momentum = 1 / self.num_batches_tracked.to(self.running_mean.dtype)
        use_batch = self.training or not self.track_running_stats
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, use_batch, momentum, self.eps
        )

    def folded(self, weight: Tensor, bias: Tensor | None, axis: int) -> tuple[Tensor, Tensor]:
        """Return a convolution's weight and bias with this layer, in eval mode, folded in.

        With s = self.weight / √(running_var + eps) they are s weight and s (bias - running_mean) + self.bias.

        Parameters
        ----------
        weight : Tensor, of the convolution
        bias : Tensor, (C,), or None
        axis : int
            The axis of output channels of the weight.
        """
        scale = rsqrt(self.running_var + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        shift = scale * (-self.running_mean if bias is None else bias - self.running_mean)
        if self.bias is not None:
            shift = shift + self.bias
        shape = [1] * weight.ndim
        shape[axis] = self.num_features
        return weight * reshape(scale, tuple(shape)), shift


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L); see `BatchNorm2d`."""

    _ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalise each channel over the batch; see `functional.batch_norm` for the equation.

    Parameters
    ----------
    num_features : int
        C of the input (N, C, H, W).
    eps : float
        Added to the variance.
    momentum : float or None
        running = (1 - momentum) running + momentum batch, for each batch. None: the mean over all batches.
    affine : bool
        Learn a weight for each channel, and a bias if `bias` is True.
    track_running_stats : bool
        Keep running statistics, and normalise by them in eval mode.
    bias : bool

    Attributes
    ----------
    weight, bias : Parameter, (C,), or None
    running_mean, running_var : Tensor, (C,), or None
        `running_var` follows the unbiased variance. In training mode the biased variance of the batch normalises.
    num_batches_tracked : Tensor, (), int64, or None

    Raises
    ------
    ShapeError
        If `num_features` is not an integer >= 1.

    Examples
    --------
    >>> import minicnn
    >>> BatchNorm2d(3)(minicnn.rand(8, 3, 4, 4)).shape
    (8, 3, 4, 4)
    """

    _ndims = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes (N, C, D, H, W); see `BatchNorm2d`."""

    _ndims = (5,)


class _InstanceNorm(_StatisticsNorm):
    """The base class of instance normalization in 1, 2 and 3 axes."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: str | Device | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, device, dtype)

    def _channel_axis(self, input: Tensor) -> int:
        return 0 if input.ndim == self._ndims[0] else 1

    def forward(self, input: Tensor) -> Tensor:
        self._check_input(input)
        unbatched = self._channel_axis(input) == 0
        use_input = self.training or not self.track_running_stats
        momentum = 0.0 if self.momentum is None else self.momentum
        batch = unsqueeze(input, 0) if unbatched else input
        y = F.instance_norm(
            batch, self.running_mean, self.running_var, self.weight, self.bias, use_input, momentum, self.eps
        )
        return squeeze(y, 0) if unbatched else y


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (N, C, L) or (C, L); see `InstanceNorm2d`."""

    _ndims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Normalise each channel of each image (N, C, H, W) or (C, H, W); see `functional.instance_norm`.

    Parameters
    ----------
    num_features : int
        C.
    eps, momentum, affine, track_running_stats, bias
        As in `BatchNorm2d`. By default nothing is learned or tracked.

    Raises
    ------
    ShapeError
        If `num_features` is not an integer >= 1.
    """

    _ndims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of (N, C, D, H, W) or (C, D, H, W); see `InstanceNorm2d`."""

    _ndims = (4, 5)


class GroupNorm(Module):
    """Normalise groups of channels of each image; see `functional.group_norm`.

    The weight (C,) starts as ones, the bias (C,) as zeros.

    Raises
    ------
    ShapeError
        If `num_channels` cannot be split into `num_groups`.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_groups("GroupNorm", num_groups, num_channels=num_channels)
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.weight = Parameter(ones(num_channels, **place)) if affine else None
        self.bias = Parameter(zeros(num_channels, **place)) if affine and bias else None

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LayerNorm(Module):
    """Normalise over the last axes; see `functional.layer_norm`.

    `normalized_shape` holds the sizes of these axes. Weight and bias have this shape.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        for size in shape:
            check_positive("LayerNorm", normalized_shape=size)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.weight = Parameter(ones(shape, **place)) if elementwise_affine else None
        self.bias = Parameter(zeros(shape, **place)) if elementwise_affine and bias else None

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divide by the root of the mean square of the last axes; see `functional.rms_norm`.

    `normalized_shape` holds the sizes of these axes. The weight has this shape and starts as ones.

    Raises
    ------
    ShapeError
        If a size is not an integer >= 1.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        for size in shape:
            check_positive("RMSNorm", normalized_shape=size)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.weight = Parameter(ones(shape, device=device, dtype=dtype)) if elementwise_affine else None

    def reset_parameters(self) -> None:
        """Set the weight to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Module):
    """Divide each element by the strength of near channels; see `functional.local_response_norm`."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
