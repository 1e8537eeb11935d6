"""`LazyModuleMixin`: a layer gives shapes to its parameters when it sees the first input."""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter, is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin(Module):
    """A second base class, before a layer's own, for layers whose first input decides the shapes of parameters.

    The class sets its parameters to `UninitializedParameter` and defines `initialize_parameters`. The first call of the
    layer calls it. Then the layer is of the class `cls_to_become`, if there is one.
    """

    cls_to_become: type[Module] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._initialize_hook = self.register_forward_pre_hook(type(self)._infer_parameters, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give shapes and values to the parameters. The arguments come from the first call."""
        raise NotImplementedError(f"{type(self).__name__} has no initialize_parameters(); define it")

    def has_uninitialized_params(self) -> bool:
        """Return whether a parameter or buffer of this layer has no shape yet."""
        return any(is_lazy(t) for kind in (Parameter, Tensor) for _, t in self._own(kind))

    def _infer_parameters(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.initialize_parameters(*args, **kwargs)
        self._initialize_hook.remove()
        del self._initialize_hook
        become: Any = self.cls_to_become
        if become is not None:
            self.__class__ = become
