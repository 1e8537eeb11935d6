"""Groups of layers that run as one operation: convolution, batch norm in eval mode, ReLU, maximum pooling.

`Sequential` cuts its layers into these groups (`stages`) and runs each group (`run`). A BatchNorm in eval mode is
affine, so it is folded into the convolution's weight and bias. `ops/conv_block.py` computes the rest and says how much
memory traffic this saves. The results are the results of the single layers, up to rounding.
"""

from collections.abc import Iterable, Iterator

from minicnn.autograd.tensor import Tensor
from minicnn.errors import MiniCNNError
from minicnn.nn.activation import ReLU
from minicnn.nn.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from minicnn.nn.module import Module
from minicnn.nn.norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from minicnn.nn.pool import MaxPool1d, MaxPool2d, MaxPool3d

__all__ = ["run", "stages"]

POOLS: dict[type[Module], type[Module]] = {Conv1d: MaxPool1d, Conv2d: MaxPool2d, Conv3d: MaxPool3d}
TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
NORMS = (BatchNorm1d, BatchNorm2d, BatchNorm3d)
FUSIBLE: tuple[type[Module], ...] = (ReLU, *POOLS, *POOLS.values(), *TRANSPOSED, *NORMS)
FORWARDS = {kind: kind.forward for kind in FUSIBLE}  # to notice a method that a user has replaced
MIN_ELEMENTS_TO_FOLD = 1 << 17  # for smaller inputs, folding batch norm into the weight costs more than it saves


def stages(modules: Iterable[Module]) -> Iterator[list[Module]]:
    """Yield the modules in groups: a convolution with the BatchNorm, ReLU and pooling after it, or a single module.

    Examples
    --------
    >>> [len(stage) for stage in stages([Conv2d(3, 8, 3), ReLU(), MaxPool2d(2), ReLU()])]
    [3, 1]
    >>> [len(stage) for stage in stages([Conv2d(3, 8, 3), BatchNorm2d(8).eval(), ReLU()])]
    [3]
    """
    remaining = list(modules)
    while remaining:
        count = _stage_length(remaining)
        yield remaining[:count]
        remaining = remaining[count:]


def run(stage: list[Module], input: Tensor) -> Tensor:
    """Return the output of a group of layers, as if its modules were called one after another."""
    conv, *rest = stage
    norm = rest.pop(0) if rest and type(rest[0]) in NORMS else None
    if len(stage) > 1 and (norm is None or _profitable(conv, input)):
        window = {"pool": rest[1].window} if len(rest) > 1 else {}
        try:
            y: Tensor = conv.convolve(input, relu=bool(rest), norm=norm, **window)
            return y
        except MiniCNNError:
            pass  # below, the layer that causes the error raises it again
    for module in stage:
        input = module(input)
    return input


def _stage_length(modules: list[Module]) -> int:
    """Return the number of modules in the first group."""
    first, *rest = modules[:4]
    if not _is_fusible(first, *POOLS, *TRANSPOSED):
        return 1
    count = 1
    if rest and _can_fold(first, rest[0]):
        count += 1
        rest = rest[1:]
    elif first.bias is None:
        return 1
    if not rest or not _is_fusible(rest[0], ReLU):
        return count
    pool = POOLS.get(type(first))
    return count + (2 if pool and len(rest) > 1 and _is_fusible(rest[1], pool) and not rest[1].return_indices else 1)


def _can_fold(conv: Module, norm: Module) -> bool:
    """Return whether `norm` is a batch norm that can be folded into the weight and bias of `conv`."""
    return bool(
        _is_fusible(norm, NORMS[conv._axes - 1])
        and not norm.training
        and norm.running_mean is not None
        and norm.num_features == conv.out_channels
        and (conv.groups == 1 or type(conv) not in TRANSPOSED)
        and all(t is None or t.dtype == conv.weight.dtype for t in (norm.running_mean, norm.weight))
    )


def _profitable(conv: Module, input: Tensor) -> bool:
    """Return whether folding is faster than a batch norm over the output. Inputs without a batch are not folded."""
    return bool(input.ndim == conv._axes + 2 and input.array.size >= max(MIN_ELEMENTS_TO_FOLD, conv.weight.array.size))


def _is_fusible(module: Module, *classes: type) -> bool:
    """Return whether the module is of these classes and its call has no side effect (no hooks, no other forward)."""
    kind = type(module)
    replaced = "forward" in vars(module) or kind.forward is not FORWARDS.get(kind)
    return kind in classes and not module.has_hooks and not replaced
