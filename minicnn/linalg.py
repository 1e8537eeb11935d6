"""Linear algebra with PyTorch's names: `minicnn.linalg.svd(A)`. Gradients of any order.

The functions are in ops/: `matrices.py` has inverses and decompositions, `lu.py` and `eigenvalues.py` two more,
`linear_systems.py` tensors as matrices and functions without errors, `matrix_norms.py` norms, `matrix_products.py`
powers and products.
"""

from minicnn.errors import LinAlgError
from minicnn.ops.eigenvalues import eig, eigvals
from minicnn.ops.linalg import matmul
from minicnn.ops.linear_systems import (
    cholesky_ex,
    householder_product,
    inv_ex,
    solve_ex,
    tensorinv,
    tensorsolve,
    vander,
)
from minicnn.ops.lu import lu, lu_factor, lu_factor_ex, lu_solve
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
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
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
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
