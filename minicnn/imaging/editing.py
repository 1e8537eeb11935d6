"""Use of trained editing networks: load a network from its file, and apply it to a photo of any size.

`edit` works in tiles (`tiling.py`), so memory is bounded: a network that fills in holes needs a few times the memory of
the image, and the others need that of a tile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.data.images import LUMA, read_image
from minicnn.data.samples import to_samples, to_unit
from minicnn.errors import ArgumentError, CheckpointError, DTypeError, ShapeError
from minicnn.imaging.filling import painted_holes, smooth_fill
from minicnn.imaging.tiling import TILE, apply_tiled
from minicnn.models import EditingNetwork, build
from minicnn.nn import Module
from minicnn.ops.comparison import where
from minicnn.ops.create import from_numpy
from minicnn.ops.indexing import cat
from minicnn.ops.shape import flip
from minicnn.runtime.devices import CPU, Device
from minicnn.training import load_state, save_model

__all__ = [
    "Editor",
    "edit",
    "find_trained",
    "load_editor",
    "load_network",
    "result_channels",
    "save_editor",
    "trained_models",
]

Picture = NDArray[np.float32]
ADVICE = "which cannot edit photos; use a model that minicnn train wrote"
N = TypeVar("N", bound=Module)
BANDS, BAND = 16, 32  # how many bands of an axis represent it, and their width in pixels
Pixels = NDArray[Any]
TRAINED = Path(__file__).parents[1] / "trained"  # recipes/models.py makes these files
TEXTURE_CLASSIFIER = TRAINED / "classifiers" / "texture.safetensors"  # measures style: see style.py


@dataclass(frozen=True)
class Editor:
    """A trained network and its metadata.

    Attributes
    ----------
    model : EditingNetwork
    about : dict
        The metadata in the file: the class, its arguments, the task, and more.
    """

    model: EditingNetwork
    about: dict[str, Any]

    def read(self, path: str | Path) -> Picture:
        """Read an image file with the network's number of channels, in colour or in grey."""
        return read_image(path, "grey" if self.model.in_channels == 1 else "rgb")


def save_editor(path: str | Path, model: EditingNetwork, **about: Any) -> None:
    """Write a network and metadata to a safetensors file; errors as in `save_model`."""
    save_model(path, model, architecture=type(model).__name__, arguments=model.arguments, **about)


def trained_models() -> dict[str, Path]:
    """Return the files of the trained models that come with minicnn, by name."""
    return {path.stem: path for path in sorted(TRAINED.glob("*.safetensors"))}


def load_editor(model: str | Path, device: str | Device = CPU) -> Editor:
    """Load a file of `save_editor` or a trained model of minicnn, and move the network to a device.

    Parameters
    ----------
    model : str or Path
        A path, or a name of `trained_models`. If there is a file with the name, it is the file.
    device : str or Device

    Raises
    ------
    CheckpointError
        If the file is missing or damaged, or holds another model.
    DeviceError, MissingPackageError
        If the device is not available.
    """
    path = find_trained("load_editor", model, trained_models())
    network, about = load_network("load_editor", path, EditingNetwork, ADVICE, device)
    return Editor(network, about)


def find_trained(call: str, model: str | Path, trained: Mapping[str, Path]) -> Path:
    """Return the path of a model: `model` itself, or the file of a trained model with this name if there is none.

    Raises
    ------
    CheckpointError
        If it can only be a name, and there is none.
    """
    path = Path(model)
    if path.exists():
        return path
    if path.name == str(model) and not path.suffix and str(model) not in trained:
        names = ", ".join(trained) or "none"
        raise CheckpointError(f"{call}: there is no file '{model}', and no trained model of this name, only {names}")
    return trained.get(str(model), path)


def load_network(
    call: str, path: Path, kind: type[N], advice: str, device: str | Device = CPU
) -> tuple[N, dict[str, Any]]:
    """Load a network of a class and its metadata from a file, in eval mode. `advice` ends the error about another one.

    Raises
    ------
    CheckpointError
        If the file is missing or damaged, or holds another network.
    DeviceError, MissingPackageError
        If the device is not available.
    """
    state, about = load_state(path)
    network = build(about["architecture"], about.get("arguments", {})) if "architecture" in about else None
    if not isinstance(network, kind):
        found = about.get("architecture", "weights without the name of their model")
        raise CheckpointError(f"{call}: '{path}' holds {found}, {advice}")
    network.load_state_dict(state)
    return network.eval().to(device), about


