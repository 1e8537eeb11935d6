"""Weighted sums of a few pixels for each point: three primitives that are each other's gradients.

    y[n, c, p] = Σ_k w[n, k, p] x[n, c, index[n, k, p]]

Interpolation at any point of an image has this form: x holds the pixels, and w the weights of the K nearest ones. An
index of S, the number of pixels, means a pixel outside of the image, which is 0. ⟨y, g⟩ is linear in x, w and g. So,
as for a convolution, its three partial derivatives are all that is needed:

| primitive | gradient for its 1st argument | for its 2nd |
|---|---|---|
| `sample(x, w)` | `sample_input_grad(grad, w)` | `sample_weight_grad(x, grad)` |
| `sample_input_grad(g, w)` | `sample(grad, w)` | `sample_weight_grad(grad, g)` |
| `sample_weight_grad(x, g)` | `sample_input_grad(g, grad)` | `sample(x, grad)` |
"""

from collections.abc import Iterator

from minicnn.autograd.primitive import primitive
from minicnn.runtime.devices import Array, xp

__all__ = ["sample"]


def _places(n: int, c: int, size: int, index: Array) -> Iterator[Array]:
    """Yield the places of the pixels index[n, k, p] in the memory of images (N, C, size), as (N, C, P), for each k."""
    starts = (xp(index).arange(n * c) * size).reshape(n, c, 1)
    for k in range(index.shape[1]):
        yield starts + index[:, k][:, None]


def _taps(x: Array, index: Array) -> Iterator[Array]:
    """Yield x[n, c, index[n, k, p]] as (N, C, P), for each k."""
    m, (n, c, size) = xp(x), x.shape
    framed = m.concatenate([x, m.zeros((n, c, 1), x.dtype)], axis=2).reshape(-1)  # the last pixel is the outside
    for places in _places(n, c, size + 1, index):
        yield framed[places]


@primitive
def sample(x: Array, w: Array, index: Array) -> Array:
    """Return y[n, c, p] = Σ_k w[n, k, p] x[n, c, index[n, k, p]], with x (N, C, S), w and index (N, K, P)."""
    out = xp(x).zeros((*x.shape[:2], w.shape[2]), x.dtype)
    for k, pixels in enumerate(_taps(x, index)):
        pixels *= w[:, k][:, None]
        out += pixels
    return out


@primitive
def _sample_input_grad(g: Array, w: Array, index: Array, *, size: int) -> Array:
    """Return x[n, c, s] = Σ_{k, p: index[n, k, p] = s} w[n, k, p] g[n, c, p], with `size` pixels."""
    m, (n, c, _) = xp(g), g.shape
    out = m.zeros(n * c * (size + 1), g.dtype)
    for k, places in enumerate(_places(n, c, size + 1, index)):  # in one axis: NumPy adds many times faster
        m.add.at(out, places.reshape(-1), (g * w[:, k][:, None]).reshape(-1))
    return out.reshape(n, c, size + 1)[..., :size].copy()


@primitive
def _sample_weight_grad(x: Array, g: Array, index: Array) -> Array:
    """Return w[n, k, p] = Σ_c x[n, c, index[n, k, p]] g[n, c, p]."""
    out = xp(x).empty(index.shape, x.dtype)
    for k, pixels in enumerate(_taps(x, index)):
        pixels *= g
        out[:, k] = pixels.sum(1)
    return out


sample.gradient(
    x=lambda grad, w, index, x_shape: _sample_input_grad(grad, w, index, size=x_shape[2]),
    w=lambda grad, x, index: _sample_weight_grad(x, grad, index),
)
_sample_input_grad.gradient(
    g=lambda grad, w, index: sample(grad, w, index),
    w=lambda grad, g, index: _sample_weight_grad(grad, g, index),
)
_sample_weight_grad.gradient(
    x=lambda grad, g, index, x_shape: _sample_input_grad(g, grad, index, size=x_shape[2]),
    g=lambda grad, x, index: sample(x, grad, index),
)
