"""Stochastic gradient descent (SGD) with momentum.

`sgd_step` is the reference kernel: the equations in NumPy. Faster kernels are in `backends/*/optim.py`.
"""

from math import inf
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.backends.step_options import SGDOptions
from minicnn.errors import ArgumentError
from minicnn.ops.create import zeros_like
from minicnn.optim.optimizer import Optimizer, Parameters, run_step
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["SGD", "sgd_step"]


class SGD(Optimizer):
    """Stochastic gradient descent, with PyTorch's arguments and steps.

    With the gradient g, λ = weight_decay, μ = momentum and τ = dampening:

        g ← g + λ p
        b ← μ b + (1 - τ) g, in the first step b ← g
        p ← p - lr b, with Nesterov p ← p - lr (g + μ b)

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of parameters with their own options.
    lr : float
    momentum, dampening, weight_decay : float
    nesterov : bool
        Requires momentum > 0 and dampening = 0.
    maximize : bool
        Go up the gradient: use -g instead of g.
    foreach, fused
        Choose an implementation of PyTorch; no effect.
    differentiable : bool
        Must be False.

    Raises
    ------
    ArgumentError
        If an option is out of range, or nesterov is used without momentum or with dampening.
    DTypeError
        If an option has a wrong type.

    Notes
    -----
    With momentum, the state of a parameter is an array of its shape.

    References
    ----------
    Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum in deep learning. ICML 2013.

    Examples
    --------
    >>> import minicnn
    >>> p = minicnn.tensor(3.0, requires_grad=True)
    >>> optimizer = SGD([p], lr=0.1)
    >>> (p * p).backward()
    >>> optimizer.step()
    >>> round(p.item(), 6)
    2.4
    """

    state_names: ClassVar = {"momentum_buffer": False}
    limits: ClassVar = {"lr": (0, inf), "momentum": (0, inf), "weight_decay": (0, inf), "dampening": (-inf, inf)}

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "momentum": momentum, "dampening": dampening}
        options |= {"weight_decay": weight_decay, "nesterov": nesterov, "maximize": maximize, "foreach": foreach}
        super().__init__(params, options | {"differentiable": differentiable, "fused": fused})

    def check_options(self, options: dict[str, Any]) -> None:
        """Check the options of a group.

        Raises
        ------
        ArgumentError
            If an option is out of range, or nesterov is used without momentum or with dampening.
        """
        super().check_options(options)
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ArgumentError(
                f"SGD: nesterov needs momentum and no dampening, got momentum={options['momentum']} and "
                f"dampening={options['dampening']}; pass e.g. momentum=0.9"
            )

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        shares = [1.0] * len(parameters)
        buffers: list[Tensor] = []
        if group["momentum"]:
            for i, p in enumerate(parameters):
                state = self.state[p]
                if state.get("momentum_buffer") is None:
                    state["momentum_buffer"] = zeros_like(p)  # with share 1, the first step makes b = g
                else:
                    shares[i] = 1 - group["dampening"]
                buffers.append(state["momentum_buffer"])
        options = SGDOptions(group["lr"], group["momentum"], group["weight_decay"], group["nesterov"])
        run_step("sgd_step", parameters, [buffers], shares=shares, maximize=group["maximize"], options=options)


@kernel("sgd_step", "reference", name="reference")
def sgd_step(
    parameters: list[Array], gradients: list[Array], buffers: list[Array], *, shares: list[float], options: SGDOptions
) -> None:
    """Update parameters and momentum buffers in place, by the equations of `SGD`.

    Parameters
    ----------
    parameters, gradients, buffers : lists of arrays
        p, g and b. The arrays of a parameter have the same shape and dtype. Without momentum, `buffers` is empty.
    shares : list of float
        For each parameter the factor of the gradient in b ← μ b + share g: 1 in its first step, then 1 - dampening.
    options : SGDOptions
    """
    lr, momentum, weight_decay, nesterov = options
    for i, (p, g, share) in enumerate(zip(parameters, gradients, shares, strict=True)):
        if weight_decay:
            g = g + weight_decay * p
        if buffers:
            b = buffers[i]
            b[...] = momentum * b + share * g
            g = g + momentum * b if nesterov else b
        p -= lr * g
