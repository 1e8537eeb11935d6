"""The log-normal distribution: eˣ of a normal x."""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.normal import Normal
from minicnn.distributions.transformed_distribution import TransformedDistribution
from minicnn.distributions.transforms import ExpTransform
from minicnn.ops.exponentials import exp, expm1

__all__ = ["LogNormal"]


class LogNormal(TransformedDistribution):
    """The distribution of eˣ, where x is normal with the mean `loc` and the standard deviation `scale`.

    Parameters
    ----------
    loc, scale : Tensor or float
    validate_args : bool, optional
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    base_dist: Normal

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    @property
    def loc(self) -> Tensor:
        """The mean of the logarithm."""
        return self.base_dist.loc

    @property
    def scale(self) -> Tensor:
        """The standard deviation of the logarithm."""
        return self.base_dist.scale

    @property
    def mean(self) -> Tensor:
        return exp(self.loc + self.scale.square() / 2)

    @property
    def mode(self) -> Tensor:
        return exp(self.loc - self.scale.square())

    @property
    def variance(self) -> Tensor:
        squared = self.scale.square()
        return expm1(squared) * exp(2 * self.loc + squared)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() + self.loc
