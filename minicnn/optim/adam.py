"""Adam, and AdamW, which decays weights apart from the gradient."""

import math
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.ops.create import zeros_like
from minicnn.optim.optimizer import Optimizer, Parameters, blocks, check_at_least, run_step
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = ["Adam", "AdamW", "adam_step"]


class Adam(Optimizer):
    """Steps of a size that the running variance of each element's gradient sets; PyTorch's arguments and steps.

    With the gradient g, λ = weight_decay and t counting the parameter's steps from 1:

        g ← g + λ p;   m ← β₁ m + (1 - β₁) g;   v ← β₂ v + (1 - β₂) g²
        p ← p - lr m̂ / (√v̂ + ε),   m̂ = m / (1 - β₁ᵗ),   v̂ = v / (1 - β₂ᵗ)

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Parameters, or groups of them with options of their own.
    lr : float
    betas : (float, float)
        β₁ and β₂, from 0 to below 1.
    eps : float
    weight_decay : float
    amsgrad : bool
        Divide by the largest v so far instead of v.

    Raises
    ------
    ArgumentError
        If an option is out of its range.
    DTypeError
        If an option is of another type.

    Notes
    -----
    Remembers two arrays a parameter, three with amsgrad.

    References
    ----------
    Kingma, Ba: Adam: a method for stochastic optimization. ICLR 2015, algorithm 1.
    Reddi, Kale, Kumar: On the convergence of Adam and beyond. ICLR 2018, algorithm 2.
    """

    decoupled = False
    state_names: ClassVar = {"step": True, "exp_avg": True, "exp_avg_sq": True, "max_exp_avg_sq": False}

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        options = {"betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        super().__init__(params, {"lr": lr, **options})

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise ArgumentError for an option out of its range, DTypeError for one of another type."""
        for name in ("lr", "eps", "weight_decay"):
            check_at_least(self._name, name, options[name], 0)
        betas = options["betas"]
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise ArgumentError(f"{self._name}: betas must be two numbers, got {betas!r}; pass e.g. (0.9, 0.999)")
        for i, beta in enumerate(betas):
            check_at_least(self._name, f"betas[{i}]", beta, 0, below=1)

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take one step."""
        states = [self.state.setdefault(p, {"step": 0}) for p in parameters]
        for state in states:
            state["step"] += 1

        def tensors(name: str) -> list[Tensor]:
            for p, state in zip(parameters, states, strict=True):
                if name not in state:
                    state[name] = zeros_like(p)
            return [state[name] for state in states]

        run_step(
            "adam_step",
            parameters,
            [tensors("exp_avg"), tensors("exp_avg_sq"), tensors("max_exp_avg_sq") if group["amsgrad"] else []],
            steps=[state["step"] for state in states],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            **{name: group[name] for name in ("lr", "eps", "weight_decay")},
            decoupled=self.decoupled,
        )


class AdamW(Adam):
    """Adam, but the weights decay by themselves, p ← p - lr λ p, and not through the gradient.

    Parameters
    ----------
    params, lr, betas, eps, amsgrad
        As in `Adam`.
    weight_decay : float
        λ; 0.01, if left out.

    References
    ----------
    Loshchilov, Hutter: Decoupled weight decay regularization. ICLR 2019, algorithm 2.
    """

    decoupled = True

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)


@kernel("adam_step", "reference", name="reference")
def adam_step(
    parameters: list[Array],
    gradients: list[Array],
    averages: list[Array],
    squares: list[Array],
    maxima: list[Array],
    *,
    steps: list[int],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> None:
    """Change parameters and averages in place; there are no maxima without amsgrad.

    Parameters
    ----------
    parameters, gradients, averages, squares, maxima : lists of arrays
        Any shapes; those of one parameter have one shape and one element type.
    steps : list of int
        How often each parameter was changed, this step included.
    lr, beta1, beta2, eps, weight_decay : float
    decoupled : bool
        AdamW's weight decay.
    """
    for i, arrays in enumerate(zip(parameters, gradients, averages, squares, strict=True)):
        m = xp(arrays[0])
        root = math.sqrt(1 - beta2 ** steps[i])
        rate = lr * root / (1 - beta1 ** steps[i])  # both corrections in one number, with ε scaled to match
        for p, g, average, square, *maximum, s, t in blocks(*arrays, *maxima[i : i + 1], scratch=2):
            if weight_decay and decoupled:
                p *= 1 - lr * weight_decay
            elif weight_decay:
                m.multiply(p, weight_decay, out=t)
                g = m.add(t, g, out=t)
            m.subtract(g, average, out=s)
            s *= 1 - beta1
            average += s
            m.multiply(g, g, out=s)
            s *= 1 - beta2
            square *= beta2
            square += s
            if maximum:
                square = m.maximum(maximum[0], square, out=maximum[0])
            m.sqrt(square, out=s)
            s += eps * root
            m.divide(average, s, out=s)
            s *= rate
            p -= s
