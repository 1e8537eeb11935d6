"""What `load_state_dict` returns, and how it puts tensors into the places of a module's own ones."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.nn.parameter import Parameter

__all__ = ["LoadResult", "load_values"]


class LoadResult(NamedTuple):
    """The keys that `load_state_dict(strict=False)` ignored."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not (self.missing_keys or self.unexpected_keys):
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def load_values(module: Any, own: Mapping[str, Tensor], values: Mapping[str, Tensor], assign: bool) -> None:
    """Copy values into a module's own tensors, or assign them: where a Parameter was, they are trained as it was."""
    for key, value in values.items():
        if not assign:
            with no_grad():
                own[key].copy_(value.to(own[key].device))
            continue
        if isinstance(own[key], Parameter):
            value = value if isinstance(value, Parameter) else Parameter(value.detach())
            value.requires_grad_(own[key].requires_grad)
        path, _, name = key.rpartition(".")
        vars(module.get_submodule(path))[name] = value
