"""Functions on parameters: gradient clipping, conversion to and from a vector, spectral normalisation.

The module has PyTorch's name `nn.utils`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, AutogradError, ShapeError
from minicnn.nn.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from minicnn.nn.functional import normalize
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.create import tensor
from minicnn.ops.indexing import cat, stack
from minicnn.ops.linalg import matmul, mT
from minicnn.ops.reduce import norm
from minicnn.ops.sampling import randn

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "parameters_to_vector",
    "remove_spectral_norm",
    "spectral_norm",
    "vector_to_parameters",
]


Layer = TypeVar("Layer", bound=Module)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    listed = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in listed if p.grad is not None]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients in place by the same factor, so that the norm of all elements is at most `max_norm`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
    max_norm : float
    norm_type : float
        The p of the p-norm; infinity is the largest absolute element.
    error_if_nonfinite : bool
        Raise an error if the norm is NaN or infinite, instead of scaling by it.
    foreach
        No effect.

    Returns
    -------
    Tensor, (), the norm before scaling

    Raises
    ------
    AutogradError
        If the norm is not finite and `error_if_nonfinite` is set.

    References
    ----------
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1.
    """
    gradients = _gradients(parameters)
    if not gradients:
        return tensor(0.0)
    with no_grad():
        total = norm(stack([norm(g, norm_type) for g in gradients]), norm_type)
        if error_if_nonfinite and not total.isfinite().item():
            raise AutogradError(
                f"clip_grad_norm_: the norm of the gradients is {total.item()}; look for the cause with "
                "minicnn.detect_anomaly()"
            )
        factor = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for g in gradients:
            g.mul_(factor)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every element of every gradient to [-clip_value, clip_value], in place; `foreach` has no effect."""
    with no_grad():
        for g in _gradients(parameters):
            g.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Concatenate all parameters, flattened, to a vector."""
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy a vector, as `parameters_to_vector` returns it, into the parameters.

    Raises
    ------
    ShapeError
        If the vector and the parameters have different numbers of elements.
    """
    listed = list(parameters)
    count = sum(p.numel() for p in listed)
    if vec.shape != (count,):
        raise ShapeError(f"vector_to_parameters: the parameters hold {count} numbers, the vector is {vec.shape}")
    start = 0
    with no_grad():
        for p in listed:
            p.copy_(vec[start : start + p.numel()].reshape(p.shape))
            start += p.numel()


@dataclass(frozen=True)
class _SpectralNorm:
    """A hook that computes the normalised weight of a layer before every forward."""

    name: str
    dim: int
    n_power_iterations: int
    eps: float

    def matrix(self, weight: Tensor) -> Tensor:
        """Return the weight as a matrix, with a row for each output channel."""
        rows = weight.transpose(0, self.dim) if self.dim else weight
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
