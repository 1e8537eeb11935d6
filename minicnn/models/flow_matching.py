"""Flow matching: noise moves along learned velocities until it is a picture.

Lipman et al. ("Flow matching for generative modeling", 2023) and Liu et al. ("Flow straight and fast", 2023, rectified
flow): the straight line from a noise z to a picture x is x_t = (1 - t) z + t x, with the velocity x - z. A network
learns the mean velocity at every place and time,

    loss = ‖v(x_t, t) - (x - z)‖²,

and new pictures are the solutions of dx/dt = v(x, t) from t = 0 to 1, by Euler's or Heun's method. As in Esser et al.
("Scaling rectified flow transformers", 2024), the times of the training are sigmoids of normal numbers: the middle is
harder than the ends. Some labels are left out in the training, so that guidance can strengthen the others (Ho and
Salimans, "Classifier-free diffusion guidance", 2022).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.models.diffusion_unet import DiffusionUNet
from minicnn.models.generative_model import GenerativeModel
from minicnn.ops.activation import sigmoid
from minicnn.ops.create import full
from minicnn.ops.sampling import randn

__all__ = ["FlowMatching", "flow", "velocity_loss"]

METHODS = ("euler", "heun")

Velocity = Callable[[Tensor, Tensor], Tensor]  # (x, t) -> v, with t of shape (N,)
Projection = Callable[[Tensor], Tensor]


def velocity_loss(network: DiffusionUNet, x: Tensor, labels: Tensor | None) -> Tensor:
    """Return the mean squared error of the velocities at random times between random noise and x (N, C, H, W)."""
    count, device = len(x), x.device
    noise = randn(*x.shape, dtype=x.dtype, device=device)
    time = sigmoid(randn(count, dtype=x.dtype, device=device))
    labels = network.without_some(labels)
    t = time.reshape(count, 1, 1, 1)
    error: Tensor = ((network(noise + t * (x - noise), time, labels) - (x - noise)) ** 2).mean()
    return error


def flow(
    velocity: Velocity,
    x: Tensor,
    *,
    start: float = 0.0,
    steps: int = 20,
    method: str = "heun",
    project: Projection | None = None,
) -> Tensor:
    """Solve dx/dt = v(x, t) from t = start to t = 1.

    Parameters
    ----------
    velocity : callable, (x, t) -> Tensor
        x is (N, C, H, W), t is (N,).
    x : Tensor, (N, C, H, W)
        The beginning.
    start : float
        In [0, 1).
    steps : int
    method : "euler" or "heun"
        Euler's method is x += h v(x, t). Heun's takes the mean of the velocities at both ends of the step: twice the
        work, an error of second order. Its last step is Euler's, because the velocity at t = 1 is not trained.
    project : callable, optional
        Changes the picture that the velocity aims at, x + (1 - t) v, to the nearest one that has known properties. The
        last picture has them exactly (Wang et al., "Zero-shot image restoration using denoising diffusion null-space
        model", 2023).

    Raises
    ------
    ArgumentError
        If `steps` is below 1, the start is not in [0, 1), or the method is unknown.
    """
    if steps < 1 or not 0 <= start < 1 or method not in METHODS:
        raise ArgumentError(
            f"flow: steps must be at least 1, start in [0, 1), the method {' or '.join(METHODS)}; "
            f"got steps {steps}, start {start}, method {method!r}"
        )

    def at(x: Tensor, t: float) -> Tensor:
        v = velocity(x, full((len(x),), t, dtype=x.dtype, device=x.device))
        return v if project is None else (project(x + (1 - t) * v) - x) / (1 - t)

    times = [start + (1 - start) * i / steps for i in range(steps + 1)]
    with no_grad():
        for i in range(steps):
            h = times[i + 1] - times[i]
            v = at(x, times[i])
            if method == "heun" and i + 1 < steps:
                v = (v + at(x + h * v, times[i + 1])) / 2
            x = x + h * v
    return x


class FlowMatching(GenerativeModel):
    """A generative model that learns the velocities from noise to pictures.

    Parameters
    ----------
    channels, size : int
        Of the pictures.
    classes : int
        The number of labels, or 0.
    width, blocks : int
        Of the `DiffusionUNet`.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`classes` may be 0).

    Examples
    --------
    >>> import minicnn
    >>> FlowMatching(size=8, width=8).sample(2, steps=3).shape
    (2, 1, 8, 8)
    """

    def __init__(self, channels: int = 1, size: int = 28, classes: int = 0, width: int = 48, blocks: int = 1) -> None:
        super().__init__(channels=channels, size=size, classes=classes, width=width, blocks=blocks)
        self.network = DiffusionUNet(channels, width, classes, blocks)
        self.noise_shape = (channels, size, size)

    def losses(self, pictures: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        """Return the error of the velocities."""
        self.check_labels(len(pictures), labels)
        return {"loss": velocity_loss(self.network, 2 * pictures - 1, labels)}

    def generate(
        self,
        noise: Tensor,
        labels: Tensor | None = None,
        *,
        steps: int = 20,
        method: str = "heun",
        guidance: float = 1.0,
        start: float = 0.0,
        project: Projection | None = None,
    ) -> Tensor:
        """Return the pictures to which noise (N, channels, size, size) flows.

        Parameters
        ----------
        noise : Tensor
        labels : Tensor, (N,), of integers, optional
        steps, method, start
            As for `flow`.
        guidance : float
            As for `DiffusionUNet.guided`.
        project : callable, optional
            As for `flow`, of pictures in [0, 1].
        """
        if labels is not None:  # without labels, the pictures are of any class
            self.check_labels(len(noise), labels)
        velocity = partial(self.network.guided, labels=labels, guidance=guidance)
        inside = None if project is None else lambda y: 2 * project((y + 1) / 2) - 1
        with no_grad():
            y = flow(velocity, noise, start=start, steps=steps, method=method, project=inside)
            pictures: Tensor = ((y + 1) / 2).clamp(0, 1)
        return pictures

    def vary(self, pictures: Tensor, strength: float, labels: Tensor | None = None, **options: Any) -> Tensor:
        """Return variations of pictures (N, C, size, size): go back to the time 1 - strength, and forward again.

        Parameters
        ----------
        pictures : Tensor
        strength : float
            0 gives the same pictures, 1 gives new ones.
        labels : Tensor, (N,), of integers, optional
        **options
            As for `generate`.

        Raises
        ------
        ArgumentError
            If the strength is not in [0, 1].
        """
        if not 0 <= strength <= 1:
            raise ArgumentError(f"vary: strength must be from 0 to 1, got {strength}")
        if strength == 0:
            return pictures
        start = 1 - strength
        x = strength * self.noise(len(pictures)) + start * (2 * pictures - 1)
        return self.generate(x, labels, start=start, **options)
