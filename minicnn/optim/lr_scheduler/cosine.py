"""Schedules along half a cosine: CosineAnnealingLR, and CosineAnnealingWarmRestarts, which begins again and again."""

import math

from minicnn.errors import ArgumentError
from minicnn.optim.lr_scheduler.schedule import LRScheduler
from minicnn.optim.optimizer import Optimizer, check_at_least

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts", "cosine"]


def cosine(start: float, end: float, done: float) -> float:
    """Interpolate along half a cosine: start for done = 0, end for done = 1."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * done))


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (base - eta_min) (1 + cos(π epoch / T_max)) / 2; after T_max it rises again.

    Raises
    ------
    ArgumentError, DTypeError
        If `T_max` is not a number >= 1.

    References
    ----------
    Loshchilov, Hutter: SGDR: stochastic gradient descent with warm restarts. ICLR 2017, equation 5.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        check_at_least("CosineAnnealingLR", "T_max", T_max, 1)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates whose distance to eta_min has changed as the formula says."""
        epoch, rates = self.last_epoch, [group["lr"] for group in self.optimizer.param_groups]
        if self._step_count == 1 or epoch == 0:
            return rates
        if (epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # the distance was 0, and a multiple of 0 stays 0
            rise = cosine(0, 1, 1 / self.T_max)
            return [rate + (base - self.eta_min) * rise for base, rate in zip(self.base_lrs, rates, strict=False)]
        ratio = cosine(1, 0, epoch / self.T_max) / cosine(1, 0, (epoch - 1) / self.T_max)
        return [self.eta_min + (rate - self.eta_min) * ratio for rate in rates]

    def _get_closed_form_lr(self) -> list[float]:
        return [cosine(base, self.eta_min, self.last_epoch / self.T_max) for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = eta_min + (base - eta_min) (1 + cos(π T_cur / T_i)) / 2, where T_cur counts the epochs since a restart.

    The first period T_i is T_0; each next one is T_mult times as long.

    Parameters
    ----------
    optimizer : Optimizer
    T_0, T_mult : int
    eta_min : float
    last_epoch : int
        As in LRScheduler.

    Raises
    ------
    ArgumentError
        If `T_0` or `T_mult` is not an integer >= 1.

    References
    ----------
    Loshchilov, Hutter: SGDR: stochastic gradient descent with warm restarts. ICLR 2017.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, int) or value < 1:
                raise ArgumentError(f"CosineAnnealingWarmRestarts: {name} must be an integer >= 1, got {value!r}")
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.T_i, self.T_cur = T_0, float(last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates of the formula."""
        return [cosine(base, self.eta_min, self.T_cur / self.T_i) for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to `epoch`, which may lie between two: `step(epoch + i / batches)`.

        Raises
        ------
        ArgumentError
            If `epoch` is below 0.
        """
        now = self.last_epoch + 1 if epoch is None else epoch
        if now < 0:
            raise ArgumentError(f"CosineAnnealingWarmRestarts.step: epoch must be at least 0, got {epoch}")
        start, self.T_i = 0, self.T_0
        while now >= start + self.T_i:
            start, self.T_i = start + self.T_i, self.T_i * self.T_mult
            if self.T_mult == 1:
                start = self.T_0 * int(now // self.T_0)
        self.T_cur = float(now - start)
        super().step(math.floor(now))
