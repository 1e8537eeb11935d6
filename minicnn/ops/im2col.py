"""im2col copies the windows of images into columns, and col2im adds the columns back to the images.

    im2col:  columns[n, (c, k), o] = x[n, c, o stride + k dilation - padding], 0 in the padding
    col2im:  x[n, c, i]            = Σ columns[n, (c, k), o] over all (k, o) with o stride + k dilation - padding = i

Both are linear, and each is the adjoint of the other, so each is the gradient of the other. With the columns (C K, O),
a convolution is one matrix product, w (F, C K) @ columns.
"""

from math import prod

from minicnn.autograd.primitive import primitive
from minicnn.geometry import ConvSpec
from minicnn.ops.conv import padded
from minicnn.runtime.devices import Array, xp

__all__ = ["col2im", "im2col"]


@primitive
def im2col(x: Array, *, spec: ConvSpec) -> Array:
    """Return the windows of x (N, C, *I) as columns (N, C K, O): K taps and O outputs, both in row-major order."""
    xs = padded(x, spec)
    columns = xp(x).empty((*x.shape[:2], len(spec.taps), *spec.output_size), x.dtype)  # (N, C, K, *O)
    for k, (_, window) in enumerate(spec.taps):
        columns[:, :, k] = xs[(..., *window)]
    return columns.reshape(x.shape[0], x.shape[1] * len(spec.taps), prod(spec.output_size))


@primitive
def col2im(columns: Array, *, spec: ConvSpec) -> Array:
    """Add the columns (N, C K, O) to the elements of their windows, and return x (N, C, *I) without the padding."""
    n, channels = columns.shape[0], columns.shape[1] // len(spec.taps)
    parts = columns.reshape(n, channels, len(spec.taps), *spec.output_size)
    reach = [(max(b, 0), max(a, 0)) for b, a in spec.window_padding]
    size = tuple(i + b + a for i, (b, a) in zip(spec.input_size, reach, strict=True))
    x = xp(columns).zeros((n, channels, *size), columns.dtype)  # (N, C, *padded)
    for k, (_, window) in enumerate(spec.taps):
        x[(..., *window)] += parts[:, :, k]
    inner = x[(..., *(slice(b, b + i) for i, (b, _) in zip(spec.input_size, reach, strict=True)))]
    return inner if inner.shape == x.shape else inner.copy()


im2col.takes_complex = col2im.takes_complex = True
im2col.gradient(x=lambda grad, spec: col2im(grad, spec=spec))
col2im.gradient(columns=lambda grad, spec: im2col(grad, spec=spec))
