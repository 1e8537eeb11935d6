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
from minicnn.nn.functional.ctc_loss import ctc_loss
from minicnn.nn.functional.dropout import *
from minicnn.nn.functional.dropout import __all__ as _dropout
from minicnn.nn.functional.embedding import *
from minicnn.nn.functional.embedding import __all__ as _embedding
from minicnn.nn.functional.embedding_bag import embedding_bag
from minicnn.nn.functional.fold import *
from minicnn.nn.functional.fold import __all__ as _fold
from minicnn.nn.functional.grid import *
from minicnn.nn.functional.grid import __all__ as _grid
from minicnn.nn.functional.interpolation import *
from minicnn.nn.functional.interpolation import __all__ as _interpolation
from minicnn.nn.functional.likelihood import *
from minicnn.nn.functional.likelihood import __all__ as _likelihood
from minicnn.nn.functional.loss import *
from minicnn.nn.functional.loss import __all__ as _loss
from minicnn.nn.functional.margin_loss import *
from minicnn.nn.functional.margin_loss import __all__ as _margin_loss
from minicnn.nn.functional.max_pool import *
from minicnn.nn.functional.max_pool import __all__ as _max_pool
from minicnn.nn.functional.max_pool_indices import *
from minicnn.nn.functional.max_pool_indices import __all__ as _max_pool_indices
from minicnn.nn.functional.metric_loss import *
from minicnn.nn.functional.metric_loss import __all__ as _metric_loss
from minicnn.nn.functional.multi_head import multi_head_attention_forward
from minicnn.nn.functional.norm import *
from minicnn.nn.functional.norm import __all__ as _norm
from minicnn.nn.functional.pool import *
from minicnn.nn.functional.pool import __all__ as _pool
from minicnn.nn.functional.power_pool import *
from minicnn.nn.functional.power_pool import __all__ as _power_pool
from minicnn.nn.functional.rectifiers import *
from minicnn.nn.functional.rectifiers import __all__ as _rectifiers
from minicnn.nn.functional.resize import *
from minicnn.nn.functional.resize import __all__ as _resize
from minicnn.nn.functional.shuffle import *
from minicnn.nn.functional.shuffle import __all__ as _shuffle
from minicnn.nn.functional.similarity import *
from minicnn.nn.functional.similarity import __all__ as _similarity
from minicnn.nn.functional.upsampling import *
from minicnn.nn.functional.upsampling import __all__ as _upsampling
from minicnn.nn.legacy import _Reduction as _Reduction
from minicnn.ops.activation import erf, gelu, hardshrink, logsigmoid, prelu, sigmoid, softplus
from minicnn.ops.bias import bias_act
from minicnn.ops.exponentials import tanh
from minicnn.ops.linalg import linear
from minicnn.ops.padding import pad

__all__ = [
    "bias_act",
    "ctc_loss",
    "embedding_bag",
    "erf",
    "gelu",
    "hardshrink",
    "linear",
    "logsigmoid",
    "multi_head_attention_forward",
    "pad",
    "prelu",
    "sigmoid",
    "softplus",
    "tanh",
]
__all__ += _activation + _attention + _conv + _cross_entropy + _dropout + _embedding + _fold + _grid + _interpolation
__all__ += _likelihood + _loss + _margin_loss + _max_pool + _metric_loss + _norm + _pool + _power_pool + _rectifiers
__all__ += _resize + _shuffle + _similarity + _upsampling + _max_pool_indices
