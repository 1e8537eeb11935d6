"""`GenerativeModel`, the base class of the networks that make pictures from noise: losses to train, and a sampler."""

from collections.abc import Mapping
from typing import Any

import minicnn.nn as nn
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.sampling import randn
from minicnn.runtime.devices import Device

__all__ = ["GenerativeModel", "check_arguments"]


def check_arguments(call: str, arguments: Mapping[str, Any], zero: tuple[str, ...] = ("classes",)) -> None:
    """Check that all arguments of a network are integers >= 1; the ones named in `zero` may be 0.

    Raises
    ------
    ArgumentError
        If one is not.
    """
    for name, value in arguments.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < (name not in zero):
            least = "a positive integer" if name not in zero else "an integer of at least 0"
            raise ArgumentError(f"{call}: {name} must be {least}, got {value!r}")


class GenerativeModel(nn.Module):
    """Base class of the networks that generate square pictures.

    A subclass sets `noise_shape`, and defines `losses` and `generate`.

    Parameters
    ----------
    **arguments : int
        All arguments of the constructor of the subclass; `channels`, `size` and `classes` among them.

    Attributes
    ----------
    arguments : dict
        The arguments of the constructor, from which a saved model is built again.
    channels, size : int
        A picture is (channels, size, size), with values in [0, 1].
    classes : int
        The number of labels. 0: the model knows no labels.
    noise_shape : tuple of int
        The shape of the random numbers from which a picture is made.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`classes` may be 0).
    """

    noise_shape: tuple[int, ...]

    def __init__(self, **arguments: int) -> None:
        super().__init__()
        check_arguments(type(self).__name__, arguments)
        self.arguments: dict[str, Any] = arguments
        self.channels, self.size, self.classes = (arguments[name] for name in ("channels", "size", "classes"))

    @property
    def device(self) -> Device:
        """The device of the parameters."""
        return next(self.parameters()).device

    def losses(self, pictures: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        """Return the losses of a batch of pictures (N, channels, size, size) in [0, 1] and labels (N,).

        The training minimises "loss". The other losses are its parts, for the curves.
        """
        raise NotImplementedError

    def noise(self, count: int) -> Tensor:
        """Return random normal numbers for this number of pictures, (count, *noise_shape)."""
        first = next(self.parameters())
        return randn(count, *self.noise_shape, dtype=first.dtype, device=first.device)

    def generate(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the pictures (N, channels, size, size) in [0, 1] of noise (N, *noise_shape) and labels (N,).

        Subclasses may have further arguments.
        """
        raise NotImplementedError

    def sample(self, count: int, labels: Tensor | None = None, **options: Any) -> Tensor:
        """Return new pictures, (count, channels, size, size) in [0, 1].

        Parameters
        ----------
        count : int
        labels : Tensor, (count,), of integers, optional
        **options
            Further arguments of `generate`.
        """
        return self.generate(self.noise(count), labels, **options)

    def check_labels(self, count: int, labels: Tensor | None) -> None:
        """Check the labels of a call: one for each picture, and none if the model knows no labels.

        Raises
        ------
        ArgumentError
            If there are labels, but the model knows none, or the other way round.
        ShapeError
            If their number is wrong.
        """
        name = type(self).__name__
        if (labels is None) != (self.classes == 0):
            advice = "leave the labels out" if labels is not None else f"pass labels from 0 to {self.classes - 1}"
            raise ArgumentError(f"{name}: the model has {self.classes or 'no'} classes; {advice}")
        if labels is not None and labels.shape != (count,):
            raise ShapeError(f"{name}: {count} pictures need labels of shape ({count},), got {labels.shape}")
