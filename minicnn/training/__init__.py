"""Training: one visible loop, callbacks around it, and files that a run can be taken up from.

Start with `trainer.py`, the loop; `checkpoint.py` says what a file of a run holds, `model_file.py` that of a model.
"""

from minicnn.training.anomaly import StopOnNaN
from minicnn.training.callbacks import Checkpoint, ClipGradients, History, LossPlot, ProgressBar, Validate
from minicnn.training.checkpoint import load_checkpoint, save_checkpoint
from minicnn.training.ema import EMA
from minicnn.training.model_file import load_state, save_model
from minicnn.training.trainer import Trainer

__all__ = [
    "EMA",
    "Checkpoint",
    "ClipGradients",
    "History",
    "LossPlot",
    "ProgressBar",
    "StopOnNaN",
    "Trainer",
    "Validate",
    "load_checkpoint",
    "load_state",
    "save_checkpoint",
    "save_model",
]
