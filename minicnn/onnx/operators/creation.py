"""Tensors from nothing: constants, ranges and random numbers, from minicnn's generator."""

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType
from minicnn.onnx.registry import operator
from minicnn.onnx.values import dtype_of, integers, number
from minicnn.ops.create import eye, full
from minicnn.ops.random import bernoulli
from minicnn.ops.ranges import arange
from minicnn.ops.sampling import rand, randn

__all__: list[str] = []


@operator("ConstantOfShape")
def _constant_of_shape(shape: Tensor, *, value: Tensor | None = None) -> Tensor:
    if value is None:
        return full(integers(shape), 0.0, device=shape.device)
    return full(integers(shape), number(value), dtype=value.dtype, device=shape.device)


@operator("Range")
def _range(start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    first, end, step = start.item(), limit.item(), delta.item()
    count = max(-int((first - end) // step), 0)
    values: Tensor = arange(count, device=start.device) * step + first
    return values.to(start.dtype)


@operator("EyeLike")
def _eye_like(x: Tensor, *, dtype: int | None = None, k: int = 0) -> Tensor:
    rows, columns = x.shape
    square = eye(max(rows, columns) + abs(k), dtype=x.dtype if dtype is None else dtype_of(dtype), device=x.device)
    return square[max(k, 0) :, max(-k, 0) :][:rows, :columns]


# --- random numbers -------------------------------------------------------------------------------------------


def _type(dtype: int | None, like: Tensor) -> DType:
    return like.dtype if dtype is None else dtype_of(dtype)


@operator("RandomNormal")
def _random_normal(
    *, shape: tuple[int, ...], dtype: int = 1, mean: float = 0.0, scale: float = 1.0, seed: float | None = None
) -> Tensor:
    """The seed of the file has no effect; `minicnn.manual_seed` has."""
    return (randn(*shape) * scale + mean).to(dtype_of(dtype))


@operator("RandomNormalLike")
def _random_normal_like(
    x: Tensor, *, dtype: int | None = None, mean: float = 0.0, scale: float = 1.0, seed: float | None = None
) -> Tensor:
    return (randn(*x.shape, device=x.device) * scale + mean).to(_type(dtype, x))


@operator("RandomUniform")
def _random_uniform(
    *, shape: tuple[int, ...], dtype: int = 1, high: float = 1.0, low: float = 0.0, seed: float | None = None
) -> Tensor:
    return (rand(*shape) * (high - low) + low).to(dtype_of(dtype))


@operator("RandomUniformLike")
def _random_uniform_like(
    x: Tensor, *, dtype: int | None = None, high: float = 1.0, low: float = 0.0, seed: float | None = None
) -> Tensor:
    return (rand(*x.shape, device=x.device) * (high - low) + low).to(_type(dtype, x))


@operator("Bernoulli")
def _bernoulli(x: Tensor, *, dtype: int | None = None, seed: float | None = None) -> Tensor:
    return bernoulli(x).to(_type(dtype, x))


@operator("Multinomial")
def _multinomial(x: Tensor, *, dtype: int = 6, sample_size: int = 1, seed: float | None = None) -> Tensor:
    """The rows hold logarithms of probabilities."""
    return x.softmax(-1).multinomial(sample_size, replacement=True).to(dtype_of(dtype))
