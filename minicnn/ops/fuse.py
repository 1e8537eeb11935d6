"""`fuse` turns an element-wise function into one pass over memory, and so its gradients of every order.

    @fuse
    def silu(x):
        return x * sigmoid(x)

Without `fuse` these are two primitives and two passes: sigmoid(x) is written to memory and read again, and the gradient
needs six passes. `fuse` calls the function once on tracers (backends/trace.py), and keeps the graph of its steps.
Kernels run all steps on one block of elements after another, in registers and the first-level cache. For the gradient,
the function is called on tracers again, and the backward pass over this call gives another graph. There are two
primitives:

    fused(*inputs, graph)        y = f(inputs), element by element
    fused_sum(*inputs, graph)    y = Σ f(inputs), for losses

All inputs have one shape. An input without axes is broadcast to all elements; its gradient is a sum.
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
from minicnn.ops.shape import _sum, expand
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.random import get_rng_state

__all__ = ["Fused", "fuse", "trace"]


class _FusedPrimitive(Primitive[Tensor]):
    """A primitive with a graph as its parameter. Error messages show the name of the graph's function."""

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
    """Return the gradient of an input, from the gradient of the output (or of the sum); None if it is 0."""
    derivative = _derivative(graph, position)
    if derivative is None:
        return None
    single = not inputs[position].ndim and any(x.ndim for x in inputs)
    return (_fused_sum if single else _fused)(grad, *inputs, graph=derivative)


_fused.gradient(inputs=_vjp)
_fused_sum.gradient(inputs=_vjp)


# --- graphs ---------------------------------------------------------------------------------------------------------


def trace(name: str, function: Callable[..., Any], inputs: int) -> Graph:
    """Return the graph of a function with this number of input tensors.

    Raises
    ------
    ArgumentError
        If the function uses another tensor, draws random numbers, takes a step that is not element-wise, or does not
        return one floating-point tensor.
    """
    tracers = [Tracer(f"input {i}") for i in range(inputs)]
    rng_state = get_rng_state()
    with ModeSetting(
        recording=True, anomaly=False, watcher=None
    ):  # an empty Context() hides `use_backends` and `use_kernel`
        try:
            y = Context().run(function, *[Tensor._wrap(tracer, TRACING) for tracer in tracers])
        except DeviceError as error:
            raise ArgumentError(f"fuse: {name} uses a tensor that is not an input; make it an input") from error
    if get_rng_state() != rng_state:
        raise ArgumentError(f"fuse: {name} draws random numbers, but every later call would reuse them; pass them in")
    if not isinstance(y, Tensor) or y.dtype.kind != "f":
        raise ArgumentError(f"fuse: {name} must return one floating-point tensor, got {y!r}")
    return graph_of(name, tracers, y.array, function)


@lru_cache(maxsize=4096)
def _derivative(graph: Graph, position: int) -> Graph | None:
    """Return the graph of grad_output · ∂f/∂x for the input x at this position, or None if the derivative is 0.

    The inputs of the graph are grad_output and the inputs of f.
    """
    assert graph.function is not None
    function, nonzero = graph.function, False

    def derivative(grad_output: Tensor, *inputs: Tensor) -> Tensor:
        nonlocal nonzero
        inputs[position].requires_grad = True
        y = function(*inputs)
        (g,) = (
            grad(y, inputs[position], grad_output, create_graph=True, allow_unused=True) if y.requires_grad else (None,)
        )
        nonzero = g is not None
        return grad_output if g is None else g

    traced = trace(f"{graph.name} gradient", derivative, graph.inputs + 1)
    return traced if nonzero else None


