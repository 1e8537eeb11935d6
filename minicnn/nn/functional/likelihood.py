"""Losses that are the negative logarithm of a probability: Kullback and Leibler, Poisson, normal distribution."""

import warnings
from math import log as log_of
from math import pi

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.nn.arguments import check_float
from minicnn.nn.functional.loss import _elementwise_loss
from minicnn.nn.legacy import REDUCTIONS, reduction_of
from minicnn.ops.comparison import eq, le, where
from minicnn.ops.create import full_like
from minicnn.ops.elementwise import add, div, mul, square, sub
from minicnn.ops.exponentials import exp, log
from minicnn.ops.fuse import fuse
from minicnn.ops.shape import as_float, unsqueeze

__all__ = ["gaussian_nll_loss", "kl_div", "poisson_nll_loss"]


@fuse
def _kl_div(input: Tensor, target: Tensor) -> Tensor:
    return sub(where(eq(target, 0), 0.0, mul(target, log(target))), mul(target, input))


@fuse
def _kl_div_of_logarithms(input: Tensor, target: Tensor) -> Tensor:
    return mul(exp(target), sub(target, input))


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence of a distribution from the target, target (log target - input).

    Parameters
    ----------
    input : Tensor, float
        The logarithms of probabilities.
    target : Tensor, float; broadcasts
        Probabilities, or their logarithms with `log_target`.
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    reduction : "batchmean", "mean", "sum" or "none"
        "batchmean" divides the sum by the size of the first axis, which is the divergence's definition. "mean" divides
        by the number of elements, with a warning.
    log_target : bool

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    DTypeError
        If a tensor is not floating point.
    ArgumentError
        If `reduction` is unknown.

    Examples
    --------
    >>> import minicnn
    >>> p = minicnn.tensor([[0.5, 0.5]])
    >>> kl_div(p.log(), p, reduction="batchmean").item()
    0.0
    """
    asked = reduction
    reduction = reduction_of("kl_div", size_average, reduce, reduction, (*REDUCTIONS, "batchmean"))
    check_float("kl_div", input)
    check_float("kl_div", target)
    if reduction == "mean" and size_average is None and reduce is None:
        warnings.warn(f"kl_div: reduction={asked!r} is not the divergence; use reduction='batchmean'", stacklevel=2)
    loss = _kl_div_of_logarithms if log_target else _kl_div
    if reduction != "batchmean":
        return _elementwise_loss("kl_div", loss, (input, target), reduction)
    total = loss.sum(input, target)
    return total / input.shape[0] if input.ndim else total


@fuse
def _poisson(input: Tensor, target: Tensor, *, log_input: bool, full: bool, eps: float) -> Tensor:
    if log_input:
        loss = sub(exp(input), mul(target, input))
    else:
        loss = sub(input, mul(target, log(add(input, eps))))
    if not full:
        return loss
    above = where(le(target, 1), 2.0, target)  # no logarithm of 0
    stirling = mul(above, log(above)) - above + mul(log(mul(above, 2 * pi)), 0.5)
    return add(loss, where(le(target, 1), 0.0, stirling))


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of counts with the Poisson distribution, e^input - target input.

    Parameters
    ----------
    input : Tensor
        The logarithm of the expected count; with ``log_input=False`` the expected count itself, and the loss is
        input - target log(input + eps).
    target : Tensor; broadcasts
        Counts.
    log_input : bool
    full : bool
        Add Stirling's approximation of log(target!) where the target is above 1.
    size_average, reduce : bool, optional
        The older form of `reduction`; see `nn/legacy.py`.
    eps : float
    reduction : "mean", "sum" or "none"

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    ArgumentError
        If `reduction` is unknown.
    """
    call = "poisson_nll_loss"
    reduction = reduction_of(call, size_average, reduce, reduction)
    params = {"log_input": bool(log_input), "full": bool(full), "eps": float(eps)}
    return _elementwise_loss(call, _poisson, (input, target), reduction, **params)


@fuse
def _gaussian(input: Tensor, target: Tensor, var: Tensor, *, constant: float) -> Tensor:
    return add(mul(add(log(var), div(square(sub(input, target)), var)), 0.5), constant)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of the normal distribution, (log v + (input - target)² / v) / 2 with v = max(var, eps).

    Parameters
    ----------
    input : Tensor
        The expected value.
    target : Tensor; broadcasts
    var : Tensor or float
        The variance: of the input's shape, or with size 1 instead of one size, or without the last axis.
    full : bool
        Add the constant log(2π) / 2.
    eps : float
        The gradient of `var` is not 0 where it is below eps.
    reduction : "mean", "sum" or "none"

    Raises
    ------
    ShapeError
        If the variance has another shape, or the shapes do not broadcast.
    ArgumentError
        If a variance on the CPU is negative, or `reduction` is unknown.

    References
    ----------
    Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994.
    """
    call = "gaussian_nll_loss"
    reduction = reduction_of(call, None, None, reduction)
    variance = var if isinstance(var, Tensor) else full_like(input, float(var), dtype=as_float(input).dtype)
    if variance.shape != input.shape:
        if variance.shape == input.shape[:-1] and input.ndim:
            variance = unsqueeze(variance, -1)
        elif variance.ndim != input.ndim or [m for n, m in zip(input.shape, variance.shape, strict=True) if n != m] != [
            1
        ]:
            raise ShapeError(
                f"{call}: var must have the shape {input.shape} of the input, with one axis of size 1 at most, got "
                f"{variance.shape}"
            )
    detached = variance.detach()
    if detached.device.on_host and (detached < 0).any().item():
        raise ArgumentError(f"{call}: var must not be negative, got {detached.min().item():.4g}")
    variance = variance + (eps - detached).clamp(min=0)  # max(var, eps), with the gradient of var
    constant = 0.5 * log_of(2 * pi) if full else 0.0
    return _elementwise_loss(call, _gaussian, (input, target, variance), reduction, constant=constant)
