"""Products with Jacobians and Hessians, and these matrices, under PyTorch's address `autograd.functional`.

For y = f(x): the Jacobian is J = ∂y/∂x, the Hessian of a scalar y is H = ∂²y/∂x². A backward pass computes vᵀJ. The
product J v needs two: vᵀJ is linear in v, and the gradient of uᵀJ v for u is J v.
"""

from collections.abc import Callable, Sequence
from typing import Any

from minicnn.autograd.engine import grad
from minicnn.autograd.tape import enable_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, AutogradError, DTypeError, ShapeError
from minicnn.ops.create import ones_like, zeros_like
from minicnn.ops.indexing import stack
from minicnn.ops.shape import reshape

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = Tensor | tuple[Tensor, ...]
Function = Callable[..., Any]


def _tuple(call: str, what: str, values: Any) -> tuple[Tensor, ...]:
    """Return a tensor, or a tuple or list of tensors, as a tuple."""
    found = (values,) if isinstance(values, Tensor) else values
    if not isinstance(found, tuple | list) or not all(isinstance(v, Tensor) for v in found):
        raise DTypeError(f"{call}: the {what} must be a tensor or a tuple of tensors, got a {type(values).__name__}")
    return tuple(found)


def _called(call: str, func: Function, inputs: Any, create_graph: bool) -> tuple[tuple[Tensor, ...], Any]:
    """Return new inputs that require a gradient, and the function's result for them."""
    given = _tuple(call, "inputs", inputs)
    started = tuple(x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in given)
    with enable_grad():
        return started, func(*started)


def _vectors(call: str, v: Any, wanted: tuple[Tensor, ...], what: str) -> tuple[Tensor, ...]:
    """Return the vectors v, which have the shapes of `wanted`; without v, 1 for a single element."""
    if v is None:
        if len(wanted) != 1 or wanted[0].numel() != 1:
            raise ArgumentError(f"{call}: give v, because the {what} has more than one element")
        return (ones_like(wanted[0]),)
    given = _tuple(call, "v", v)
    shapes, own = [t.shape for t in given], [t.shape for t in wanted]
    if shapes != own:
        raise ShapeError(f"{call}: v must have the shapes of the {what}, {own}, got {shapes}")
    return given


def _pulled(
    call: str,
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    vectors: Sequence[Tensor] | None,
    create_graph: bool,
    strict: bool,
) -> tuple[Tensor, ...]:
    """Return vᵀJ for each input; where an output does not depend on an input, 0, or an error if strict."""
    chosen = [i for i, y in enumerate(outputs) if y.requires_grad]
    if strict and len(chosen) < len(outputs):
        raise AutogradError(f"{call}: a result of the function does not depend on the inputs; strict=False gives 0")
    found: Sequence[Tensor | None] = [None] * len(inputs)
    if chosen:
        v = None if vectors is None else [vectors[i] for i in chosen]
        options = {"retain_graph": True, "create_graph": create_graph, "allow_unused": True}
        found = grad([outputs[i] for i in chosen], inputs, v, **options)
    if strict and any(g is None for g in found):
        raise AutogradError(f"{call}: the result does not depend on one of the inputs; strict=False gives 0")
    return tuple(zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True))


def _jvp_of(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], vectors: Sequence[Tensor], create_graph: bool = False
) -> tuple[Tensor, ...]:
    """Return J v for each output, from the graph of the outputs: the gradient of uᵀJ v for u; errors as in `grad`.

    Outputs that hold integers have the derivative 0.
    """
    smooth = [y for y in outputs if y.dtype.kind in "fc"]
    start = [zeros_like(y).requires_grad_() for y in smooth]
    with enable_grad():
        pulled = _pulled("jvp", smooth, inputs, start, True, False)
    found = iter(_pulled("jvp", pulled, start, vectors, create_graph, False) if smooth else ())
    return tuple(next(found) if y.dtype.kind in "fc" else zeros_like(y) for y in outputs)


def _given(create_graph: bool, values: Any) -> Any:
    """Return results for the user, without a graph if none was wanted."""
    if isinstance(values, tuple):
        return tuple(_given(create_graph, v) for v in values)
    return values if create_graph else values.detach()


def _like(pattern: Any, values: tuple[Any, ...]) -> Any:
    """Return the only value, or a tuple where the pattern is one."""
    return values[0] if isinstance(pattern, Tensor) else values


