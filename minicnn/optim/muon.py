"""Muon, steps in the direction of the orthogonal matrix that is nearest to the momentum.

`muon_step` is the reference kernel: the equations on arrays.
"""

from math import inf, sqrt
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.optim.optimizer import Optimizer, Parameters, run_step
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = ["Muon", "muon_step"]

ADJUSTMENTS = (None, "original", "match_rms_adamw")


class Muon(Optimizer):
    """Muon, for the matrices of hidden layers, with PyTorch's arguments and steps.

    With the gradient g, μ = momentum, λ = weight_decay, and s from `adjust_lr_fn`:

        m ← μ m + (1 - μ) g;   x = (1 - μ) g + μ m with `nesterov`, m without
        x ← x / max(‖x‖, eps), then `ns_steps` times  x ← a x + (b (x xᵀ) + c (x xᵀ)²) x
        p ← p - lr λ p;   p ← p - lr s x

    The second line, a Newton-Schulz iteration, brings all singular values near 1. PyTorch computes it in bfloat16,
    minicnn in the type of the parameter, so single steps differ by about 1 %. Other parameters (biases, embeddings, the
    last layer) need another optimizer, such as `AdamW`.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Matrices, or groups of matrices with their own options.
    lr, weight_decay, momentum : float
    nesterov : bool
    ns_coefficients : (float, float, float)
        a, b and c.
    eps : float
    ns_steps : int
        Below 100.
    adjust_lr_fn : "original", "match_rms_adamw" or None
        For a matrix (A, B), s = √max(1, A / B), or 0.2 √max(A, B), which is the size of AdamW's steps. None means
        "original".

    Raises
    ------
    ArgumentError
        If an option is out of range or unknown.
    ShapeError
        If a parameter is no matrix.
    DTypeError
        If an option has a wrong type.

    References
    ----------
    Jordan et al.: Muon: an optimizer for hidden layers in neural networks. 2024. "match_rms_adamw": Liu et al.: Muon is
    scalable for LLM training. 2025.
    """

    state_names: ClassVar = {"momentum_buffer": True}
    limits: ClassVar = {
        "lr": (0, inf),
        "weight_decay": (0, inf),
        "momentum": (0, inf),
        "eps": (0, inf),
        "ns_steps": (0, 100),
    }

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov}
        options |= {"ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn}
        super().__init__(params, options)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of matrices with its own options; see `Optimizer.add_param_group`.

        Raises
        ------
        ShapeError
            If a parameter is no matrix.
        """
        super().add_param_group(param_group)
        others = [p.shape for p in self.param_groups[-1]["params"] if p.ndim != 2]
        if others:
            del self.param_groups[-1]
            raise ShapeError(f"Muon: parameters must be matrices, got {others[0]}; give the others to AdamW")

    def check_options(self, options: dict[str, Any]) -> None:
        """Check the options of a group.

        Raises
        ------
        ArgumentError
            If an option is out of range or unknown.
        DTypeError
            If it has a wrong type.
        """
        super().check_options(options)
        if options["adjust_lr_fn"] not in ADJUSTMENTS:
            known = ", ".join(map(repr, ADJUSTMENTS))
            raise ArgumentError(f"Muon: adjust_lr_fn must be one of {known}, got {options['adjust_lr_fn']!r}")
        coefficients = options["ns_coefficients"]
        if not isinstance(coefficients, tuple | list) or len(coefficients) != 3:
            raise DTypeError(f"Muon: ns_coefficients must be three numbers, got {coefficients!r}")

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        names = ("lr", "weight_decay", "momentum", "nesterov", "ns_coefficients", "eps", "ns_steps", "adjust_lr_fn")
        state = [self.tensors("momentum_buffer", parameters)]
        run_step("muon_step", parameters, state, maximize=False, **{name: group[name] for name in names})


@kernel("muon_step", "reference", name="reference")
def muon_step(
    parameters: list[Array],
    gradients: list[Array],
    momenta: list[Array],
    *,
    lr: float,
    weight_decay: float,
    momentum: float,
    nesterov: bool,
    ns_coefficients: tuple[float, float, float],
    eps: float,
    ns_steps: int,
    adjust_lr_fn: str | None,
) -> None:
    """Update matrices and momenta in place, by the equations of `Muon`.

    Parameters
    ----------
    parameters, gradients, momenta : lists of arrays
        p, g and m.
    lr, weight_decay, momentum, nesterov, ns_coefficients, eps, ns_steps, adjust_lr_fn
        As in `Muon`.
    """
    a, b, c = ns_coefficients
    for p, g, m in zip(parameters, gradients, momenta, strict=True):
        m += (1 - momentum) * (g - m)
        x = g + momentum * (m - g) if nesterov else m
        rows, columns = p.shape
        x = x.T if rows > columns else x  # x xᵀ is the smaller product
        x = x / xp(x).maximum(xp(x).sqrt((x * x).sum()), eps)
        for _ in range(ns_steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * (gram @ gram)) @ x
        scale = 0.2 * sqrt(max(rows, columns)) if adjust_lr_fn == "match_rms_adamw" else sqrt(max(1, rows / columns))
        p *= 1 - lr * weight_decay
        p -= lr * scale * (x.T if rows > columns else x)
