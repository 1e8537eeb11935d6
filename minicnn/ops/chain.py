"""Chains: element-wise functions that pass over memory once, forwards and in gradients of every order.

    @chain
    def silu(x):
        return x * sigmoid(x)

As two primitives that is two passes: sigmoid(x) is written and read again, and its gradient is six passes. A chain's
function is called once, on symbols: what its primitives do becomes a program (program.py), which kernels run block by
block, in registers and the nearest cache. Its gradient is another program, found by walking the tape on symbols with
the primitives' own rules. There are two primitives in all:

    chain(*inputs, program)        y = f(inputs), element by element
    chain_sum(*inputs, program)    y = Σ f(inputs), as losses need it

Inputs have one shape, or no axes: then they are one number for all elements, and their gradient is a sum.
"""

from collections.abc import Callable, Sequence
from contextvars import Context
from functools import lru_cache, update_wrapper
from inspect import signature
from typing import Any

import numpy as np

from minicnn.autograd import grad
from minicnn.backends.symbolic import SYMBOLS
from minicnn.devices import Array, xp
from minicnn.dtypes import default_dtype
from minicnn.errors import ArgumentError
from minicnn.ops.operands import Value, operands, promote
from minicnn.ops.shape import expand
from minicnn.primitive import Primitive, primitives
from minicnn.program import Program, Symbol, program_of
from minicnn.tape import ModeSetting
from minicnn.tensor import Tensor

__all__ = ["Chain", "chain"]


class _Program(Primitive):
    """A primitive that is told by its program what to do."""

    def label(self, params: dict[str, Any]) -> str:
        return str(params["program"].name)


@_Program
def _chain(*inputs: Array, program: Program) -> Array:
    y, shape = program.on_arrays(*inputs), _common_shape(inputs)
    return y if y.shape == shape else xp(y).array(xp(y).broadcast_to(y, shape))


@_Program
def _chain_sum(*inputs: Array, program: Program) -> Array:
    return _chain.body(*inputs, program=program).sum()


def _common_shape(inputs: Sequence[Array]) -> tuple[int, ...]:
    return max((tuple(x.shape) for x in inputs), key=len)


def _pull(h: Tensor, inputs: list[Tensor], program: Program, position: int) -> Tensor | None:
    """The gradient of one input, from that of the output or of the sum."""
    derivative = _derivative(program, position)
    if derivative is None:
        return None
    single = not inputs[position].ndim and any(x.ndim for x in inputs)
    return (_chain_sum if single else _chain)(h, *inputs, program=derivative)  # type: ignore[no-any-return]


_chain.gradient(inputs=_pull)
_chain_sum.gradient(inputs=_pull)


# --- programs ---------------------------------------------------------------------------------------------------------


def _trace(name: str, function: Callable[..., Any], inputs: int) -> Program:
    """Return what a function does to single elements."""
    symbols = [Symbol(f"input {i}") for i in range(inputs)]
    with ModeSetting(recording=True, anomaly=False):  # and nothing of `use_backends` and `use_kernel`
        y = Context().run(function, *[Tensor._wrap(symbol, SYMBOLS) for symbol in symbols])
    if not isinstance(y, Tensor) or y.dtype.kind != "f":
        raise ArgumentError(f"chain: {name} must return one floating-point tensor, got {y!r}")
    return program_of(name, symbols, y.array)


@lru_cache(maxsize=4096)
def _derivative(program: Program, position: int) -> Program | None:
    """Return the program of h ∂f/∂x for one of the inputs: it takes h and the inputs. None if it is always 0."""
    found = False

    def derivative(h: Tensor, *inputs: Tensor) -> Tensor:
        nonlocal found
        constants = [Tensor._wrap(np.asarray(value), SYMBOLS) for value in program.constants]
        inputs[position].requires_grad = True
        y = program.run(inputs, constants, primitives().__getitem__)
        if not y.requires_grad:
            return h
        (g,) = grad(y, inputs[position], h, allow_unused=True)
        found = g is not None
        return g if found else h

    made = _trace(f"{program.name} gradient", derivative, program.inputs + 1)
    return made if found else None


class Chain:
    """What `chain` makes of a function."""

    __name__: str

    def __init__(self, function: Callable[..., Tensor]) -> None:
        update_wrapper(self, function)
        self._function = function
        parameters = signature(function).parameters.values()
        self._inputs = sum(p.kind is not p.KEYWORD_ONLY for p in parameters)
        self.program = lru_cache(maxsize=256)(self._program)

    def _program(self, **params: Any) -> Program:
        """Return what the function does with these parameters."""
        name = self._function.__name__.strip("_")
        return _trace(name, lambda *inputs: self._function(*inputs, **params), self._inputs)

    def __call__(self, *inputs: Value, **params: Any) -> Tensor:
        """Return f(inputs), element by element; inputs are promoted and broadcast."""
        program: Program = self.program(**params)
        return _chain(*self._brought(inputs), program=program)  # type: ignore[no-any-return]

    def sum(self, *inputs: Value, **params: Any) -> Tensor:
        """Return the sum of f over all elements, which are not written to memory."""
        program: Program = self.program(**params)
        return _chain_sum(*self._brought(inputs), program=program)  # type: ignore[no-any-return]

    def _brought(self, inputs: tuple[Value, ...]) -> Sequence[Tensor]:
        """Return the inputs as tensors of one floating-point type, of one shape or without axes."""
        first = inputs[0]
        if (
            all(isinstance(x, Tensor) for x in inputs)
            and first.array.dtype.kind == "f"
            and all(x.array.dtype == first.array.dtype and x.array.shape == first.array.shape for x in inputs[1:])
        ):
            return inputs
        dtype = promote(*inputs)
        tensors = operands(self.__name__, *inputs, dtype=dtype if dtype.kind == "f" else default_dtype)
        shape = np.broadcast_shapes(*(t.shape for t in tensors))
        return [t if t.shape in ((), shape) else expand(t, shape=shape) for t in tensors]


def chain(function: Callable[..., Tensor]) -> Chain:
    """Turn an element-wise function into one that passes over memory once, and so do its gradients of every order.

    Parameters
    ----------
    function : callable
        Its positional parameters are tensors, keyword-only ones numbers. It is called once for each choice of those,
        with stand-ins for single elements: it must do the same whatever the values are, with arithmetic, comparisons,
        `where`, `clamp`, `maximum`, `abs`, `exp`, `log`, `sqrt`, `tanh`, `sigmoid`, `erf` and their kin.

    Returns
    -------
    callable
        Like the function; tensors are promoted and broadcast. Its method `sum` returns the sum of all elements, in the
        same pass.

    Raises
    ------
    ArgumentError
        On the first call, if the function does something else than that.

    Examples
    --------
    >>> import minicnn
    >>> @minicnn.chain
    ... def gaussian(x, mean, *, width):
    ...     return minicnn.exp(-(((x - mean) / width) ** 2))
    >>> x = minicnn.tensor([0.0, 1.0], requires_grad=True)
    >>> gaussian(x, 1.0, width=2.0).tolist()
    [0.7788007855415344, 1.0]
    >>> gaussian.sum(x, 1.0, width=2.0).backward()
    >>> x.grad.tolist()
    [0.3894003927707672, 0.0]
    """
    return Chain(function)
