"""Rprop, which uses only the signs of gradients, and ASGD, which averages the parameters of SGD.

`rprop_step` and `asgd_step` are the reference kernels: the equations on arrays.
"""

from math import inf
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.optim.optimizer import Optimizer, Parameters, run_step
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = ["ASGD", "Rprop", "asgd_step", "rprop_step"]


class Rprop(Optimizer):
    """Rprop, with PyTorch's arguments and steps, for gradients of the whole data.

    Each element has its own step size s. It grows by η⁺ while the gradient keeps its sign, and shrinks by η⁻ when the
    sign changes; then this element rests for a step:

        s ← s η⁺ if g g' > 0, s η⁻ if g g' < 0 (and g ← 0), limited to [s_min, s_max];   p ← p - sign(g) s;   g' ← g

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of parameters with their own options.
    lr : float
        The first step size.
    etas : (float, float)
        η⁻ < 1 < η⁺.
    step_sizes : (float, float)
        s_min and s_max.
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
    Riedmiller, Braun: A direct adaptive method for faster backpropagation learning: the RPROP algorithm. ICNN 1993.
    """

    state_names: ClassVar = {"step": True, "prev": True, "step_size": True}
    limits: ClassVar = {"lr": (0, inf), "etas": (0, inf), "step_sizes": (0, inf)}

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach}
        options |= {"maximize": maximize, "differentiable": differentiable, "capturable": capturable}
        super().__init__(params, options)

    def check_options(self, options: dict[str, Any]) -> None:
        """Check the options of a group.

        Raises
        ------
        ArgumentError
            If an option is out of range.
        """
        super().check_options(options)
        smaller, larger = options["etas"]
        if not 0 < smaller < 1 < larger:
            raise ArgumentError(f"Rprop: etas must be below and above 1, got {smaller} and {larger}")

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        self.count_steps(parameters)
        state = [self.tensors("prev", parameters), self.tensors("step_size", parameters, group["lr"])]
        options = {name: group[name] for name in ("etas", "step_sizes", "maximize")}
        run_step("rprop_step", parameters, state, **options)


@kernel("rprop_step", "reference", name="reference")
def rprop_step(
    parameters: list[Array],
    gradients: list[Array],
    before: list[Array],
    sizes: list[Array],
    *,
    etas: tuple[float, float],
    step_sizes: tuple[float, float],
) -> None:
    """Update parameters, gradients of before and step sizes in place, by the equations of `Rprop`.

    Parameters
    ----------
    parameters, gradients, before, sizes : lists of arrays
        p, g, g' and s.
    etas, step_sizes : (float, float)
    """
    for p, g, last, s in zip(parameters, gradients, before, sizes, strict=True):
        m, agreement = xp(p), g * last
        factor = m.where(agreement > 0, etas[1], m.where(agreement < 0, etas[0], 1))
        s[...] = m.clip(s * factor, *step_sizes)
        last[...] = m.where(agreement < 0, 0, g)
        p -= m.sign(last) * s


class ASGD(Optimizer):
    """Averaged stochastic gradient descent, with PyTorch's arguments and steps.

    With the gradient g, λ = weight_decay and t the number of the step, from 1:

        g ← g + λ p;   p ← (1 - lambd η) p - η g;   a ← a + μ (p - a)
        η = lr / (1 + lambd lr t)^alpha;   μ = 1 / max(1, t - t0)

    The average a is in the state, under "ax".

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of parameters with their own options.
    lr, lambd, alpha, weight_decay : float
    t0 : float
        The step at which averaging starts.
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
    Polyak, Juditsky: Acceleration of stochastic approximation by averaging. SIAM 1992.
    """

    state_names: ClassVar = {"step": True, "eta": True, "mu": True, "ax": True}
    numbers: ClassVar = ("step", "eta", "mu")
    limits: ClassVar = {"lr": (0, inf), "weight_decay": (0, inf)} | dict.fromkeys(("lambd", "alpha", "t0"), (-inf, inf))

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay}
        options |= {"foreach": foreach, "maximize": maximize, "differentiable": differentiable}
        super().__init__(params, options | {"capturable": capturable})

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        lr, lambd, averages = group["lr"], group["lambd"], self.tensors("ax", parameters)
        states = [self.state[p] for p in parameters]
        shares = [(state.get("eta", lr), state.get("mu", 1.0)) for state in states]
        for state, t in zip(states, self.count_steps(parameters), strict=True):
            state["eta"] = lr / (1 + lambd * lr * t) ** group["alpha"]
            state["mu"] = 1 / max(1, t - group["t0"])
        options = {"weight_decay": group["weight_decay"], "lambd": lambd, "maximize": group["maximize"]}
        run_step("asgd_step", parameters, [averages], shares=shares, **options)


@kernel("asgd_step", "reference", name="reference")
def asgd_step(
    parameters: list[Array],
    gradients: list[Array],
    averages: list[Array],
    *,
    shares: list[tuple[float, float]],
    lambd: float,
    weight_decay: float,
) -> None:
    """Update parameters and averages in place, by the equations of `ASGD`.

    Parameters
    ----------
    parameters, gradients, averages : lists of arrays
        p, g and a.
    shares : list of (float, float)
        For each parameter η and μ.
    lambd, weight_decay : float
    """
    for p, g, a, (eta, mu) in zip(parameters, gradients, averages, shares, strict=True):
        if weight_decay:
            g = g + weight_decay * p
        p *= 1 - lambd * eta
        p -= eta * g
        if mu == 1:
            a[...] = p
        else:
            a += mu * (p - a)
