"""Runs of layers that one operation computes: a convolution with bias, the ReLU after it, a maximum pooling after that.

Between the convolution and the ReLU there may be batch norm, when it evaluates: it is an affine map then, which the
convolution's weight and bias take in. `Sequential` cuts its layers into such runs. The results are those of the layers
one by one, to rounding; see `ops/fused.py` for what it saves.
"""

from collections.abc import Iterable, Iterator

from minicnn.autograd.tensor import Tensor
from minicnn.errors import MiniCNNError
from minicnn.nn.activation import ReLU
from minicnn.nn.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from minicnn.nn.location import note_layer
from minicnn.nn.module import Module
from minicnn.nn.norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from minicnn.nn.pool import MaxPool1d, MaxPool2d, MaxPool3d

__all__ = ["run", "stages"]

POOLS: dict[type[Module], type[Module]] = {Conv1d: MaxPool1d, Conv2d: MaxPool2d, Conv3d: MaxPool3d}
TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
NORMS = (BatchNorm1d, BatchNorm2d, BatchNorm3d)
LEAST = 1 << 17  # elements of an input for which folding batch norm into the weight pays


def stages(modules: Iterable[Module]) -> Iterator[list[Module]]:
    """Cut a chain of modules into runs: a convolution with what of batch norm, ReLU and pooling follows, or one module.

    Examples
    --------
    >>> [len(stage) for stage in stages([Conv2d(3, 8, 3), ReLU(), MaxPool2d(2), ReLU()])]
    [3, 1]
    >>> [len(stage) for stage in stages([Conv2d(3, 8, 3), BatchNorm2d(8).eval(), ReLU()])]
    [3]
    """
    left = list(modules)
    while left:
        count = _length(left)
        yield left[:count]
        left = left[count:]


def run(stage: list[Module], input: Tensor) -> Tensor:
    """Compute what the modules of a stage do one after another."""
    conv, *rest = stage
    norm = rest.pop(0) if rest and type(rest[0]) in NORMS else None
    if len(stage) == 1 or (norm is not None and not _profitable(conv, input)):
        for module in stage:
            input = module(input)
        return input
    window = {"pool": rest[1].window} if len(rest) > 1 else {}
    try:
        y: Tensor = conv.convolve(input, relu=bool(rest), norm=norm, **window)
    except MiniCNNError as error:
        note_layer(error, conv)
        raise
    return y


def _length(modules: list[Module]) -> int:
    """How many of the first modules one operation computes."""
    first, *rest = modules[:4]
    if not _plain(first, *POOLS, *TRANSPOSED):
        return 1
    count = 1
    if rest and _folds(first, rest[0]):
        count += 1
        rest = rest[1:]
    elif first.bias is None:
        return 1
    if not rest or not _plain(rest[0], ReLU):
        return count
    pool = POOLS.get(type(first))
    return count + (2 if pool and len(rest) > 1 and _plain(rest[1], pool) and not rest[1].return_indices else 1)


def _folds(conv: Module, norm: Module) -> bool:
    """Whether the module is a batch norm that a convolution's weight and bias can take in."""
    return bool(
        _plain(norm, NORMS[conv._axes - 1])
        and not norm.training
        and norm.running_mean is not None
        and norm.num_features == conv.out_channels
        and (conv.groups == 1 or type(conv) not in TRANSPOSED)
        and all(t is None or t.dtype == conv.weight.dtype for t in (norm.running_mean, norm.weight))
    )


def _profitable(conv: Module, input: Tensor) -> bool:
    """Whether a new weight costs less than another pass over the output; there is none for an input without a batch."""
    return bool(input.ndim == conv._axes + 2 and input.array.size >= max(LEAST, conv.weight.array.size))


def _plain(module: Module, *classes: type) -> bool:
    """Whether nobody would notice that a module of one of these classes is not called."""
    watched = module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module)
    return type(module) in classes and not watched
