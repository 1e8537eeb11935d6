"""Learning-rate schedules with PyTorch's names, arguments and values.

Start with `schedule.py`. Call `step()` after every pass over the data, or after every batch. `OneCycleLR` and
`CyclicLR` expect a call after every batch, so their "epochs" are batches. A warm-up is a `LinearLR` before another
schedule:

    warmup = LinearLR(optimizer, start_factor=0.01, total_iters=5)
    cosine = CosineAnnealingLR(optimizer, T_max=95)
    scheduler = SequentialLR(optimizer, [warmup, cosine], milestones=[5])
"""

from minicnn.optim.lr_scheduler.combination import ChainedScheduler, SequentialLR
from minicnn.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from minicnn.optim.lr_scheduler.cyclic import CyclicLR
from minicnn.optim.lr_scheduler.one_cycle import OneCycleLR
from minicnn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from minicnn.optim.lr_scheduler.schedule import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)

_LRScheduler = LRScheduler  # the older name

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
