"""Derivatives of functions, as functions: `grad(f)(x)` is the gradient of f at x.

They can be nested, as in `grad(grad(f))`. Arguments and results are tensors, or trees of them: nested dicts, lists and
tuples. A result has a graph for another backward pass if the function used tensors that require a gradient.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from minicnn.autograd import engine
from minicnn.autograd.functional import _jvp_of
from minicnn.autograd.tape import clock, enable_grad, is_grad_enabled
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.func.trees import leaves, mapped
from minicnn.ops.create import zeros_like
from minicnn.ops.indexing import stack
from minicnn.ops.shape import reshape

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "vjp"]

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]


class _Call:
    """A recorded call of a function with new leaves in the places of some arguments."""

    def __init__(self, call: str, function: Function, args: Sequence[Any], argnums: Argnums, has_aux: bool) -> None:
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if any(not -len(args) <= n < len(args) for n in numbers):
            raise ArgumentError(f"{call}: argnums={argnums} does not fit a call with {len(args)} arguments")
        places = {n % len(args) for n in numbers}
        self.name, self._outside, self._start = call, is_grad_enabled(), next(clock)
        with enable_grad():
            args = [mapped(self._started, a) if i in places else a for i, a in enumerate(args)]
            found = [args[n] for n in numbers]
            self.inputs: Any = found[0] if isinstance(argnums, int) else tuple(found)
            self.sources = list(leaves(self.inputs))
            out = function(*args)
        self.aux: Any = None
        if has_aux:
            if not isinstance(out, tuple) or len(out) != 2:
                raise ArgumentError(f"{call}: with has_aux=True the function must return (result, other values)")
            out, self.aux = out
        self.out: Any = out
        self.results = list(leaves(out))
        for y in self.results:
            if not isinstance(y, Tensor):
                raise DTypeError(f"{call}: the function must return tensors, got a {type(y).__name__}")
        checked = {"grad": self.results, "jacrev": [*self.results, *self.sources]}.get(call, [])
        if any(t.dtype.kind == "c" for t in checked):
            raise DTypeError(f"{call}: complex numbers are not supported here; use vjp, or take .real and .imag")
        tensors = [t for t in (*self.results, *leaves(self.aux)) if isinstance(t, Tensor)]
        self.keeps_graph = self._outside and engine.depends_on_older(tensors, self._start)

    def _started(self, x: Any) -> Tensor:
        if not isinstance(x, Tensor):
            raise DTypeError(f"{self.name}: expected tensors, got a {type(x).__name__}; convert it with minicnn.tensor")
        return x.view_as(x) if x.requires_grad else x.detach().requires_grad_()

    def value(self, tree: Any) -> Any:
        """Return results for the user: without a graph, if nothing outside of the call has a gradient."""
        return mapped(lambda t: t.detach() if isinstance(t, Tensor) and not self.keeps_graph else t, tree)

    def pulled(self, cotangents: Sequence[Tensor]) -> list[Tensor]:
        """Return the products of the cotangents with the Jacobian, a tensor for each source."""
        pairs = [(y, v) for y, v in zip(self.results, cotangents, strict=True) if y.requires_grad]
        if not pairs:
            return [zeros_like(x) for x in self.sources]
        outputs, vectors = zip(*pairs, strict=True)
        found = engine.grad(
            outputs, self.sources, vectors, retain_graph=True, create_graph=self.keeps_graph, materialize_grads=True
        )
        return list(found)

    def shaped(self, values: Sequence[Tensor]) -> Any:
        """Return values of the sources in the form of the inputs."""
        rest = iter(values)
        return mapped(lambda _: next(rest), self.inputs)


def grad_and_value(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that computes (gradient, value) of a function with a scalar result; see `grad`."""

    @wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        made = _Call("grad", lambda *a: func(*a, **kwargs), args, argnums, has_aux)
        if not isinstance(made.out, Tensor) or made.out.ndim:
            shape = made.out.shape if isinstance(made.out, Tensor) else type(made.out).__name__
            raise ShapeError(f"grad: the function must return a tensor without axes, got {shape}; take its sum or mean")
        gradient = made.shaped(made.pulled([zeros_like(made.out) + 1]))
        value = made.value(made.out)
        return gradient, (value, made.value(made.aux)) if has_aux else value

    return call


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that computes the gradient of a function with a scalar result.

    Parameters
    ----------
    func : callable
        Its result is a tensor without axes.
    argnums : int or tuple of int
        The arguments to differentiate: tensors, or dicts, lists and tuples of them. A tuple gives a tuple of gradients.
    has_aux : bool
        The function returns (result, other values), and the new one returns (gradient, other values).

    Raises
    ------
    ShapeError
        In the call: if the result has axes.
    DTypeError
        In the call: if an argument or the result is no tensor.
    ArgumentError
        In the call: if there is no argument of this number.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.tensor(2.0)
    >>> grad(lambda x: x**3)(x).item(), grad(grad(lambda x: x**3))(x).item()
    (12.0, 12.0)
    """
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return call


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """Return func(*primals), and a function of a cotangent v that computes vᵀ ∂y/∂x for each primal x, as a tuple.

    Parameters
    ----------
    func : callable
    *primals : Tensor, or trees of tensors
    has_aux : bool
        The function returns (result, other values); `vjp` then returns (result, function, other values).

    Raises
    ------
    DTypeError
        If a primal or the result is no tensor.
    ArgumentError
        If there is no primal.
    """
    if not primals:
        raise ArgumentError("vjp: give the arguments of the function too")
    made = _Call("vjp", func, primals, tuple(range(len(primals))), has_aux)

    def pull(cotangents: Any) -> Any:
        return made.shaped(made.pulled(list(leaves(cotangents))))

    out = made.value(made.out)
    return (out, pull, made.value(made.aux)) if has_aux else (out, pull)


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """Return func(*primals), and the derivative of the result in the direction of the tangents, (∂y/∂x) t.

    Parameters
    ----------
    func : callable
    primals, tangents : tuples of Tensor, or of trees of tensors
    strict : bool
        No effect: a result that does not depend on the primals has the derivative 0.
    has_aux : bool
        The function returns (result, other values); `jvp` then returns (result, derivative, other values).

    Raises
    ------
    DTypeError
        If a primal or the result is no tensor.
    AutogradError
        If a tangent does not have the shape of its primal.
    ArgumentError
        If there is no primal.
    """
    if not primals:
        raise ArgumentError("jvp: give the arguments of the function too")
    made = _Call("jvp", func, primals, tuple(range(len(primals))), has_aux)
    found = iter(_jvp_of(made.results, made.sources, list(leaves(tangents)), made.keeps_graph))
    derivative = mapped(lambda _: next(found), made.out)
    out = made.value(made.out)
    return (out, derivative, made.value(made.aux)) if has_aux else (out, derivative)


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """Return func(*primals), and a function of tangents that computes the derivative in their direction; see `jvp`."""
    return func(*primals), lambda *tangents: jvp(func, primals, tangents)[1]


def jacrev(
    func: Function,
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Function:
    """Return a function that computes the Jacobian: for a result (O) and an argument (I), a tensor (O, I).

    Trees of results hold trees of arguments. There is a backward pass for each element of the result.

    Parameters
    ----------
    func, argnums, has_aux
        As in `grad`; the result may have any shape.
    chunk_size
        No effect.

    Examples
    --------
    >>> import minicnn
    >>> jacrev(lambda x: x**2)(minicnn.tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """

    @wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        made = _Call("jacrev", lambda *a: func(*a, **kwargs), args, argnums, has_aux)
        jacobians = iter([_rows(made, i) for i in range(len(made.results))])
        jacobian = mapped(lambda _: made.shaped(next(jacobians)), made.out)
        return (jacobian, made.value(made.aux)) if has_aux else jacobian

    return call


def _rows(made: _Call, number: int) -> list[Tensor]:
    """Return the Jacobians of a result, one for each source."""
    y = made.results[number]
    zeros = [zeros_like(r) for r in made.results]
    rows = []
    for i in range(y.numel()):
        one = zeros_like(y).reshape(-1)
        one[i] = 1
        rows.append(made.pulled([*zeros[:number], one.reshape(y.shape), *zeros[number + 1 :]]))
    columns = zip(*rows, strict=True) if rows else [[] for _ in made.sources]
    return [
        reshape(stack(list(column)), (*y.shape, *x.shape)) if rows else x.new_zeros((*y.shape, *x.shape))
        for column, x in zip(columns, made.sources, strict=True)
    ]


def jacfwd(func: Function, argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error") -> Function:
    """Return a function that computes the Jacobian, as `jacrev`: PyTorch computes it by columns, with equal results."""
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """Return a function that computes the matrix of second derivatives, (O, I, I); see `jacrev`.

    Examples
    --------
    >>> import minicnn
    >>> hessian(lambda x: (x**3).sum())(minicnn.tensor([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    return jacfwd(jacrev(func, argnums), argnums)
