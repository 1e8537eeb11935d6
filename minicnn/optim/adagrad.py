"""Adagrad and Adadelta: steps that shrink with the squared gradients of the past.

`adagrad_step` and `adadelta_step` are the reference kernels: the equations on arrays.
"""

from math import inf
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.optim.optimizer import Optimizer, Parameters, run_step
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = ["Adadelta", "Adagrad", "adadelta_step", "adagrad_step"]


class Adagrad(Optimizer):
    """Adagrad, with PyTorch's arguments and steps.

    With the gradient g, λ = weight_decay and t the number of the step, from 1:

        g ← g + λ p;   s ← s + g²
        p ← p - lr / (1 + (t - 1) lr_decay) g / (√s + ε)

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of parameters with their own options.
    lr, lr_decay, weight_decay : float
    initial_accumulator_value : float
        The first s.
    eps : float
    maximize : bool
        Go up the gradient: use -g instead of g.
    foreach, fused
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
    Duchi, Hazan, Singer: Adaptive subgradient methods for online learning and stochastic optimization. JMLR 2011.
    """

    state_names: ClassVar = {"step": True, "sum": True}
    limits: ClassVar = dict.fromkeys(("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"), (0, inf))

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay}
        options |= {"initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize}
        super().__init__(params, options | {"differentiable": differentiable, "fused": fused})

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        state = [self.tensors("sum", parameters, group["initial_accumulator_value"])]
        rates = [group["lr"] / (1 + (t - 1) * group["lr_decay"]) for t in self.count_steps(parameters)]
        options = {"weight_decay": group["weight_decay"], "eps": group["eps"], "maximize": group["maximize"]}
        run_step("adagrad_step", parameters, state, rates=rates, **options)


@kernel("adagrad_step", "reference", name="reference")
def adagrad_step(
    parameters: list[Array],
    gradients: list[Array],
    sums: list[Array],
    *,
    rates: list[float],
    weight_decay: float,
    eps: float,
) -> None:
    """Update parameters and sums in place, by the equations of `Adagrad`.

    Parameters
    ----------
    parameters, gradients, sums : lists of arrays
        p, g and s.
    rates : list of float
        For each parameter lr / (1 + (t - 1) lr_decay).
    weight_decay, eps : float
    """
    for p, g, s, rate in zip(parameters, gradients, sums, rates, strict=True):
        if weight_decay:
            g = g + weight_decay * p
        s += g * g
        p -= rate * (g / (xp(s).sqrt(s) + eps))


class Adadelta(Optimizer):
    """Adadelta, with PyTorch's arguments and steps. Steps have the unit of the parameters.

    With the gradient g and λ = weight_decay:

        g ← g + λ p;   v ← ρ v + (1 - ρ) g²
        d = √(u + ε) / √(v + ε) g;   u ← ρ u + (1 - ρ) d²
        p ← p - lr d

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of parameters with their own options.
    lr, eps, weight_decay : float
    rho : float
        From 0 to 1.
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
    Zeiler: ADADELTA: an adaptive learning rate method. arXiv 1212.5701, algorithm 1.
    """

    state_names: ClassVar = {"step": True, "square_avg": True, "acc_delta": True}
    limits: ClassVar = {"lr": (0, inf), "rho": (0, 1 + 1e-12), "eps": (0, inf), "weight_decay": (0, inf)}

    def __init__(
        self,
        params: Parameters,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay}
        options |= {"maximize": maximize, "capturable": capturable, "foreach": foreach}
        super().__init__(params, options | {"differentiable": differentiable})

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        self.count_steps(parameters)
        state = [self.tensors("square_avg", parameters), self.tensors("acc_delta", parameters)]
        options = {name: group[name] for name in ("lr", "rho", "eps", "weight_decay")}
        run_step("adadelta_step", parameters, state, maximize=group["maximize"], **options)


@kernel("adadelta_step", "reference", name="reference")
def adadelta_step(
    parameters: list[Array],
    gradients: list[Array],
    squares: list[Array],
    deltas: list[Array],
    *,
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float,
) -> None:
    """Update parameters and averages in place, by the equations of `Adadelta`.

    Parameters
    ----------
    parameters, gradients, squares, deltas : lists of arrays
        p, g, v and u.
    lr, rho, eps, weight_decay : float
    """
    for p, g, v, u in zip(parameters, gradients, squares, deltas, strict=True):
        if weight_decay:
            g = g + weight_decay * p
        v[...] = rho * v + (1 - rho) * g * g
        d = xp(v).sqrt(u + eps) / xp(v).sqrt(v + eps) * g
        u[...] = rho * u + (1 - rho) * d * d
        p -= lr * d
