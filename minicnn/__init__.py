"""minicnn: convolutional neural networks from scratch, for generating and editing images.

The surface is PyTorch's: `import minicnn as torch`, `import minicnn.nn as nn`, `import minicnn.optim as optim`.
"""

# ruff: noqa: F403 (every module lists its public names in its own __all__)

from importlib import import_module
from math import e, inf, nan, pi
from typing import TYPE_CHECKING

from numpy import iinfo

from minicnn import amp, autograd, cuda, errors, fft, linalg, nn
from minicnn.amp import autocast
from minicnn.autograd import functional as _functional  # noqa: F401 (for programs that write autograd.functional)
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
from minicnn.backends import mps as _mps  # noqa: F401 (programs ask backends.mps.is_available())
from minicnn.dtypes import DType as dtype  # noqa: N813 (PyTorch's name)
from minicnn.dtypes import (
    bfloat16,
    complex64,
    complex128,
    finfo,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from minicnn.dtypes import bool_ as bool
from minicnn.dtypes import complex64 as cfloat
from minicnn.dtypes import complex128 as cdouble
from minicnn.dtypes import float16 as half
from minicnn.dtypes import float32 as float
from minicnn.dtypes import float64 as double
from minicnn.dtypes import int16 as short
from minicnn.dtypes import int32 as int
from minicnn.dtypes import int64 as long
from minicnn.errors import *
from minicnn.func.vmap import vmap
from minicnn.nn.functional import (
    adaptive_avg_pool1d,
    avg_pool1d,
    bilinear,
    celu,
    celu_,
    channel_shuffle,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    cosine_similarity,
    pairwise_distance,
    pdist,
    pixel_shuffle,
    pixel_unshuffle,
    relu_,
    rms_norm,
    rrelu,
    rrelu_,
    selu,
    selu_,
    threshold,
    threshold_,
)
from minicnn.ops import arithmetic as _arithmetic
from minicnn.ops import arrangement as _arrangement
from minicnn.ops import assembly as _assembly
from minicnn.ops import closeness as _closeness
from minicnn.ops import comparison as _comparison
from minicnn.ops import complex_numbers as _complex_numbers
from minicnn.ops import counting as _counting
from minicnn.ops import create as _create
from minicnn.ops import einsum as _einsum
from minicnn.ops import elementary as _elementary
from minicnn.ops import elementwise as _elementwise
from minicnn.ops import exponentials as _exponentials
from minicnn.ops import formats as _formats
from minicnn.ops import grids as _grids
from minicnn.ops import indexing as _indexing
from minicnn.ops import masks as _masks
from minicnn.ops import methods as _methods  # noqa: F401 (gives Tensor its methods)
from minicnn.ops import older_matrices as _older_matrices
from minicnn.ops import products as _products
from minicnn.ops import random as _random_tensors
from minicnn.ops import ranges as _ranges
from minicnn.ops import reduce as _reduce
from minicnn.ops import sampling as _sampling
from minicnn.ops import scans as _scans
from minicnn.ops import scatter as _scatter
from minicnn.ops import settings as _settings
from minicnn.ops import shape as _shape
from minicnn.ops import slices as _slices
from minicnn.ops import sorting as _sorting
from minicnn.ops import special as _special
from minicnn.ops import spectrogram as _spectrogram
from minicnn.ops import statistics as _statistics
from minicnn.ops import strided as _strided
from minicnn.ops import triangles as _triangles
from minicnn.ops import typed as _typed
from minicnn.ops import view_writes as _view_writes
from minicnn.ops import windows as _windows
from minicnn.ops.activation import erf, hardshrink, log_softmax, prelu, relu, softmax
from minicnn.ops.arithmetic import *
from minicnn.ops.arrangement import *
from minicnn.ops.assembly import *
from minicnn.ops.bessel import i0
from minicnn.ops.closeness import *
from minicnn.ops.comparison import *
from minicnn.ops.complex_numbers import *
from minicnn.ops.counting import *
from minicnn.ops.create import *
from minicnn.ops.einsum import *
from minicnn.ops.elementary import *
from minicnn.ops.elementwise import *
from minicnn.ops.exponentials import *
from minicnn.ops.formats import *
from minicnn.ops.fuse import fuse
from minicnn.ops.grids import *
from minicnn.ops.incomplete_gamma import igamma, igammac
from minicnn.ops.indexing import *
from minicnn.ops.linalg import bmm, dot, matmul, mm, mv, outer
from minicnn.ops.masks import *
from minicnn.ops.matrices import logdet
from minicnn.ops.matrix_products import matrix_exp
from minicnn.ops.older_matrices import *
from minicnn.ops.products import *
from minicnn.ops.random import *
from minicnn.ops.ranges import *
from minicnn.ops.reduce import *
from minicnn.ops.sampling import *
from minicnn.ops.scans import *
from minicnn.ops.scatter import *
from minicnn.ops.settings import *
from minicnn.ops.shape import *
from minicnn.ops.slices import *
from minicnn.ops.sorting import *
from minicnn.ops.special import *
from minicnn.ops.spectrogram import *
from minicnn.ops.statistics import *
from minicnn.ops.strided import *
from minicnn.ops.text import set_printoptions
from minicnn.ops.triangles import *
from minicnn.ops.typed import *
from minicnn.ops.view_writes import *
from minicnn.ops.windows import *
from minicnn.runtime.devices import Device as device  # noqa: N813 (PyTorch's name)
from minicnn.runtime.dispatch import explain, use_backends, use_kernel
from minicnn.runtime.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from minicnn.runtime.threads import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from minicnn import distributions, optim
    from minicnn.backends.native.library import set_flush_denormal
    from minicnn.nn.drawing import draw
    from minicnn.nn.summary import summary
    from minicnn.nn.watching import watch
    from minicnn.serialization import load, save

__all__ = [
    "Generator",
    "Size",
    "Tensor",
    "adaptive_avg_pool1d",
    "amp",
    "autocast",
    "autograd",
    "avg_pool1d",
    "bfloat16",
    "bilinear",
    "bmm",
    "bool",
    "cdouble",
    "celu",
    "celu_",
    "cfloat",
    "channel_shuffle",
    "complex64",
    "complex128",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_similarity",
    "cuda",
    "default_generator",
    "detect_anomaly",
    "device",
    "distributions",
    "dot",
    "double",
    "draw",
    "dtype",
    "e",
    "enable_grad",
    "erf",
    "errors",
    "explain",
    "fft",
    "finfo",
    "float",
    "float16",
    "float32",
    "float64",
    "fuse",
    "get_num_threads",
    "get_rng_state",
    "half",
    "hardshrink",
    "i0",
    "igamma",
    "igammac",
    "iinfo",
    "inf",
    "inference_mode",
    "initial_seed",
    "int",
    "int8",
    "int16",
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
    "pairwise_distance",
    "pdist",
    "pi",
    "pixel_shuffle",
    "pixel_unshuffle",
    "prelu",
    "relu",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "save",
    "seed",
    "selu",
    "selu_",
    "set_flush_denormal",
    "set_grad_enabled",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "short",
    "softmax",
    "summary",
    "threshold",
    "threshold_",
    "uint8",
    "use_backends",
    "use_kernel",
    "vmap",
    "watch",
]
__all__ += errors.__all__
__all__ += _arrangement.__all__
__all__ += _comparison.__all__
__all__ += _complex_numbers.__all__
__all__ += _create.__all__
__all__ += _elementwise.__all__
__all__ += _formats.__all__
__all__ += _indexing.__all__
__all__ += _masks.__all__
__all__ += _scatter.__all__
__all__ += _slices.__all__
__all__ += _sorting.__all__
__all__ += _arithmetic.__all__
__all__ += _counting.__all__
__all__ += _strided.__all__
__all__ += _triangles.__all__
__all__ += _products.__all__
__all__ += _einsum.__all__
__all__ += _exponentials.__all__
__all__ += _elementary.__all__
__all__ += _special.__all__
__all__ += _spectrogram.__all__
__all__ += _closeness.__all__
__all__ += _scans.__all__
__all__ += _statistics.__all__
__all__ += _ranges.__all__
__all__ += _assembly.__all__
__all__ += _random_tensors.__all__
__all__ += _grids.__all__
__all__ += _view_writes.__all__
__all__ += _older_matrices.__all__
__all__ += _reduce.__all__
__all__ += _sampling.__all__
__all__ += _settings.__all__
__all__ += _shape.__all__
__all__ += _typed.__all__
__all__ += _windows.__all__

__version__ = "0.1.0"


# Needed later than the rest, so that `import minicnn` stays quick.
_ELSEWHERE = {
    "compile": "compiler",
    "draw": "nn.drawing",
    "load": "serialization",
    "save": "serialization",
    "set_flush_denormal": "backends.native.library",
    "summary": "nn.summary",
    "watch": "nn.watching",
}
_LATER = (
    "accelerator",
    "compiler",
    "data",
    "distributed",
    "distributions",
    "func",
    "hub",
    "jit",
    "multiprocessing",
    "onnx",
    "optim",
    "random",
    "serialization",
    "special",
    "utils",
    "version",
)

# What PyTorch has and minicnn does not: the reason, and what to do instead.
_ABSENT = {
    "fx": "models run as they are, and `nn.Module` has all its parts in named_modules()",
    "quantization": "numbers are float32 or float64",
    "sparse": "all tensors are dense",
}


def __getattr__(name: str) -> object:
    if name in _ELSEWHERE:
        return getattr(import_module(f"minicnn.{_ELSEWHERE[name]}"), name)
    if name in _LATER:
        return import_module(f"minicnn.{name}")
    reason = f": {_ABSENT[name]}" if name in _ABSENT else ""
    raise AttributeError(f"minicnn has no {name!r}{reason}")
