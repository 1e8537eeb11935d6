"""`fuse`: an element-wise function becomes one pass over memory, and so do its gradients of every order.

    @fuse
    def silu(x):
        return x * sigmoid(x)

Without `fuse` these are two primitives and two passes: sigmoid(x) is written to memory and read again, and the gradient
takes six passes. `fuse` calls the function once, on tracers (backends/trace.py), and keeps its graph of steps. Kernels
run the steps on one block after another, in registers and the nearest cache. For the gradient the function is called
on tracers again, and the backward pass over this call gives another graph. There are two primitives:

    fused(*inputs, graph)        y = f(inputs), element by element
    fused_sum(*inputs, graph)    y = Σ f(inputs), for losses

The inputs have one shape. An input without axes is one number for all elements; its gradient is a sum.
"""

from collections.abc import Callable, Sequence
from contextvars import Context
from functools import lru_cache, update_wrapper
from inspect import signature
from typing import Any

from minicnn.autograd.engine import grad
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.tape import ModeSetting
from minicnn.autograd.tensor import Tensor
from minicnn.backends.trace import TRACING, Graph, Tracer, graph_of
from minicnn.dtypes import default_dtype
from minicnn.errors import ArgumentError, DeviceError
from minicnn.ops.operands import Value, common_shape, promote, promoted
from minicnn.ops.shape import expand
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.random import get_rng_state

__all__ = ["Fused", "fuse", "trace"]


class _FusedPrimitive(Primitive[Tensor]):
    """A primitive with a graph as its parameter. Messages name the function that the graph computes."""

    def label(self, params: dict[str, Any]) -> str:
        return str(params["graph"].name)


@_FusedPrimitive
def _fused(*inputs: Array, graph: Graph) -> Array:
    y, shape = graph.on_arrays(*inputs), _largest_shape(inputs)
    return y if y.shape == shape else xp(y).array(xp(y).broadcast_to(y, shape))


@_FusedPrimitive
def _fused_sum(*inputs: Array, graph: Graph) -> Array:
    return _fused.body(*inputs, graph=graph).sum()


def _largest_shape(inputs: Sequence[Array]) -> tuple[int, ...]:
    return max((tuple(x.shape) for x in inputs), key=len)


def _vjp(grad: Tensor, inputs: list[Tensor], graph: Graph, position: int) -> Tensor | None:
    """Return the gradient of an input, from the gradient of the output or of the sum."""
    derivative = _derivative(graph, position)
    if derivative is None:
        return None
    single = not inputs[position].ndim and any(x.ndim for x in inputs)
    return (_fused_sum if single else _fused)(grad, *inputs, graph=derivative)


_fused.gradient(inputs=_vjp)
_fused_sum.gradient(inputs=_vjp)


# --- graphs ---------------------------------------------------------------------------------------------------------


def trace(name: str, function: Callable[..., Any], inputs: int) -> Graph:
    """Return the graph of a function of so many tensors."""
    tracers = [Tracer(f"input {i}") for i in range(inputs)]
    drawn = get_rng_state()
    with ModeSetting(recording=True, anomaly=False):  # and, by Context(), without `use_backends` and `use_kernel`
        try:
            y = Context().run(function, *[Tensor._wrap(tracer, TRACING) for tracer in tracers])
        except DeviceError as error:
            raise ArgumentError(f"fuse: {name} uses a tensor that is not an input of it; make it one") from error
    if get_rng_state() != drawn:
        raise ArgumentError(f"fuse: {name} draws random numbers, and would use the same ones ever after; pass them")
    if not isinstance(y, Tensor) or y.dtype.kind != "f":
        raise ArgumentError(f"fuse: {name} must return one floating-point tensor, got {y!r}")
    return graph_of(name, tracers, y.array, function)


