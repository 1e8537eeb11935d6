"""`embedding`, the rows of a table, and `bilinear`, a product of two vectors with a tensor."""

from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn.functional.similarity import _length
from minicnn.ops.comparison import where
from minicnn.ops.create import ones_like
from minicnn.ops.elementwise import add, mul
from minicnn.ops.in_place import write
from minicnn.ops.indexing import _index_add, getitem
from minicnn.ops.linalg import matmul
from minicnn.ops.shape import permute, reshape, unsqueeze

__all__ = ["bilinear", "embedding"]


class _ScaledGradient(Function):
    """The tensor itself, with its gradient multiplied by factors."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factors: Tensor) -> Tensor:
        ctx.save_for_backward(factors)
        return x.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (factors,) = ctx.saved_tensors
        return mul(grad, factors), None


def _limit_rows(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the used rows in place, so that no norm is above max_norm."""
    with no_grad():
        rows = getitem(weight, input)
        norms = _length(rows, norm_type, -1, True)
        shorter = mul(rows, max_norm / (norms + 1e-7))
        write(weight, input.array, where(norms > max_norm, shorter, rows).array)  # the same for equal numbers


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of a table: out[i, j, :] = weight[input[i, j], :].

    Parameters
    ----------
    input : Tensor, (...), integers in [0, number of rows)
    weight : Tensor, (number of rows, width)
    padding_idx : int, optional
        The number of a row that gets no gradient; a negative number counts from the end.
    max_norm : float, optional
        Rows that are used and have a larger norm are scaled to this norm, in the table itself.
    norm_type : float
        The p of this norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by the number of times that it is used.
    sparse : bool
        Must be False: gradients are dense.

    Returns
    -------
    Tensor, (..., width)

    Raises
    ------
    DTypeError
        If the input does not hold integers.
    ShapeError
        If the table has not two axes, or a number is out of range. On a GPU, the numbers are not checked.
    ArgumentError
        If `sparse` is True.

    Examples
    --------
    >>> import minicnn
    >>> embedding(minicnn.tensor([1, 0]), minicnn.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[3.0, 4.0], [1.0, 2.0]]
    """
    if sparse:
        raise ArgumentError("embedding: sparse must be False, because all gradients are dense tensors")
    if input.dtype.kind not in "iu":
        raise DTypeError(f"embedding: the input holds {input.dtype}; it must hold integers, the numbers of rows")
    if weight.ndim != 2:
        raise ShapeError(f"embedding: weight must be (number of rows, width), got {weight.shape}")
    count = len(weight)
    if input.device.on_host and input.array.size:
        lowest, highest = int(input.array.min()), int(input.array.max())
        if lowest < 0 or highest >= count:
            raise ShapeError(f"embedding: numbers must be from 0 to {count - 1}, got {lowest} to {highest}")
    if padding_idx is not None and not -count <= padding_idx < count:
        raise ShapeError(f"embedding: padding_idx must be from {-count} to {count - 1}, got {padding_idx}")
    if max_norm is not None:
        _limit_rows(weight, input, max_norm, norm_type)
    rows: Tensor = getitem(weight, input)
    if scale_grad_by_freq:
        ones = ones_like(input, dtype=weight.dtype)
        times = _index_add(ones, index=(input.array.copy(),), shape=(count,))
        rows = _ScaledGradient.apply(rows, unsqueeze(1 / getitem(times, input), -1))
    if padding_idx is None:
        return rows
    return where(unsqueeze(input == padding_idx % count, -1), rows.detach(), rows)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return y = x1ᵀ W x2 + b for each output: y[..., o] = Σᵢⱼ x1[..., i] W[o, i, j] x2[..., j] + b[o].

    Parameters
    ----------
    input1 : Tensor, (..., I)
    input2 : Tensor, (..., J)
    weight : Tensor, (O, I, J)
    bias : Tensor, (O,), optional

    Returns
    -------
    Tensor, (..., O)

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError
        If the element types differ.
    """
    given = [t for t in (input1, input2, weight, bias) if t is not None]
    if any(t.dtype != input1.dtype for t in given):
        raise DTypeError(f"bilinear: all tensors must have the same type, got {', '.join(str(t.dtype) for t in given)}")
    fits = weight.ndim == 3 and input1.ndim and input1.shape[:-1] == input2.shape[:-1]
    if not fits or (input1.shape[-1:] + input2.shape[-1:]) != weight.shape[1:]:
        raise ShapeError(
            f"bilinear: give inputs (..., I) and (..., J) and a weight (O, I, J), got {input1.shape}, {input2.shape} "
            f"and {weight.shape}"
        )
    outputs, i, j = weight.shape
    if bias is not None and bias.shape != (outputs,):
        raise ShapeError(f"bilinear: bias must be ({outputs},), got {bias.shape}")
    table = reshape(permute(weight, (1, 0, 2)), (i, outputs * j))
    products = reshape(matmul(input1, table), (*input1.shape[:-1], outputs, j))
    y = matmul(products, unsqueeze(input2, -1))
    y = reshape(y, (*input1.shape[:-1], outputs))
    return y if bias is None else add(y, bias)
