"""Module, the base class of layers and models.

A module is an ordinary Python object. Attributes that are Parameters, buffers or Modules form its state and its
children. The methods below walk over these attributes in the order in which they were set. This is also PyTorch's order
of names.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float16, float32, float64
from minicnn.errors import CheckpointError, DTypeError, ShapeError
from minicnn.nn.conversion import convert
from minicnn.nn.hooks import Hooks
from minicnn.nn.loading import LoadResult, different_shapes, load_values
from minicnn.nn.named import Named
from minicnn.nn.parameter import Buffer, Parameter, is_lazy
from minicnn.ops.create import as_tensor
from minicnn.ops.in_place import clear_gradient
from minicnn.ops.places import conversion
from minicnn.runtime.devices import Device

__all__ = ["Module"]


class Module(Hooks):
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
    _persistent: dict[str, bool]
    _places: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.training = True
        self._persistent = {}  # name of a buffer -> True if state_dict contains it
        self._places = set()  # names of None that keep the place of a parameter or module

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
            self._places.discard(name)  # a Parameter is no buffer
        if isinstance(old, Parameter | Module):
            if value is None:
                self._places.add(name)
        elif isinstance(value, Parameter | Module) and name not in self._places:
            self.__dict__.pop(name, None)  # comes last: whatever the attribute was before had no place
        super().__setattr__(name, value)
        if isinstance(value, Buffer):
            buffers[name] = value.persistent

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._persistent.pop(name, None)
        self._places.discard(name)

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
            self._places.add(name)

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

    def named_modules(self, prefix: str = "", _seen: set[int] | None = None) -> Iterator[tuple[str, "Module"]]:
        """Yield (dotted name, module) of this module and all its descendants, each module once."""
        seen = set() if _seen is None else _seen
        if id(self) not in seen:
            seen.add(id(self))
            yield prefix, self
            for name, module in self.named_children():
                yield from module.named_modules(f"{prefix}.{name}" if prefix else name, seen)

    def modules(self) -> Iterator["Module"]:
        """Yield this module and all its descendants, each module once."""
        return (module for _, module in self.named_modules())

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

    def _own(self, kind: type) -> Iterator[tuple[str, Any]]:
        """Yield (name, value) of this module's own parameters, or of its buffers (Tensor), or of its children."""
        for name, value in self.__dict__.items():
            if name in self._persistent and value is not None if kind is Tensor else isinstance(value, kind):
                yield name, value

    def _named(self, kind: type, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, value in module._own(kind):
                if id(value) not in seen:
                    seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Yield (dotted name, parameter). A shared parameter comes once."""
        return self._named(Parameter, prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, as an optimizer takes them. A shared parameter comes once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Yield (dotted name, buffer). A shared buffer comes once."""
        return self._named(Tensor, prefix, recurse)

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

    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: str | Device | None = None,
        non_blocking: bool = False,
        memory_format: Any = None,
    ) -> Self:
        """Convert or move all parameters and buffers in place: `to("cuda")`, `to(minicnn.float64)`, `to(other)`.

        Integer buffers keep their dtype. Parameters stay the same objects, so optimizers keep working. `non_blocking`
        and `memory_format` have no effect.

        Raises
        ------
        DeviceError, DTypeError
            If an argument is neither a device, a dtype nor a tensor.
        """
        dtype, device, _ = conversion(args, dtype, device)
        convert(self, dtype, device)
        return self

    def type(self, dst_type: Any) -> Self:
        """Convert to an element type."""
        return self.to(dtype=dst_type)

    def float(self) -> Self:
        """Convert to float32."""
        return self.to(float32)

    def double(self) -> Self:
        """Convert to float64."""
        return self.to(float64)

    def half(self) -> Self:
        """Convert to float16, to save memory. The kernels for float32 are faster."""
        return self.to(float16)

    def cpu(self) -> Self:
        """Move to the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Self:
        """Move to the GPU; the argument has no effect, because one GPU is used."""
        return self.to("cuda")

    # --- state ----------------------------------------------------------------------------------------------

    def _state(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Yield (key, tensor) of the state. A shared tensor comes under all its names."""
        for name, parameter in self._own(Parameter):
            yield prefix + name, parameter
        for name, buffer in self._own(Tensor):
            if self._persistent[name]:
                yield prefix + name, buffer
        for name, value in self.__dict__.items():
            if isinstance(value, Module):
                yield from value._state(f"{prefix}{name}.")

    def state_dict(
        self, destination: dict[str, Tensor] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """Return all parameters and persistent buffers by dotted name. The tensors are detached and share memory.

        A tensor of a lazy layer that has no shape yet is there itself.

        Parameters
        ----------
        destination : dict, optional
            The dict to fill and return.
        prefix : str
            Comes before each name.
        keep_vars : bool
            Return the parameters and buffers themselves, not detached.
        """
        state = {} if destination is None else destination
        for key, tensor in self._state(prefix):
            state[key] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> LoadResult:
        """Copy values into the parameters and buffers. After an error nothing has changed.

        Parameters
        ----------
        state_dict : mapping of str to Tensor or array_like
            As `state_dict` returns it; dtypes are converted.
        strict : bool
            Raise an error for missing and unexpected keys, instead of returning them.
        assign : bool
            Replace the parameters and buffers by these tensors, which keep their dtypes, instead of copying values.

        Raises
        ------
        CheckpointError
            If shapes differ or, when strict, keys differ. The message lists all differences.
        """
        own = dict(self._state())
        # Plain mappings and files before PyTorch 0.4.1 may lack this counter; then it stays as it is.
        needed = [key for key in own if key.rpartition(".")[2] != "num_batches_tracked"]
        missing = [key for key in needed if key not in state_dict]
        unexpected = [key for key in state_dict if key not in own]
        values = {key: as_tensor(state_dict[key]) for key in own if key in state_dict}
        problems = different_shapes(own, values)
        if strict:
            for kind, keys in (("missing", missing), ("unexpected", unexpected)):
                if keys:
                    problems.append(f"{kind} keys {', '.join(map(repr, keys))} (strict=False ignores them)")
        if problems:
            raise CheckpointError(
                f"load_state_dict: the state does not fit {type(self).__name__}: {'; '.join(problems)}"
            )
        load_values(self, own, values, assign)
        return LoadResult(missing, unexpected)

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
