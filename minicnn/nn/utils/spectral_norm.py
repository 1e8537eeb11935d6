"""Spectral normalisation by a hook: a layer whose weight has the largest singular value 1, under PyTorch's older names.

`parametrizations.spectral_norm` is the newer form, with other names of the state.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from minicnn.nn.functional import normalize
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.linalg import matmul, mT
from minicnn.ops.sampling import randn

__all__ = ["remove_spectral_norm", "spectral_norm"]

Layer = TypeVar("Layer", bound=Module)


@dataclass(frozen=True)
class _SpectralNorm:
    """A hook that computes the normalised weight of a layer before every forward."""

    name: str
    dim: int
    n_power_iterations: int
    eps: float

    def matrix(self, weight: Tensor) -> Tensor:
        """Return the weight as a matrix, with a row for each output channel."""
        rows: Tensor = weight.movedim(self.dim, 0)
        return rows.reshape(len(rows), -1)

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.normalised(module, iterate=module.training))

    def normalised(self, module: Any, *, iterate: bool) -> Tensor:
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = self.matrix(weight)
        if iterate:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(normalize(matmul(mT(matrix), u), dim=0, eps=self.eps))
                    u.copy_(normalize(matmul(matrix, v), dim=0, eps=self.eps))
            u, v = u.clone(), v.clone()  # the gradient needs their values after the next iteration too
        normalised: Tensor = weight / matmul(u, matmul(matrix, v))
        return normalised


def spectral_norm(
    module: Layer, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Layer:
    """Divide a layer's weight by its largest singular value before every forward, and return the layer.

    The layer is then a function with a Lipschitz constant of at most 1, which keeps the discriminator of a GAN stable.
    With the weight as a matrix W, each forward in training makes a step of the power iteration,

        v = Wᵀ u / ‖Wᵀ u‖,  u = W v / ‖W v‖,  σ = uᵀ W v.

    Parameters
    ----------
    module : Module
        For example a Conv2d. The parameter moves to `weight_orig`; the vectors are the buffers `weight_u`, `weight_v`.
    name : str
        The name of the parameter.
    n_power_iterations : int
    eps : float
        Prevents a division by 0.
    dim : int, optional
        The axis of the output channels. Default: 1 for transposed convolutions, otherwise 0.

    Raises
    ------
    ArgumentError
        If the layer has no such parameter, or is normalised already, or `n_power_iterations` is below 1.

    References
    ----------
    Miyato et al., "Spectral normalization for generative adversarial networks", 2018.

    Examples
    --------
    >>> import minicnn.nn as nn
    >>> [name for name, _ in spectral_norm(nn.Linear(3, 2)).named_parameters()]
    ['bias', 'weight_orig']
    """
    call = "spectral_norm"
    if _hook_of(module, name):
        raise ArgumentError(f"{call}: '{name}' of {type(module).__name__} is normalised already; call it once")
    weight = getattr(module, name, None)
    if not isinstance(weight, Parameter):
        raise ArgumentError(f"{call}: {type(module).__name__} has no parameter '{name}'; pass the name of its weight")
    if n_power_iterations < 1:
        raise ArgumentError(f"{call}: n_power_iterations must be at least 1, got {n_power_iterations}")
    transposed = isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d)
    hook = _SpectralNorm(name, int(transposed) if dim is None else dim, n_power_iterations, eps)
    with no_grad():
        rows, columns = hook.matrix(weight).shape
        u, v = (normalize(randn(n, dtype=weight.dtype, device=weight.device), dim=0, eps=eps) for n in (rows, columns))
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    setattr(module, name, weight.detach())
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Layer, name: str = "weight") -> Layer:
    """Make the present normalised weight the layer's parameter again, and return the layer.

    Raises
    ------
    ArgumentError
        If the parameter is not normalised.
    """
    number, hook = next(iter(_hook_of(module, name).items()), (None, None))
    if number is None or hook is None:
        raise ArgumentError(f"remove_spectral_norm: '{name}' of {type(module).__name__} is not normalised")
    with no_grad():
        weight = hook.normalised(module, iterate=False)
    del module._forward_pre_hooks[number]
    for part in (name, *(f"{name}_{part}" for part in ("orig", "u", "v"))):
        delattr(module, part)
    module.register_parameter(name, Parameter(weight.detach()))
    return module


def _hook_of(module: Module, name: str) -> dict[int, _SpectralNorm]:
    hooks = module._forward_pre_hooks
    return {number: hook for number, hook in hooks.items() if isinstance(hook, _SpectralNorm) and hook.name == name}
