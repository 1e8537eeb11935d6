"""minicnn: convolutional neural networks from scratch, for generating and editing images.

The surface is PyTorch's: `import minicnn as torch`, `import minicnn.nn as nn`, `import minicnn.optim as optim`.
"""

# ruff: noqa: F403 (every module lists its public names in its own __all__)

from math import e, inf, nan, pi
from typing import TYPE_CHECKING

from minicnn import autograd, cuda, errors, linalg, nn, optim
from minicnn.autograd.tape import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from minicnn.autograd.tensor import Size, Tensor
from minicnn.backends import cudnn as _cudnn  # noqa: F401 (programs set backends.cudnn.benchmark)
from minicnn.dtypes import bool_ as bool
from minicnn.dtypes import float32, float64, int32, int64, uint8
from minicnn.dtypes import float32 as float
from minicnn.dtypes import float64 as double
from minicnn.dtypes import int32 as int
from minicnn.dtypes import int64 as long
from minicnn.errors import *
from minicnn.ops import arrangement as _arrangement
from minicnn.ops import comparison as _comparison
from minicnn.ops import create as _create
from minicnn.ops import elementwise as _elementwise
from minicnn.ops import indexing as _indexing
from minicnn.ops import methods as _methods  # noqa: F401 (gives Tensor its methods)
from minicnn.ops import older_matrices as _older_matrices
from minicnn.ops import reduce as _reduce
from minicnn.ops import shape as _shape
from minicnn.ops import typed as _typed
from minicnn.ops.activation import erf, log_softmax, relu, sigmoid, softmax
from minicnn.ops.arrangement import *
from minicnn.ops.comparison import *
from minicnn.ops.create import *
from minicnn.ops.elementwise import *
from minicnn.ops.fuse import fuse
from minicnn.ops.indexing import *
from minicnn.ops.linalg import bmm, dot, matmul, mm, mv, outer
from minicnn.ops.matrices import logdet
from minicnn.ops.matrix_products import matrix_exp
from minicnn.ops.older_matrices import *
from minicnn.ops.reduce import *
from minicnn.ops.shape import *
from minicnn.ops.typed import *
from minicnn.runtime.devices import Device as device  # noqa: N813 (PyTorch's name)
from minicnn.runtime.dispatch import explain, use_backends, use_kernel
from minicnn.runtime.random import get_rng_state, initial_seed, manual_seed, set_rng_state
from minicnn.runtime.threads import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from minicnn import distributions
    from minicnn.serialization import load, save

__all__ = [
    "Size",
    "Tensor",
    "autograd",
    "bmm",
    "bool",
    "cuda",
    "detect_anomaly",
    "device",
    "distributions",
    "dot",
    "double",
    "e",
    "enable_grad",
    "erf",
    "errors",
    "explain",
    "float",
    "float32",
    "float64",
    "fuse",
    "get_num_threads",
    "get_rng_state",
    "inf",
    "inference_mode",
    "initial_seed",
    "int",
    "int32",
    "int64",
    "is_grad_enabled",
    "linalg",
    "load",
    "log_softmax",
    "logdet",
    "long",
    "manual_seed",
    "matmul",
    "matrix_exp",
    "mm",
    "mv",
    "nan",
    "nn",
    "no_grad",
    "optim",
    "outer",
    "pi",
    "relu",
    "save",
    "set_grad_enabled",
    "set_num_threads",
    "set_rng_state",
    "sigmoid",
    "softmax",
    "uint8",
    "use_backends",
    "use_kernel",
]
__all__ += errors.__all__
__all__ += _arrangement.__all__
__all__ += _comparison.__all__
__all__ += _create.__all__
__all__ += _elementwise.__all__
__all__ += _indexing.__all__
__all__ += _older_matrices.__all__
__all__ += _reduce.__all__
__all__ += _shape.__all__
__all__ += _typed.__all__

__version__ = "0.1.0"


def __getattr__(name: str) -> object:  # some parts are needed later than the rest: `import minicnn` stays quick
    if name == "distributions":
        from importlib import import_module

        return import_module("minicnn.distributions")
    if name in ("load", "save"):
        from minicnn import serialization

        return getattr(serialization, name)
    raise AttributeError(f"minicnn has no attribute {name!r}")
