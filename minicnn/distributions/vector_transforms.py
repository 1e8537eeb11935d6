"""Transforms of vectors and matrices, and transforms that are made of others."""

from collections.abc import Sequence
from math import log, prod
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution
from minicnn.distributions.independent import sum_rightmost
from minicnn.distributions.transform import Transform
from minicnn.errors import ArgumentError
from minicnn.nn.functional import logsigmoid
from minicnn.ops.activation import sigmoid, softmax, softplus
from minicnn.ops.create import ones_like, zeros_like
from minicnn.ops.elementary import atanh
from minicnn.ops.exponentials import exp, tanh
from minicnn.ops.indexing import cat, stack
from minicnn.ops.linalg import matmul, mT
from minicnn.ops.matrices import cholesky
from minicnn.ops.matrix_products import diagonal
from minicnn.ops.ranges import arange
from minicnn.ops.scans import cumprod, cumsum
from minicnn.ops.strided import diag_embed
from minicnn.ops.triangles import tril

__all__ = [
    "CatTransform",
    "CorrCholeskyTransform",
    "CumulativeDistributionTransform",
    "IndependentTransform",
    "LowerCholeskyTransform",
    "PositiveDefiniteTransform",
    "ReshapeTransform",
    "SoftmaxTransform",
    "StackTransform",
    "StickBreakingTransform",
]


