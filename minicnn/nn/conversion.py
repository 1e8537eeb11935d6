"""`convert`: the parameters and buffers of a module in another element type, or on another device."""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError
from minicnn.nn.parameter import Parameter, is_lazy

__all__ = ["convert"]


def convert(module: Any, dtype: Any, device: Any, kinds: str = "fc") -> None:
    """Convert or move all parameters and buffers in place. Integer buffers keep their dtype.

    Only types of these kinds change: "f" for floating point, "c" for complex.

    Raises
    ------
    DTypeError
        If the type is an integer type or bool.
    """
    if getattr(dtype, "kind", "f") in "biu":
        raise DTypeError(f"to: parameters are floating point or complex, and {dtype} is neither")

    def moved(t: Tensor) -> Tensor:
        return t.to(device=device, dtype=dtype if t.dtype.kind in kinds else None)

    for part in module.modules():
        for _, parameter in part._own(Parameter):
            parameter.data = moved(parameter.data)
            parameter.grad = None if parameter.grad is None else moved(parameter.grad.detach())
        for name, buffer in list(part._own(Tensor)):
            if is_lazy(buffer):
                buffer.data = moved(buffer.data)
            else:
                setattr(part, name, moved(buffer))
