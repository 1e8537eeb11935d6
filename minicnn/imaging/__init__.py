"""Image editing: training tasks, style transfer, tiled editing, metrics, classical baselines, example photos, figures.

`tasks.py` defines the tasks and `editing.py` applies a trained network to a photo.
"""

from minicnn.imaging.classical import CLASSICAL_DENOISERS, bicubic
from minicnn.imaging.corruptions import gaussian_blur, gaussian_noise, grain, jpeg, punch_holes, resize, to_grey
from minicnn.imaging.figures import comparison_sheet, loss_curve
from minicnn.imaging.metrics import psnr, ssim
from minicnn.imaging.photos import HELD_OUT_PHOTOS, TRAINING_PHOTOS, centre_crop, load_photo
from minicnn.imaging.style import transfer_style
from minicnn.imaging.tasks import TASKS, Task
from minicnn.imaging.tiling import apply_tiled

__all__ = [
    "CLASSICAL_DENOISERS",
    "HELD_OUT_PHOTOS",
    "TASKS",
    "TRAINING_PHOTOS",
    "Task",
    "apply_tiled",
    "bicubic",
    "centre_crop",
    "comparison_sheet",
    "gaussian_blur",
    "gaussian_noise",
    "grain",
    "jpeg",
    "load_photo",
    "loss_curve",
    "psnr",
    "punch_holes",
    "resize",
    "ssim",
    "to_grey",
    "transfer_style",
]