class SoftmaxTransform(Transform):
    """From vectors to probabilities, with the softmax. Its `inv` returns logarithms; the sum of the vector is lost."""

    bijective = False
    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return softmax(x, -1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()


class StickBreakingTransform(Transform):
    """From K numbers to K + 1 probabilities: number k tells which part of the rest of a stick is broken off next.

    The part is sigmoid(xₖ - log(K - k)) for k = 0, ..., K - 1, so that zeros give equal probabilities.
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    @staticmethod
    def _offset(x: Tensor) -> Tensor:
        return (x.shape[-1] - arange(x.shape[-1], dtype=x.dtype, device=x.device)).log()

    def _call(self, x: Tensor) -> Tensor:
        part = sigmoid(x - self._offset(x))
        one = ones_like(x[..., :1])
        return cat([part, one], -1) * cat([one, cumprod(1 - part, -1)], -1)

    def _inverse(self, y: Tensor) -> Tensor:
        y = y[..., :-1]
        rest = (1 - cumsum(y, -1)).clamp(min=1e-38)
        return y.log() - rest.log() + self._offset(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the sum of log(yₖ (1 - partₖ))."""
        return (logsigmoid(self._offset(x) - x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape with K + 1 instead of K."""
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape with K instead of K + 1."""
        return (*shape[:-1], shape[-1] - 1)


class LowerCholeskyTransform(Transform):
    """From square matrices to lower triangles with a positive diagonal, the exponential of the old one."""

    bijective = False
    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return tril(x, -1) + diag_embed(exp(diagonal(x)))

    def _inverse(self, y: Tensor) -> Tensor:
        return tril(y, -1) + diag_embed(diagonal(y).log())


class PositiveDefiniteTransform(Transform):
    """From square matrices to positive definite ones: L Lᵀ, with L from `LowerCholeskyTransform`."""

    bijective = False
    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        root = LowerCholeskyTransform()(x)
        return matmul(root, mT(root))

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(cholesky(y))


class CorrCholeskyTransform(Transform):
    """From n (n - 1) / 2 numbers to the root L of a correlation matrix of n rows.

    The numbers x stand row by row below the diagonal. The squares of a row of L add up to 1. The element j of row i is
    Lᵢⱼ² = tanh(xⱼ)² rⱼ, where rⱼ = 1 - Σₖ Lᵢₖ² for k < j is the remainder of this sum.
    The diagonal gets the last remainder.
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky

    def _call(self, x: Tensor) -> Tensor:
        part = _strict_triangle(tanh(x), self.forward_shape(x.shape)[-1])
        left = cumprod(1 - part.square(), -1).sqrt()
        left = cat([ones_like(left[..., :1]), left[..., :-1]], -1)
        return (part + diag_embed(ones_like(part[..., 0]))) * left

    def _inverse(self, y: Tensor) -> Tensor:
        return atanh(_below(y) / _below(_left(y)).sqrt())

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor, intermediates: Any = None) -> Tensor:
        """Return Σ log(1 - tanh(x)²) + ½ Σ log r, over all places below the diagonal."""
        return (2 * (log(2) - x - softplus(-2 * x))).sum(-1) + 0.5 * _below(_left(y)).log().sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape with n, n instead of n (n - 1) / 2.

        Raises
        ------
        ArgumentError
            If there are not n (n - 1) / 2 numbers for any n.
        """
        count = shape[-1] if shape else 0
        n = round((0.25 + 2 * count) ** 0.5 + 0.5)
        if not shape or n * (n - 1) // 2 != count:
            raise ArgumentError(f"CorrCholeskyTransform: the last axis must have n (n - 1) / 2 numbers, got {count}")
        return (*shape[:-1], n, n)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape with n (n - 1) / 2 instead of n, n.

        Raises
        ------
        ArgumentError
            If the last two axes differ.
        """
        if len(shape) < 2 or shape[-1] != shape[-2]:
            raise ArgumentError(f"CorrCholeskyTransform: the last two axes must be equal, got {tuple(shape)}")
        return (*shape[:-2], shape[-1] * (shape[-1] - 1) // 2)


def _below(matrix: Tensor) -> Tensor:
    """Return the numbers below the diagonal, row by row."""
    rows, columns = np.tril_indices(matrix.shape[-1], -1)
    return matrix[..., rows, columns]


def _strict_triangle(numbers: Tensor, n: int) -> Tensor:
    """Return the matrix with these numbers below the diagonal, and 0 elsewhere."""
    place = np.zeros((n, n), np.int64)
    place[np.tril_indices(n, -1)] = np.arange(numbers.shape[-1])
    return tril(numbers[..., place], -1)


def _left(root: Tensor) -> Tensor:
    """Return the remainder rⱼ for each element of a row."""
    before = cumsum(root.square(), -1)
    return 1 - cat([zeros_like(before[..., :1]), before[..., :-1]], -1)


class IndependentTransform(Transform):
    """A transform whose values have more axes: last axes of the batch become axes of a value.

    Parameters
    ----------
    base_transform : Transform
    reinterpreted_batch_ndims : int
        The number of these axes.
    cache_size : int
    """

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.base_transform, self.reinterpreted_batch_ndims = base_transform, reinterpreted_batch_ndims
        self.bijective = base_transform.bijective
        self.domain, self.codomain = (
            constraints.independent(c, reinterpreted_batch_ndims)
            for c in (base_transform.domain, base_transform.codomain)
        )

    @property
    def sign(self) -> Any:
        """The sign of the transform."""
        return self.base_transform.sign

    def _call(self, x: Tensor) -> Tensor:
        return self.base_transform(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.base_transform._inv_call(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the sum of log |dy/dx| over the axes."""
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of y for the shape of x."""
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of x for the shape of y."""
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return f"IndependentTransform({self.base_transform!r}, {self.reinterpreted_batch_ndims})"


class ReshapeTransform(Transform):
    """Values of another shape, with the same elements.

    Parameters
    ----------
    in_shape, out_shape : sequence of int
        The shapes of one value.
    cache_size : int

    Raises
    ------
    ArgumentError
        If the shapes have different numbers of elements.
    """

    def __init__(self, in_shape: Sequence[int], out_shape: Sequence[int], cache_size: int = 0) -> None:
        self.in_shape, self.out_shape = tuple(in_shape), tuple(out_shape)
        if prod(self.in_shape) != prod(self.out_shape):
            raise ArgumentError(f"ReshapeTransform: {in_shape} and {out_shape} have different numbers of elements")
        super().__init__(cache_size)
        self.domain = constraints.independent(constraints.real, len(self.in_shape))
        self.codomain = constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Return 0."""
        return 0 * sum_rightmost(x, len(self.in_shape))

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of y for the shape of x; errors as in `inverse_shape`."""
        return _replaced("forward_shape", shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of x for the shape of y.

        Raises
        ------
        ArgumentError
            If the shape does not end with that of a value.
        """
        return _replaced("inverse_shape", shape, self.out_shape, self.in_shape)


def _replaced(call: str, shape: Sequence[int], old: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, ...]:
    kept = len(shape) - len(old)
    if kept < 0 or tuple(shape[kept:]) != old:
        raise ArgumentError(f"{call}: expected a shape that ends with {old}, got {tuple(shape)}")
    return (*shape[:kept], *new)


class CumulativeDistributionTransform(Transform):
    """From values of a distribution to probabilities: y = F(x), which is uniform if x has this distribution.

    Parameters
    ----------
    distribution : Distribution
        With `cdf`, and `icdf` for the inverse.
    cache_size : int
    """

    codomain = constraints.unit_interval

    def __init__(self, distribution: Distribution, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution
        self.domain = distribution.support

    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.cdf(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the logarithm of the density."""
        return self.distribution.log_prob(x)


class _Several(Transform):
    """Transforms of parts of a tensor along an axis."""

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.transforms, self.dim = list(tseq), dim
        self.bijective = all(t.bijective for t in self.transforms)

    def _parts(self, x: Tensor) -> list[Tensor]:
        raise NotImplementedError

    def _whole(self, parts: list[Tensor]) -> Tensor:
        raise NotImplementedError

    def _call(self, x: Tensor) -> Tensor:
        return self._whole([t(part) for t, part in zip(self.transforms, self._parts(x), strict=True)])

    def _inverse(self, y: Tensor) -> Tensor:
        return self._whole([t._inv_call(part) for t, part in zip(self.transforms, self._parts(y), strict=True)])

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Return log |dy/dx| of each part, put together in the same way."""
        parts = zip(self.transforms, self._parts(x), self._parts(y), strict=True)
        return self._whole([t.log_abs_det_jacobian(a, b) for t, a, b in parts])


class StackTransform(_Several):
    """A transform for each index of an axis.

    Parameters
    ----------
    tseq : sequence of Transform
    dim : int
        The axis.
    cache_size : int
    """

    def _parts(self, x: Tensor) -> list[Tensor]:
        return [x.select(self.dim, i) for i in range(x.shape[self.dim])]

    def _whole(self, parts: list[Tensor]) -> Tensor:
        return stack(parts, self.dim)


class CatTransform(_Several):
    """A transform for each piece of an axis.

    Parameters
    ----------
    tseq : sequence of Transform
        For numbers.
    dim : int
        The axis.
    lengths : sequence of int, optional
        Of the pieces; 1 by default.
    cache_size : int
    """

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)

    @property
    def length(self) -> int:
        """The size of the axis."""
        return sum(self.lengths)

    def _parts(self, x: Tensor) -> list[Tensor]:
        starts = [sum(self.lengths[:i]) for i in range(len(self.lengths))]
        return [x.narrow(self.dim, start, length) for start, length in zip(starts, self.lengths, strict=True)]

    def _whole(self, parts: list[Tensor]) -> Tensor:
        return cat(parts, self.dim)
