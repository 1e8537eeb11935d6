"""Layers, losses and containers, with PyTorch's names and arguments.

`functional` holds the functions that the layers call. `init` holds the initialisers, `utils` functions on parameters.
"""

# ruff: noqa: F403 (every module lists its public names in its own __all__)

from minicnn.nn import functional, init, parallel
from minicnn.nn import utils as utils
from minicnn.nn.activation import *
from minicnn.nn.activation import __all__ as _activation
from minicnn.nn.attention import *
from minicnn.nn.attention import __all__ as _attention
from minicnn.nn.container import *
from minicnn.nn.container import __all__ as _container
from minicnn.nn.conv import *
from minicnn.nn.conv import __all__ as _conv
from minicnn.nn.dropout import *
from minicnn.nn.dropout import __all__ as _dropout
from minicnn.nn.embedding import *
from minicnn.nn.embedding import __all__ as _embedding
from minicnn.nn.fold import *
from minicnn.nn.fold import __all__ as _fold
from minicnn.nn.linear import *
from minicnn.nn.linear import __all__ as _linear
from minicnn.nn.loss import *
from minicnn.nn.loss import __all__ as _loss
from minicnn.nn.module import Module
from minicnn.nn.norm import *
from minicnn.nn.norm import __all__ as _norm
from minicnn.nn.parallel import DataParallel
from minicnn.nn.parameter import Parameter
from minicnn.nn.pool import *
from minicnn.nn.pool import __all__ as _pool
from minicnn.nn.resize import *
from minicnn.nn.resize import __all__ as _resize

__all__ = ["DataParallel", "Module", "Parameter", "functional", "init", "parallel", "utils"]
__all__ += _activation + _attention + _container + _conv + _dropout + _embedding + _fold + _linear + _loss + _norm
__all__ += _pool + _resize
