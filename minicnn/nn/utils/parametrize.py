"""Parametrizations: a parameter of a module becomes the result of modules that compute it from other parameters.

After ``register_parametrization(layer, "weight", f)``, `layer.weight` is f(original), and training changes `original`,
which is the parameter `layer.parametrizations.weight.original`. The layer gets a class of its own, derived from its old
one, in which the name is a property.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn.container import ModuleDict, ModuleList
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_users_of_cache = 0
_cache: dict[tuple[int, str], Tensor] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor only once inside a `with` block, for networks that use it many times."""
    global _users_of_cache
    _users_of_cache += 1
    try:
        yield
    finally:
        _users_of_cache -= 1
        if not _users_of_cache:
            _cache.clear()


def _register(module: Module, name: str, value: Any) -> None:
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


def _check_like(call: str, found: Any, expected: Tensor) -> None:
    if not isinstance(found, Tensor) or (found.dtype, found.shape) != (expected.dtype, expected.shape):
        got = f"{found.dtype} of {found.shape}" if isinstance(found, Tensor) else type(found).__name__
        raise ArgumentError(
            f"{call}: the parametrization must return {expected.dtype} of {expected.shape}, as before, got {got}; "
            "unsafe=True allows it"
        )


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, applied one after another to `original` (or `original0`, `original1`, ...).

    Parameters
    ----------
    modules : sequence of Module
    original : Tensor
        The tensor or parameter. Where modules have the method `right_inverse`, it is applied first, so that the value
        of the parametrized tensor stays as near as possible to this one.
    unsafe : bool
        The result may have another shape or type.

    Raises
    ------
    ArgumentError
        If there is no module, or a module returns something else than it should.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ArgumentError("ParametrizationList: there is no parametrization; pass at least one")
        super().__init__(modules)
        self.unsafe = unsafe
        before = original.detach()
        with no_grad():
            new = self._inverted(before, reversed(list(self)))
        if not isinstance(new, Tensor | Sequence):
            raise ArgumentError(f"right_inverse: must return a tensor or several, got {type(new).__name__}")
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        if isinstance(new, Tensor):
            if new.dtype != original.dtype:
                raise ArgumentError(f"right_inverse: must keep the type {original.dtype}, got {new.dtype}")
            original.data = new.detach()
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ArgumentError(f"right_inverse: result {i} must be a tensor, got {type(part).__name__}")
                part = part.detach()
                _register(
                    self,
                    f"original{i}",
                    Parameter(part, original.requires_grad) if isinstance(original, Parameter) else part,
                )
        if not unsafe:
            _check_like("register_parametrization", self(), before)

    @staticmethod
    def _inverted(value: Any, modules: Any) -> Any:
        """Apply `right_inverse` of the modules; one without it counts as the identity."""
        for module in modules:
            if hasattr(module, "right_inverse"):
                with suppress(NotImplementedError):
                    value = module.right_inverse(value)
        return value

    def _originals(self) -> list[Tensor]:
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the parametrized tensor becomes `value`, with the `right_inverse` of each module.

        Raises
        ------
        ArgumentError
            If a module has no `right_inverse`, or it returns another number of tensors or type.
        """
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise ArgumentError(
                        f"right_inverse: {type(module).__name__} has none, so the tensor cannot be assigned"
                    )
                value = module.right_inverse(value)
            parts = [value] if self.is_tensor else list(value)
            if len(parts) != self.ntensors:
                raise ArgumentError(f"right_inverse: must return {self.ntensors} tensors, got {len(parts)}")
            for original, part in zip(self._originals(), parts, strict=True):
                if not isinstance(part, Tensor) or part.dtype != original.dtype:
                    got = part.dtype if isinstance(part, Tensor) else type(part).__name__
                    raise ArgumentError(f"right_inverse: must return {original.dtype}, as before, got {got}")
                original.data = part.detach()

    def forward(self) -> Tensor:
        first, *others = self
        value = first(*self._originals())
        for module in others:
            value = module(value)
        result: Tensor = value
        return result


# --- classes --------------------------------------------------------------------------------------------------------


def _property(name: str) -> property:
    def get(self: Any) -> Tensor:
        if not _users_of_cache:
            return self.parametrizations[name]()  # type: ignore[no-any-return]
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    def put(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(get, put)


def _update_class(module: Any) -> None:
    """Give a module the class with a property for each parametrized tensor; a new one, because copies share a class."""
    base = type_before_parametrizations(module)
    names = list(module.parametrizations) if is_parametrized(module) else []
    if not names:
        module.__class__ = base
        return
    content = {"_before": base, "__module__": base.__module__, **{name: _property(name) for name in names}}
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), content)


def type_before_parametrizations(module: Module) -> type:
    """Return the class that a module had before it was parametrized."""
    before: type = vars(type(module)).get("_before", type(module))
    return before


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Return whether a module, or its tensor of this name, is parametrized."""
    found = vars(module).get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