@lru_cache(maxsize=4096)
def _derivative(graph: Graph, position: int) -> Graph | None:
    """Return the graph of grad_output ∂f/∂x for an input: a function of grad_output and the inputs. None if it is 0."""
    assert graph.function is not None
    function, found = graph.function, False

    def derivative(grad_output: Tensor, *inputs: Tensor) -> Tensor:
        nonlocal found
        inputs[position].requires_grad = True
        y = function(*inputs)
        (g,) = (
            grad(y, inputs[position], grad_output, create_graph=True, allow_unused=True) if y.requires_grad else (None,)
        )
        found = g is not None
        return grad_output if g is None else g

    made = trace(f"{graph.name} gradient", derivative, graph.inputs + 1)
    return made if found else None


class Fused:
    """A fused element-wise function, made by `fuse`."""

    __name__: str
    __qualname__: str

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.__name__ = type(function).__name__  # unless it has one of its own
        update_wrapper(self, function)
        self._function = function
        parameters = signature(function).parameters.values()
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        if not names or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
            raise ArgumentError(f"fuse: {self.__name__} must name all of its inputs, and have at least one")
        if any(p.default is not p.empty for p in parameters if p.name in names):
            raise ArgumentError(f"fuse: inputs of {self.__name__} cannot have defaults; put parameters after a *")
        self._inputs = len(names)
        self._made = lru_cache(maxsize=256)(self._trace)

    def __reduce__(self) -> str:
        return self.__qualname__  # pickled and copied by name, as functions of a module are

    def _trace(self, parameters: tuple[tuple[str, Any, str], ...]) -> Graph:
        given = {name: value for name, value, _ in parameters}
        return trace(self.__name__.strip("_"), lambda *inputs: self._function(*inputs, **given), self._inputs)

    def graph(self, **params: Any) -> Graph:
        """Return the graph of the function with these parameters."""
        try:
            return self._made(tuple((name, value, str(value)) for name, value in params.items()))  # 0.0 is not -0.0
        except TypeError as error:
            raise ArgumentError(f"fuse: {self.__name__} cannot be called with {params}: {error}") from error

    def __call__(self, *inputs: Value, **params: Any) -> Tensor:
        """Return f(inputs), element by element; inputs are promoted and broadcast."""
        return _fused(*self._brought(inputs), graph=self.graph(**params))

    def sum(self, *inputs: Value, **params: Any) -> Tensor:
        """Return the sum of f over all elements, which are not written to memory."""
        return _fused_sum(*self._brought(inputs), graph=self.graph(**params))

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


def fuse(function: Callable[..., Tensor]) -> Fused:
    """Fuse an element-wise function: it passes over memory once, and so do its gradients of every order.

    Parameters
    ----------
    function : callable
        Its positional parameters are tensors, its keyword-only parameters are numbers. It is called on tracers, once
        for each choice of the numbers. Other values that it uses are fixed by this call. It must take the same steps
        for all values, and may use arithmetic, comparisons, `where`, `clamp`, `maximum`, `abs`, `exp`, `log`, `sqrt`,
        `tanh`, `sigmoid`, `erf`, other fused functions, and functions built from these.

    Returns
    -------
    Fused
        A function of the same arguments; tensors are promoted and broadcast. Its method `sum` returns the sum of all
        elements in the same pass.

    Raises
    ------
    ArgumentError
        If its parameters are of another kind, or if its first call takes a step that is not element-wise.

    Examples
    --------
    >>> import minicnn
    >>> @minicnn.fuse
    ... def gaussian(x, mean, *, width):
    ...     return minicnn.exp(-(((x - mean) / width) ** 2))
    >>> x = minicnn.tensor([0.0, 2.0], requires_grad=True)
    >>> [round(y, 4) for y in gaussian(x, 1.0, width=2.0).tolist()]
    [0.7788, 0.7788]
    >>> gaussian.sum(x, 1.0, width=2.0).backward()
    >>> [round(g, 4) for g in x.grad.tolist()]
    [0.3894, -0.3894]
    """
    return Fused(function)
