"""`Recipe`, the settings of a training: how many steps, of which size, at which rate."""

from dataclasses import dataclass

__all__ = ["EPOCH_STEPS", "MAX_EPOCHS", "Recipe"]

MAX_EPOCHS = 25  # each epoch ends with an evaluation
EPOCH_STEPS = 100


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of a training.

    Attributes
    ----------
    steps : int
        The number of optimizer steps, rounded up to epochs of 100 steps or, from 2,600 steps, of more. Fewer than 100
        steps are a single epoch.
    batch_size : int
        The number of samples in a step.
    learning_rate : float
        The highest learning rate of the schedule.
    seed : int
    """

    steps: int = 3000
    batch_size: int = 8
    learning_rate: float = 2e-3
    seed: int = 0

    @property
    def epoch_steps(self) -> int:
        """The number of steps in an epoch."""
        return min(self.steps, EPOCH_STEPS * -(-self.steps // (EPOCH_STEPS * MAX_EPOCHS)))

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return -(-self.steps // self.epoch_steps)
