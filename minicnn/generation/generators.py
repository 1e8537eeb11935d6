"""Use of trained generators: load a model from its file, and generate pictures in batches."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import ArgumentError, DataError
from minicnn.imaging.editing import find_trained, load_network
from minicnn.models import GenerativeModel
from minicnn.ops.create import from_numpy
from minicnn.runtime import random
from minicnn.runtime.devices import CPU, Device
from minicnn.training import save_model

__all__ = ["Generator", "load_generator", "save_generator", "spherical_mean", "trained_generators"]

TRAINED = Path(__file__).parents[1] / "trained" / "generators"  # recipes/generators.py makes these files
BATCH = 64  # pictures that are generated together

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Generator:
    """A trained generator and its metadata.

    Attributes
    ----------
    model : GenerativeModel
    about : dict
        The metadata in the file: the class, its arguments, the method, the names of the classes, and more.
    """

    model: GenerativeModel
    about: dict[str, Any]

    @property
    def classes(self) -> list[str]:
        """The names of the labels."""
        names: list[str] = self.about.get("classes", [])
        return names

    def label(self, name: str) -> int:
        """Return the number of a label from its name, from its number, or from a part of its name.

        Raises
        ------
        DataError
            If no class fits, or several do.
        """
        if not self.model.classes:
            raise DataError(f"label '{name}': the model has no classes; leave the label out")
        lower = name.lower()
        fitting = [c for c in self.classes if c.lower() == lower]
        if not fitting and name.isdecimal() and int(name) < self.model.classes:
            return int(name)
        fitting = fitting or [c for c in self.classes if lower in c.lower()]
        if len(fitting) != 1:
            found = f"fits {', '.join(fitting)}" if fitting else "fits no class"
            raise DataError(f"label '{name}' {found}; the classes are {', '.join(self.classes)}")
        return self.classes.index(fitting[0])

    def sample(
        self,
        count: int,
        labels: NDArray[np.int64] | None = None,
        *,
        seed: int = 0,
        progress: Callable[[int], Any] | None = None,
        **options: Any,
    ) -> Picture:
        """Return new pictures, (count, C, S, S), float32 in [0, 1]. The same seed gives the same pictures.

        Parameters
        ----------
        count : int
        labels : numpy.ndarray, (count,), int64, optional
            Default for a model with classes: 0, 1, 2, ..., again and again.
        seed : int
        progress : callable, optional
            Called after each batch with the number of its pictures.
        **options
            Of the model's `generate`.

        Raises
        ------
        ArgumentError
            If the model has no such option, or the count is below 1.
        """
        if count < 1:
            raise ArgumentError(f"sample: count must be at least 1, got {count}")
        random.manual_seed(seed)
        noise = self.model.noise(count).cpu().numpy()
        if labels is None and self.model.classes:
            labels = np.arange(count) % self.model.classes
        return self.pictures(noise, labels, progress=progress, **options)

    def pictures(
        self,
        noise: Picture,
        labels: NDArray[np.int64] | None = None,
        *,
        progress: Callable[[int], Any] | None = None,
        **options: Any,
    ) -> Picture:
        """Return the pictures of noise (N, *noise_shape), in batches; errors as in `sample`."""
        known = inspect.signature(self.model.generate).parameters
        for name in options:
            if name not in known:
                raise ArgumentError(
                    f"{type(self.model).__name__} has no option '{name}'; it has {', '.join(list(known)[2:]) or 'none'}"
                )
        found = []
        for start in range(0, len(noise), BATCH):
            x = from_numpy(np.ascontiguousarray(noise[start : start + BATCH])).to(self.model.device)
            y = None if labels is None else from_numpy(labels[start : start + BATCH]).to(self.model.device)
            found.append(self.model.generate(x, y, **options).cpu().numpy())
            if progress is not None:
                progress(len(x))
        pictures: Picture = np.concatenate(found)
        return pictures


def spherical_mean(a: Picture, b: Picture, t: float) -> Picture:
    """Return the point between two arrays of normal numbers, at the share t of the angle between them.

    A straight line between two of them passes near 0, where no noise lies (Shoemake, "Animating rotation with
    quaternion curves", 1985).
    """
    cosine = float((a * b).sum() / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))
    angle = np.arccos(np.clip(cosine, -1, 1))
    if np.sin(angle) < 1e-6:
        straight: Picture = ((1 - t) * a + t * b).astype(np.float32)
        return straight
    mixed = np.sin((1 - t) * angle) * a + np.sin(t * angle) * b
    between: Picture = (mixed / np.sin(angle)).astype(np.float32)
    return between


def save_generator(path: str | Path, model: GenerativeModel, **about: Any) -> None:
    """Write a model and metadata to a safetensors file; errors as in `save_model`."""
    save_model(path, model, architecture=type(model).__name__, arguments=model.arguments, **about)


def trained_generators() -> dict[str, Path]:
    """Return the files of the trained generators that come with minicnn, by name."""
    return {path.stem: path for path in sorted(TRAINED.glob("*.safetensors"))}


def load_generator(model: str | Path, device: str | Device = CPU) -> Generator:
    """Load a file of `save_generator` or a trained generator of minicnn, and move it to a device.

    Parameters
    ----------
    model : str or Path
        A path, or a name of `trained_generators`. If there is a file with the name, it is the file.
    device : str or Device

    Raises
    ------
    CheckpointError
        If the file is missing or damaged, or holds another model.
    DeviceError, MissingPackageError
        If the device is not available.
    """
    path = find_trained("load_generator", model, trained_generators())
    advice = "which cannot generate pictures; use a model that minicnn train generate wrote"
    network, about = load_network("load_generator", path, GenerativeModel, advice, device)
    return Generator(network, about)
