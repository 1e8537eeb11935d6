"""Convolution as a trilinear form: its three partial derivatives are the convolution primitives.

Let ⟨a, b⟩ be the sum of all products a b, element by element. ⟨conv(x, w), g⟩ is linear in x, in w and in g. The
gradients of each primitive are the other two, so gradients of any order need no other primitive:

    conv(x, w)                     y[n,f,o] = Σ_{c,k} w[f,c,k] x[n, c, o stride + k dilation - padding]
    conv_input_grad(g, w)          the derivative of ⟨conv(x, w), g⟩ by x; this is also the transposed convolution
    conv_weight_grad(x, g)         the derivative of ⟨conv(x, w), g⟩ by w

The reference kernels below loop over the taps (the offsets inside the window). For a tap, all outputs read one strided
slice of the padded input, so each tap needs one matrix product over the channels. The kernels support any number of
spatial axes, and any stride, padding, dilation and number of groups.
"""

from minicnn.autograd.primitive import primitive
from minicnn.geometry import ConvSpec
from minicnn.runtime.devices import Array, xp

__all__ = ["conv", "conv_input_grad", "conv_weight_grad", "padded"]


@primitive
def conv(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Return the convolution of x (N, C, *I) and w (F, C/G, *K): y (N, F, *O)."""
    xs, ws = _grouped(padded(x, spec), spec.groups, 1), _grouped(w, spec.groups, 0)
    y = xp(x).zeros((x.shape[0], spec.groups, ws.shape[1], *spec.output_size), x.dtype)  # (N, G, F/G, *O)
    for k, window in spec.taps:
        y += xp(x).einsum("ngc...,gfc->ngf...", xs[(..., *window)], ws[(..., *k)])
    return y.reshape(x.shape[0], w.shape[0], *spec.output_size)


@primitive
def conv_input_grad(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Return the gradient of `conv` for x: g (N, F, *O), w (F, C/G, *K) -> (N, C, *I)."""
    gs, ws = _grouped(g, spec.groups, 1), _grouped(w, spec.groups, 0)
    size = tuple(i + max(b, 0) + max(a, 0) for i, (b, a) in zip(spec.input_size, spec.window_padding, strict=True))
    x = xp(g).zeros((g.shape[0], spec.groups, ws.shape[2], *size), g.dtype)  # (N, G, C/G, *padded)
    for k, window in spec.taps:
        x[(..., *window)] += xp(g).einsum("ngf...,gfc->ngc...", gs, ws[(..., *k)])
    inner = tuple(slice(b, b + i) for i, (b, _) in zip(spec.input_size, spec.window_padding, strict=True))
    return x[(..., *inner)].reshape(g.shape[0], w.shape[1] * spec.groups, *spec.input_size)


@primitive
def conv_weight_grad(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Return the gradient of `conv` for w: x (N, C, *I), g (N, F, *O) -> (F, C/G, *K)."""
    xs, gs = _grouped(padded(x, spec), spec.groups, 1), _grouped(g, spec.groups, 1)
    w = xp(x).zeros((spec.groups, gs.shape[2], xs.shape[2], *spec.kernel_size), x.dtype)  # (G, F/G, C/G, *K)
    axes = (0, *range(2, 2 + len(spec.kernel_size)))  # within a group: the batch and the pixels
    for k, window in spec.taps:
        part = xs[(..., *window)]
        for group in range(spec.groups):
            w[(group, ..., *k)] = xp(x).tensordot(gs[:, group], part[:, group], (axes, axes))
    return w.reshape(g.shape[1], xs.shape[2], *spec.kernel_size)


def padded(x: Array, spec: ConvSpec) -> Array:
    """Return x with zero padding where windows reach beyond it."""
    widths = [(0, 0), (0, 0), *((max(b, 0), max(a, 0)) for b, a in spec.window_padding)]
    return xp(x).pad(x, widths) if any(b or a for b, a in widths) else x


def _grouped(x: Array, groups: int, axis: int) -> Array:
    return x.reshape(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :])


conv.gradient(
    x=lambda grad, w, spec: conv_input_grad(grad, w, spec=spec),
    w=lambda grad, x, spec: conv_weight_grad(x, grad, spec=spec),
)
conv_input_grad.gradient(
    g=lambda grad, w, spec: conv(grad, w, spec=spec),
    w=lambda grad, g, spec: conv_weight_grad(grad, g, spec=spec),
)
conv_weight_grad.gradient(
    x=lambda grad, g, spec: conv_input_grad(g, grad, spec=spec),
    g=lambda grad, x, spec: conv(x, grad, spec=spec),
)
