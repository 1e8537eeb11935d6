"""The optimizers SGD, Adam and AdamW, with PyTorch's names, arguments and steps; learning-rate schedules.

`optimizer.py` has the base class. `lr_scheduler` has the schedules.
"""

from minicnn.optim import lr_scheduler
from minicnn.optim.adam import Adam, AdamW
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]
