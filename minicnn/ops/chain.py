"""Chains: element-wise functions that pass over memory once, forwards and in gradients of every order.

    @chain
    def silu(x):
        return x * sigmoid(x)

As two primitives that is two passes: sigmoid(x) is written and read again, and its gradient is six passes. A chain's
function is called once, on symbols: what its primitives do becomes a program (program.py), which kernels run block by
block, in registers and the nearest cache. Its gradient is another program, for which the function is called on symbols
again and the tape walked back, with the primitives' own rules. There are two primitives in all:

    chain(*inputs, program)        y = f(inputs), element by element
    chain_sum(*inputs, program)    y = Σ f(inputs), as losses need it

Inputs have one shape, or no axes: then they are one number for all elements, and their gradient is a sum.
"""

from collections.abc import Callable, Sequence
from contextvars import Context
from functools import lru_cache, update_wrapper
from inspect import signature
from typing import Any

from minicnn.autograd import grad
from minicnn.backends.symbolic import SYMBOLS
from minicnn.devices import Array, xp
from minicnn.dtypes import default_dtype
from minicnn.errors import ArgumentError, DeviceError
from minicnn.ops.operands import Value, common_shape, promote, promoted
from minicnn.ops.shape import expand
from minicnn.primitive import Primitive
from minicnn.program import Program, Symbol, program_of
from minicnn.random import get_rng_state
from minicnn.tape import ModeSetting
from minicnn.tensor import Tensor

__all__ = ["Chain", "chain", "trace"]


class _Program(Primitive):
    """A primitive that is told by its program what to do."""

    def label(self, params: dict[str, Any]) -> str:
        return str(params["program"].name)


@_Program
def _chain(*inputs: Array, program: Program) -> Array:
    y, shape = program.on_arrays(*inputs), _largest_shape(inputs)
    return y if y.shape == shape else xp(y).array(xp(y).broadcast_to(y, shape))


@_Program
def _chain_sum(*inputs: Array, program: Program) -> Array:
    return _chain.body(*inputs, program=program).sum()


def _largest_shape(inputs: Sequence[Array]) -> tuple[int, ...]:
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


def trace(name: str, function: Callable[..., Any], inputs: int) -> Program:
    """Return what a function of so many tensors does to single elements."""
    symbols = [Symbol(f"input {i}") for i in range(inputs)]
    drawn = get_rng_state()
    with ModeSetting(recording=True, anomaly=False):  # and nothing of `use_backends` and `use_kernel`
        try:
            y = Context().run(function, *[Tensor._wrap(symbol, SYMBOLS) for symbol in symbols])
        except DeviceError as error:
            raise ArgumentError(f"chain: {name} uses a tensor that is not an input of it; make it one") from error
    if get_rng_state() != drawn:
        raise ArgumentError(f"chain: {name} draws random numbers, and would use the same ones ever after; pass them")
    if not isinstance(y, Tensor) or y.dtype.kind != "f":
        raise ArgumentError(f"chain: {name} must return one floating-point tensor, got {y!r}")
    return program_of(name, symbols, y.array, function)


@lru_cache(maxsize=4096)
def _derivative(program: Program, position: int) -> Program | None:
    """Return the program of h ∂f/∂x for one of the inputs: it takes h and the inputs. None if it is always 0."""
    assert program.function is not None
    function, found = program.function, False

    def derivative(h: Tensor, *inputs: Tensor) -> Tensor:
        nonlocal found
        inputs[position].requires_grad = True
        y = function(*inputs)
        (g,) = grad(y, inputs[position], h, create_graph=True, allow_unused=True) if y.requires_grad else (None,)
        found = g is not None
        return h if g is None else g

    made = trace(f"{program.name} gradient", derivative, program.inputs + 1)
    return made if found else None


