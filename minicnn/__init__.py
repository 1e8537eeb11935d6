"""minicnn: convolutional neural networks from scratch, for generating and editing images.

The surface is PyTorch's: `import minicnn as torch`, `import minicnn.nn as nn`, `import minicnn.optim as optim`.
"""

from minicnn import autograd, nn, optim
from minicnn.devices import Device as device
from minicnn.dispatch import explain, use_kernel
from minicnn.dtypes import bool_ as bool
from minicnn.dtypes import float32, float64, int32, int64, uint8
from minicnn.errors import *
from minicnn.errors import __all__ as _errors
from minicnn.ops import methods
from minicnn.ops.activation import erf, log_softmax, relu, sigmoid, softmax
from minicnn.ops.create import *
from minicnn.ops.create import __all__ as _create
from minicnn.ops.elementwise import *

from minicnn.ops.linalg import matmul
from minicnn.ops.reduce import *
from minicnn.ops.shape import *
from minicnn.random import get_rng_state, initial_seed, manual_seed, set_rng_state
from minicnn.tape import detect_anomaly, enable_grad, is_grad_enabled, no_grad
from minicnn.tensor import Tensor

__version__ = "0.1.0"
