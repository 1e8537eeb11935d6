"""Layers, losses and containers, with PyTorch's names and arguments.

`functional` holds the functions that the layers call. `init` holds the initialisers, `utils` functions on parameters.
"""

# ruff: noqa: F403 (every module lists its public names in its own __all__)

from importlib import import_module
from typing import TYPE_CHECKING

from minicnn.nn import functional, init, parallel
from minicnn.nn import utils as utils
from minicnn.nn.activation import *
from minicnn.nn.activation import __all__ as _activation
from minicnn.nn.adaptive_softmax import AdaptiveLogSoftmaxWithLoss
from minicnn.nn.attention import MultiheadAttention
from minicnn.nn.container import *
from minicnn.nn.container import __all__ as _container
from minicnn.nn.conv import *
from minicnn.nn.conv import __all__ as _conv
from minicnn.nn.distance import *
from minicnn.nn.distance import __all__ as _distance
from minicnn.nn.dropout import *
from minicnn.nn.dropout import __all__ as _dropout
from minicnn.nn.embedding import *
from minicnn.nn.embedding import __all__ as _embedding
from minicnn.nn.fold import *
from minicnn.nn.fold import __all__ as _fold
from minicnn.nn.lazy import *
from minicnn.nn.lazy import __all__ as _lazy
from minicnn.nn.linear import *
from minicnn.nn.linear import __all__ as _linear
from minicnn.nn.loss import *
from minicnn.nn.loss import __all__ as _loss
from minicnn.nn.margin_loss import *
from minicnn.nn.margin_loss import __all__ as _margin_loss
from minicnn.nn.max_pool import *
from minicnn.nn.max_pool import __all__ as _max_pool
from minicnn.nn.module import Module
from minicnn.nn.norm import *
from minicnn.nn.norm import __all__ as _norm
from minicnn.nn.padding import *
from minicnn.nn.padding import __all__ as _padding
from minicnn.nn.parallel import DataParallel
from minicnn.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter
from minicnn.nn.parameter_container import *
from minicnn.nn.parameter_container import __all__ as _parameter_container
from minicnn.nn.pool import *
from minicnn.nn.pool import __all__ as _pool
from minicnn.nn.rectifiers import *
from minicnn.nn.rectifiers import __all__ as _rectifiers
from minicnn.nn.recurrent import *
from minicnn.nn.recurrent import __all__ as _recurrent
from minicnn.nn.recurrent_cell import *
from minicnn.nn.recurrent_cell import __all__ as _recurrent_cell
from minicnn.nn.resize import *
from minicnn.nn.resize import __all__ as _resize
from minicnn.nn.shuffle import *
from minicnn.nn.shuffle import __all__ as _shuffle
from minicnn.nn.sync_batch_norm import SyncBatchNorm
from minicnn.nn.transformer import *
from minicnn.nn.transformer import __all__ as _transformer
from minicnn.nn.transformer_layer import *
from minicnn.nn.transformer_layer import __all__ as _transformer_layer

if TYPE_CHECKING:
    from minicnn.nn import modules

__all__ = [
    "AdaptiveLogSoftmaxWithLoss",
    "Buffer",
    "DataParallel",
    "Module",
    "MultiheadAttention",
    "Parameter",
    "SyncBatchNorm",
    "UninitializedBuffer",
    "UninitializedParameter",
    "functional",
    "init",
    "modules",
    "parallel",
    "utils",
]
__all__ += _activation + _container + _conv + _distance + _dropout + _embedding + _fold + _lazy
__all__ += _linear + _loss + _margin_loss + _max_pool + _norm + _padding + _parameter_container + _pool + _rectifiers
__all__ += _recurrent + _recurrent_cell + _resize + _shuffle + _transformer + _transformer_layer


def __getattr__(name: str) -> object:
    if name == "modules":  # PyTorch's addresses of the layers: few programs name them
        return import_module("minicnn.nn.modules")
    raise AttributeError(f"minicnn.nn has no {name!r}")
