"""Training: the loop (`Trainer`), callbacks, and the files of checkpoints and models.

Start with `trainer.py`, which has the loop. `checkpoint.py` saves a whole training, `model_file.py` only a model.
"""

from minicnn.training.anomaly import ReportDeadChannels, StopOnNaN
from minicnn.training.best import BestModel, EarlyStopping
from minicnn.training.callbacks import Checkpoint, ClipGradients, History, LossPlot, ProgressBar, Validate
from minicnn.training.checkpoint import load_checkpoint, save_checkpoint
from minicnn.training.ema import EMA
from minicnn.training.model_file import load_state, save_model
from minicnn.training.recipe import Recipe
from minicnn.training.trainer import Trainer

__all__ = [
    "EMA",
    "BestModel",
    "Checkpoint",
    "ClipGradients",
    "EarlyStopping",
    "History",
    "LossPlot",
    "ProgressBar",
    "Recipe",
    "ReportDeadChannels",
    "StopOnNaN",
    "Trainer",
    "Validate",
    "load_checkpoint",
    "load_state",
    "save_checkpoint",
    "save_model",
]
