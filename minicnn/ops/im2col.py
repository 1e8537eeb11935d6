"""Windows as columns, and back: im2col copies every window out, col2im adds every column to where it came from.

    im2col:  columns[n, (c, k), o] = x[n, c, o stride + k dilation - padding], 0 in the padding
    col2im:  x[n, c, i]            = Σ columns[n, (c, k), o] over all (k, o) with o stride + k dilation - padding = i

Both are linear and each is the other's adjoint, so each is the other's gradient. With the columns (C K, O), a
convolution is one matrix product, w (F, C K) @ columns; that is what im2col is named after and used for.
"""

from math import prod

from minicnn.autograd.primitive import primitive
from minicnn.geometry import ConvSpec
from minicnn.ops.conv import padded
from minicnn.runtime.devices import Array, xp

__all__ = ["col2im", "im2col"]


@primitive
def im2col(x: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I) -> columns (N, C K, O): K taps, O outputs, both in row-major order."""
    xs = padded(x, spec)
    columns = xp(x).empty((*x.shape[:2], len(spec.taps), *spec.output_size), x.dtype)  # (N, C, K, *O)
    for k, (_, window) in enumerate(spec.taps):
        columns[:, :, k] = xs[(..., *window)]
    return columns.reshape(x.shape[0], x.shape[1] * len(spec.taps), prod(spec.output_size))


@primitive
def col2im(columns: Array, *, spec: ConvSpec) -> Array:
    """columns (N, C K, O) -> x (N, C, *I): what lies in the padding is dropped."""
    n, channels = columns.shape[0], columns.shape[1] // len(spec.taps)
    parts = columns.reshape(n, channels, len(spec.taps), *spec.output_size)
    reach = [(max(b, 0), max(a, 0)) for b, a in spec.window_padding]
    size = tuple(i + b + a for i, (b, a) in zip(spec.input_size, reach, strict=True))
    x = xp(columns).zeros((n, channels, *size), columns.dtype)  # (N, C, *padded)
    for k, (_, window) in enumerate(spec.taps):
        x[(..., *window)] += parts[:, :, k]
    inner = x[(..., *(slice(b, b + i) for i, (b, _) in zip(spec.input_size, reach, strict=True)))]
    return inner if inner.shape == x.shape else inner.copy()


im2col.gradient(x=lambda grad, spec: col2im(grad, spec=spec))
col2im.gradient(columns=lambda grad, spec: im2col(grad, spec=spec))
