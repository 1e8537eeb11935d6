"""Activations."""

from typing import Literal

import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.onnx.registry import operator
from minicnn.ops.comparison import where
from minicnn.ops.create import zeros_like

__all__: list[str] = []


@operator("Celu")
def _celu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return F.celu(x, alpha)


@operator("Elu")
def _elu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return F.elu(x, alpha)


@operator("Gelu")
def _gelu(x: Tensor, *, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    return F.gelu(x, approximate)


@operator("HardSigmoid")
def _hard_sigmoid(x: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    return (x * alpha + beta).clamp(0, 1)


@operator("HardSwish")
def _hard_swish(x: Tensor) -> Tensor:
    return F.hardswish(x)


@operator("LeakyRelu")
def _leaky_relu(x: Tensor, *, alpha: float = 0.01) -> Tensor:
    return F.leaky_relu(x, alpha)


@operator("Mish")
def _mish(x: Tensor) -> Tensor:
    return F.mish(x)


@operator("PRelu", since=7)
def _prelu(x: Tensor, slope: Tensor) -> Tensor:
    """The slope broadcasts to x, so it may differ from pixel to pixel."""
    return where(x < 0, slope * x, x)


@operator("PRelu")
def _prelu_6(x: Tensor, slope: Tensor) -> Tensor:
    """One slope, or one for each channel."""
    return F.prelu(x, slope.reshape(-1))


@operator("Relu")
def _relu(x: Tensor) -> Tensor:
    return F.relu(x)


@operator("Selu")
def _selu(x: Tensor, *, alpha: float = 1.6732632423543772, gamma: float = 1.0507009873554805) -> Tensor:
    return F.elu(x, alpha) * gamma


@operator("Shrink")
def _shrink(x: Tensor, *, lambd: float = 0.5, bias: float = 0.0) -> Tensor:
    """x moved towards 0 by the bias outside [-lambd, lambd], and 0 inside."""
    return where(x < -lambd, x + bias, where(x > lambd, x - bias, zeros_like(x)))


@operator("Sigmoid")
def _sigmoid(x: Tensor) -> Tensor:
    return F.sigmoid(x)


@operator("Softplus")
def _softplus(x: Tensor) -> Tensor:
    return F.softplus(x)


@operator("Softsign")
def _softsign(x: Tensor) -> Tensor:
    return F.softsign(x)


@operator("Swish")
def _swish(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return F.silu(x) if alpha == 1 else x * F.sigmoid(x * alpha)


@operator("Tanh")
def _tanh(x: Tensor) -> Tensor:
    return F.tanh(x)


@operator("ThresholdedRelu")
def _thresholded_relu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return F.threshold(x, alpha, 0.0)


# --- along an axis --------------------------------------------------------------------------------------------


def _hardmax_of(x: Tensor, axis: int) -> Tensor:
    return zeros_like(x).scatter(axis, x.argmax(axis, keepdim=True), value=1)


@operator("Softmax", since=13)
def _softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    return F.softmax(x, axis)


@operator("LogSoftmax", since=13)
def _log_softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    return F.log_softmax(x, axis)


@operator("Hardmax", since=13)
def _hardmax(x: Tensor, *, axis: int = -1) -> Tensor:
    return _hardmax_of(x, axis)


# Before version 13 all axes from `axis` on were one.


def _last_axes(x: Tensor, axis: int) -> Tensor:
    return x.flatten(axis)


@operator("Softmax")
def _softmax_1(x: Tensor, *, axis: int = 1) -> Tensor:
    return F.softmax(_last_axes(x, axis), -1).reshape(x.shape)


@operator("LogSoftmax")
def _log_softmax_1(x: Tensor, *, axis: int = 1) -> Tensor:
    return F.log_softmax(_last_axes(x, axis), -1).reshape(x.shape)


@operator("Hardmax")
def _hardmax_1(x: Tensor, *, axis: int = 1) -> Tensor:
    return _hardmax_of(_last_axes(x, axis), -1).reshape(x.shape)
