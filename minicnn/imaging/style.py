"""Style transfer: redraw a photo in the style of a picture, by optimising its pixels or by training a network.

Gatys, Ecker and Bethge ("Image style transfer using convolutional neural networks", 2016) compare pictures by the
features of a trained classifier. The content of a picture is the features of a deep level. Its style is the Gram
matrices of all levels: which features occur together, no matter where. `transfer_style` changes the pixels of a photo
until both fit: slow, for a single photo. Johnson et al. ("Perceptual losses for real-time style transfer and
super-resolution", 2016) train a network with the same loss, so that every further photo takes one pass: `fit_style`.

Our classifier is small and sees few pixels at once. So the style is also compared at a half and at a quarter of the
resolution (Snelgrove, "High-resolution multi-scale neural texture synthesis", 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.data import DataLoader, PatchDataset, write_image
from minicnn.errors import ArgumentError, ShapeError
from minicnn.imaging.editing import TEXTURE_CLASSIFIER, load_network
from minicnn.imaging.learning import CHECKPOINT
from minicnn.imaging.tasks import PatchRecipe
from minicnn.models import StyleNetwork, TextureClassifier
from minicnn.nn import Parameter
from minicnn.ops.create import from_numpy
from minicnn.ops.linalg import matmul
from minicnn.ops.shape import reshape
from minicnn.optim import Adam
from minicnn.optim.lr_scheduler import OneCycleLR
from minicnn.runtime.devices import CPU, Device
from minicnn.training import Checkpoint, History, ProgressBar, StopOnNaN, Trainer

__all__ = [
    "STYLE_RECIPE",
    "PerceptualLoss",
    "StyleLosses",
    "fit_style",
    "gram_matrix",
    "load_texture_classifier",
    "transfer_style",
]

Picture = NDArray[np.float32]

CONTENT_LEVEL = 2  # of the classifier, counted from 0: objects keep their places, and texture may change
HALVINGS = 2  # of the resolution, for the style
STYLE_WEIGHT, TV_WEIGHT = 10.0, 0.5
STYLE_RECIPE = PatchRecipe(steps=4000, batch_size=1, patch=128, learning_rate=3e-3)
SAMPLES = 4  # pictures in a file of samples/


def load_texture_classifier(device: str | Device = CPU) -> TextureClassifier:
    """Return the trained `TextureClassifier` of minicnn, in eval mode and with fixed weights.

    Raises
    ------
    CheckpointError
        If its file is missing or damaged.
    """
    advice = "another network; install minicnn again"
    network, _ = load_network("load_texture_classifier", TEXTURE_CLASSIFIER, TextureClassifier, advice, device)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def gram_matrix(features: Tensor) -> Tensor:
    """Return the mean products of all pairs of channels, G[i, j] = Σ over pixels of F[i] F[j] / (H W).

    Parameters
    ----------
    features : Tensor, (N, C, H, W)

    Returns
    -------
    Tensor, (N, C, C)

    Raises
    ------
    ShapeError
        If the features have another number of axes.
    """
    if features.ndim != 4:
        raise ShapeError(f"gram_matrix: features must be (N, C, H, W), got {features.shape}; add an axis for the batch")
    batch, channels, height, width = features.shape
    flat = reshape(features, (batch, channels, height * width))
    gram: Tensor = matmul(flat, flat.transpose(1, 2)) / (height * width)
    return gram


class StyleLosses(NamedTuple):
    """The parts of the loss, each a Tensor with a single element."""

    content: Tensor
    style: Tensor
    tv: Tensor


class PerceptualLoss:
    """The loss of style transfer: content + 10 · strength · style + total variation / 2.

    F: the features of the result y. P: the features of the photo x. G: the Gram matrices of y. A: the Gram matrices of
    the style picture.

        content = ‖F - P‖² / ‖P‖² at level 3,
        style = mean of ‖G - A‖² / ‖A‖² over all levels, at the full resolution, a half and a quarter of it,
        tv = mean |y[i + 1, j] - y[i, j]| + mean |y[i, j + 1] - y[i, j]|.

    Gatys et al. divide by constants instead. With relative errors, one weight suits all style pictures.

    Parameters
    ----------
    style : numpy.ndarray, (3, H, W), float32 in [0, 1]
        The style picture.
    strength : float
        The weight of the style; 1 is usual.
    classifier : TextureClassifier, optional
        Default: `load_texture_classifier`.
    device : str or Device
        Of the classifier and the pictures.

    Attributes
    ----------
    smallest : int
        The smallest side of a picture, in pixels.

    Raises
    ------
    ShapeError
        If the style picture is not (3, H, W), or a side is below `smallest`.
    ArgumentError
        If the strength is not above 0.
    """

    def __init__(
        self,
        style: Picture,
        strength: float = 1.0,
        *,
        classifier: TextureClassifier | None = None,
        device: str | Device = CPU,
    ) -> None:
        self.classifier = load_texture_classifier(device) if classifier is None else classifier.to(device)
        self.smallest = self.classifier.multiple * 2**HALVINGS
        if not strength > 0:
            raise ArgumentError(f"PerceptualLoss: strength must be above 0, got {strength}; the usual strength is 1")
        self.strength = strength
        _check(style, "the style picture", self.smallest)
        with no_grad():
            self.grams = [gram_matrix(f) for f in self.features(from_numpy(style[np.newaxis]).to(device))]

    def features(self, x: Tensor) -> list[Tensor]:
        """Return the features of pictures (N, 3, H, W) of all levels, at the full resolution, then at lower ones."""
        found = self.classifier.features(x)
        for _ in range(HALVINGS):
            x = F.avg_pool2d(x, 2)
            found += self.classifier.features(x)
        return found

    def content(self, photo: Tensor) -> Tensor:
        """Return the features of photos (N, 3, H, W) at the level of the content."""
        with no_grad():
            return self.classifier.features(photo)[CONTENT_LEVEL]

    def parts(self, output: Tensor, content: Tensor) -> StyleLosses:
        """Return the three parts of the loss.

        Parameters
        ----------
        output : Tensor, (N, 3, H, W)
        content : Tensor
            The result of `content` for the photos.
        """
        features = self.features(output)
        style: Any = 0
        for f, gram in zip(features, self.grams, strict=True):
            style = style + ((gram_matrix(f) - gram) ** 2).sum((1, 2)).mean() / (gram**2).sum()
        change = ((features[CONTENT_LEVEL] - content) ** 2).mean() / (content**2).mean()
        tv = (output[:, :, 1:] - output[:, :, :-1]).abs().mean() + (output[..., 1:] - output[..., :-1]).abs().mean()
        return StyleLosses(change, style / len(features), tv)

    def total(self, parts: StyleLosses) -> Tensor:
        """Return the loss from its parts."""
        loss: Tensor = parts.content + self.strength * STYLE_WEIGHT * parts.style + TV_WEIGHT * parts.tv
        return loss

    def __call__(self, output: Tensor, photo: Tensor) -> Tensor:
        """Return the loss of results (N, 3, H, W) for photos of the same shape."""
        return self.total(self.parts(output, self.content(photo)))


def transfer_style(
    content: Picture,
    style: Picture,
    *,
    strength: float = 2.0,
    steps: int = 200,
    learning_rate: float = 0.03,
    device: str | Device = CPU,
    progress: Callable[[int, StyleLosses], None] | None = None,
) -> Picture:
    """Redraw a photo in the style of a picture: Adam changes its pixels until `PerceptualLoss` is small.

    It begins with the photo, so the same arguments give the same bits.

    Parameters
    ----------
    content, style : numpy.ndarray, (3, H, W), float32 in [0, 1]
        Photo and style picture. They may have different sizes. A brush stroke keeps its width in pixels: resize the
        style picture for wider or thinner strokes.
    strength : float
        The weight of the style. It is larger than for a network: the pixels begin as the photo and keep much of it.
    steps : int
    learning_rate : float
        The change of a pixel in a step is about this large.
    device : str or Device
    progress : callable, optional
        Called in each step as ``progress(step, losses)``, with the losses before the step.

    Returns
    -------
    numpy.ndarray, (3, H, W), float32 in [0, 1]

    Raises
    ------
    ShapeError
        If a picture is not (3, H, W), or too small.
    """
    loss = PerceptualLoss(style, strength, device=device)
    _check(content, "the photo", loss.smallest)
    photo = from_numpy(content[np.newaxis]).to(device)
    wanted = loss.content(photo)
    pixels = Parameter(photo.clone())
    optimizer = Adam([pixels], lr=learning_rate)
    for step in range(steps):
        optimizer.zero_grad()
        parts = loss.parts(pixels, wanted)
        if progress is not None:
            progress(step, parts)
        loss.total(parts).backward()
        optimizer.step()
        with no_grad():
            pixels.clamp_(0, 1)
    result: Picture = pixels.detach().cpu().numpy()[0]
    return result


def fit_style(
    network: StyleNetwork,
    loss: PerceptualLoss,
    patches: PatchDataset,
    recipe: PatchRecipe,
    folder: Path,
    watched: Sequence[Picture],
    *,
    resume: bool = False,
    bar: bool = True,
) -> History:
    """Train a network to redraw photos in a style. After Ctrl-C there is a checkpoint to resume from.

    Parameters
    ----------
    network : StyleNetwork
        On the device of the loss.
    loss : PerceptualLoss
    patches : PatchDataset of (photo, photo)
        Two equal patches: the input, and the content that the result keeps.
    recipe : PatchRecipe
    folder : Path
        The folder for losses.jsonl, samples/ and the checkpoint, which is written after every epoch.
    watched : sequence of numpy.ndarray, (3, H, W)
        After every epoch the network redraws these photos: for samples/, and for the mean "content", "style" and "tv"
        of losses.jsonl.
    resume : bool
        Resume from the checkpoint in the folder.
    bar : bool
        Show a progress bar in terminals.

    Returns
    -------
    History
        The "loss" of every step, and the "content", "style" and "tv" of every epoch.
    """
    loader = DataLoader(patches, recipe.batch_size, num_workers=0, seed=recipe.seed)
    optimizer = Adam(network.parameters(), lr=recipe.learning_rate)
    schedule = OneCycleLR(optimizer, recipe.learning_rate, total_steps=recipe.epochs * len(loader))
    history = History(folder / "losses.jsonl")
    callbacks: list[Any] = [ProgressBar()] if bar else []
    callbacks += [StopOnNaN(), _Watch(loss, watched, folder / "samples"), history, Checkpoint(folder / CHECKPOINT)]
    trainer = Trainer(network, optimizer, loss, schedule, callbacks, schedule="step")
    trainer.fit(loader, recipe.epochs, resume=folder / CHECKPOINT if resume else None)
    return history


class _Watch:
    """After every epoch, put the mean losses of some photos into `trainer.metrics`, and write the results to files."""

    def __init__(self, loss: PerceptualLoss, photos: Sequence[Picture], folder: Path) -> None:
        self.loss, self.photos, self.folder = loss, photos, folder

    def on_epoch_end(self, trainer: Trainer) -> None:
        losses, columns = [], []
        with no_grad():
            for photo in self.photos:
                x = from_numpy(photo[np.newaxis]).to(trainer.device)
                y = trainer.model(x)
                losses.append([float(part) for part in self.loss.parts(y, self.loss.content(x))])
                columns.append(np.concatenate([photo, y[0].cpu().numpy()], axis=1))
        trainer.metrics.update(zip(StyleLosses._fields, np.mean(losses, axis=0).tolist(), strict=True))
        same = [column for column in columns if column.shape == columns[0].shape][:SAMPLES]
        self.folder.mkdir(parents=True, exist_ok=True)
        write_image(self.folder / f"{trainer.epoch:03}.jpg", np.concatenate(same, axis=2))


def _check(picture: Picture, name: str, smallest: int) -> None:
    if picture.ndim != 3 or picture.shape[0] != 3 or min(picture.shape[1:]) < smallest:
        raise ShapeError(
            f"style transfer: {name} must be (3, H, W) with H and W at least {smallest}, got {picture.shape}; "
            "use a larger colour picture"
        )
