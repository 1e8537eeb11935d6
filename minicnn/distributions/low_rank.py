"""The normal distribution of vectors whose covariance is of low rank, apart from its diagonal."""

from math import log, pi

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, lazy_property
from minicnn.distributions.multivariate_normal import squared_distance
from minicnn.errors import ArgumentError
from minicnn.ops.create import eye
from minicnn.ops.linalg import matmul, mT
from minicnn.ops.matrices import cholesky, inv
from minicnn.ops.matrix_products import diagonal
from minicnn.ops.sampling import randn
from minicnn.ops.shape import broadcast_to
from minicnn.ops.strided import diag_embed

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """The normal distribution of vectors of n elements with the covariance Σ = W Wᵀ + diag(d), W of r columns.

    Its density needs only the Cholesky root of the r × r matrix C = I + Wᵀ diag(d)⁻¹ W:
    Σ⁻¹ = diag(d)⁻¹ - diag(d)⁻¹ W C⁻¹ Wᵀ diag(d)⁻¹ (Woodbury), and det Σ = det C Π d.

    Parameters
    ----------
    loc : Tensor, (..., n)
        The mean.
    cov_factor : Tensor, (..., n, r)
        W.
    cov_diag : Tensor, (..., n)
        d, positive.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If the shapes do not fit.
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        shapes = f"got loc {loc.shape}, cov_factor {cov_factor.shape} and cov_diag {cov_diag.shape}"
        rule = "LowRankMultivariateNormal: expected loc (..., n), cov_factor (..., n, r) and cov_diag (..., n)"
        if loc.ndim < 1 or cov_factor.ndim < 2:
            raise ArgumentError(f"{rule}, {shapes}")
        n = loc.shape[-1:]
        if cov_factor.shape[-2:-1] != n or cov_diag.shape[-1:] != n:
            raise ArgumentError(f"{rule}, {shapes}")
        try:
            batch = np.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except ValueError:
            raise ArgumentError(f"{rule}, {shapes}") from None
        self.loc, self.cov_diag = (broadcast_to(t, (*batch, *n)) for t in (loc, cov_diag))
        self.cov_factor = broadcast_to(cov_factor, (*batch, *cov_factor.shape[-2:]))
        super().__init__(batch, n, validate_args)

    @property
    def _root(self) -> Tensor:
        """The Cholesky root of C."""
        w = self.cov_factor
        inner = matmul(mT(w) / self.cov_diag.unsqueeze(-2), w)
        return cholesky(inner + eye(w.shape[-1], dtype=w.dtype, device=w.device))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        return matmul(self.cov_factor, mT(self.cov_factor)) + diag_embed(self.cov_diag)

    @lazy_property
    def scale_tril(self) -> Tensor:
        return cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        return inv(self.covariance_matrix)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.cov_factor.square().sum(-1) + self.cov_diag

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        dtype, device = self.loc.dtype, self.loc.device
        few = randn(*shape[:-1], self.cov_factor.shape[-1], 1, dtype=dtype, device=device)
        many = randn(shape, dtype=dtype, device=device)
        return self.loc + matmul(self.cov_factor, few).squeeze(-1) + self.cov_diag.sqrt() * many

    def _log_determinant(self, root: Tensor) -> Tensor:
        return 2 * diagonal(root).log().sum(-1) + self.cov_diag.log().sum(-1)

    def _log_prob(self, value: Tensor) -> Tensor:
        root, x = self._root, value - self.loc
        scaled = x / self.cov_diag
        inner = matmul(mT(self.cov_factor), scaled.unsqueeze(-1)).squeeze(-1)
        distance = (x * scaled).sum(-1) - squared_distance(root, inner)
        return -0.5 * (self._event_shape[0] * log(2 * pi) + self._log_determinant(root) + distance)

    def entropy(self) -> Tensor:
        return 0.5 * (self._event_shape[0] * (1 + log(2 * pi)) + self._log_determinant(self._root))