class Fused:
    """A fused element-wise function; `fuse` returns it."""

    __name__: str
    __qualname__: str

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.__name__ = type(function).__name__  # for a callable object; update_wrapper sets a function's name
        update_wrapper(self, function)
        self._function = function
        parameters = signature(function).parameters.values()
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        if not names or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
            raise ArgumentError(f"fuse: {self.__name__} needs at least one input, and no *args or **kwargs")
        if any(p.default is not p.empty for p in parameters if p.name in names):
            raise ArgumentError(f"fuse: inputs of {self.__name__} cannot have defaults; put parameters after a *")
        self._inputs = len(names)
        self._graphs = lru_cache(maxsize=256)(self._trace)

    def __reduce__(self) -> str:
        return self.__qualname__  # pickle and copy find it by name, like a function of a module

    def _trace(self, params: tuple[tuple[str, Any, str], ...]) -> Graph:
        values = {name: value for name, value, _ in params}
        return trace(self.__name__.strip("_"), lambda *inputs: self._function(*inputs, **values), self._inputs)

    def graph(self, **params: Any) -> Graph:
        """Return the graph of the function with these parameters.

        Raises
        ------
        ArgumentError
            If the function does not take these parameters.
        """
        try:  # str(value) is a part of the key, because 0.0 and -0.0 are equal
            return self._graphs(tuple((name, value, str(value)) for name, value in params.items()))
        except TypeError as error:
            raise ArgumentError(f"fuse: {self.__name__} cannot be called with {params}: {error}") from error

    def __call__(self, *inputs: Value, **params: Any) -> Tensor:
        """Return f(inputs), element by element; the inputs are promoted and broadcast.

        Raises
        ------
        ArgumentError
            If the number of inputs is wrong, or the function does not take these parameters.
        """
        tensors = self._prepare(inputs)
        if tensors[0].array.dtype.kind == "c":  # kernels are for real numbers
            return self._function(*tensors, **params)
        return _fused(*tensors, graph=self.graph(**params))

    def sum(self, *inputs: Value, **params: Any) -> Tensor:
        """Return the sum of f over all elements, in one pass that does not write the elements to memory.

        Raises
        ------
        ArgumentError
            If the number of inputs is wrong, or the function does not take these parameters.
        """
        tensors = self._prepare(inputs)
        if tensors[0].array.dtype.kind == "c":
            y = self._function(*tensors, **params)
            return _sum(y, axes=tuple(range(y.ndim)), keepdim=False)
        return _fused_sum(*tensors, graph=self.graph(**params))

    def _prepare(self, inputs: tuple[Value, ...]) -> Sequence[Tensor]:
        """Return the inputs as tensors of one floating-point or complex type, all of one shape or without axes."""
        name = self.__name__.strip("_")
        if len(inputs) != self._inputs:
            raise ArgumentError(f"{name}: takes {self._inputs} tensors, got {len(inputs)}; pass parameters by keyword")
        first = inputs[0]
        if (
            all(isinstance(x, Tensor) for x in inputs)
            and first.array.dtype.kind == "f"
            and all(x.array.dtype == first.array.dtype and x.array.shape == first.array.shape for x in inputs[1:])
        ):
            return inputs
        dtype = promote(*inputs)
        tensors = promoted(*inputs, dtype=dtype if dtype.kind in "fc" else default_dtype)
        shape = common_shape(name, tensors)
        return [t if t.shape in ((), shape) else expand(t, shape=shape) for t in tensors]


def fuse(function: Callable[..., Tensor]) -> Fused:
    """Fuse an element-wise function: the function and its gradients of every order need one pass over memory each.

    Parameters
    ----------
    function : callable
        Its positional parameters are tensors, its keyword-only parameters are numbers. It is called on tracers, once
        for each combination of the numbers. Other values that it uses are constants from this call on. It must take
        the same steps for all values, and may use arithmetic, comparisons, `where`, `clamp`, `maximum`, `abs`, `exp`,
        `log`, `sqrt`, `tanh`, `sigmoid`, `erf`, other fused functions, and functions built from these.

    Returns
    -------
    Fused
        A function with the same arguments; tensors are promoted and broadcast. Its method `sum` returns the sum of
        all elements in the same pass.

    Raises
    ------
    ArgumentError
        If the function has no positional parameter, *args, **kwargs, or a tensor parameter with a default value.

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
