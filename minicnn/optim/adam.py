"""Adam, and AdamW, which applies weight decay to the weights and not to the gradient.

`adam_step` is the reference kernel: the equations in NumPy. Faster kernels are in `backends/*/optim.py`.
"""

from math import inf
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.backends.step_options import AdamOptions
from minicnn.optim.optimizer import Optimizer, Parameters, run_step
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = ["Adam", "AdamW", "adam_step"]


class Adam(Optimizer):
    """Adam, with PyTorch's arguments and steps. Running averages of g and g² set the step size of each element.

    With the gradient g, λ = weight_decay and t the number of the step, from 1:

        g ← g + λ p;   m ← β₁ m + (1 - β₁) g;   v ← β₂ v + (1 - β₂) g²
        p ← p - lr m̂ / (√v̂ + ε),   m̂ = m / (1 - β₁ᵗ),   v̂ = v / (1 - β₂ᵗ)

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of parameters with their own options.
    lr : float
    betas : (float, float)
        β₁ and β₂, in [0, 1).
    eps : float
    weight_decay : float
    amsgrad : bool
        Replace v by its maximum over all steps.
    maximize : bool
        Go up the gradient: use -g instead of g.
    foreach, capturable, fused
        Choose an implementation of PyTorch; no effect.
    differentiable : bool
        Must be False.
    decoupled_weight_decay : bool
        Apply weight decay to the weights, as `AdamW`.

    Raises
    ------
    ArgumentError
        If an option is out of range.
    DTypeError
        If an option has a wrong type.

    Notes
    -----
    The state of a parameter is two arrays of its shape, three with amsgrad.

    References
    ----------
    Kingma, Ba: Adam: a method for stochastic optimization. ICLR 2015, algorithm 1.
    Reddi, Kale, Kumar: On the convergence of Adam and beyond. ICLR 2018, algorithm 2.
    """

    state_names: ClassVar = {"step": True, "exp_avg": True, "exp_avg_sq": True, "max_exp_avg_sq": False}
    limits: ClassVar = {"lr": (0, inf), "eps": (0, inf), "weight_decay": (0, inf), "betas": (0, 1)}

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        options |= {"amsgrad": amsgrad, "maximize": maximize, "foreach": foreach, "capturable": capturable}
        options |= {"differentiable": differentiable, "fused": fused}
        super().__init__(params, options | {"decoupled_weight_decay": decoupled_weight_decay})

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        steps = self.count_steps(parameters)
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")
        averages, squares, *maxima = (self.tensors(name, parameters) for name in names)
        beta1, beta2 = group["betas"]
        run_step(
            "adam_step",
            parameters,
            [averages, squares, *(maxima or [[]])],
            steps=steps,
            maximize=group["maximize"],
            options=AdamOptions(
                group["lr"], beta1, beta2, group["eps"], group["weight_decay"], group["decoupled_weight_decay"]
            ),
        )


class AdamW(Adam):
    """Adam with decoupled weight decay: p ← p - lr λ p, instead of g ← g + λ p.

    Parameters
    ----------
    params, lr, betas, eps, amsgrad, maximize, foreach, capturable, differentiable, fused
        As in `Adam`.
    weight_decay : float
        λ; default 0.01.

    References
    ----------
    Loshchilov, Hutter: Decoupled weight decay regularization. ICLR 2019, algorithm 2.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )


@kernel("adam_step", "reference", name="reference")
def adam_step(
    parameters: list[Array],
    gradients: list[Array],
    averages: list[Array],
    squares: list[Array],
    maxima: list[Array],
    *,
    steps: list[int],
    options: AdamOptions,
) -> None:
    """Update parameters, averages and maxima in place, by the equations of `Adam`.

    Parameters
    ----------
    parameters, gradients, averages, squares, maxima : lists of arrays
        p, g, m, v and the maximum of v. The arrays of a parameter have the same shape and dtype. Without amsgrad,
        `maxima` is empty.
    steps : list of int
        For each parameter the number t of this step.
    options : AdamOptions
    """
    lr, beta1, beta2, eps, weight_decay, decoupled = options
    for i, (p, g, m, v, t) in enumerate(zip(parameters, gradients, averages, squares, steps, strict=True)):
        if decoupled:
            p *= 1 - lr * weight_decay
        elif weight_decay:
            g = g + weight_decay * p
        m[...] = beta1 * m + (1 - beta1) * g
        v[...] = beta2 * v + (1 - beta2) * g * g
        if maxima:
            maxima[i][...] = v = xp(v).maximum(maxima[i], v)
        p -= lr * (m / (1 - beta1**t)) / (xp(v).sqrt(v / (1 - beta2**t)) + eps)
