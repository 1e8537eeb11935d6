"""The functions that layers call, with PyTorch's names and arguments.

Signals are (N, C, L), images (N, C, H, W), volumes (N, C, D, H, W). Convolutions and pooling also accept a single
signal, image or volume, without the axis N.
"""

# ruff: noqa: F403 (every module lists its public names in its own __all__)

from minicnn.nn.functional.activation import *
from minicnn.nn.functional.activation import __all__ as _activation
from minicnn.nn.functional.attention import *
from minicnn.nn.functional.attention import __all__ as _attention
from minicnn.nn.functional.conv import *
from minicnn.nn.functional.conv import __all__ as _conv
from minicnn.nn.functional.cross_entropy import *
from minicnn.nn.functional.cross_entropy import __all__ as _cross_entropy
from minicnn.nn.functional.fold import *
from minicnn.nn.functional.fold import __all__ as _fold
from minicnn.nn.functional.grid import *
from minicnn.nn.functional.grid import __all__ as _grid
from minicnn.nn.functional.interpolation import *
from minicnn.nn.functional.interpolation import __all__ as _interpolation
from minicnn.nn.functional.loss import *
from minicnn.nn.functional.loss import __all__ as _loss
from minicnn.nn.functional.multi_head import multi_head_attention_forward
from minicnn.nn.functional.norm import *
from minicnn.nn.functional.norm import __all__ as _norm
from minicnn.nn.functional.padding import pad
from minicnn.nn.functional.pool import *
from minicnn.nn.functional.pool import __all__ as _pool
from minicnn.nn.functional.resize import *
from minicnn.nn.functional.resize import __all__ as _resize
from minicnn.nn.functional.similarity import *
from minicnn.nn.functional.similarity import __all__ as _similarity
from minicnn.ops.activation import erf, gelu, logsigmoid, sigmoid, softplus
from minicnn.ops.bias import bias_act
from minicnn.ops.elementwise import tanh
from minicnn.ops.linalg import linear

__all__ = [
    "bias_act",
    "erf",
    "gelu",
    "linear",
    "logsigmoid",
    "multi_head_attention_forward",
    "pad",
    "sigmoid",
    "softplus",
    "tanh",
]
__all__ += _activation + _attention + _conv + _cross_entropy + _fold + _grid + _interpolation + _loss + _norm + _pool
__all__ += _resize + _similarity
