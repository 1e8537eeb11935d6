"""The backend `numpy`: kernels for the CPU written with NumPy. Importing this package registers them.

Start with `im2col.py`. All kernels use the same tools: `blocks.py` cuts the work into tasks, `threads.py` runs them,
and `polyphase.py` makes padded copies of images.
"""

from minicnn.backends.numpy import (
    conv_block,
    elementwise,
    fuse,
    im2col,
    indexing,
    linalg,
    nonoverlapping,
    norm,
    optim,
    pool,
    scans,
    winograd,
)
from minicnn.runtime.dispatch import order

__all__ = [
    "conv_block",
    "elementwise",
    "fuse",
    "im2col",
    "indexing",
    "linalg",
    "nonoverlapping",
    "norm",
    "optim",
    "pool",
    "scans",
    "winograd",
]

# Special kernels first. The last kernel of each row supports every floating-point call.
order(
    "numpy",
    conv=("nonoverlapping", "winograd", "col2im", "im2col"),
    conv_input_grad=("nonoverlapping", "winograd", "im2col", "col2im"),
    conv_weight_grad=("nonoverlapping", "winograd", "im2col_of_g", "im2col"),
    matmul=("outer", "rows", "integers"),
    max_pool=("nonoverlapping", "polyphase"),
    max_unpool=("nonoverlapping", "polyphase"),
)
