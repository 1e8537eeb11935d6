"""Changes to the memory of a whole module: another element type, another device, shared or empty memory."""

from collections.abc import Callable
from typing import Any, Self

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float16, float32, float64
from minicnn.errors import DTypeError
from minicnn.nn.parameter import Parameter, is_lazy
from minicnn.nn.state import State
from minicnn.ops.create import empty_like
from minicnn.ops.places import conversion
from minicnn.runtime.devices import Device

__all__ = ["Converted"]


class Converted(State):
    """The base class of Module that converts and moves parameters and buffers, all by `_apply`."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the values of all parameters and buffers t by fn(t), also the gradients; return this module.

        Parameters stay the same objects. A class with tensors of another kind may add them in a method of its own.
        """
        if recurse:
            for child in {id(module): module for module in self._children().values()}.values():
                child._apply(fn)
        for _, parameter in self._own(Parameter):
            parameter.data = fn(parameter.data)
            parameter.grad = None if parameter.grad is None else fn(parameter.grad.detach())
        for name, buffer in list(self._own(Tensor)):
            if is_lazy(buffer):
                buffer.data = fn(buffer.data)
            else:
                setattr(self, name, fn(buffer))
        return self

    def _convert(self, dtype: Any, device: Any = None, kinds: str = "f") -> Self:
        """Convert or move everything; only types of these kinds change: "f" floating point, "c" complex."""
        return self._apply(lambda t: t.to(device=device, dtype=dtype if t.dtype.kind in kinds else None))

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
        if getattr(dtype, "kind", "f") in "biu":
            raise DTypeError(f"to: parameters are floating point or complex, and {dtype} is neither")
        return self._convert(dtype, device, "fc")

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers to an element type, also integers."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Convert to float32."""
        return self._convert(float32)

    def double(self) -> Self:
        """Convert to float64."""
        return self._convert(float64)

    def half(self) -> Self:
        """Convert to float16, to save memory. The kernels for float32 are faster."""
        return self._convert(float16)

    def cpu(self) -> Self:
        """Move to the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Self:
        """Move to the GPU; the argument has no effect, because one GPU is used."""
        return self.to("cuda")

    def to_empty(self, *, device: str | Device | None, recurse: bool = True) -> Self:
        """Move to a device without the values: parameters and buffers hold any numbers. Return this module."""
        return self._apply(lambda t: empty_like(t, device=device), recurse)

    def share_memory(self) -> Self:
        """Share parameters and buffers with processes that are forked later, see `Tensor.share_memory_`."""
        return self._apply(lambda t: t.share_memory_())

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: models run as they are, see `minicnn.compile`."""
