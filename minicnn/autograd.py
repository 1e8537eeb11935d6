"""Gradients of functions: `grad`, and the checks of every gradient against finite differences."""

from __future__ import annotations

from collections.abc import Sequence

from minicnn.errors import AutogradError
from minicnn.tape import walk
from minicnn.tensor import Tensor

__all__ = ["grad"]


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor, ...]:
    """Return the gradients of `outputs` with respect to `inputs`, leaving every `grad` alone.

    For y = outputs and v = grad_outputs this is vᵀ ∂y/∂x for each input x.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
    grad_outputs : Tensor or sequence of Tensor, optional
        One for each output, of its shape; may be left out where the output has one element.
    retain_graph : bool, optional
        Keep the saved values for another walk; `create_graph`, if left out.
    create_graph : bool
        Record the walk, so that the gradients can be differentiated.
    allow_unused : bool
        Give None for an input that no output depends on, instead of raising.

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    AutogradError
        If an input needs no gradient or was not used, or the graph was freed.

    Examples
    --------
    >>> x = Tensor(3.0, requires_grad=True)
    >>> (first,) = grad(x * x * x, x, create_graph=True)
    >>> (second,) = grad(first, x)
    >>> first.item(), second.item()
    (27.0, 18.0)
    """
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if isinstance(grad_outputs, Tensor) or grad_outputs is None:
        grad_outputs = [grad_outputs] * len(outputs)
    nodes = [t._node for t in inputs]
    for i, node in enumerate(nodes):
        if node is None:
            raise AutogradError(f"grad: input {i} of shape {inputs[i].shape} does not require a gradient")
    keep = create_graph if retain_graph is None else retain_graph
    grads = walk(outputs, list(grad_outputs), {n for n in nodes if n is not None}, keep, create_graph)
    found = [grads.get(n) for n in nodes if n is not None]
    for i, h in enumerate(found):
        if h is None and not allow_unused:
            raise AutogradError(
                f"grad: no output depends on input {i} of shape {inputs[i].shape}; pass allow_unused=True to get None"
            )
    return tuple(found)  # type: ignore[arg-type]
