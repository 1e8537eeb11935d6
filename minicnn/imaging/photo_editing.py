"""`edit_photo`: apply a network to every frame of a photo, in the photo's own colour space and depth.

A network edits images of 3 channels (or of 1). Pictures in other colour spaces are edited as several such images:

    RGB    red, green and blue together
    grey   three equal channels
    CMYK   cyan, magenta and yellow together, inverted; black alone, inverted
    Lab    L, a and b, each alone as a grey image

So no colour is converted, and a network that changes nothing changes no sample. The alpha channel is carried, and
enlarged with the picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.data.images import LUMA
from minicnn.data.photo import Photo
from minicnn.data.samples import Frame, full_scale, to_samples, to_unit
from minicnn.errors import ArgumentError, ShapeError
from minicnn.imaging.corruptions import resize
from minicnn.imaging.editing import edit, result_channels
from minicnn.imaging.filling import painted_holes
from minicnn.models import EditingNetwork

__all__ = ["before_and_after", "edit_photo"]

Pixels = NDArray[Any]
# space -> (channels that are edited together, whether they are inverted)
PARTS = {
    "rgb": [(slice(0, 3), False)],
    "grey": [(slice(0, 1), False)],
    "cmyk": [(slice(0, 3), True), (slice(3, 4), True)],
    "lab": [(slice(i, i + 1), False) for i in range(3)],
}


def edit_photo(
    model: EditingNetwork,
    photo: Photo,
    *,
    mask: NDArray[np.float32] | None = None,
    progress: Callable[[float], None] | None = None,
    **options: Any,
) -> Photo:
    """Return a photo with edited frames and the same metadata.

    Parameters
    ----------
    model : EditingNetwork
    photo : Photo
    mask : numpy.ndarray, (H, W), float32 in [0, 1], optional
        The strength of each pixel of every frame, as for `edit`.
    progress : callable, optional
        Called with the part of the photo that is done, from 0 to 1.
    **options
        strength, best and tile, as for `edit`.

    Raises
    ------
    ShapeError
        If the mask and a frame have different sizes, or if the network changes colours and a frame is in CMYK or Lab.
    ArgumentError
        If the strength is not in [0, 1], or a network that fills in holes finds none.
    """
    if model.fills and not (_painted(photo.frames) if mask is None else mask.any()):
        raise ArgumentError(
            "edit_photo: there is nothing to fill in: no pixel is exactly magenta (#FF00FF), or the mask is black; "
            "a JPEG changes colours, so paint on a PNG, or pass a mask"
        )
    frames = []
    for index, frame in enumerate(photo.frames):

        def frame_progress(part: float, index: int = index) -> None:
            if progress is not None:
                progress((index + part) / len(photo.frames))

        frames.append(_edit_frame(model, frame, mask, frame_progress, options))
    if frames[0].space != photo.frames[0].space:
        photo = replace(photo, icc=b"")  # the profile of a grey picture does not fit its colours
    return photo.with_frames(frames)


def before_and_after(before: Photo, after: Photo) -> list[Frame]:
    """Return frames whose left half shows the photo before editing and whose right half shows it after."""
    frames = []
    for old, new in zip(before.frames, after.frames, strict=True):
        height, width = new.samples.shape[:2]
        samples, dtype = new.samples.copy(), new.samples.dtype
        shown = old.samples
        if shown.shape[:2] != (height, width):
            shown = to_samples(resize(to_unit(shown).transpose(2, 0, 1), height, width).transpose(1, 2, 0), dtype)
        if shown.shape[-1] > samples.shape[-1]:  # the network has removed the colours
            shown = to_samples(to_unit(shown) @ LUMA, dtype)[..., np.newaxis]
        samples[:, : width // 2] = shown[:, : width // 2]
        samples[:, width // 2 : width // 2 + max(width // 400, 1)] = 0 if new.space == "cmyk" else full_scale(dtype)
        frames.append(replace(new, samples=samples))
    return frames


def _edit_frame(
    model: EditingNetwork,
    frame: Frame,
    mask: NDArray[np.float32] | None,
    progress: Callable[[float], None],
    options: dict[str, Any],
) -> Frame:
    dtype = frame.samples.dtype
    white = full_scale(dtype)
    own_mask = None if mask is None else to_samples(mask, dtype)
    parts = PARTS[frame.space]
    if model.fills and mask is None:
        own_mask = _painted_holes(frame)
    height, width, channels = frame.samples.shape
    if len(parts) == 1:
        channels = result_channels(model, channels)
    elif model.in_channels != model.out_channels or model.adds_colours:
        raise ShapeError(
            f"edit_photo: a network that changes colours ({type(model).__name__}, {model.in_channels} input and "
            f"{model.out_channels} output channels) cannot edit a picture in {frame.space.upper()}; convert it to RGB"
        )
    samples = np.empty((model.scale * height, model.scale * width, channels), dtype)  # results are written into it
    for index, (chosen, inverted) in enumerate(parts):

        def part_progress(done: int, total: int, index: int = index) -> None:
            progress((index + done / total) / len(parts))

        planes = frame.samples[..., chosen].transpose(2, 0, 1)  # (C, H, W)
        if inverted:
            planes = white - planes
        out = samples[..., chosen].transpose(2, 0, 1) if len(parts) > 1 else samples.transpose(2, 0, 1)
        edit(model, planes, mask=own_mask, progress=part_progress, out=out, **options)
        if inverted:
            np.subtract(white, out, out=out)
    space = "rgb" if frame.space == "grey" and channels == 3 else frame.space
    return replace(frame, samples=samples, space=space, alpha=_enlarged(frame.alpha, model.scale))


def _painted(frames: Sequence[Frame]) -> bool:
    return any(bool(_painted_holes(frame).any()) for frame in frames)


def _painted_holes(frame: Frame) -> Pixels:
    """Return the mask of the pixels that are painted magenta. Grey and Lab pictures have none."""
    for channels, inverted in PARTS[frame.space]:
        if channels == slice(0, 3):
            planes = frame.samples[..., channels].transpose(2, 0, 1)
            return painted_holes(full_scale(planes.dtype) - planes if inverted else planes)
    return np.zeros(frame.samples.shape[:2], frame.samples.dtype)


def _enlarged(alpha: Pixels | None, scale: int) -> Pixels | None:
    if alpha is None or scale == 1:
        return alpha
    height, width = alpha.shape
    return to_samples(resize(to_unit(alpha)[np.newaxis], scale * height, scale * width)[0], alpha.dtype)
