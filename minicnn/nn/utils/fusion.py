"""Batch norm in eval mode, folded into the convolution or linear layer before it.

With s = γ / √(running_var + eps), the weight becomes s w, and the bias s (b - running_mean) + β.
"""

import copy
from typing import TypeVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.exponentials import rsqrt
from minicnn.ops.shape import reshape

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]

Layer = TypeVar("Layer", bound=Module)


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Return the weight and bias of a convolution with the batch norm after it.

    Parameters
    ----------
    conv_w, conv_b : Tensor
        Of the convolution.
    bn_rm, bn_rv : Tensor, (C,)
        Running mean and variance.
    bn_eps : float
    bn_w, bn_b : Tensor, (C,), optional
        γ and β; 1 and 0 by default.
    transpose : bool
        It is a transposed convolution: its output channels are the second axis of the weight.
    """
    scale = rsqrt(bn_rv + bn_eps)
    scale = scale if bn_w is None else scale * bn_w
    shift = (-bn_rm if conv_b is None else conv_b - bn_rm) * scale
    shift = shift if bn_b is None else shift + bn_b
    axis = 1 if transpose else 0
    weight = conv_w * reshape(scale, tuple(-1 if a == axis else 1 for a in range(conv_w.ndim)))
    fused = Parameter(weight.detach().to(conv_w.dtype), conv_w.requires_grad)
    return fused, Parameter(shift.detach().to(conv_w.dtype), conv_b is not None and conv_b.requires_grad)


def fuse_conv_bn_eval(conv: Layer, bn: Module, transpose: bool = False) -> Layer:
    """Return a copy of a convolution that also does what the batch norm after it does in eval mode.

    Parameters
    ----------
    conv : Module, for example a Conv2d
    bn : Module, for example a BatchNorm2d
    transpose : bool
        The convolution is a transposed one.

    Raises
    ------
    ArgumentError
        If a module is in training mode, or the batch norm has no running statistics.
    """
    return _fused("fuse_conv_bn_eval", conv, bn, transpose)


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Return the weight and bias of a linear layer with the batch norm after it; see `fuse_conv_bn_weights`."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def fuse_linear_bn_eval(linear: Layer, bn: Module) -> Layer:
    """Return a copy of a linear layer that also does what the batch norm after it does in eval mode.

    Raises
    ------
    ArgumentError
        If a module is in training mode, or the features of both differ.
    """
    features: tuple[int, ...] = linear.out_features, bn.num_features
    if features[0] != features[1] and features[1] != 1:
        raise ArgumentError(f"fuse_linear_bn_eval: the layer has {features[0]} outputs, the batch norm {features[1]}")
    return _fused("fuse_linear_bn_eval", linear, bn)


def _fused(call: str, layer: Layer, bn: Module, transpose: bool = False) -> Layer:
    if layer.training or bn.training:
        raise ArgumentError(f"{call}: both modules must be in eval mode; call .eval()")
    if bn.running_mean is None or bn.running_var is None:
        raise ArgumentError(f"{call}: the batch norm has no running statistics")
    fused = copy.deepcopy(layer)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused
