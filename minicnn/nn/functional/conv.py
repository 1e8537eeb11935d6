"""Convolution and transposed convolution of signals, images and volumes.

The functions check the arguments, build a `ConvSpec` and call the primitives of `ops/conv.py` and `ops/conv_block.py`.
"""

from collections.abc import Callable, Sequence
from functools import partial

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.geometry import PadArgument, conv_spec, conv_transpose_spec, pool_spec
from minicnn.ops.bias import bias_add
from minicnn.ops.complex_numbers import complex
from minicnn.ops.conv import conv, conv_input_grad
from minicnn.ops.conv_block import conv_block
from minicnn.ops.shape import squeeze, unsqueeze

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]

Ints = int | Sequence[int]
Window = tuple[Ints, Ints, Ints, Ints, bool]  # kernel_size, stride, padding, dilation, ceil_mode


def _check_dtypes(call: str, x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    dtypes = [t.dtype for t in (x, weight, bias) if t is not None]
    if len(set(dtypes)) > 1 or dtypes[0].kind not in "fc":
        raise DTypeError(
            f"{call}: input, weight and bias must have the same floating-point or complex type, "
            f"got {', '.join(map(str, dtypes))}; convert with .to() (images: .float() / 255)"
        )


def _check_bias(call: str, bias: Tensor, filters: int) -> None:
    if bias.shape != (filters,):
        raise ShapeError(f"{call}: bias must be ({filters},), a number for each filter, got {bias.shape}")


def _complex(
    call: str, convolve: Callable[[Tensor, Tensor], Tensor], x: Tensor, weight: Tensor, bias: Tensor | None, more: bool
) -> Tensor:
    """Convolve complex numbers by three convolutions of real ones (Gauss's trick), not four.

    (a + ib)(c + id) = ac - bd + i((a + b)(c + d) - ac - bd)
    """
    a, b, c, d = x.real, x.imag, weight.real, weight.imag
    if more:
        raise DTypeError(f"{call}: the ReLU or pooling that follows compares numbers; complex numbers have no order")
    ac, bd = convolve(a, c), convolve(b, d)
    y = complex(ac - bd, convolve(a + b, c + d) - ac - bd)
    return y if bias is None else bias_add(y, bias)


def _convolve(
    n: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints,
    padding: PadArgument,
    dilation: Ints,
    groups: int,
    relu: bool = False,
    pool: Window | None = None,
) -> Tensor:
    """Convolve n spatial axes. `relu` adds a ReLU; `pool` adds maximum pooling with these arguments of `pool_spec`."""
    call = f"conv{n}d"
    if x.ndim == n + 1:
        arguments = (weight, bias, stride, padding, dilation, groups, relu, pool)
        return squeeze(_convolve(n, unsqueeze(x, 0), *arguments), 0)
    _check_dtypes(call, x, weight, bias)
    if weight.ndim != n + 2:
        raise ShapeError(f"{call}: weight must have {n + 2} axes (F, C/groups, {n} kernel axes), got {weight.shape}")
    spec = conv_spec(call, x.shape, weight.shape, stride, padding, dilation, groups)
    if bias is not None:
        _check_bias(call, bias, weight.shape[0])
    if x.dtype.kind == "c":
        return _complex(call, partial(conv, spec=spec), x, weight, bias, relu or pool is not None)
    if bias is None:
        return conv(x, weight, spec=spec)
    shape = (x.shape[0], weight.shape[0], *spec.output_size)
    window = None if pool is None else pool_spec(f"max_pool{n}d", shape, *pool, axes=n)
    return conv_block(x, weight, bias, spec=spec, relu=relu, pool=window)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: PadArgument = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve signals (N, C, L) with filters (F, C/groups, KL); see `conv2d` for the arguments and errors."""
    return _convolve(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: PadArgument = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve images with filters. As everywhere in deep learning, this is a cross-correlation.

    y[n, f, i, j] = bias[f] + Σ_{c, k, l} weight[f, c, k, l] x[n, c, i stride + k dilation - padding, ...]

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W), float
    weight : Tensor, (F, C/groups, KH, KW), of the same dtype
    bias : Tensor, (F,), of the same dtype, optional
    stride, dilation : int or pair of int
    padding : int, pair of int, pair of (before, after), 'same' or 'valid'
        Zeros around the image.
    groups : int
        Number of groups. Each group of filters reads only its own group of input channels.

    Returns
    -------
    Tensor, (N, F, OH, OW) with OH = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1

    Raises
    ------
    ShapeError
        If sizes do not fit each other or are out of range.
    DTypeError
        If the tensors do not have the same floating-point dtype.

    Notes
    -----
    Costs N F C/groups KH KW OH OW multiplications and as many additions.

    Examples
    --------
    >>> import minicnn
    >>> conv2d(minicnn.ones(1, 3, 8, 8), minicnn.ones(4, 3, 3, 3), stride=2, padding=1).shape
    (1, 4, 4, 4)
    """
    return _convolve(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: PadArgument = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve volumes (N, C, D, H, W) with filters (F, C/groups, KD, KH, KW).

    See `conv2d` for the arguments and errors.
    """
    return _convolve(3, input, weight, bias, stride, padding, dilation, groups)


def _convolve_transposed(
    n: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints,
    padding: Ints,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
    relu: bool = False,
) -> Tensor:
    """Convolve n spatial axes, transposed. `relu` adds a ReLU."""
    call = f"conv_transpose{n}d"
    if x.ndim == n + 1:
        arguments = (weight, bias, stride, padding, output_padding, groups, dilation, relu)
        return squeeze(_convolve_transposed(n, unsqueeze(x, 0), *arguments), 0)
    _check_dtypes(call, x, weight, bias)
    if weight.ndim != n + 2:
        raise ShapeError(f"{call}: weight must have {n + 2} axes (C, F/groups, {n} kernel axes), got {weight.shape}")
    spec = conv_transpose_spec(call, x.shape, weight.shape, stride, padding, output_padding, dilation, groups)
    if bias is not None:
        _check_bias(call, bias, weight.shape[1] * groups)
    if x.dtype.kind == "c":
        return _complex(call, partial(conv_input_grad, spec=spec), x, weight, bias, relu)
    if bias is None:
        return conv_input_grad(x, weight, spec=spec)
    return conv_block(x, weight, bias, spec=spec, transposed=True, relu=relu)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """Transposed convolution of signals (N, C, L); see `conv_transpose2d` for the arguments and errors."""
    return _convolve_transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """Transposed convolution: the gradient of `conv2d` with respect to its input. Networks use it to enlarge images.

    y[n, f, i stride + k dilation - padding, ...] = bias[f] + Σ weight[c, f, k, l] x[n, c, i, j], where the sum is over
    all c, k, l, i and j that lead to this element of y.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W), float
    weight : Tensor, (C, F/groups, KH, KW), of the same dtype
    bias : Tensor, (F,), of the same dtype, optional
    stride, padding, dilation : int or pair of int
        The arguments of the `conv2d` whose gradient this function computes.
    output_padding : int or pair of int
        Rows added at the bottom and columns added at the right. With stride > 1, `conv2d` maps several input sizes to
        the same output size; this argument chooses among them.
    groups : int

    Returns
    -------
    Tensor, (N, F, OH, OW) with OH = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1

    Raises
    ------
    ShapeError
        If sizes do not fit each other or are out of range.
    DTypeError
        If the tensors do not have the same floating-point dtype.

    References
    ----------
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, chapter 4.

    Examples
    --------
    >>> import minicnn
    >>> conv_transpose2d(minicnn.ones(1, 4, 8, 8), minicnn.ones(4, 3, 2, 2), stride=2).shape
    (1, 3, 16, 16)
    """
    return _convolve_transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """Transposed convolution of volumes (N, C, D, H, W); see `conv_transpose2d` for the arguments and errors."""
    return _convolve_transposed(3, input, weight, bias, stride, padding, output_padding, groups, dilation)