class Chain:
    """What `chain` makes of a function."""

    __name__: str
    __qualname__: str

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.__name__ = type(function).__name__  # unless it has one of its own
        update_wrapper(self, function)
        self._function = function
        parameters = signature(function).parameters.values()
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        if not names or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
            raise ArgumentError(f"chain: {self.__name__} must name all of its inputs, and have at least one")
        if any(p.default is not p.empty for p in parameters if p.name in names):
            raise ArgumentError(f"chain: inputs of {self.__name__} cannot have defaults; put parameters after a *")
        self._inputs = len(names)
        self._made = lru_cache(maxsize=256)(self._trace)

    def __reduce__(self) -> str:
        return self.__qualname__  # a chain is pickled and copied as the functions of its module are

    def _trace(self, parameters: tuple[tuple[str, Any, str], ...]) -> Program:
        given = {name: value for name, value, _ in parameters}
        return trace(self.__name__.strip("_"), lambda *inputs: self._function(*inputs, **given), self._inputs)

    def program(self, **params: Any) -> Program:
        """Return what the function does with these parameters."""
        try:
            return self._made(tuple((name, value, str(value)) for name, value in params.items()))  # 0.0 is not -0.0
        except TypeError as error:
            raise ArgumentError(f"chain: {self.__name__} cannot be called with {params}: {error}") from error

    def __call__(self, *inputs: Value, **params: Any) -> Tensor:
        """Return f(inputs), element by element; inputs are promoted and broadcast."""
        return _chain(*self._brought(inputs), program=self.program(**params))  # type: ignore[no-any-return]

    def sum(self, *inputs: Value, **params: Any) -> Tensor:
        """Return the sum of f over all elements, which are not written to memory."""
        return _chain_sum(*self._brought(inputs), program=self.program(**params))  # type: ignore[no-any-return]

    def _brought(self, inputs: tuple[Value, ...]) -> Sequence[Tensor]:
        """Return the inputs as tensors of one floating-point type, of one shape or without axes."""
        name = self.__name__.strip("_")
        if len(inputs) != self._inputs:
            raise ArgumentError(f"{name}: takes {self._inputs} tensors, got {len(inputs)}; parameters have names")
        first = inputs[0]
        if (
            all(isinstance(x, Tensor) for x in inputs)
            and first.array.dtype.kind == "f"
            and all(x.array.dtype == first.array.dtype and x.array.shape == first.array.shape for x in inputs[1:])
        ):
            return inputs
        dtype = promote(*inputs)
        tensors = promoted(*inputs, dtype=dtype if dtype.kind == "f" else default_dtype)
        shape = common_shape(name, tensors)
        return [t if t.shape in ((), shape) else expand(t, shape=shape) for t in tensors]


def chain(function: Callable[..., Tensor]) -> Chain:
    """Turn an element-wise function into one that passes over memory once, and so do its gradients of every order.

    Parameters
    ----------
    function : callable
        Its positional parameters are tensors, keyword-only ones numbers. It is called for each choice of those the
        first time, with stand-ins for single elements, and not again: what else it uses stays as it is then. It must
        do the same whatever the values are, with arithmetic, comparisons, `where`, `clamp`, `maximum`, `abs`, `exp`,
        `log`, `sqrt`, `tanh`, `sigmoid`, `erf`, other chains, and what PyTorch would write with these.

    Returns
    -------
    callable
        Like the function; tensors are promoted and broadcast. Its method `sum` returns the sum of all elements, in the
        same pass.

    Raises
    ------
    ArgumentError
        If it takes something else, or, on the first call, does something else.

    Examples
    --------
    >>> import minicnn
    >>> @minicnn.chain
    ... def gaussian(x, mean, *, width):
    ...     return minicnn.exp(-(((x - mean) / width) ** 2))
    >>> x = minicnn.tensor([0.0, 2.0], requires_grad=True)
    >>> [round(y, 4) for y in gaussian(x, 1.0, width=2.0).tolist()]
    [0.7788, 0.7788]
    >>> gaussian.sum(x, 1.0, width=2.0).backward()
    >>> [round(g, 4) for g in x.grad.tolist()]
    [0.3894, -0.3894]
    """
    return Chain(function)
