"""Methods of Tensor by which tensors are converted and made, most of them from the time before `to` and `new_tensor`.

`ops/methods.py` attaches them.
"""

from __future__ import annotations

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import bool_, float16, float32, float64, int8, int16, int32, int64, uint8
from minicnn.errors import AutogradError, DTypeError
from minicnn.ops import create, shape, typed
from minicnn.ops.axes import sizes_by_name
from minicnn.ops.places import place_of

__all__ = ["OlderMethods"]

TYPED = [name for name, value in vars(typed).items() if isinstance(value, typed.TypedTensor)]


class OlderMethods:
    """Conversions and new tensors like this one."""

    def float(self: Any) -> Tensor:
        """Convert to float32."""
        return shape.to(self, float32)

    def double(self: Any) -> Tensor:
        """Convert to float64."""
        return shape.to(self, float64)

    def long(self: Any) -> Tensor:
        """Convert to int64."""
        return shape.to(self, int64)

    def bool(self: Any) -> Tensor:
        """Convert to bool."""
        return shape.to(self, bool_)

    def int(self: Any) -> Tensor:
        """Convert to int32."""
        return shape.to(self, int32)

    def byte(self: Any) -> Tensor:
        """Convert to uint8."""
        return shape.to(self, uint8)

    def type(self: Any, dtype: Any = None, non_blocking: Any = False) -> Any:
        """Convert to an element type, `x.type(minicnn.int64)` or `x.type("torch.LongTensor")`; or return its old name.

        Raises
        ------
        DTypeError
            If there is no such type.
        """
        prefix = "torch." if self.device.on_host else "torch.cuda."
        if dtype is None:
            found = [name for name in TYPED if getattr(typed, name).dtype == self.dtype]
            return prefix + (
                found[0] if found else {8: "ComplexFloatTensor", 16: "ComplexDoubleTensor"}[self.array.itemsize]
            )
        if isinstance(dtype, str):
            name = dtype.rpartition(".")[2]
            if name not in TYPED:
                raise DTypeError(f"type: there is no {dtype!r}; there are {', '.join(TYPED)}")
            dtype = getattr(typed, name)
        return shape.to(self, getattr(dtype, "dtype", dtype))

    def half(self: Any) -> Tensor:
        """Convert to float16, to save memory. The kernels for float32 are faster."""
        return shape.to(self, float16)

    def short(self: Any) -> Tensor:
        """Convert to int16."""
        return shape.to(self, int16)

    def char(self: Any) -> Tensor:
        """Convert to int8."""
        return shape.to(self, int8)

    # new tensors like this one
    def new_tensor(self: Any, data: Any, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Tensor:
        """Return data as a new tensor, by default with this element type and device."""
        return create.tensor(data, dtype or self.dtype, device or self.device, requires_grad)

    @sizes_by_name("size")
    def new_zeros(self: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Tensor:
        """Return zeros, by default with this element type and device."""
        kind, place = dtype or self.dtype, device or self.device
        return create.zeros(*size, dtype=kind, device=place, requires_grad=requires_grad)

    @sizes_by_name("size")
    def new_ones(self: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Tensor:
        """Return ones, by default with this element type and device."""
        kind, place = dtype or self.dtype, device or self.device
        return create.ones(*size, dtype=kind, device=place, requires_grad=requires_grad)

    @sizes_by_name("size")
    def new_empty(self: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Tensor:
        """Return an uninitialized tensor, by default with this element type and device."""
        kind, place = dtype or self.dtype, device or self.device
        return create.empty(*size, dtype=kind, device=place, requires_grad=requires_grad)

    def new_full(
        self: Any, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: Any = False
    ) -> Tensor:
        """Return a tensor filled with one value, by default with this element type and device."""
        kind, place = dtype or self.dtype, device or self.device
        return create.full(size, fill_value, dtype=kind, device=place, requires_grad=requires_grad)

    def new(self: Any, *args: Any, device: Any = None) -> Tensor:
        """Return a tensor of this type and device from sizes or numbers, as `Tensor(...)` does for float32.

        Raises
        ------
        DTypeError, ShapeError
            If the arguments are neither sizes nor numbers.
        """
        made = Tensor.__new__(Tensor)
        made._construct("new", args, self.dtype, place_of(device or self.device))
        return made

    # one tensor in the place of another
    def detach_(self: Any) -> Any:
        """Cut this tensor off its graph: it becomes a leaf without a gradient.

        Raises
        ------
        AutogradError
            If it is a view.
        """
        if self._origin is not None:
            raise AutogradError("detach_: the tensor is a view of another one; use .detach()")
        self._node, self._history = None, self._writes.count
        return self

    def resize_as_(self: Any, the_template: Any, *, memory_format: Any = None) -> Any:
        """Give this tensor the shape of another one; see `resize_`."""
        return self.resize_(the_template.shape)

    def resize_(self: Any, *size: Any, memory_format: Any = None) -> Any:
        """Give this tensor another shape. The first elements stay; new ones have any value.

        Raises
        ------
        AutogradError
            If the tensor requires a gradient.
        """
        wanted = create.empty(*size, dtype=self.dtype, device=self.device)
        if self.requires_grad:
            raise AutogradError("resize_: the tensor requires a gradient; use .detach()")
        count = min(wanted.array.size, self.array.size)
        if wanted.shape != self.shape:
            wanted.array.reshape(-1)[:count] = self.array.reshape(-1)[:count]
            self.array = wanted.array
        return self
