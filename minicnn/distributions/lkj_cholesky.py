"""A distribution of correlation matrices, by their roots."""

from math import log, pi
from typing import Any, Self

import numpy as np

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.beta import Beta
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all
from minicnn.errors import ArgumentError
from minicnn.ops.create import zeros_like
from minicnn.ops.gamma_functions import lgamma
from minicnn.ops.matrix_products import diagonal
from minicnn.ops.ranges import arange
from minicnn.ops.sampling import randn
from minicnn.ops.strided import diag_embed
from minicnn.ops.triangles import tril
from minicnn.special import multigammaln

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """The distribution of roots L of correlation matrices C = L Lᵀ whose density is proportional to |C|^(c - 1).

    With the concentration c = 1, all correlation matrices are equally probable; a larger one prefers those near the
    unit matrix. (Lewandowski, Kurowicka, Joe: Generating random correlation matrices based on vines and extended onion
    method, 2009.)

    Parameters
    ----------
    dim : int
        The number of rows, at least 2.
    concentration : Tensor or float
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If `dim` is below 2.

    Examples
    --------
    >>> L = LKJCholesky(3, 0.5).sample()
    >>> (L @ L.T).diagonal().round().tolist()
    [1.0, 1.0, 1.0]
    """

    arg_constraints = {"concentration": constraints.positive}  # noqa: RUF012
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ArgumentError(f"LKJCholesky: dim must be at least 2, got {dim}")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        return super().expand(batch_shape, _instance)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Draw roots row by row: a row is a random direction times a random length below 1, and then the rest of 1.

        The square of the length in row i (from 1) has the distribution Beta(i / 2, c + (dim - 1 - i) / 2).
        """
        with no_grad():
            c = self.concentration.unsqueeze(-1)
            rows = arange(1, self.dim, dtype=c.dtype, device=c.device)
            squares = Beta(rows / 2 + c * 0, c + (self.dim - 1 - rows) / 2).sample(sample_shape)
            noise = tril(randn(self._extended_shape(sample_shape), dtype=c.dtype, device=c.device), -1)
            below = noise[..., 1:, :]
            direction = below / below.norm(dim=-1, keepdim=True)
            found = zeros_like(noise)
            found[..., 1:, :] = squares.sqrt().unsqueeze(-1) * direction
            rest = (1 - found.square().sum(-1)).clamp(min=float(np.finfo(c.dtype).tiny))
            return found + diag_embed(rest.sqrt())

    def _log_prob(self, value: Tensor) -> Tensor:
        """The density of L has the factor Lᵢᵢ^(dim - i - 1) more than that of C, the Jacobian of C = L Lᵀ."""
        c, n = self.concentration, self.dim - 1
        rows = arange(1, self.dim, dtype=c.dtype, device=c.device)
        powers = 2 * (c.unsqueeze(-1) - 1) + n - rows
        logarithm = (powers * diagonal(value)[..., 1:].log()).sum(-1)
        top = c + n / 2
        return logarithm - (n / 2 * log(pi) + multigammaln(top - 0.5, n) - n * lgamma(top))
