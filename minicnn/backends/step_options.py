"""The options of the optimizer steps, as one named tuple for each optimizer; every kernel of a step takes it."""

import math
from typing import NamedTuple

__all__ = ["AdamOptions", "SGDOptions"]


class AdamOptions(NamedTuple):
    """The options of `adam_step`; `decoupled` means the weight decay of AdamW."""

    lr: float
    beta1: float
    beta2: float
    eps: float
    weight_decay: float
    decoupled: bool

    def rate_and_floor(self, step: int) -> tuple[float, float]:
        """Return r and f with lr m̂ / (√v̂ + ε) = r m / (√v + f): two numbers contain both bias corrections.

        m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ), so r = lr √(1 - β₂ᵗ) / (1 - β₁ᵗ) and f = ε √(1 - β₂ᵗ).
        """
        root = math.sqrt(1 - self.beta2**step)
        return self.lr * root / (1 - self.beta1**step), self.eps * root

    def decay_and_shrink(self) -> tuple[float, float]:
        """Return (λ, factor): Adam uses the gradient g + λ p, with factor 1; AdamW multiplies p by factor, with λ 0."""
        return (0.0, 1 - self.lr * self.weight_decay) if self.decoupled else (self.weight_decay, 1.0)


class SGDOptions(NamedTuple):
    """The options of `sgd_step`."""

    lr: float
    momentum: float
    weight_decay: float
    nesterov: bool
