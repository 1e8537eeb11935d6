"""Optimizers with PyTorch's names, arguments and steps; learning-rate schedules.

`optimizer.py` has the base class. `lr_scheduler` has the schedules.
"""

from minicnn.optim import lr_scheduler, swa_utils
from minicnn.optim.adafactor import Adafactor
from minicnn.optim.adagrad import Adadelta, Adagrad
from minicnn.optim.adam import Adam, AdamW
from minicnn.optim.adam_variants import Adamax, NAdam, RAdam
from minicnn.optim.lbfgs import LBFGS
from minicnn.optim.muon import Muon
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.rmsprop import RMSprop
from minicnn.optim.rprop import ASGD, Rprop
from minicnn.optim.sgd import SGD

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
    "swa_utils",
]
