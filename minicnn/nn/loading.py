"""What `load_state_dict` returns, and how it puts tensors into the places of a module's own ones."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.nn.parameter import Parameter, is_lazy

__all__ = ["LoadResult", "different_shapes", "load_values"]


class LoadResult(NamedTuple):
    """The keys that `load_state_dict(strict=False)` ignored."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not (self.missing_keys or self.unexpected_keys):
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def different_shapes(own: Mapping[str, Tensor], values: Mapping[str, Tensor], prefix: str) -> dict[str, str]:
    """Return a text for each value whose shape is not that of the module's own tensor. A lazy tensor takes any."""
    shapes = {
        key: ("not known" if is_lazy(value) else value.shape, own[key].shape)
        for key, value in values.items()
        if not is_lazy(own[key])
    }
    return {
        key: f"{prefix + key!r} is {a} in the state but {b} in the model"
        for key, (a, b) in shapes.items()
        if a != b and (a, b) != ((1,), ())  # PyTorch before 0.4 had no tensors without axes
    }


def load_values(module: Any, own: Mapping[str, Tensor], values: Mapping[str, Tensor], assign: bool) -> None:
    """Copy values into a module's own tensors, or assign them: where a Parameter was, they are trained as it was."""
    for name, value in values.items():
        mine = own[name]
        if is_lazy(value):
            continue  # the module's own tensor is lazy too
        if is_lazy(mine):
            mine.materialize(value.shape)
        if not assign:
            with no_grad():
                mine.copy_(value.to(mine.device).reshape(mine.shape))
            continue
        if isinstance(mine, Parameter):
            value = value if isinstance(value, Parameter) else Parameter(value.detach())
            value.requires_grad_(mine.requires_grad)
        vars(module)[name] = value
