"""Parametrizations of weights: weight normalisation and spectral normalisation."""

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from minicnn.nn.functional import normalize
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.nn.utils.parametrize import register_parametrization
from minicnn.nn.utils.weight_norm import norm_except_dim
from minicnn.ops.linalg import dot, mv
from minicnn.ops.sampling import randn

__all__ = ["spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    """w = g v / ‖v‖; original0 is g, and original1 is v."""

    def __init__(self, dim: int | None) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


class _SpectralNorm(Module):
    """w / σ with σ = uᵀ W v; each forward in training makes steps of the power iteration for u and v."""

    def __init__(self, weight: Tensor, n_power_iterations: int, eps: float, dim: int) -> None:
        super().__init__()
        self.dim = dim % weight.ndim
        self.n_power_iterations, self.eps = n_power_iterations, eps
        if weight.ndim > 1:
            with no_grad():
                matrix = self._matrix(weight.detach())
                for name, count in zip(("_u", "_v"), matrix.shape, strict=True):
                    start = randn(count, dtype=weight.dtype, device=weight.device)
                    self.register_buffer(name, normalize(start, dim=0, eps=eps))
            self._iterate(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        rows = weight.movedim(self.dim, 0)
        return rows.reshape(len(rows), -1)

    def _iterate(self, matrix: Tensor, steps: int) -> None:
        with no_grad():
            for _ in range(steps):
                self._u.copy_(normalize(mv(matrix, self._v), dim=0, eps=self.eps))
                self._v.copy_(normalize(mv(matrix.T, self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the gradient needs their values after the next iteration too
        return weight / dot(u, mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Compute a layer's weight as w = g v / ‖v‖, and return the layer.

    g is the parameter `parametrizations.weight.original0`, v is `parametrizations.weight.original1`.

    Parameters
    ----------
    module : Module
    name : str
        The name of the parameter.
    dim : int, optional
        Each slice along this axis has a norm of its own; None: there is one norm.

    Raises
    ------
    ArgumentError
        If there is no such parameter.

    References
    ----------
    Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate training of deep neural
    networks", 2016.
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a layer's weight by its largest singular value, and return the layer.

    Parameters
    ----------
    module : Module
    name : str
        The name of the parameter; it moves to `parametrizations.weight.original`.
    n_power_iterations : int
        Steps of the power iteration in each forward in training; 15 at first.
    eps : float
        Prevents a division by 0.
    dim : int, optional
        The axis of the output channels. Default: 1 for transposed convolutions, otherwise 0.

    Raises
    ------
    ArgumentError
        If there is no such parameter, or `n_power_iterations` is below 1.

    References
    ----------
    Miyato et al., "Spectral normalization for generative adversarial networks", 2018.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Parameter | Tensor):
        raise ArgumentError(f"spectral_norm: {type(module).__name__} has no parameter or buffer {name!r}")
    if n_power_iterations < 1:
        raise ArgumentError(f"spectral_norm: n_power_iterations must be at least 1, got {n_power_iterations}")
    if dim is None:
        dim = int(isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d))
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, eps, dim))
