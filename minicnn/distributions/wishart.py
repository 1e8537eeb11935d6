"""The Wishart distribution of positive definite matrices."""

import warnings
from math import log
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.constraints import Constraint
from minicnn.distributions.distribution import Shape
from minicnn.distributions.gamma import standard_gamma
from minicnn.distributions.multivariate_normal import WithCovariance, one_matrix, root_of
from minicnn.errors import ArgumentError
from minicnn.ops.comparison import where
from minicnn.ops.create import as_tensor, full_like
from minicnn.ops.gamma_functions import digamma
from minicnn.ops.linalg import matmul, mT
from minicnn.ops.matrix_products import diagonal
from minicnn.ops.ranges import arange
from minicnn.ops.sampling import randn
from minicnn.ops.shape import broadcast_to
from minicnn.ops.strided import diag_embed
from minicnn.ops.triangles import tril
from minicnn.special import multigammaln

__all__ = ["Wishart", "mean_log_determinant"]


class Wishart(WithCovariance):
    """The distribution of S = Σᵢ xᵢ xᵢᵀ for `df` normal vectors xᵢ of n elements with the covariance matrix V.

        p(S) = |S|^((df - n - 1) / 2) exp(-tr(V⁻¹ S) / 2) / (2^(df n / 2) |V|^(df / 2) Γₙ(df / 2))

    Samples have gradients of the first order. A sample is (L A) (L A)ᵀ for a random lower triangle A (Bartlett, 1933).

    Parameters
    ----------
    df : Tensor or float
        More than n - 1; need not be an integer.
    covariance_matrix : Tensor, (..., n, n), optional
        V.
    precision_matrix : Tensor, (..., n, n), optional
        V⁻¹, instead of V.
    scale_tril : Tensor, (..., n, n), optional
        L with L Lᵀ = V, instead of V.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If not exactly one of the three matrices is given, `df` is too small, or the shapes do not fit.

    Examples
    --------
    >>> import minicnn
    >>> Wishart(3.0, minicnn.eye(2)).mean.tolist()
    [[3.0, 0.0], [0.0, 3.0]]
    """

    support = constraints.positive_definite
    has_rsample = True

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        name, matrix = one_matrix("Wishart", given)
        if matrix.ndim < 2:
            raise ArgumentError(f"Wishart: {name} must be (..., n, n), got {matrix.shape}")
        n = matrix.shape[-1]
        df = df if isinstance(df, Tensor) else as_tensor(df, dtype=matrix.dtype, device=matrix.device)
        try:
            batch = np.broadcast_shapes(matrix.shape[:-2], df.shape)
            matrix, self.df = broadcast_to(matrix, (*batch, n, n)), broadcast_to(df, batch)
        except ValueError:
            raise ArgumentError(f"Wishart: df is {df.shape}, and {name} {matrix.shape} does not fit to it") from None
        if (self.df <= n - 1).any().item():
            raise ArgumentError(f"Wishart: df must be greater than n - 1 = {n - 1}, got {df.detach()}")
        if (self.df < n).any().item():
            warnings.warn(f"Wishart: with df < n = {n}, samples can be singular", UserWarning, stacklevel=2)
        setattr(self, name, matrix)
        super().__init__(batch, (n, n), validate_args)
        self._root = root_of(name, matrix)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:  # type: ignore[override]
        """The sets of the parameters."""
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self._event_shape[-1] - 1),
        }

    @property
    def mean(self) -> Tensor:
        return self.df[..., None, None] * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self.df - self._event_shape[-1] - 1
        factor = where(factor > 0, factor, full_like(factor, float("nan")))
        return factor[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        d = diagonal(v)
        return self.df[..., None, None] * (v.square() + d.unsqueeze(-1) * d.unsqueeze(-2))

    def rsample(self, sample_shape: Shape = (), max_try_correction: int | None = None) -> Tensor:
        """Draw matrices. If rounding makes a matrix singular, draw it again, 10 times by default."""
        found = self._drawn(sample_shape)
        for _ in range(10 if max_try_correction is None else max_try_correction):
            regular = self.support.check(found)
            if regular.all().item():
                break
            found = where(regular[..., None, None], found, self._drawn(sample_shape))
        return found

    def _drawn(self, sample_shape: Shape) -> Tensor:
        """The squares of the diagonal of A have chi-square distributions with df, df - 1, ... degrees of freedom."""
        n, root = self._event_shape[-1], self._root
        halves = (self.df.unsqueeze(-1) - arange(n, dtype=root.dtype, device=root.device)) / 2
        diagonal_of_a = (2 * standard_gamma(halves, (*sample_shape, *halves.shape))).sqrt()
        below = tril(randn(self._extended_shape(sample_shape), dtype=root.dtype, device=root.device), -1)
        factor = matmul(root, below + diag_embed(diagonal_of_a))
        return matmul(factor, mT(factor))

    def _log_determinant(self) -> Tensor:
        """Return log |V|."""
        return 2 * diagonal(self._root).log().sum(-1)

    def _log_normalizer(self) -> Tensor:
        """Return log (2^(df n / 2) |V|^(df / 2) Γₙ(df / 2))."""
        n, half = self._event_shape[-1], self.df / 2
        return half * (n * log(2) + self._log_determinant()) + multigammaln(half, n)

    def _log_prob(self, value: Tensor) -> Tensor:
        n, half = self._event_shape[-1], self.df / 2
        trace = (self.precision_matrix * value).sum((-2, -1))
        found: Tensor = (half - (n + 1) / 2) * value.slogdet()[1] - trace / 2 - self._log_normalizer()
        return found

    def entropy(self) -> Tensor:
        n, half = self._event_shape[-1], self.df / 2
        return self._log_normalizer() - (half - (n + 1) / 2) * mean_log_determinant(self) + half * n


def mean_log_determinant(p: Wishart) -> Tensor:
    """Return the mean of log |S|: log |V| + n log 2 + Σⱼ ψ((df - j) / 2) for j = 0, ..., n - 1."""
    n = p.event_shape[-1]
    steps = arange(n, dtype=p.df.dtype, device=p.df.device)
    return p._log_determinant() + n * log(2) + digamma((p.df.unsqueeze(-1) - steps) / 2).sum(-1)
