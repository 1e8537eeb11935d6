"""The normal distribution of vectors with a covariance matrix."""

from math import log, pi
from typing import Any, Self

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, lazy_property
from minicnn.errors import ArgumentError
from minicnn.ops.linalg import matmul, mT
from minicnn.ops.matrices import cholesky, inv, solve_triangular
from minicnn.ops.matrix_products import diagonal
from minicnn.ops.sampling import randn
from minicnn.ops.shape import broadcast_to, squeeze, unsqueeze

__all__ = ["MultivariateNormal", "WithCovariance", "one_matrix", "root_of", "squared_distance"]


def one_matrix(call: str, given: dict[str, Tensor | None]) -> tuple[str, Tensor]:
    """Return the name and the value of the only matrix of these that is given.

    Raises
    ------
    ArgumentError
        If none is given, or several are.
    """
    found = {name: value for name, value in given.items() if value is not None}
    if len(found) != 1:
        raise ArgumentError(
            f"{call}: give exactly one of covariance_matrix, precision_matrix and scale_tril; got "
            f"{', '.join(found) or 'none'}"
        )
    ((name, matrix),) = found.items()
    return name, matrix


def root_of(name: str, matrix: Tensor) -> Tensor:
    """Return L with L Lᵀ = Σ, from the covariance matrix Σ, the precision matrix Σ⁻¹ or L itself, told by the name."""
    if name == "scale_tril":
        return matrix
    return cholesky(matrix if name == "covariance_matrix" else inv(matrix))


class WithCovariance(Distribution):
    """The base class of distributions that have a covariance matrix V = L Lᵀ. `_root` is L."""

    _root: Tensor

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        new = super().expand(batch_shape)
        new._root = broadcast_to(self._root, (*batch_shape, *self._root.shape[-2:]))
        return new

    @lazy_property
    def scale_tril(self) -> Tensor:
        return self._root

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        return matmul(self._root, mT(self._root))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        return inv(matmul(self._root, mT(self._root)))


class MultivariateNormal(WithCovariance):
    """The normal distribution of vectors of n elements, x = loc + L e, with L Lᵀ = Σ and standard normal e.

    Parameters
    ----------
    loc : Tensor, (..., n)
        The mean.
    covariance_matrix : Tensor, (..., n, n), optional
        Σ.
    precision_matrix : Tensor, (..., n, n), optional
        Σ⁻¹, instead of Σ.
    scale_tril : Tensor, (..., n, n), optional
        L, a lower triangle with a positive diagonal, instead of Σ.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If not exactly one of the three matrices is given, or the shapes do not fit.

    Examples
    --------
    >>> import minicnn
    >>> MultivariateNormal(minicnn.zeros(2), minicnn.eye(2)).log_prob(minicnn.zeros(2)).shape
    ()
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        name, matrix = one_matrix("MultivariateNormal", given)
        if loc.ndim < 1 or matrix.ndim < 2:
            raise ArgumentError(
                f"MultivariateNormal: loc must be (..., n) and {name} (..., n, n), got {loc.shape} and {matrix.shape}"
            )
        n = loc.shape[-1]
        try:
            batch = np.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
            matrix, self.loc = broadcast_to(matrix, (*batch, n, n)), broadcast_to(loc, (*batch, n))
        except ValueError:
            raise ArgumentError(
                f"MultivariateNormal: loc is {loc.shape}, so {name} must be (..., {n}, {n}), got {matrix.shape}"
            ) from None
        setattr(self, name, matrix)
        super().__init__(batch, (n,), validate_args)
        self._root = root_of(name, matrix)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self._root.square().sum(-1)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        noise = randn(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + squeeze(matmul(self._root, unsqueeze(noise, -1)), -1)

    def _half_log_determinant(self) -> Tensor:
        return diagonal(self._root).log().sum(-1)

    def _log_prob(self, value: Tensor) -> Tensor:
        distance = squared_distance(self._root, value - self.loc)
        return -0.5 * (self._event_shape[0] * log(2 * pi) + distance) - self._half_log_determinant()

    def entropy(self) -> Tensor:
        return 0.5 * self._event_shape[0] * (1 + log(2 * pi)) + self._half_log_determinant()


def squared_distance(root: Tensor, x: Tensor) -> Tensor:
    """Return ‖L⁻¹ x‖², the squared distance in units of the standard deviation (Mahalanobis, 1936)."""
    return squeeze(solve_triangular(root, unsqueeze(x, -1), upper=False), -1).square().sum(-1)
