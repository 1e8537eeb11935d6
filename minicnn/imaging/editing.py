"""Trained networks as tools: load one from its file, and run it over a photo of any size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.data.images import read_image
from minicnn.errors import CheckpointError, ShapeError
from minicnn.imaging.corruptions import to_grey
from minicnn.imaging.tiling import apply_tiled
from minicnn.models import ResidualEditor, build
from minicnn.ops.create import from_numpy
from minicnn.runtime.devices import CPU, Device
from minicnn.training import load_state, save_model

__all__ = ["Editor", "edit", "load_editor", "save_editor"]

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Editor:
    """A network with what is known about it.

    Attributes
    ----------
    model : ResidualEditor
    about : dict
        What `save_editor` wrote beside the weights: the class, its arguments, the task, and more.
    """

    model: ResidualEditor
    about: dict[str, Any]

    def read(self, path: str | Path) -> Picture:
        """Read a picture as the network takes it: in colour or in grey."""
        return read_image(path, "grey" if self.model.in_channels == 1 else "rgb")


def save_editor(path: str | Path, model: ResidualEditor, **about: Any) -> None:
    """Write a network and what is known about it to one safetensors file."""
    save_model(path, model, architecture=type(model).__name__, arguments=model.arguments, **about)


def load_editor(path: str | Path, device: str | Device = CPU) -> Editor:
    """Build the network that `save_editor` wrote, on a device.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or not an editor's.
    DeviceError, MissingPackageError
        If the device does not work on this machine.
    """
    state, about = load_state(path)
    if about.get("architecture") != ResidualEditor.__name__:
        what = about.get("architecture", "weights without the name of their model")
        raise CheckpointError(
            f"load_editor: '{path}' holds {what}, and a photo can only be edited with a ResidualEditor; "
            "take a model that minicnn train wrote"
        )
    model = build(about["architecture"], about.get("arguments", {}))
    model.load_state_dict(state)
    assert isinstance(model, ResidualEditor)
    return Editor(model.eval().to(device), about)


def edit(
    model: ResidualEditor, image: Picture, *, tile: int = 256, progress: Callable[[int, int], None] | None = None
) -> Picture:
    """Run a network over a picture of any size, in tiles that overlap by its radius, so that no seam is there at all.

    The tiles go to the network's device, one by one, and come back.

    Parameters
    ----------
    model : ResidualEditor
    image : numpy.ndarray, (C, H, W), float32, in [0, 1]
        A colour picture is made grey for a network that takes grey ones.
    tile : int
        Side of the tiles, in pixels: less takes less memory, more a little less time.
    progress : callable, optional
        Called after each tile as ``progress(done, total)``.

    Returns
    -------
    numpy.ndarray, (out_channels, scale H, scale W), float32, in [0, 1]

    Raises
    ------
    ShapeError
        If the picture has neither the network's channels nor three.
    """
    if image.ndim == 3 and image.shape[0] == 3 and model.in_channels == 1:
        image = to_grey(image)
    if image.ndim != 3 or image.shape[0] != model.in_channels:
        raise ShapeError(
            f"edit: the network takes pictures ({model.in_channels}, H, W), this one is {image.shape}; "
            f"read it with {'grey' if model.in_channels == 1 else 'rgb'!r} as mode"
        )

    device = next(model.parameters()).device

    def function(piece: NDArray[Any]) -> NDArray[Any]:
        with no_grad():
            y: Tensor = model(from_numpy(piece).to(device))
            return y.cpu().numpy()

    height, width = image.shape[1:]
    border = ((0, 0), (0, -height % model.multiple), (0, -width % model.multiple))
    out = apply_tiled(
        function,
        np.pad(image.astype(np.float32, copy=False), border, mode="edge"),  # as the network does with a whole picture
        tile=tile,
        overlap=model.radius,
        fade=0,
        scale=model.scale,
        multiple=model.multiple,
        progress=progress,
    )
    np.clip(out, 0, 1, out=out)
    return out[:, : model.scale * height, : model.scale * width]
