"""The loss of class indices: minus the logarithm of the probability that each example's class has.

An example of class t, with class weights w and smoothing ε among C classes, counts its classes by

    u = (1 - ε) wₜ [c = t] + ε/C w

and with log p = log softmax(x) along the axis of the classes, p = softmax(x),

    nll(x) = -Σ u x                nll_grad(g) = -g u
    cross_entropy(x) = -Σ u log p  cross_entropy_grad(g, x) = g (p Σ u - u)

The first two are linear, and each other's gradients. Those of cross_entropy_grad are, with the gradient h that arrives,

    for g:  nll(h - Σ p h)         for x:  -Σ nll_grad(g) softmax_grad(h, p)

All are primitives, so that a kernel can do each in one pass over memory, without an array of u or log p. Beside a loss
goes each example's weight wₜ, for the mean. An ignored example has loss, weight and gradient 0; one whose label is no
class has a loss and weight of NaN, and a gradient of 0.
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
    """Along which axis the classes are, how much labels are smoothed, and the label to ignore."""

    axis: int
    smoothing: float
    ignored: int


@primitive(residuals=("each",))
def nll(x: Array, labels: Array, weight: Array, *, classes: Classes) -> tuple[Array, Array]:
    """Log probabilities x, labels without the axis of the classes, weight (C,) -> loss and weight of each example."""
    m, axis = xp(x), classes.axis
    here, w = _here(labels, weight, classes), _spread(weight, x.ndim - axis)
    valid, ignored = here.any(axis=axis), labels == classes.ignored
    each = m.where(valid | ignored, m.where(here, w, 0).sum(axis=axis), x.dtype.type("nan"))
    loss = (classes.smoothing - 1) * each * m.where(here, x, 0).sum(axis=axis)
    if classes.smoothing:
        loss = loss - _share(weight, classes) * m.where(valid, (x * w).sum(axis=axis), 0)
    return loss, each


@primitive
def nll_grad(g: Array, labels: Array, weight: Array, *, classes: Classes) -> Array:
    """The gradient g of each example's loss -> that of nll's input."""
    m, axis = xp(g), classes.axis
    here = _here(labels, weight, classes)
    scaled = _with_axis(m.where(here.any(axis=axis), g, 0), axis) * _spread(weight, here.ndim - axis)
    out = m.where(here, (classes.smoothing - 1) * scaled, 0)
    return out - _share(weight, classes) * scaled if classes.smoothing else out


@primitive(residuals=("each",))
def cross_entropy(x: Array, labels: Array, weight: Array, *, classes: Classes) -> tuple[Array, Array]:
    """Scores x, otherwise as nll."""
    loss, each = nll.body(_log_softmax.body(x, axis=classes.axis), labels, weight, classes=classes)
    return loss, each


@primitive
def cross_entropy_grad(g: Array, x: Array, labels: Array, weight: Array, *, classes: Classes) -> Array:
    """The gradient g of each example's loss -> that of the scores x."""
    to_log_p, log_p = nll_grad.body(g, labels, weight, classes=classes), _log_softmax.body(x, axis=classes.axis)
    return _log_softmax_grad.body(to_log_p, log_p, axis=classes.axis)


def _spread(weight: Array, axes: int) -> Array:
    """One number a class, in a shape that broadcasts along the first of the last axes."""
    return weight.reshape(-1, *(1,) * (axes - 1))


def _with_axis(a: Array, axis: int) -> Array:
    return a.reshape(*a.shape[:axis], 1, *a.shape[axis:])


def _share(weight: Array, classes: Classes) -> float:
    """What smoothing gives to each class."""
    return classes.smoothing / max(len(weight), 1)


def _here(labels: Array, weight: Array, classes: Classes) -> Array:
    """At each class of each example whether it is the example's own; at none where that is ignored."""
    m, axis = xp(labels), classes.axis
    labels = m.where(labels == classes.ignored, -1, labels)
    return _with_axis(labels, axis) == _spread(m.arange(len(weight)), labels.ndim + 1 - axis)


def _to_gradient(grad: Tensor, p: Tensor, labels: Tensor, weight: Tensor, classes: Classes) -> Tensor:
    along = total(mul(grad, p), classes.axis, keepdim=True)
    return nll(sub(grad, along), labels, weight, classes=classes)[0]


def _to_scores(grad: Tensor, g: Tensor, p: Tensor, labels: Tensor, weight: Tensor, classes: Classes) -> Tensor:
    counts = total(nll_grad(g, labels, weight, classes=classes), classes.axis, keepdim=True)
    return mul(_softmax_grad(grad, p, axis=classes.axis), neg(counts))


nll.gradient(x=lambda grad, labels, weight, classes: nll_grad(grad, labels, weight, classes=classes))
nll_grad.gradient(g=lambda grad, labels, weight, classes: nll(grad, labels, weight, classes=classes)[0])
cross_entropy.gradient(
    x=lambda grad, x, labels, weight, classes: cross_entropy_grad(grad, x, labels, weight, classes=classes)
)
cross_entropy_grad.gradient(
    p=lambda x, classes: _softmax(x, axis=classes.axis),
    g=_to_gradient,
    x=_to_scores,
)
