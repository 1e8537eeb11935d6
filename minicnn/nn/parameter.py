"""Parameter, a tensor that a module trains, and Buffer, one that it keeps; both also before their shape is known."""

from typing import Any, TypeGuard

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType
from minicnn.errors import ArgumentError
from minicnn.ops.create import as_tensor, empty
from minicnn.runtime.devices import Array, Device

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


class Parameter(Tensor):
    """A tensor that training changes. As an attribute of a module it appears in `parameters()`.

    Parameters
    ----------
    data : Tensor or array_like
    requires_grad : bool
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(as_tensor(data))
        self.requires_grad = requires_grad

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        duplicate = super().__deepcopy__(memo)
        duplicate.grad = None  # as in PyTorch: a copy of a model begins without gradients
        return duplicate


class Buffer(Tensor):
    """A tensor that becomes a buffer as an attribute of a module: a part of its state that is not trained.

    Parameters
    ----------
    data : Tensor or array_like
    persistent : bool
        Whether `state_dict` contains it.
    """

    __slots__ = ("persistent",)

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        super().__init__(as_tensor([] if data is None else data))
        self.persistent = persistent

    def __copy__(self) -> Any:
        duplicate = super().__copy__()
        duplicate.persistent = self.persistent
        return duplicate

    def __reduce__(self) -> Any:
        return (*super().__reduce__(), (None, {"persistent": self.persistent}))  # the state of the slots


_ARRAY: Any = vars(Tensor)["array"]  # the slot, which the property of the next class hides


class _Uninitialized(Tensor):
    """The base class of tensors without a shape: an element type and a device, and an error at any other use."""

    __slots__ = ()

    @property
    def array(self) -> Array:
        raise ArgumentError(
            f"{type(self).__name__}: it has no shape and no values yet; call the module once, so that the first input "
            "decides the shape"
        )

    @array.setter
    def array(self, value: Array) -> None:
        _ARRAY.__set__(self, value)

    @property
    def dtype(self) -> DType:
        return self.data.dtype

    @property
    def data(self) -> Tensor:
        """An empty tensor of this element type and device."""
        return Tensor._wrap(_ARRAY.__get__(self), self.device)

    @data.setter
    def data(self, value: Tensor) -> None:
        self.array, self.device = value.array, value.device

    def materialize(self, shape: Any, device: str | Device | None = None, dtype: Any = None) -> None:
        """Become an ordinary Parameter or Buffer of this shape, the same object, with any values.

        Parameters
        ----------
        shape : int or sequence of int
        device, dtype
            By default those that it has.
        """
        made = empty(shape, device=self.device if device is None else device, dtype=dtype or self.dtype)
        kind: Any = Parameter if isinstance(self, Parameter) else Buffer
        self.__class__ = kind
        self.array, self.device = made.array, made.device

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter of a lazy layer, whose shape the first input decides. Until then, it cannot be used.

    Parameters
    ----------
    requires_grad : bool
    device, dtype
        Of the parameter.

    Raises
    ------
    ArgumentError
        If the shape or the values are used before `materialize`.

    Examples
    --------
    >>> import minicnn
    >>> weight = minicnn.nn.UninitializedParameter()
    >>> weight.materialize((2, 3))
    >>> weight.shape, type(weight).__name__
    ((2, 3), 'Parameter')
    """

    __slots__ = ()

    def __init__(self, requires_grad: bool = True, device: str | Device | None = None, dtype: Any = None) -> None:
        Parameter.__init__(self, empty(0, device=device, dtype=dtype), requires_grad)


class UninitializedBuffer(_Uninitialized, Buffer):
    """A buffer of a lazy layer, whose shape the first input decides; see `UninitializedParameter`."""

    __slots__ = ()

    def __init__(
        self,
        requires_grad: bool = False,
        device: str | Device | None = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        Buffer.__init__(self, empty(0, device=device, dtype=dtype), persistent=persistent)
        self.requires_grad = requires_grad


def is_lazy(param: Any) -> TypeGuard[_Uninitialized]:
    """Return whether a parameter or buffer has no shape yet."""
    return isinstance(param, _Uninitialized)
