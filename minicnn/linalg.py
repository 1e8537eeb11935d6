"""Linear algebra with PyTorch's names: `minicnn.linalg.svd(A)`. Real types; gradients of any order.

The functions are in ops/: `matrices.py` has inverses and decompositions, `matrix_norms.py` norms,
`matrix_products.py` powers and products.
"""

from minicnn.errors import LinAlgError
from minicnn.ops.linalg import matmul
from minicnn.ops.matrices import (
    cholesky,
    det,
    eigh,
    eigvalsh,
    inv,
    pinv,
    qr,
    slogdet,
    solve,
    solve_triangular,
    svd,
    svdvals,
)
from minicnn.ops.matrix_norms import cond, matrix_norm, matrix_rank, norm, vector_norm
from minicnn.ops.matrix_products import cross, diagonal, lstsq, matrix_exp, matrix_power, multi_dot, vecdot

__all__ = [
    "LinAlgError",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "vecdot",
    "vector_norm",
]
