"""Module, the base class of layers and models.

A module is an ordinary Python object. Attributes that are Parameters, buffers or Modules form its state and its
children. The methods below walk over these attributes in the order in which they were set. This is also PyTorch's order
of names.
"""

from collections.abc import Callable, Iterator
from html import escape
from typing import Any, Self

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.nn.conversion import Converted
from minicnn.nn.named import Named
from minicnn.nn.parameter import Buffer, Parameter
from minicnn.ops.in_place import clear_gradient

__all__ = ["Module"]


class Module(Converted):
    """The base class of all layers and models: set layers and parameters in `__init__`, compute in `forward`.

    Attributes
    ----------
    training : bool
        True in training mode. Set by `train()` and `eval()`; dropout and batch norm depend on it.

    Examples
    --------
    >>> import minicnn
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = Parameter(minicnn.ones(1))
    ...
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> [name for name, _ in Scale().named_parameters()]
    ['factor']
    """

    training: bool

    def __init__(self) -> None:
        super().__init__()
        self.training = True
        self._persistent = {}  # name of a buffer -> True if state_dict contains it
        self._places = {}  # names of None that keep the place of a parameter, buffer or module

    # --- attributes -----------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Tensor | Module) and "_persistent" not in self.__dict__:
            raise AttributeError(
                f"{type(self).__name__}: {name!r} is set before super().__init__() was called; "
                "call it first in __init__"
            )
        old, buffers = self.__dict__.get(name), self.__dict__.get("_persistent", {})
        for kind in (Parameter, Module):
            if isinstance(old, kind) and not isinstance(value, kind | None):
                raise DTypeError(
                    f"{type(self).__name__}: {name!r} is a {kind.__name__} and cannot become a "
                    f"{type(value).__name__}; wrap it in {kind.__name__}, or delete the attribute first"
                )
        if name in buffers and not isinstance(value, Tensor | None):
            raise DTypeError(
                f"{type(self).__name__}: {name!r} is a buffer and cannot become a {type(value).__name__}; "
                "wrap it in minicnn.tensor, or delete the attribute first"
            )
        if isinstance(value, Parameter) and buffers.pop(name, None) is not None:
            self._places.pop(name, None)  # a Parameter is no buffer
        if isinstance(old, Parameter | Module):
            if value is None:
                self._places[name] = Parameter if isinstance(old, Parameter) else Module
        elif isinstance(value, Parameter | Module) and name not in self._places:
            self.__dict__.pop(name, None)  # comes last: whatever the attribute was before had no place
        super().__setattr__(name, value)
        if isinstance(value, Buffer):
            buffers[name] = value.persistent

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._persistent.pop(name, None)
        self._places.pop(name, None)

    def __getattr__(self, name: str) -> Any:  # called only where ordinary look-up fails
        hint = "" if "_persistent" in self.__dict__ else "; call super().__init__() first in its __init__"
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")

    def _register(self, name: str, value: Any, kind: type) -> None:
        if not isinstance(value, kind | None):
            raise DTypeError(
                f"{type(self).__name__}: {name!r} must be a {kind.__name__} or None, got {type(value).__name__}"
            )
        reserved = hasattr(self, name) and not isinstance(getattr(self, name), Tensor | Module | None)
        if not name or "." in name or reserved:
            raise ShapeError(
                f"{type(self).__name__}: {name!r} cannot name an attribute: it is empty, contains a dot or hides a "
                "method or setting; choose another name"
            )
        setattr(self, name, value)
        if value is None:
            self._places[name] = kind

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Set a tensor that is part of the module's state but is not trained, for example a running mean.

        Parameters
        ----------
        name : str
        tensor : Tensor or None
        persistent : bool
            Whether `state_dict` contains it.

        Raises
        ------
        DTypeError
            If it is not a Tensor or None, or if it is a Parameter.
        ShapeError
            If the name is empty, contains a dot or is a method's name.
        """
        if isinstance(tensor, Parameter):
            raise DTypeError(
                f"{type(self).__name__}: {name!r} must be a plain Tensor or None, got Parameter; pass its .detach(), "
                "or use register_parameter"
            )
        self._register(name, tensor, Tensor)
        self._persistent[name] = persistent

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Set a parameter by name; errors as in `register_buffer`."""
        self._register(name, param, Parameter)

    def add_module(self, name: str, module: "Module | None") -> None:
        """Set a child module by name; errors as in `register_buffer`."""
        self._register(name, module, Module)

    def register_module(self, name: str, module: "Module | None") -> None:
        """Set a child module by name; errors as in `register_buffer`."""
        self.add_module(name, module)

    # --- iteration ------------------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """Yield (name, module) of the direct children, each module once."""
        seen = set()
        for name, value in list(self.__dict__.items()):
            if isinstance(value, Module) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def children(self) -> Iterator["Module"]:
        """Yield the direct children, each module once."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, "Module"]]:
        """Yield (dotted name, module) of this module and all its descendants.

        Parameters
        ----------
        memo : set, optional
            Modules to leave out; those that come are added to it.
        prefix : str
            Comes before each name.
        remove_duplicate : bool
            Yield each module once.
        """
        memo = set() if memo is None else memo
        if self not in memo:
            if remove_duplicate:
                memo.add(self)
            yield prefix, self
            for name, module in self.__dict__.items():
                if isinstance(module, Module):
                    yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator["Module"]:
        """Yield this module and all its descendants, each module once, unless `remove_duplicate` is False."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def get_submodule(self, target: str) -> "Module":
        """Return the descendant with this dotted name; "" is the module itself.

        Raises
        ------
        AttributeError
            If no module has this name.
        """
        module: Module = self
        for name in filter(None, target.split(".")):
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"get_submodule: {name!r} in {target!r} is not a module of {type(self).__name__}")
        return module

    def set_submodule(self, target: str, module: "Module", strict: bool = False) -> None:
        """Set the descendant with this dotted name; with `strict`, it must replace one.

        Raises
        ------
        AttributeError
            If a part of the path is missing.
        ShapeError
            If the name is empty.
        """
        path, _, name = target.rpartition(".")
        if strict:
            self.get_submodule(target)
        self.get_submodule(path).add_module(name, module)

    def _target(self, call: str, target: str, kind: type) -> Any:
        """Return the parameter or buffer with this dotted name."""
        path, _, name = target.rpartition(".")
        found = dict(self.get_submodule(path)._own(kind)).get(name)
        if found is None:
            raise AttributeError(f"{call}: {type(self).__name__} has no {target!r} of this kind")
        return found

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter with this dotted name.

        Raises
        ------
        AttributeError
            If no parameter has this name.
        """
        found: Parameter = self._target("get_parameter", target, Parameter)
        return found

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer with this dotted name.

        Raises
        ------
        AttributeError
            If no buffer has this name.
        """
        found: Tensor = self._target("get_buffer", target, Tensor)
        return found

    def _own(self, kind: type) -> Iterator[tuple[str, Any]]:
        """Yield (name, value) of this module's own parameters, or of its buffers (Tensor), or of its children."""
        for name, value in self.__dict__.items():
            if name in self._persistent and value is not None if kind is Tensor else isinstance(value, kind):
                yield name, value

    def _named(self, kind: type, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in module._own(kind):
                if not once or id(value) not in seen:
                    seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield (dotted name, parameter). A shared parameter comes once, unless `remove_duplicate` is False."""
        return self._named(Parameter, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, as an optimizer takes them. A shared parameter comes once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield (dotted name, buffer). A shared buffer comes once, unless `remove_duplicate` is False."""
        return self._named(Tensor, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers. A shared buffer comes once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    @property
    def _modules(self) -> "Named":
        """The children by name, as programs of PyTorch read and replace them."""
        return Named(self, Module)

    @property
    def _parameters(self) -> "Named":
        """The parameters of this module alone by name."""
        return Named(self, Parameter)

    @property
    def _buffers(self) -> "Named":
        """The buffers of this module alone by name."""
        return Named(self, Tensor)

    # --- changes to all modules -----------------------------------------------------------------------------

    def apply(self, fn: Callable[["Module"], Any]) -> Self:
        """Call `fn(module)` on every descendant and on this module, children first; return this module."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode, or to eval mode with mode=False; return this module."""
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self) -> Self:
        """Switch to eval mode: dropout is off, batch norm uses its running statistics. Return this module."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad` of all parameters; False freezes them. Return this module."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set the gradients of all parameters to None, or to 0 with set_to_none=False."""
        for parameter in self.parameters():
            clear_gradient(parameter, set_to_none)

    # --- text -----------------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """Return the text of the module's settings that `repr` shows."""
        return ""

    def _texts(self) -> list[tuple[str, str]]:
        """Return the names and texts of the modules in this one, as `repr` shows them."""
        return [(name, repr(value)) for name, value in self.__dict__.items() if isinstance(value, Module)]

    def __repr__(self) -> str:
        lines = [self.extra_repr()] if self.extra_repr() else []
        below = self._texts()
        if not below:
            return f"{type(self).__name__}({''.join(lines)})"
        lines += [f"({name}): {text}" for name, text in below]
        return f"{type(self).__name__}(\n  " + "\n".join(lines).replace("\n", "\n  ") + "\n)"

    def _repr_html_(self) -> str:  # for notebooks: the table of the last `summary`, or one without shapes
        from minicnn.nn.summary import known_summary  # late: few programs show modules

        text = f"<details><summary>text</summary><pre>{escape(repr(self))}</pre></details>"
        return known_summary(self)._repr_html_() + text
