"""Calls of modules with other parameters: for meta-learning and hypernetworks."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, CheckpointError, DTypeError
from minicnn.nn import Module
from minicnn.ops.indexing import stack

__all__ = ["functional_call", "stack_module_state"]

NAMED = ("named_parameters", "named_buffers")


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in the places of its parameters and buffers, and put its own ones back.

    Parameters
    ----------
    module : Module
    parameter_and_buffer_dicts : mapping of str to Tensor, or several
        Tensors by dotted name, as in `named_parameters`. Gradients flow to them.
    args : tuple, or one argument that is no tuple
    kwargs : dict, optional
    tie_weights : bool
        A parameter that the module has under several names is replaced under all of them.
    strict : bool
        Raise an error if a name is missing or unknown.

    Raises
    ------
    ArgumentError
        If a name comes twice, or names of one shared parameter get different tensors.
    AttributeError
        If a name contains a module that does not exist.
    CheckpointError
        If names are missing or unknown, when strict.
    DTypeError
        If a value is not a tensor, or an attribute of this name is not.

    Examples
    --------
    >>> from minicnn import nn, ones
    >>> functional_call(nn.Linear(2, 1), {"weight": ones(1, 2), "bias": ones(1)}, ones(1, 2)).tolist()
    [[3.0]]
    """
    several = parameter_and_buffer_dicts
    values: dict[str, Tensor] = {}
    for given in [several] if isinstance(several, Mapping) else several:
        if twice := sorted(values.keys() & given.keys()):
            raise ArgumentError(f"functional_call: {twice} stand in several dictionaries; give each name once")
        values |= given
    if strict:
        own = {name for kind in (module.named_parameters, module.named_buffers) for name, _ in kind()}
        if missing_or_unknown := sorted(own ^ values.keys()):
            raise CheckpointError(f"functional_call: the names {missing_or_unknown} are missing or unknown")
    with _replaced(module, values, tie_weights):
        return module(*(() if args is None else args if isinstance(args, tuple) else (args,)), **(kwargs or {}))


@contextmanager
def _replaced(module: Module, values: Mapping[str, Tensor], tie_weights: bool) -> Iterator[None]:
    """Set the attributes in a `with` block. The values are no Parameters, so this passes by `Module.__setattr__`."""
    places: list[tuple[dict[str, Any], str, Tensor]] = []
    replaced: dict[int, Tensor] = {}  # id of a tensor of the module -> its value in the block
    for name, value in values.items():
        path, _, leaf = name.rpartition(".")
        owner = module.get_submodule(path)
        before = getattr(owner, leaf, value)
        for tensor in (value, before):
            if not isinstance(tensor, Tensor):
                raise DTypeError(f"functional_call: {name!r} must be a tensor, got {type(tensor).__name__}")
        if leaf not in vars(owner):
            continue  # an unknown name has no effect
        if tie_weights and replaced.setdefault(id(before), value) is not value:
            raise ArgumentError(f"functional_call: {name!r} is shared, and its names get different tensors")
        places.append((vars(owner), leaf, value))
    if tie_weights:
        for owner in module.modules():
            for leaf, tensor in vars(owner).items():
                if isinstance(tensor, Tensor) and id(tensor) in replaced:
                    places.append((vars(owner), leaf, replaced[id(tensor)]))
    old = [attributes[leaf] for attributes, leaf, _ in places]
    try:
        for attributes, leaf, value in places:
            attributes[leaf] = value
        yield
    finally:
        for (attributes, leaf, _), tensor in zip(places, old, strict=True):
            attributes[leaf] = tensor


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the parameters and the buffers of equal models, each stacked along a new first axis: for `vmap`.

    Raises
    ------
    ArgumentError
        If there is no model, or the models differ in class or mode.
    """
    models = list(models)
    kinds = {(type(m), m.training) for m in models}
    if len(kinds) != 1:
        raise ArgumentError("stack_module_state: expected models of one class, all in training mode or none")
    parameters, buffers = (_stacked([dict(getattr(m, kind)()) for m in models]) for kind in NAMED)
    return {name: p.requires_grad_() for name, p in parameters.items()}, buffers


def _stacked(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: stack([state[name] for state in states]).detach() for name in states[0]}
