"""Use of trained editing networks: load a network from its file, and apply it to a photo of any size.

`edit` works in tiles (`tiling.py`), so memory is bounded.
"""

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
    """A trained network and its metadata.

    Attributes
    ----------
    model : ResidualEditor
    about : dict
        The metadata in the file: the class, its arguments, the task, and more.
    """

    model: ResidualEditor
    about: dict[str, Any]

    def read(self, path: str | Path) -> Picture:
        """Read an image file with the network's number of channels, in colour or in grey."""
        return read_image(path, "grey" if self.model.in_channels == 1 else "rgb")


def save_editor(path: str | Path, model: ResidualEditor, **about: Any) -> None:
    """Write a network and metadata to a safetensors file; errors as in `save_model`."""
    save_model(path, model, architecture=type(model).__name__, arguments=model.arguments, **about)


def load_editor(path: str | Path, device: str | Device = CPU) -> Editor:
    """Load a file of `save_editor`, and move the network to a device.

    Raises
    ------
    CheckpointError
        If the file is missing or damaged, or holds another model.
    DeviceError, MissingPackageError
        If the device is not available.
    """
    state, about = load_state(path)
    if about.get("architecture") != ResidualEditor.__name__:
        found = about.get("architecture", "weights without the name of their model")
        raise CheckpointError(
            f"load_editor: '{path}' holds {found}, but only a ResidualEditor can edit photos; "
            "use a model that minicnn train wrote"
        )
    model = build(about["architecture"], about.get("arguments", {}))
    model.load_state_dict(state)
    assert isinstance(model, ResidualEditor)
    return Editor(model.eval().to(device), about)


def edit(
    model: ResidualEditor, image: Picture, *, tile: int = 256, progress: Callable[[int, int], None] | None = None
) -> Picture:
    """Apply a network to an image of any size. Tiles overlap by the network's radius, so the result has no seams.

    The tiles are copied to the network's device and the results back, tile by tile.

    Parameters
    ----------
    model : ResidualEditor
    image : numpy.ndarray, (C, H, W), float32, in [0, 1]
        A colour image is converted to grey if the network has 1 input channel.
    tile : int
        Side of the tiles, in pixels. Smaller tiles need less memory, larger tiles a little less time.
    progress : callable, optional
        Called after each tile as ``progress(done, total)``.

    Returns
    -------
    numpy.ndarray, (out_channels, scale H, scale W), float32, in [0, 1]

    Raises
    ------
    ShapeError
        If the image has another number of channels than the network.
    """
    if image.ndim == 3 and image.shape[0] == 3 and model.in_channels == 1:
        image = to_grey(image)
    if image.ndim != 3 or image.shape[0] != model.in_channels:
        raise ShapeError(
            f"edit: the image must be ({model.in_channels}, H, W) for this network, got {image.shape}; "
            f"read it with mode={'grey' if model.in_channels == 1 else 'rgb'!r}"
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
        np.pad(image.astype(np.float32, copy=False), border, mode="edge"),  # as the network pads a whole image
        tile=tile,
        overlap=model.radius,
        fade=0,
        scale=model.scale,
        multiple=model.multiple,
        progress=progress,
    )
    np.clip(out, 0, 1, out=out)
    return out[:, : model.scale * height, : model.scale * width]
