"""Adafactor, Adam's second moment in two vectors instead of a matrix.

`adafactor_step` and `adafactor_vector_step` are the reference kernels: the equations on arrays.
"""

from math import inf, sqrt
from typing import Any, ClassVar

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError
from minicnn.optim.optimizer import Optimizer, Parameters, check_at_least, run_step
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = ["Adafactor", "adafactor_step", "adafactor_vector_step"]


class Adafactor(Optimizer):
    """Adafactor, with PyTorch's arguments and steps.

    For a matrix, and for the last two axes of a larger tensor, the mean squares of the rows r and of the columns c
    stand for the second moment. With the gradient g, t the number of the step, from 1, and β = 1 - t^beta2_decay:

        r ← β r + (1 - β) mean g² along a row;   c ← β c + (1 - β) mean g² along a column
        v = r cᵀ / mean r;   u = g / √max(v, ε₁²)
        p ← p - lr λ p;   p ← p - max(ε₂, rms p) min(lr, 1/√t) u / max(1, rms u / d)

    λ is `weight_decay`, and the rms of the second line is that of p before the step. A vector has v ← β v + (1 - β) g².

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of parameters with their own options.
    lr : float
        The largest relative step.
    beta2_decay : float
        At most 0.
    eps : (float or None, float)
        ε₁, by default the smallest step from 1 of the element type, and ε₂.
    d : float
        At least 1; a larger update u is shortened to this rms.
    weight_decay : float
    foreach
        Chooses an implementation of PyTorch; no effect.
    maximize : bool
        Go up the gradient: use -g instead of g.

    Raises
    ------
    ArgumentError
        If an option is out of range.
    DTypeError
        If an option has a wrong type.

    References
    ----------
    Shazeer, Stern: Adafactor: adaptive learning rates with sublinear memory cost. ICML 2018.
    """

    state_names: ClassVar = {"step": True, "row_var": False, "col_var": False, "variance": False}
    limits: ClassVar = {"lr": (0, inf), "beta2_decay": (-inf, inf), "d": (1, inf), "weight_decay": (0, inf)}

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d}
        super().__init__(params, options | {"weight_decay": weight_decay, "foreach": foreach, "maximize": maximize})

    def check_options(self, options: dict[str, Any]) -> None:
        """Check the options of a group.

        Raises
        ------
        ArgumentError
            If an option is out of range.
        DTypeError
            If it has a wrong type.
        """
        super().check_options(options)
        if options["beta2_decay"] > 0:
            raise ArgumentError(f"Adafactor: beta2_decay must be at most 0, got {options['beta2_decay']}")
        eps = options["eps"]
        if not isinstance(eps, tuple | list) or len(eps) != 2:
            raise DTypeError(f"Adafactor: eps must be two numbers, the first may be None; got {eps!r}")
        for i, value in enumerate(eps):
            if value is not None or i == 1:
                check_at_least("Adafactor", f"eps[{i}]", value, 0)

    def state_shape(self, name: str, parameter: Tensor) -> tuple[int, ...]:
        """Return the shape of an entry of the state: one number for each row, or for each column."""
        shape = list(parameter.shape)
        if name != "variance":
            shape[-1 if name == "row_var" else -2] = 1
        return tuple(shape)

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take a step with these parameters, which have gradients."""
        options = {name: group[name] for name in ("lr", "beta2_decay", "eps", "d", "weight_decay", "maximize")}
        matrices = [p for p in parameters if p.ndim > 1]
        for operation, several, names in (
            ("adafactor_step", matrices, ("row_var", "col_var")),
            ("adafactor_vector_step", [p for p in parameters if p.ndim < 2], ("variance",)),
        ):
            if several:
                steps = self.count_steps(several)
                run_step(operation, several, [self.tensors(name, several) for name in names], steps=steps, **options)


@kernel("adafactor_step", "reference", name="reference")
def adafactor_step(
    parameters: list[Array], gradients: list[Array], rows: list[Array], columns: list[Array], **options: Any
) -> None:
    """Update matrices, and the mean squares of their rows and columns, in place, by the equations of `Adafactor`.

    Parameters
    ----------
    parameters, gradients, rows, columns : lists of arrays
        p, g, r and c.
    **options
        Those of `adafactor_vector_step`.
    """
    for p, g, r, c, t in zip(parameters, gradients, rows, columns, options["steps"], strict=True):
        share = t ** options["beta2_decay"]
        r += share * ((g * g).mean(-1, keepdims=True) - r)
        c += share * ((g * g).mean(-2, keepdims=True) - c)
        eps = _first_eps(p, options)
        _move(p, g, r * c / xp(p).maximum(r.mean(-2, keepdims=True), eps), t, options)


@kernel("adafactor_vector_step", "reference", name="reference")
def adafactor_vector_step(
    parameters: list[Array], gradients: list[Array], squares: list[Array], **options: Any
) -> None:
    """Update vectors, and their mean squares, in place, by the equations of `Adafactor`.

    Parameters
    ----------
    parameters, gradients, squares : lists of arrays
        p, g and v.
    steps : list of int
        For each parameter t.
    lr, beta2_decay, d, weight_decay : float
    eps : (float or None, float)
    """
    for p, g, v, t in zip(parameters, gradients, squares, options["steps"], strict=True):
        v += t ** options["beta2_decay"] * (g * g - v)
        _move(p, g, v, t, options)


def _first_eps(p: Array, options: dict[str, Any]) -> float:
    eps = options["eps"][0]
    return float(np.finfo(p.dtype).eps) if eps is None else eps


def _rms(x: Array) -> float:
    return sqrt(float((x * x).mean()))


def _move(p: Array, g: Array, v: Array, t: int, options: dict[str, Any]) -> None:
    """Change a parameter in place, for the second moment v."""
    lr = options["lr"]
    rate = max(options["eps"][1], _rms(p)) * min(lr, 1 / sqrt(t))
    p *= 1 - lr * options["weight_decay"]
    u = g / xp(p).sqrt(xp(p).maximum(v, _first_eps(p, options) ** 2))
    p -= rate / max(1.0, _rms(u) / options["d"]) * u
