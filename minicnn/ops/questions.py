"""Questions about a tensor, and rarer names of what other functions do; `ops/methods.py` attaches them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.autograd.tape import Node
from minicnn.errors import AutogradError, ShapeError
from minicnn.ops import create, formats
from minicnn.ops.in_place import in_place

__all__ = ["Questions"]


class Questions:
    """What kind of tensor this is: all are dense arrays of numbers, on the CPU or a GPU."""

    @property
    def is_sparse(self: Any) -> Any:
        """False: no tensor is sparse, nested, quantized, without memory, or on a device of another kind."""
        return False

    is_nested = is_quantized = is_meta = is_mps = is_xla = is_sparse

    @property
    def is_cpu(self: Any) -> Any:
        """Whether the tensor is on the CPU."""
        return self.device.on_host

    @property
    def layout(self: Any) -> Any:
        """`minicnn.strided`: all tensors are dense."""
        return formats.strided

    @property
    def retains_grad(self: Any) -> Any:
        """Whether `retain_grad` was called for this result."""
        return isinstance(self._node, Node) and self._node.retained is not None

    @property
    def output_nr(self: Any) -> Any:
        """0: a recorded call has one result."""
        return 0

    def is_signed(self: Any) -> Any:
        """Return whether the element type has negative numbers."""
        return self.dtype.is_signed

    def is_same_size(self: Any, other: Any) -> Any:
        """Return whether another tensor has the same shape."""
        return self.shape == other.shape

    def is_nonzero(self: Any) -> Any:
        """Return whether the only element is not 0.

        Raises
        ------
        ShapeError
            If there is not exactly one element.
        """
        if self.numel() != 1:
            raise ShapeError(f"is_nonzero: the tensor has the shape {self.shape}, not one element; use any() or all()")
        return bool(self.item() != 0)

    def is_inference(self: Any) -> Any:
        """Return False: tensors that are made in `inference_mode` are ordinary ones."""
        return False

    def is_neg(self: Any) -> Any:
        """Return False: the negative of a tensor has memory of its own."""
        return False

    # --- other names of the same values -----------------------------------------------------------------------

    def to_dense(self: Any, dtype: Any = None, *, masked_grad: Any = None) -> Any:
        """Return the tensor: all tensors are dense."""
        return self if dtype is None else self.to(dtype)

    def split_with_sizes(self: Any, split_sizes: Any, dim: Any = 0) -> Any:
        """Cut into parts of these sizes; errors as in `split`."""
        return self.split(list(split_sizes), dim)

    def narrow_copy(self: Any, dim: Any, start: Any, length: Any) -> Any:
        """Return a copy of `narrow`; errors as in `narrow`."""
        return self.narrow(dim, start, length).clone()

    def sum_to_size(self: Any, *size: Any) -> Any:
        """Sum over the axes along which a tensor of this size would be broadcast to this one.

        Raises
        ------
        ShapeError
            If such a tensor would not be broadcast to this one.
        """
        wanted = size[0] if len(size) == 1 and not isinstance(size[0], int) else size
        extra = self.ndim - len(wanted)
        pairs = list(zip(self.shape[extra:], wanted, strict=False))
        if extra < 0 or any(b not in (a, 1) for a, b in pairs):
            raise ShapeError(f"sum_to_size: {tuple(wanted)} cannot be broadcast to {self.shape}; use another size")
        axes = [*range(extra), *(extra + i for i, (a, b) in enumerate(pairs) if a != b)]
        return (self.sum(axes) if axes else self).reshape(tuple(wanted))

    def fill_diagonal_(self: Any, fill_value: Any, wrap: Any = False) -> Any:
        """Set x[i, i, ...] to a number in place; with `wrap`, the diagonal of a tall matrix begins again and again.

        Raises
        ------
        ShapeError
            If there are fewer than two axes, or more than two of different sizes.
        """
        if self.ndim < 2 or (self.ndim > 2 and len(set(self.shape)) > 1):
            raise ShapeError(
                f"fill_diagonal_: the tensor must have two axes, or more of one size, got {self.shape}; use diagonal()"
            )
        mask = np.zeros(self.shape, bool)
        np.fill_diagonal(mask, True, wrap=bool(wrap))
        return self.masked_fill_(create.tensor(mask, device=self.device), fill_value)

    def apply_(self: Any, callable: Any) -> Any:
        """Replace each element by the result of a Python function of it, in place: slow, and only on the CPU.

        Raises
        ------
        AutogradError
            If the tensor requires a gradient, which Python functions of numbers do not have.
        """
        return self.map_(self, lambda x, _: callable(x))

    def map_(self: Any, other: Any, callable: Any) -> Any:
        """Replace each element by callable(element, element of another tensor); see `apply_`.

        Raises
        ------
        AutogradError
            If a tensor requires a gradient.
        """
        if self.requires_grad or other.requires_grad:
            raise AutogradError("apply_, map_: a tensor requires a gradient; use .detach(), or operations on tensors")
        flat = zip(self.reshape(-1).tolist(), other.expand(self.shape).reshape(-1).tolist(), strict=True)
        values = np.array([callable(a, b) for a, b in flat], self.dtype).reshape(self.shape)
        return in_place(self, lambda x: create.tensor(values, device=self.device))
