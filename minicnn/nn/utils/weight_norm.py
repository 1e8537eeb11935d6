"""Weight normalisation by a hook: the length and the direction of a weight are trained apart.

`parametrizations.weight_norm` is the newer form, with other names of the state.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.reduce import norm

__all__ = ["norm_except_dim", "remove_weight_norm", "weight_norm"]

Layer = TypeVar("Layer", bound=Module)


def norm_except_dim(v: Tensor, dim: int | None) -> Tensor:
    """Return the norms of the slices along `dim`, with axes of size 1; for None or -1 the norm of the whole tensor."""
    if dim is None or dim == -1:
        return norm(v)
    axes = [axis for axis in range(v.ndim) if axis != dim % v.ndim]
    return norm(v, 2, axes, keepdim=True) if axes else v.abs()


@dataclass(frozen=True)
class _WeightNorm:
    """A hook that computes the weight of a layer before every forward."""

    name: str
    dim: int | None

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.weight(module))

    def weight(self, module: Any) -> Tensor:
        g, v = (getattr(module, f"{self.name}_{part}") for part in ("g", "v"))
        weight: Tensor = v * (g / norm_except_dim(v, self.dim))
        return weight


def weight_norm(module: Layer, name: str = "weight", dim: int | None = 0) -> Layer:
    """Compute a layer's weight as w = g v / ‖v‖ before every forward, and return the layer.

    Parameters
    ----------
    module : Module
        The parameter moves to `weight_v`, and its norms to `weight_g`.
    name : str
        The name of the parameter.
    dim : int, optional
        Each slice along this axis has a norm of its own; None: there is one norm.

    Raises
    ------
    ArgumentError
        If the layer has no such parameter, or is normalised already.

    References
    ----------
    Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate training of deep neural
    networks", 2016.

    Examples
    --------
    >>> import minicnn.nn as nn
    >>> [name for name, _ in weight_norm(nn.Linear(3, 2)).named_parameters()]
    ['bias', 'weight_g', 'weight_v']
    """
    if _hook_of(module, name):
        raise ArgumentError(f"weight_norm: '{name}' of {type(module).__name__} is normalised already; call it once")
    weight = getattr(module, name, None)
    if not isinstance(weight, Parameter):
        raise ArgumentError(f"weight_norm: {type(module).__name__} has no parameter '{name}'; pass its weight's name")
    hook = _WeightNorm(name, dim)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight.detach(), dim)))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    hook(module, None)
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Layer, name: str = "weight") -> Layer:
    """Make the present weight the layer's parameter again, and return the layer.

    Raises
    ------
    ArgumentError
        If the parameter is not normalised.
    """
    number, hook = next(iter(_hook_of(module, name).items()), (None, None))
    if number is None or hook is None:
        raise ArgumentError(f"remove_weight_norm: '{name}' of {type(module).__name__} is not normalised")
    with no_grad():
        weight = hook.weight(module)
    del module._forward_pre_hooks[number]
    for part in (name, f"{name}_g", f"{name}_v"):
        delattr(module, part)
    module.register_parameter(name, Parameter(weight.detach()))
    return module


def _hook_of(module: Module, name: str) -> dict[int, _WeightNorm]:
    hooks = module._forward_pre_hooks
    return {number: hook for number, hook in hooks.items() if isinstance(hook, _WeightNorm) and hook.name == name}
