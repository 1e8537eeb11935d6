"""Stochastic gradient descent with momentum."""

from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.backends.step_options import SGDOptions
from minicnn.errors import ArgumentError
from minicnn.ops.create import zeros_like
from minicnn.optim.optimizer import Optimizer, Parameters, check_at_least, run_step
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["SGD", "sgd_step"]


class SGD(Optimizer):
    """Stochastic gradient descent, with the arguments and the exact steps of PyTorch.

    With the gradient g, λ = weight_decay, μ = momentum and τ = dampening:

        g ← g + λ p;   b ← μ b + (1 - τ) g, at first b ← g;   p ← p - lr b, with Nesterov p ← p - lr (g + μ b)

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of them with options of their own.
    lr : float
    momentum, dampening, weight_decay : float
    nesterov : bool
        Needs momentum, and no dampening.

    Raises
    ------
    ArgumentError
        If an option is negative, or nesterov lacks what it needs.
    DTypeError
        If an option is of another type.

    Notes
    -----
    Momentum remembers one array a parameter.

    References
    ----------
    Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum in deep learning. ICML 2013.

    Examples
    --------
    >>> p = Tensor(3.0, requires_grad=True)
    >>> optimizer = SGD([p], lr=0.1)
    >>> (p * p).backward()
    >>> optimizer.step()
    >>> round(p.item(), 6)
    2.4
    """

    state_names: ClassVar = {"momentum_buffer": False}

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        options = {"momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov}
        super().__init__(params, {"lr": lr, **options})

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise ArgumentError for an option out of its range, DTypeError for one of another type."""
        for name in ("lr", "momentum", "weight_decay"):
            check_at_least("SGD", name, options[name], 0)
        check_at_least("SGD", "dampening", options["dampening"], float("-inf"))
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ArgumentError(
                f"SGD: nesterov needs momentum and no dampening, got momentum={options['momentum']} and "
                f"dampening={options['dampening']}; pass e.g. momentum=0.9"
            )

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take one step."""
        shares = [1.0] * len(parameters)
        buffers: list[Tensor] = []
        if group["momentum"]:
            for i, p in enumerate(parameters):
                state = self.state.setdefault(p, {})
                if state.get("momentum_buffer") is None:
                    state["momentum_buffer"] = zeros_like(p)  # 0 μ + g: the first buffer is the gradient
                else:
                    shares[i] = 1 - group["dampening"]
                buffers.append(state["momentum_buffer"])
        options = SGDOptions(group["lr"], group["momentum"], group["weight_decay"], group["nesterov"])
        run_step("sgd_step", parameters, [buffers], shares=shares, options=options)


@kernel("sgd_step", "reference", name="reference")
def sgd_step(
    parameters: list[Array], gradients: list[Array], buffers: list[Array], *, shares: list[float], options: SGDOptions
) -> None:
    """Change parameters and momentum buffers in place, by the equations above; without momentum, `buffers` is empty.

    Parameters
    ----------
    parameters, gradients, buffers : lists of arrays
        Any shapes. The arrays of a parameter have one shape and one element type.
    shares : list of float
        For each parameter the factor of the gradient in b ← μ b + share g: 1 at its first step, then 1 - dampening.
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
