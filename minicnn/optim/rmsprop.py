"""RMSprop: each element's step is divided by the root of a running average of its squared gradient.

`rmsprop_step` is the reference kernel: the equations on arrays.
"""

from math import inf
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.optim.optimizer import Optimizer, Parameters, run_step
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = ["RMSprop", "rmsprop_step"]


class RMSprop(Optimizer):
    """RMSprop, with PyTorch's arguments and steps.

    With the gradient g, λ = weight_decay and μ = momentum:

        g ← g + λ p;   v ← α v + (1 - α) g²;   if centered: m ← α m + (1 - α) g
        d = g / (√(v - m²) + ε)
        p ← p - lr d, with momentum b ← μ b + d; p ← p - lr b

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of parameters with their own options.
    lr, alpha, eps, weight_decay, momentum : float
    centered : bool
        Subtract the square of the average gradient, so that v is a variance.
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
    Tieleman, Hinton: Lecture 6.5, Neural networks for machine learning, 2012. Graves: arXiv 1308.0850 (centered).
    """

    state_names: ClassVar = {"step": True, "square_avg": True, "momentum_buffer": False, "grad_avg": False}
    limits: ClassVar = dict.fromkeys(("lr", "alpha", "eps", "weight_decay", "momentum"), (0, inf))

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered}
        options |= {"weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize}
        super().__init__(params, options | {"differentiable": differentiable})

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        self.count_steps(parameters)
        means = self.tensors("grad_avg", parameters) if group["centered"] else []
        buffers = self.tensors("momentum_buffer", parameters) if group["momentum"] else []
        options = {name: group[name] for name in ("lr", "alpha", "eps", "weight_decay", "momentum")}
        state = [self.tensors("square_avg", parameters), means, buffers]
        run_step("rmsprop_step", parameters, state, maximize=group["maximize"], **options)


@kernel("rmsprop_step", "reference", name="reference")
def rmsprop_step(
    parameters: list[Array],
    gradients: list[Array],
    squares: list[Array],
    means: list[Array],
    buffers: list[Array],
    *,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
) -> None:
    """Update parameters, averages and momentum buffers in place, by the equations of `RMSprop`.

    Parameters
    ----------
    parameters, gradients, squares, means, buffers : lists of arrays
        p, g, v, m and b. Without `centered`, `means` is empty; without momentum, `buffers`.
    lr, alpha, eps, weight_decay, momentum : float
    """
    for i, (p, g, v) in enumerate(zip(parameters, gradients, squares, strict=True)):
        if weight_decay:
            g = g + weight_decay * p
        v[...] = alpha * v + (1 - alpha) * g * g
        variance = v
        if means:
            means[i][...] = alpha * means[i] + (1 - alpha) * g
            variance = v - means[i] * means[i]
        d = g / (xp(v).sqrt(variance) + eps)
        if buffers:
            buffers[i][...] = d = momentum * buffers[i] + d
        p -= lr * d