# --- the functions --------------------------------------------------------------------------------------------------


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Replace a parameter or buffer of a module by the result of a parametrization, and return the module.

    Several parametrizations of one tensor are applied in the order of their registration.

    Parameters
    ----------
    module : Module
    tensor_name : str
    parametrization : Module
        Takes the original tensor and returns the tensor that the module uses. If it has a method `right_inverse`, the
        original is ``right_inverse(tensor)``, which may also be several tensors; forward takes them all then.
    unsafe : bool
        The result may have another shape or type. Nothing is checked.

    Raises
    ------
    ArgumentError
        If there is no such tensor, or the parametrization returns another shape or type.

    Examples
    --------
    >>> import minicnn.nn as nn
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return (x + x.T) / 2
    >>> layer = register_parametrization(nn.Linear(2, 2), "weight", Symmetric())
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    call = "register_parametrization"
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        chain = module.parametrizations[tensor_name]
        if not unsafe:
            with no_grad():
                before = getattr(module, tensor_name)
                after = parametrization(before)
                _check_like(call, after, before)
                if hasattr(parametrization, "right_inverse"):
                    back = ParametrizationList._inverted(after, [parametrization])
                    _check_like(f"{call}: right_inverse", back, before)
        chain.append(parametrization)
        chain.unsafe = chain.unsafe or unsafe
        return module
    original = vars(module).get(tensor_name)
    if original is None or not (isinstance(original, Parameter) or tensor_name in module._buffers):
        raise ArgumentError(f"{call}: {type(module).__name__} has no parameter or buffer {tensor_name!r}")
    chain = ParametrizationList([parametrization], original, unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = chain
    _update_class(module)
    return module


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a parametrized tensor an ordinary parameter or buffer again, and return the module.

    Parameters
    ----------
    module : Module
    tensor_name : str
    leave_parametrized : bool
        True: the tensor keeps its present value. False: it becomes the original, which must be a single tensor.

    Raises
    ------
    ArgumentError
        If the tensor is not parametrized, or there are several originals and `leave_parametrized` is False.
    """
    call = "remove_parametrizations"
    if not is_parametrized(module, tensor_name):
        raise ArgumentError(f"{call}: {tensor_name!r} of {type(module).__name__} is not parametrized")
    chain = module.parametrizations[tensor_name]
    if not chain.is_tensor and not leave_parametrized:
        raise ArgumentError(f"{call}: {tensor_name!r} has {chain.ntensors} originals; use leave_parametrized=True")
    if chain.is_tensor:
        result = chain.original
        if leave_parametrized:
            with no_grad():
                result.data = getattr(module, tensor_name).detach()
    else:
        value = getattr(module, tensor_name)
        result = Parameter(value.detach()) if value.requires_grad else value
    del module.parametrizations[tensor_name]
    _update_class(module)
    _register(module, tensor_name, result)
    if not is_parametrized(module):
        del module.parametrizations
    return module


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Register the parametrizations of one module at another one, with the same originals, and return the latter.

    Parameters
    ----------
    from_module, to_module : Module
    tensor_name : str, optional
        Only of this tensor.

    Raises
    ------
    ArgumentError
        If a parametrization does not fit.
    """
    if not is_parametrized(from_module):
        return to_module
    for name in list(from_module.parametrizations) if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            to_module.register_parameter(name, Parameter(getattr(from_module, name).detach().clone()))
        source = from_module.parametrizations[name]
        for parametrization in source:
            register_parametrization(to_module, name, parametrization)
        target = to_module.parametrizations[name]
        for key in ["original"] if source.is_tensor else [f"original{i}" for i in range(source.ntensors)]:
            setattr(target, key, getattr(source, key))
    return to_module
