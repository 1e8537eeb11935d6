"""Pruning: some elements of a parameter become 0 and stay 0.

The parameter moves to `weight_orig`, and a buffer `weight_mask` of zeros and ones is beside it. Before every forward, a
hook sets `weight` to their product. Pruning again prunes what is left. The methods are in `pruning_methods.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError
from minicnn.nn.module import Module
from minicnn.nn.utils.convert_parameters import parameters_to_vector
from minicnn.nn.utils.pruning_methods import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
    hooks_of,
)
from minicnn.ops.create import ones_like

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]

Layer = TypeVar("Layer", bound=Module)


def identity(module: Layer, name: str) -> Layer:
    """Give a parameter the hook and the mask, but prune nothing. Return the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Layer, name: str, amount: float) -> Layer:
    """Prune random elements, and return the module; errors as in `l1_unstructured`."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Layer, name: str, amount: float, importance_scores: Tensor | None = None) -> Layer:
    """Prune the elements with the smallest absolute values, and return the module.

    Parameters
    ----------
    module : Module
    name : str
        The name of the parameter.
    amount : int or float
        How many elements become 0; a float is a fraction of what is left.
    importance_scores : Tensor, shape of the parameter, optional
        Take these instead of the values.

    Raises
    ------
    DTypeError
        If the amount is no number.
    ArgumentError
        If the amount is out of range.
    ShapeError
        If the scores have another shape.

    Examples
    --------
    >>> import minicnn.nn as nn
    >>> layer = l1_unstructured(nn.Linear(3, 2), "weight", amount=2)
    >>> [name for name, _ in layer.named_parameters()], int(layer.weight_mask.sum())
    (['bias', 'weight_orig'], 4)
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Layer, name: str, amount: float, dim: int) -> Layer:
    """Prune random slices along an axis, and return the module; errors as in `ln_structured`."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Layer, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> Layer:
    """Prune the slices along an axis with the smallest p-norms, p = n, and return the module.

    Parameters are as in `l1_unstructured`; `amount` counts slices, such as the channels of a convolution.

    Raises
    ------
    DTypeError
        If the amount is no number.
    ArgumentError
        If the amount is out of range.
    ShapeError
        If the parameter has fewer than 2 axes, or the scores have another shape.
    OutOfRangeError
        If there is no axis `dim`.
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Layer, name: str, mask: Tensor) -> Layer:
    """Prune by a mask of zeros and ones, and return the module.

    Raises
    ------
    ShapeError
        If the mask has another shape than the parameter.
    """
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Sequence[tuple[Any, str]],
    pruning_method: Callable[..., BasePruningMethod],
    importance_scores: dict[tuple[Any, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune the elements of several parameters as if they were one vector.

    Parameters
    ----------
    parameters : sequence of (Module, str)
    pruning_method : class
        `L1Unstructured` or `RandomUnstructured`.
    importance_scores : dict of (Module, str) to Tensor, optional
    **kwargs
        Of the method's constructor, such as `amount`.

    Raises
    ------
    DTypeError
        If the scores are no dict, or the method is for slices.
    """
    if not isinstance(importance_scores, dict | None):
        raise DTypeError(
            f"global_unstructured: importance_scores must be a dict, got {type(importance_scores).__name__}"
        )
    method, container = pruning_method(**kwargs), PruningContainer()
    if method.PRUNING_TYPE != "unstructured":
        raise DTypeError(f"global_unstructured: {type(method).__name__} prunes slices; take a method for elements")
    method._tensor_name = "all"
    container.add_pruning_method(method)
    tensors: list[Tensor] = [getattr(module, name) for module, name in parameters]
    given = importance_scores or {}
    scores = [given.get(pair, t) for pair, t in zip(parameters, tensors, strict=True)]
    masks = [getattr(m, f"{name}_mask", ones_like(t)) for (m, name), t in zip(parameters, tensors, strict=True)]
    with no_grad():
        mask = container.compute_mask(*(parameters_to_vector(several).detach() for several in (scores, masks)))
    parts = mask.split([t.numel() for t in tensors])
    for (module, name), t, part in zip(parameters, tensors, parts, strict=True):
        custom_from_mask(module, name, part.reshape(t.shape))


def remove(module: Layer, name: str) -> Layer:
    """Make the pruned values the parameter again, without mask and hook, and return the module.

    Raises
    ------
    ArgumentError
        If the parameter is not pruned.
    """
    number, hook = next(iter(hooks_of(module, name).items()), (None, None))
    if number is None or hook is None:
        raise ArgumentError(f"remove: {name!r} of {type(module).__name__} is not pruned")
    hook.remove(module)
    del module._forward_pre_hooks[number]
    return module


def is_pruned(module: Module) -> bool:
    """Return whether the module, or one in it, is pruned."""
    return any(isinstance(h, BasePruningMethod) for part in module.modules() for h in part._forward_pre_hooks.values())