def vjp(
    func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return the result of a function, and vᵀJ: the gradient of vᵀy.

    Parameters
    ----------
    func : callable
        Takes the inputs; returns a tensor or a tuple of tensors.
    inputs : Tensor or tuple of Tensor
    v : Tensor or tuple of Tensor, optional
        A vector for each result, with its shape. Default for a result of one element: 1.
    create_graph : bool
        Record the computation, so that the result can be differentiated.
    strict : bool
        Raise an error if a result does not depend on an input, instead of returning 0.

    Raises
    ------
    DTypeError
        If inputs, results or v are no tensors.
    ArgumentError
        If v is missing.
    ShapeError
        If v has other shapes.
    AutogradError
        When strict, if a result does not depend on an input.

    Examples
    --------
    >>> import minicnn
    >>> y, product = vjp(lambda x: x**2, minicnn.tensor([1.0, 2.0]), minicnn.ones(2))
    >>> product.tolist()
    [2.0, 4.0]
    """
    x, result = _called("vjp", func, inputs, create_graph)
    outputs = _tuple("vjp", "result of the function", result)
    found = _pulled("vjp", outputs, x, _vectors("vjp", v, outputs, "result"), create_graph, strict)
    return _given(create_graph, result), _given(create_graph, _like(inputs, found))


def jvp(
    func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return the result of a function, and J v: its derivative in the direction v.

    `v` has the shapes of the inputs. The other arguments, and the errors, are as in `vjp`.
    """
    x, result = _called("jvp", func, inputs, create_graph)
    outputs = _tuple("jvp", "result of the function", result)
    vectors = _vectors("jvp", v, x, "input")
    if strict:
        _pulled("jvp", outputs, x, [ones_like(y) for y in outputs], False, True)
    found = _jvp_of(outputs, x, vectors, create_graph)
    return _given(create_graph, result), _given(create_graph, _like(result, found))


def jacobian(
    func: Function,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian: for a result (O) and an input (I), a tensor (O, I).

    Tuples of results or inputs give tuples: `jacobian[i][j]` is that of result i and input j. There is a backward pass
    for each element of the results.

    Parameters
    ----------
    func, inputs, create_graph, strict
        As in `vjp`; errors too.
    vectorize
        No effect.
    strategy : "reverse-mode" or "forward-mode"
        No effect: both have the same result.

    Raises
    ------
    ArgumentError
        If the strategy is another one.
    DTypeError, AutogradError
        As in `vjp`.

    Examples
    --------
    >>> import minicnn
    >>> jacobian(lambda x: x**2, minicnn.tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ArgumentError(f"jacobian: strategy must be 'reverse-mode' or 'forward-mode', got {strategy!r}")
    x, result = _called("jacobian", func, inputs, create_graph)
    outputs = _tuple("jacobian", "result of the function", result)
    if any(t.dtype.kind == "c" for t in (*x, *outputs)):
        raise DTypeError("jacobian: complex numbers are not supported; use vjp, or take .real and .imag")
    found = []
    for y in outputs:
        rows = []
        for i in range(y.numel()):
            one = zeros_like(y).reshape(-1)
            one[i] = 1
            rows.append(_pulled("jacobian", [y], x, [one.reshape(y.shape)], create_graph, strict))
        shapes = [(*y.shape, *t.shape) for t in x]
        columns = zip(*rows, strict=True) if rows else ((t.new_zeros((0, *t.shape)),) for t in x)
        joined = ((stack(list(c)) if rows else c[0], s) for c, s in zip(columns, shapes, strict=True))
        found.append(_like(inputs, tuple(reshape(matrix, shape) for matrix, shape in joined)))
    return _given(create_graph, _like(result, tuple(found)))


def _scalar(call: str, func: Function) -> Function:
    def checked(*inputs: Tensor) -> Tensor:
        y = func(*inputs)
        if not isinstance(y, Tensor) or y.numel() != 1:
            raise ShapeError(f"{call}: the function must return a tensor of one element, got {getattr(y, 'shape', y)}")
        return y.reshape(())

    return checked


def hessian(
    func: Function,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the Hessian of a function with a result of one element: for an input (I), a tensor (I, I).

    A tuple of inputs gives tuples: `hessian[i][j]` holds the derivatives for inputs i and j. Arguments and errors are
    as in `jacobian`; a result of more than one element is a ShapeError.
    """
    scalar = _scalar("hessian", func)

    def gradient(*x: Tensor) -> Any:
        return jacobian(scalar, x if not isinstance(inputs, Tensor) else x[0], True, strict)

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def vhp(
    func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return the result of a function, of one element, and vᵀH: the gradient of vᵀ ∂y/∂x.

    `v` has the shapes of the inputs. The other arguments, and the errors, are as in `vjp`; a result of more than one
    element is a ShapeError.
    """
    x, y = _called("vhp", _scalar("vhp", func), inputs, create_graph)
    with enable_grad():
        first = _pulled("vhp", [y], x, None, True, strict)
    found = _pulled("vhp", first, x, _vectors("vhp", v, x, "input"), create_graph, strict)
    return _given(create_graph, y), _given(create_graph, _like(inputs, found))


def hvp(
    func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return the result of a function, and H v; the same as `vhp`, because a Hessian is symmetric."""
    return vhp(func, inputs, v, create_graph, strict)
