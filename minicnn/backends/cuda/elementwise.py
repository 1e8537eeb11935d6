"""Element-wise operations: wrappers for kernels/cuda/elementwise.cu.

Each operation has two kernels: `direct` computes one element per thread, `vec4` four elements with 128-bit loads.
"""

from math import lcm, prod

from minicnn.backends.cuda.launch import Source, contiguous, empty, floats
from minicnn.geometry import ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = [
    "bias_act_direct",
    "bias_act_vec4",
    "bias_add_direct",
    "bias_add_vec4",
    "relu_direct",
    "relu_grad_direct",
    "relu_grad_vec4",
    "relu_vec4",
]

source = Source("elementwise.cu")

REQUIRES = "float32 or float64 with at least one axis, fewer than 2³¹ elements"
THREADS = 256
ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh")  # in the order of elementwise.cu


def _supports(x: Array, *others: Array) -> bool:
    return floats(x, *others) and x.ndim > 0  # NumPy returns scalars instead of 0-d arrays


@kernel("relu", "cuda", name="vec4", supports=_supports, requires=REQUIRES)
def relu_vec4(x: Array) -> Array:
    """Return max(x, 0), with four elements for each thread."""
    x = contiguous(x)
    y = empty(x, x.shape)
    source.launch("relu_vec4", ceil_div(x.size, 4 * THREADS), THREADS, x, y, x.size)
    return y


@kernel("relu", "cuda", name="direct", supports=_supports, requires=REQUIRES)
def relu_direct(x: Array) -> Array:
    """Return max(x, 0), with one element for each thread."""
    x = contiguous(x)
    y = empty(x, x.shape)
    source.launch("relu_direct", ceil_div(x.size, THREADS), THREADS, x, y, x.size)
    return y


@kernel("relu_grad", "cuda", name="vec4", supports=_supports, requires=REQUIRES)
def relu_grad_vec4(g: Array, at: Array) -> Array:
    """Return g where `at` is positive or NaN, and 0 elsewhere, with four elements for each thread."""
    g, at = contiguous(g), contiguous(at)
    x = empty(g, g.shape)
    source.launch("relu_grad_vec4", ceil_div(g.size, 4 * THREADS), THREADS, g, at, x, g.size)
    return x


@kernel("relu_grad", "cuda", name="direct", supports=_supports, requires=REQUIRES)
def relu_grad_direct(g: Array, at: Array) -> Array:
    """Return g where `at` is positive or NaN, and 0 elsewhere, with one element for each thread."""
    g, at = contiguous(g), contiguous(at)
    x = empty(g, g.shape)
    source.launch("relu_grad_direct", ceil_div(g.size, THREADS), THREADS, g, at, x, g.size)
    return x


@kernel("bias_act", "cuda", name="vec4", supports=lambda x, b, activation: _supports(x, b), requires=REQUIRES)
def bias_act_vec4(x: Array, b: Array, *, activation: str) -> Array:
    """Return act(x + b) with b along axis 1, with loads of four elements."""
    x, b = contiguous(x), contiguous(b)
    y, plane, chunk = empty(x, x.shape), prod(x.shape[2:]), 4 * THREADS
    if not x.size:
        return y
    # The bias repeats after each image. A period is a number of images that starts at a sector boundary and, for small
    # images, is large enough for a block; but it is not larger than x.
    images = lcm(b.size * plane, 8)
    period = min(images * max(1, chunk // images), x.size)
    chunks = ceil_div(period, chunk)
    repeats = max(4, ceil_div(16, plane))  # a block reads its biases once for all these periods
    grid = chunks * ceil_div(x.size, period * repeats)
    numbers = (x.size, b.size, plane, period, chunks, repeats, ACTIVATIONS.index(activation))
    source.launch("bias_act_vec4", grid, THREADS, x, b, y, *numbers)
    return y


@kernel("bias_act", "cuda", name="direct", supports=lambda x, b, activation: _supports(x, b), requires=REQUIRES)
def bias_act_direct(x: Array, b: Array, *, activation: str) -> Array:
    """Return act(x + b) with b along axis 1, with one element for each thread."""
    x, b = contiguous(x), contiguous(b)
    y, plane = empty(x, x.shape), prod(x.shape[2:])
    numbers = (x.size, b.size, plane, ACTIVATIONS.index(activation))
    source.launch("bias_act_direct", ceil_div(x.size, THREADS), THREADS, x, b, y, *numbers)
    return y


@kernel("bias_add", "cuda", name="vec4", supports=_supports, requires=REQUIRES)
def bias_add_vec4(x: Array, b: Array) -> Array:
    """Return x + b with b along axis 1, with loads of four elements."""
    return bias_act_vec4(x, b, activation="identity")


@kernel("bias_add", "cuda", name="direct", supports=_supports, requires=REQUIRES)
def bias_add_direct(x: Array, b: Array) -> Array:
    """Return x + b with b along axis 1, with one element for each thread."""
    return bias_act_direct(x, b, activation="identity")
