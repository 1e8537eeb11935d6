"""Cross-entropy for class indices, the negative log probability of each example's class, and its gradients.

For an example of class t, with class weights w, label smoothing ε and C classes, the target weights are

    u = (1 - ε) wₜ [c = t] + ε/C w

With p = softmax(x) along the class axis,

    nll(x) = -Σ u x                nll_grad(g) = -g u
    cross_entropy(x) = -Σ u log p  cross_entropy_grad(g, x) = g (p Σ u - u)

`nll` and `nll_grad` are linear, and each is the gradient of the other. The gradients of `cross_entropy_grad`, with the
gradient h of its output, are

    for g:  nll(h - Σ p h)         for x:  -Σ nll_grad(g) softmax_grad(h, p)

All four are primitives, so a kernel can compute each in one pass over memory, without an array of u or log p. A loss
comes with the weight wₜ of each example, for the mean. An ignored example has loss, weight and gradient 0. An example
whose label is not a class has loss and weight NaN, and gradient 0.
"""

from typing import NamedTuple

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.ops.activation import _log_softmax, _log_softmax_grad, _softmax, _softmax_grad
from minicnn.ops.elementwise import mul, neg, sub
from minicnn.ops.reduce import sum as total
from minicnn.runtime.devices import Array, xp

__all__ = ["Classes", "cross_entropy", "cross_entropy_grad", "nll", "nll_grad"]


class Classes(NamedTuple):
    """The class axis, the label smoothing ε, and the label of ignored examples."""

    axis: int
    smoothing: float
    ignored: int


@primitive(residuals=("weights",))
def nll(x: Array, labels: Array, weight: Array, *, classes: Classes) -> tuple[Array, Array]:
    """Return the loss and the weight of each example, with the shape of the labels.

    x are log probabilities; labels have the shape of x without the class axis; weight is (C,).
    """
    m, axis = xp(x), classes.axis
    one_hot, w = _one_hot(labels, weight, classes), _along_classes(weight, x.ndim - axis)
    valid, ignored = one_hot.any(axis=axis), labels == classes.ignored
    weights = m.where(valid | ignored, m.where(one_hot, w, 0).sum(axis=axis), x.dtype.type("nan"))
    loss = (classes.smoothing - 1) * weights * m.where(one_hot, x, 0).sum(axis=axis)
    if classes.smoothing:
        loss = loss - _smoothing_weight(weight, classes) * m.where(valid, (x * w).sum(axis=axis), 0)
    return loss, weights


@primitive
def nll_grad(g: Array, labels: Array, weight: Array, *, classes: Classes) -> Array:
    """Return the gradient of `nll` for x, from the gradient g of the losses."""
    m, axis = xp(g), classes.axis
    one_hot = _one_hot(labels, weight, classes)
    scaled = _with_axis(m.where(one_hot.any(axis=axis), g, 0), axis) * _along_classes(weight, one_hot.ndim - axis)
    out = m.where(one_hot, (classes.smoothing - 1) * scaled, 0)
    return out - _smoothing_weight(weight, classes) * scaled if classes.smoothing else out


@primitive(residuals=("weights",))
def cross_entropy(x: Array, labels: Array, weight: Array, *, classes: Classes) -> tuple[Array, Array]:
    """Return the loss and the weight of each example as `nll` does, but from logits x."""
    loss, weights = nll.body(_log_softmax.body(x, axis=classes.axis), labels, weight, classes=classes)
    return loss, weights


@primitive
def cross_entropy_grad(g: Array, x: Array, labels: Array, weight: Array, *, classes: Classes) -> Array:
    """Return the gradient of `cross_entropy` for the logits x, from the gradient g of the losses."""
    grad_log_p, log_p = nll_grad.body(g, labels, weight, classes=classes), _log_softmax.body(x, axis=classes.axis)
    return _log_softmax_grad.body(grad_log_p, log_p, axis=classes.axis)


def _along_classes(weight: Array, axes: int) -> Array:
    """Reshape one number for each class so that it broadcasts along the class axis, the first of the last `axes`."""
    return weight.reshape(-1, *(1,) * (axes - 1))


def _with_axis(a: Array, axis: int) -> Array:
    return a.reshape(*a.shape[:axis], 1, *a.shape[axis:])


def _smoothing_weight(weight: Array, classes: Classes) -> float:
    """Return ε/C."""
    return classes.smoothing / max(len(weight), 1)


def _one_hot(labels: Array, weight: Array, classes: Classes) -> Array:
    """Return a bool array: True at the class of each example, all False for an ignored example."""
    m, axis = xp(labels), classes.axis
    labels = m.where(labels == classes.ignored, -1, labels)
    return _with_axis(labels, axis) == _along_classes(m.arange(len(weight)), labels.ndim + 1 - axis)


def _grad_for_g(grad: Tensor, p: Tensor, labels: Tensor, weight: Tensor, classes: Classes) -> Tensor:
    dot = total(mul(grad, p), classes.axis, keepdim=True)
    return nll(sub(grad, dot), labels, weight, classes=classes)[0]


def _grad_for_x(grad: Tensor, g: Tensor, p: Tensor, labels: Tensor, weight: Tensor, classes: Classes) -> Tensor:
    counts = total(nll_grad(g, labels, weight, classes=classes), classes.axis, keepdim=True)
    return mul(_softmax_grad(grad, p, axis=classes.axis), neg(counts))


nll.gradient(x=lambda grad, labels, weight, classes: nll_grad(grad, labels, weight, classes=classes))
nll_grad.gradient(g=lambda grad, labels, weight, classes: nll(grad, labels, weight, classes=classes)[0])
cross_entropy.gradient(
    x=lambda grad, x, labels, weight, classes: cross_entropy_grad(grad, x, labels, weight, classes=classes)
)
cross_entropy_grad.gradient(
    p=lambda x, classes: _softmax(x, axis=classes.axis),
    g=_grad_for_g,
    x=_grad_for_x,
)
