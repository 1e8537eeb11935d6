"""Relatives of Adam: Adamax, NAdam and RAdam.

`adamax_step` and `two_averages_step` are the reference kernels: the equations on arrays.
"""

from math import inf, sqrt
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.optim.optimizer import Optimizer, Parameters, run_step
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = ["Adamax", "NAdam", "RAdam", "adamax_step", "two_averages_step"]

LIMITS = {"lr": (0, inf), "eps": (0, inf), "weight_decay": (0, inf), "betas": (0, 1)}


class Adamax(Optimizer):
    """Adamax, with PyTorch's arguments and steps: Adam with the largest gradient instead of the average square.

    With the gradient g, λ = weight_decay and t the number of the step, from 1:

        g ← g + λ p;   m ← β₁ m + (1 - β₁) g;   u ← max(β₂ u, |g| + ε)
        p ← p - lr / (1 - β₁ᵗ) m / u

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of parameters with their own options.
    lr : float
    betas : (float, float)
        β₁ and β₂, in [0, 1).
    eps, weight_decay : float
    maximize : bool
        Go up the gradient: use -g instead of g.
    foreach, capturable
        Choose an implementation of PyTorch; no effect.
    differentiable : bool
        Must be False.

    Raises
    ------
    ArgumentError
        If an option is out of range.
    DTypeError
        If an option has a wrong type.

    References
    ----------
    Kingma, Ba: Adam: a method for stochastic optimization. ICLR 2015, algorithm 2.
    """

    state_names: ClassVar = {"step": True, "exp_avg": True, "exp_inf": True}
    limits: ClassVar = LIMITS

    def __init__(
        self,
        params: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        options |= {"foreach": foreach, "maximize": maximize, "capturable": capturable}
        super().__init__(params, options | {"differentiable": differentiable})

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        rates = [group["lr"] / (1 - group["betas"][0] ** t) for t in self.count_steps(parameters)]
        state = [self.tensors("exp_avg", parameters), self.tensors("exp_inf", parameters)]
        options = {name: group[name] for name in ("betas", "eps", "weight_decay", "maximize")}
        run_step("adamax_step", parameters, state, rates=rates, **options)


@kernel("adamax_step", "reference", name="reference")
def adamax_step(
    parameters: list[Array],
    gradients: list[Array],
    averages: list[Array],
    largest: list[Array],
    *,
    rates: list[float],
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> None:
    """Update parameters and averages in place, by the equations of `Adamax`.

    Parameters
    ----------
    parameters, gradients, averages, largest : lists of arrays
        p, g, m and u.
    rates : list of float
        For each parameter lr / (1 - β₁ᵗ).
    betas : (float, float)
    eps, weight_decay : float
    """
    beta1, beta2 = betas
    for p, g, m, u, rate in zip(parameters, gradients, averages, largest, rates, strict=True):
        if weight_decay:
            g = g + weight_decay * p
        m[...] = beta1 * m + (1 - beta1) * g
        u[...] = xp(u).maximum(beta2 * u, abs(g) + eps)
        p -= rate * (m / u)


class NAdam(Optimizer):
    """NAdam, with PyTorch's arguments and steps: Adam with Nesterov's momentum.

    With the gradient g, λ = weight_decay, ψ = momentum_decay and t the number of the step, from 1:

        g ← g + λ p;   m ← β₁ m + (1 - β₁) g;   v ← β₂ v + (1 - β₂) g²
        μₜ = β₁ (1 - 0.96^(t ψ) / 2);   Πₜ = μ₁ μ₂ ... μₜ
        p ← p - lr ((1 - μₜ) / (1 - Πₜ) g + μₜ₊₁ / (1 - Πₜ₊₁) m) / (√(v / (1 - β₂ᵗ)) + ε)

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of parameters with their own options.
    lr : float
    betas : (float, float)
        β₁ and β₂, in [0, 1).
    eps, weight_decay, momentum_decay : float
    decoupled_weight_decay : bool
        p ← p - lr λ p instead of g ← g + λ p.
    maximize : bool
        Go up the gradient: use -g instead of g.
    foreach, capturable
        Choose an implementation of PyTorch; no effect.
    differentiable : bool
        Must be False.

    Raises
    ------
    ArgumentError
        If an option is out of range.
    DTypeError
        If an option has a wrong type.

    References
    ----------
    Dozat: Incorporating Nesterov momentum into Adam. ICLR workshop 2016.
    """

    state_names: ClassVar = {"step": True, "exp_avg": True, "exp_avg_sq": True, "mu_product": True}
    numbers: ClassVar = ("step", "mu_product")
    limits: ClassVar = {**LIMITS, "momentum_decay": (0, inf)}

    def __init__(
        self,
        params: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        options |= {"momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay}
        options |= {"maximize": maximize, "foreach": foreach, "capturable": capturable}
        super().__init__(params, options | {"differentiable": differentiable})

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        (beta1, beta2), lr, shares = group["betas"], group["lr"], []
        for p, t in zip(parameters, self.count_steps(parameters), strict=True):
            mu, later = (beta1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1))
            product = self.state[p]["mu_product"] = self.state[p].get("mu_product", 1.0) * mu
            shares.append((lr * (1 - mu) / (1 - product), lr * later / (1 - product * later), 1 - beta2**t))
        _run_two_averages(self, group, parameters, shares)


class RAdam(Optimizer):
    """RAdam, with PyTorch's arguments and steps: Adam that trusts its step sizes only when their variance is small.

    With the gradient g, λ = weight_decay and t the number of the step, from 1:

        g ← g + λ p;   m ← β₁ m + (1 - β₁) g;   v ← β₂ v + (1 - β₂) g²;   m̂ = m / (1 - β₁ᵗ)
        ρ∞ = 2 / (1 - β₂) - 1;   ρₜ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ)
        if ρₜ > 5: p ← p - lr r √(1 - β₂ᵗ) m̂ / (√v + ε),   r² = (ρₜ - 4)(ρₜ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρₜ)
        otherwise: p ← p - lr m̂

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of parameters with their own options.
    lr : float
    betas : (float, float)
        β₁ and β₂, in [0, 1).
    eps, weight_decay : float
    decoupled_weight_decay : bool
        p ← p - lr λ p instead of g ← g + λ p.
    maximize : bool
        Go up the gradient: use -g instead of g.
    foreach, capturable
        Choose an implementation of PyTorch; no effect.
    differentiable : bool
        Must be False.

    Raises
    ------
    ArgumentError
        If an option is out of range.
    DTypeError
        If an option has a wrong type.

    References
    ----------
    Liu et al.: On the variance of the adaptive learning rate and beyond. ICLR 2020, algorithm 2.
    """

    state_names: ClassVar = {"step": True, "exp_avg": True, "exp_avg_sq": True}
    limits: ClassVar = LIMITS

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        options |= {"maximize": maximize, "foreach": foreach, "capturable": capturable}
        options |= {"decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable}
        super().__init__(params, options)

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        (beta1, beta2), lr, shares = group["betas"], group["lr"], []
        limit = 2 / (1 - beta2) - 1
        for t in self.count_steps(parameters):
            corrected = 1 - beta2**t
            length, rate = limit - 2 * t * beta2**t / corrected, lr / (1 - beta1**t)
            if length > 5:
                ratio = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
                shares.append((0.0, rate * sqrt(ratio) * sqrt(corrected), 1.0))
            else:
                shares.append((0.0, rate, inf))
        _run_two_averages(self, group, parameters, shares)


def _run_two_averages(
    optimizer: Optimizer, group: dict[str, Any], parameters: list[Tensor], shares: list[tuple[float, float, float]]
) -> None:
    state = [optimizer.tensors("exp_avg", parameters), optimizer.tensors("exp_avg_sq", parameters)]
    options = {name: group[name] for name in ("lr", "betas", "eps", "weight_decay", "decoupled_weight_decay")}
    run_step("two_averages_step", parameters, state, maximize=group["maximize"], shares=shares, **options)


@kernel("two_averages_step", "reference", name="reference")
def two_averages_step(
    parameters: list[Array],
    gradients: list[Array],
    averages: list[Array],
    squares: list[Array],
    *,
    shares: list[tuple[float, float, float]],
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled_weight_decay: bool,
) -> None:
    """Update parameters and averages in place: p ← p - (a g + b m) / (√(v / c) + ε), the equations of NAdam and RAdam.

    Parameters
    ----------
    parameters, gradients, averages, squares : lists of arrays
        p, g, m and v.
    shares : list of (float, float, float)
        For each parameter a, b and c. With c = ∞ the step is a g + b m.
    lr : float
        For the decoupled weight decay.
    betas : (float, float)
    eps, weight_decay : float
    decoupled_weight_decay : bool
    """
    beta1, beta2 = betas
    for p, g, m, v, (a, b, c) in zip(parameters, gradients, averages, squares, shares, strict=True):
        if decoupled_weight_decay:
            p *= 1 - lr * weight_decay
        elif weight_decay:
            g = g + weight_decay * p
        m[...] = beta1 * m + (1 - beta1) * g
        v[...] = beta2 * v + (1 - beta2) * g * g
        step = a * g + b * m if a else b * m
        p -= step if c == inf else step / (xp(v).sqrt(v / c) + eps)