def edit(
    model: EditingNetwork,
    image: Pixels,
    *,
    strength: float = 1,
    best: bool = False,
    mask: Pixels | None = None,
    tile: int = TILE,
    out: Pixels | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Pixels:
    """Apply a network to an image of any size. Tiles overlap by the network's radius, so the result has no seams.

    The tiles are converted to float32, copied to the network's device, and the results are converted back, tile by
    tile. So the memory beside image and result is that of a tile; for a network that fills in holes also a few times
    that of the image.

    Parameters
    ----------
    model : EditingNetwork
    image : numpy.ndarray, (C, H, W), float32 in [0, 1], uint8 or uint16
        A colour image is converted to grey if the network has 1 input channel. A grey image is edited as 3 equal
        channels if the network has 3; their mean is the result, unless the network adds colours (`adds_colours`).
    strength : float
        0 gives the first guess of the network (for the same size: the image itself), 1 the result of the network, and
        a number between them a mixture.
    best : bool
        Edit all 8 flips and rotations of each tile, and take the mean: a better result in 8 times the time.
    mask : numpy.ndarray, (H, W), of the image's dtype, optional
        The strength of each pixel, from 0 to white (1, 255 or 65535). Where it is 0, an image of the same size keeps
        its pixels bit by bit. A network that fills in holes (`fills`) fills in the pixels where it is above 0; by
        default, these are the pixels that have exactly the colour `HOLE_COLOUR`.
    tile : int
        Side of the tiles, in pixels. Smaller tiles need less memory, larger tiles a little less time.
    out : numpy.ndarray, of the shape and dtype of the result, optional
        The result is written to this array. It must not share memory with the image.
    progress : callable, optional
        Called after each tile as ``progress(done, total)``.

    Returns
    -------
    numpy.ndarray, (out_channels, scale H, scale W), of the image's dtype, in [0, white]

    Raises
    ------
    ShapeError
        If the image has another number of channels than the network, or the mask or `out` has another size.
    DTypeError
        If the image has another dtype, or the mask or `out` has not the dtype of the image.
    ArgumentError
        If the strength is not in [0, 1].
    """
    _check(model, image, mask, out, strength)
    channels, device = len(image), next(model.parameters()).device
    if model.global_statistics and max(image.shape[1:]) > tile:
        model = model.with_statistics(_as_input(model, from_numpy(to_unit(_extract(image)[np.newaxis])).to(device)))
    stack = image
    if model.fills:
        mask = painted_holes(image) if mask is None else mask
        stack = np.concatenate([image, smooth_fill(image, mask)])
    if mask is not None:
        stack = np.concatenate([stack, mask[np.newaxis]])

    def function(piece: Pixels) -> Pixels:
        if mask is not None and model.scale == 1 and channels == model.out_channels and not piece[:, -1].any():
            return piece[:, :channels]  # there is nothing to edit
        with no_grad():
            x = from_numpy(to_unit(piece)).to(device)
            weight = None if mask is None else x[:, -1:]
            y = _edited(model, x[:, :channels], x[:, channels : 2 * channels], strength, weight, best)
            return to_samples(y.cpu().numpy(), image.dtype)

    return apply_tiled(
        function,
        stack,
        tile=tile,
        overlap=model.radius,
        fade=0,
        scale=model.scale,
        multiple=model.multiple,
        out=out,
        progress=progress,
    )


def result_channels(model: EditingNetwork, channels: int) -> int:
    """Return the number of channels of the result of `edit` for an image with this number of channels."""
    keeps_grey = model.out_channels == model.in_channels and not model.adds_colours
    return 1 if keeps_grey and _as_equal_channels(model, channels) else model.out_channels


def _as_equal_channels(model: EditingNetwork, channels: int) -> bool:
    """Tell whether a grey image is edited as equal channels."""
    return channels == 1 < model.in_channels


def _edited(
    model: EditingNetwork, x: Tensor, smooth: Tensor, strength: float, mask: Tensor | None, best: bool
) -> Tensor:
    """Return the edited tile (1, F, scale H, scale W) of a tile x (1, C, H, W).

    `smooth` is the tile of `smooth_fill`, and the mask shows the holes, for networks that fill them in.
    """
    reduced = result_channels(model, x.shape[1]) < model.out_channels
    x = _as_input(model, x)
    function: Callable[[Tensor], Tensor] = model
    seen = x
    if model.fills and mask is not None:
        seen = cat([_as_input(model, smooth), (mask > 0).to(x.dtype)], dim=1)
        function = partial(_filled, model)
    y: Tensor = (_ensemble(function, seen) if best else function(seen)).clamp(0, 1)
    if reduced:
        y = y.mean(1, keepdim=True)
    if strength != 1 or mask is not None:
        guess = x if model.fills else model.first_guess(x).clamp(0, 1)
        guess = guess[:, :1] if reduced else guess
        if mask is not None and model.scale > 1:
            mask = F.interpolate(mask, scale_factor=model.scale, mode="bilinear")
        weight: Any = strength if mask is None else mask * strength
        mixed = y * weight + guess * (1 - weight)  # exact for a weight of 0 or 1
        y = where(weight < 1, mixed, y) if model.fills else mixed  # NaN in a hole is filled in, too
    return y


def _filled(model: EditingNetwork, x: Tensor) -> Tensor:
    """Return the result of a network that fills in holes; x is a tile of `smooth_fill` and the mask."""
    return model.fill(x[:, :-1], x[:, -1:])


def _as_input(model: EditingNetwork, x: Tensor) -> Tensor:
    """Return x with the network's number of channels."""
    if _as_equal_channels(model, x.shape[1]):
        return x.expand(-1, model.in_channels, -1, -1)
    if x.shape[1] > model.in_channels:
        return (x * from_numpy(LUMA).to(x.device).reshape(1, 3, 1, 1)).sum(1, keepdim=True)
    return x


def _extract(image: Pixels) -> Pixels:
    """Return pixels that represent an image: evenly spaced bands of rows and columns, or all if it is small."""
    for axis in (1, 2):
        length = image.shape[axis]
        if length > BANDS * BAND:
            starts = np.linspace(0, length - BAND, BANDS).astype(int)
            image = image.take((starts[:, np.newaxis] + np.arange(BAND)).ravel(), axis)
    return image


def _ensemble(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the mean of a function's results for all 8 flips and rotations of x, turned back."""
    total: Any = 0
    for transpose, *axes in product((False, True), (False, True), (False, True)):
        dims = [axis for axis, flip in zip((2, 3), axes, strict=True) if flip]
        y = function(flip(x.transpose(2, 3) if transpose else x, dims))
        y = flip(y, dims)
        total = total + (y.transpose(2, 3) if transpose else y)
    mean: Tensor = total / 8
    return mean


def _check(model: EditingNetwork, image: Pixels, mask: Pixels | None, out: Pixels | None, strength: float) -> None:
    fits = image.ndim == 3 and len(image) in {model.in_channels, 1, 3} and {len(image), model.in_channels} <= {1, 3}
    if not fits:
        raise ShapeError(
            f"edit: the image must be (1, H, W) or (3, H, W), got {image.shape}; pass a single image, channels first"
        )
    if image.size == 0:
        raise ShapeError(f"edit: the image must not be empty, got {image.shape}")
    if image.dtype not in (np.float32, np.uint8, np.uint16):
        raise DTypeError(f"edit: pixels must be float32 in [0, 1], uint8 or uint16, got {image.dtype}; convert them")
    if mask is not None and mask.shape != image.shape[1:]:
        raise ShapeError(
            f"edit: the mask must be {image.shape[1:]}, as the image, got {mask.shape}; resize one of them"
        )
    if out is not None:
        height, width = (model.scale * side for side in image.shape[1:])
        shape = (result_channels(model, len(image)), height, width)
        if out.shape != shape or not out.flags.writeable or np.may_share_memory(out, image):
            raise ShapeError(
                f"edit: out must be a writable array of {shape} that shares no memory with the image, got {out.shape}; "
                "leave it out for a new array"
            )
    for name, other in (("mask", mask), ("array out", out)):
        if other is not None and other.dtype != image.dtype:
            raise DTypeError(f"edit: the {name} must be {image.dtype}, as the image, got {other.dtype}; convert it")
    if not 0 <= strength <= 1:
        raise ArgumentError(f"edit: strength must be from 0 (nothing) to 1 (everything), got {strength}")
