"""The list of all benchmark cases: operations by PyTorch's name, and networks.

Cases are data, and this module imports no engine. So every engine uses the same list, in its own Python environment.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from math import prod
from typing import Any

__all__ = ["Case", "Net", "Op", "cases", "find"]

Shape = tuple[int, ...]
THREADS = 2
LOSSES = ("mse_loss", "huber_loss", "binary_cross_entropy_with_logits", "cross_entropy")  # the output is a scalar


@dataclass(frozen=True, kw_only=True)
class Op:
    """A call of an operation: forward, or forward and backward with a given gradient of the output."""

    group: str
    name: str
    function: str
    shapes: dict[str, Shape] = field(hash=False)  # in the order of the function's parameters
    params: dict[str, Any] = field(default_factory=dict, hash=False)
    backward: bool = False
    image: bool = False  # the first input is an image of the data set, so it needs no gradient
    quick: bool = False  # part of the quick run
    threads: int = THREADS

    @property
    def key(self) -> str:
        return _key(self, "forward + backward" if self.backward else "forward")

    @property
    def differentiated(self) -> list[str]:
        """The names of the inputs whose gradients are computed."""
        names = [name for name in self.shapes if name != "target" and not name.startswith("running")]
        return names[1:] if self.image else names

    @property
    def output(self) -> Shape:
        """The shape of the output."""
        x, *rest = self.shapes.values()
        stride, padding, dilation = (self.params.get(k, d) for k, d in (("stride", 1), ("padding", 0), ("dilation", 1)))
        if "transpose" in self.function:
            channels, kernel = rest[0][1] * self.params.get("groups", 1), rest[0][2:]
            size = [(i - 1) * stride - 2 * padding + dilation * (k - 1) + 1 for i, k in zip(x[2:], kernel, strict=True)]
        elif "conv" in self.function or "pool" in self.function:
            channels, kernel = (rest[0][0], rest[0][2:]) if rest else (x[1], (self.params["kernel_size"],) * len(x[2:]))
            steps = zip(x[2:], kernel, strict=True)
            size = [(i + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for i, k in steps]
        else:
            return () if self.function in LOSSES else x
        return (x[0], channels, *size)

    @property
    def flops(self) -> int | None:
        """Multiplications and additions in the definition of a convolution; None for other operations."""
        if "conv" not in self.function:
            return None
        x, w, *_ = self.shapes.values()
        positions = x if "transpose" in self.function else self.output
        forward = 2 * positions[0] * prod(positions[2:]) * prod(w)
        return forward * (1 + self.backward * (2 - self.image))

    @property
    def bytes(self) -> int:
        """The minimum memory traffic: each input and output once, and the same again for their gradients."""
        numbers = sum(map(prod, self.shapes.values())) + prod(self.output)
        return 4 * numbers * (1 + self.backward)


@dataclass(frozen=True, kw_only=True)
class Net:
    """A training step of a network (forward, loss, backward, optimizer), or a forward pass without gradients."""

    group: str  # "training", "inference" or "growth"
    network: str  # a name in networks.py
    batch: int
    size: int
    training: bool
    quick: bool = False
    threads: int = THREADS
    flops: None = None
    bytes: None = None

    @property
    def name(self) -> str:
        return f"{self.network}, {self.batch} of {self.size}²"

    @property
    def key(self) -> str:
        return _key(self, "step" if self.training else "inference")


Case = Op | Net


def _key(case: Case, mode: str) -> str:
    return f"{case.group}: {case.name}, {mode}" + (f", {case.threads} thread" if case.threads != THREADS else "")


# --- operations ---------------------------------------------------------------------------------------------


def _both_ways(op: Op) -> Iterator[Op]:
    yield op
    yield replace(op, backward=True)


def _square(size: Shape) -> str:
    power = {1: "", 2: "²", 3: "³"}
    return f"{size[0]}{power[len(size)]}" if len(set(size)) == 1 else "×".join(map(str, size))


def _conv(where: str, x: Shape, w: Shape, *, bias: bool = True, transposed: bool = False, **more: Any) -> Iterator[Op]:
    known = {name: more.pop(name) for name in ("image", "quick", "group", "threads") if name in more}
    filters = w[1] * more.get("groups", 1) if transposed else w[0]
    details = [f"{x[1]}→{filters}", f"{x[0]} of {_square(x[2:])}", "×".join(map(str, w[2:]))]
    details += [f"{k} {v}" for k, v in more.items() if k != "padding"]
    yield from _both_ways(
        Op(
            group=known.pop("group", "conv"),
            name=f"{where} {', '.join(details)}",
            function=f"conv_transpose{len(x) - 2}d" if transposed else f"conv{len(x) - 2}d",
            shapes={"input": x, "weight": w, **({"bias": (filters,)} if bias else {})},
            params=more,
            **known,
        )
    )


def _pool(function: str, where: str, x: Shape, quick: bool = False, **params: int) -> Iterator[Op]:
    details = f"{where} {x[1]} channels, {x[0]} of {_square(x[2:])}, window {params['kernel_size']}"
    details += f", stride {params['stride']}"
    name = f"{function.split('_')[0]} {details}"
    yield from _both_ways(
        Op(group="pool", name=name, function=function, shapes={"input": x}, params=params, quick=quick)
    )


def _batch_norm(where: str, x: Shape, training: bool = True, quick: bool = False) -> Iterator[Op]:
    per_channel = dict.fromkeys(("running_mean", "running_var", "weight", "bias"), (x[1],))
    name = f"{where} {x[1]} channels, {x[0]} of {_square(x[2:])}" + ("" if training else ", evaluating")
    op = Op(
        group="batch norm",
        name=name,
        function="batch_norm",
        shapes={"input": x, **per_channel},
        params={"training": training},
        quick=quick,
    )
    yield from _both_ways(op) if training else (op,)


def _one_element(function: str, quick: bool = False, **shapes: Shape) -> Op:
    return Op(group="one element", name=function, function=function, shapes=shapes, backward=True, quick=quick)


def _layers() -> Iterator[Op]:
    for c, f, size in [(3, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56), (256, 256, 56)]:
        yield from _conv("VGG-16", (1, c, size, size), (f, c, 3, 3), padding=1, image=c == 3, quick=size == 112)
    for c, f, size in [(256, 512, 28), (512, 512, 28), (512, 512, 14)]:
        yield from _conv("VGG-16", (1, c, size, size), (f, c, 3, 3), padding=1, quick=size == 14)
    yield from _conv(
        "ResNet-18", (8, 3, 224, 224), (64, 3, 7, 7), bias=False, stride=2, padding=3, image=True, quick=True
    )
    for c, size in [(64, 56), (128, 28), (256, 14), (512, 7)]:
        x = (8, c, size, size)
        yield from _conv("ResNet-18", x, (c, c, 3, 3), bias=False, padding=1, quick=True)
        if c < 512:
            yield from _conv("ResNet-18", x, (2 * c, c, 3, 3), bias=False, stride=2, padding=1, quick=c == 128)
            yield from _conv("ResNet-18", x, (2 * c, c, 1, 1), bias=False, stride=2)
    yield from _conv("CNNGenerator", (64, 3, 32, 32), (32, 3, 3, 3), padding=1, image=True, quick=True)
    yield from _conv("CNNGenerator", (64, 32, 16, 16), (64, 32, 3, 3), padding=1, quick=True)


def _kinds() -> Iterator[Op]:
    yield from _conv("pointwise", (4, 64, 56, 56), (256, 64, 1, 1), quick=True)
    yield from _conv("pointwise", (4, 512, 28, 28), (128, 512, 1, 1))
    yield from _conv("odd sizes", (5, 61, 37, 37), (67, 61, 3, 3), padding=1)
    yield from _conv("plain", (16, 32, 32, 32), (64, 32, 5, 5), padding=2, quick=True)
    yield from _conv("depthwise", (8, 144, 56, 56), (144, 1, 3, 3), padding=1, groups=144, quick=True)
    yield from _conv("depthwise", (8, 144, 56, 56), (144, 1, 3, 3), stride=2, padding=1, groups=144)
    yield from _conv("depthwise", (4, 96, 56, 56), (96, 1, 7, 7), padding=3, groups=96)
    yield from _conv("grouped", (4, 128, 56, 56), (128, 4, 3, 3), padding=1, groups=32, quick=True)
    yield from _conv("grouped", (8, 96, 27, 27), (256, 48, 5, 5), padding=2, groups=2)
    yield from _conv("dilated", (4, 64, 64, 64), (64, 64, 3, 3), padding=2, dilation=2, quick=True)
    yield from _conv("dilated", (2, 256, 28, 28), (256, 256, 3, 3), padding=4, dilation=4)
    yield from _conv("transposed", (16, 128, 16, 16), (128, 64, 4, 4), transposed=True, stride=2, padding=1, quick=True)
    yield from _conv("transposed", (8, 64, 32, 32), (64, 32, 2, 2), transposed=True, stride=2)
    yield from _conv("transposed", (8, 64, 28, 28), (64, 32, 3, 3), transposed=True, padding=1)
    yield from _conv("3-D", (2, 16, 16, 32, 32), (32, 16, 3, 3, 3), padding=1, quick=True)
    yield from _conv("3-D", (1, 3, 16, 112, 112), (64, 3, 3, 3, 3), padding=1, image=True)


def _pools() -> Iterator[Op]:
    for function in ("max_pool2d", "avg_pool2d"):
        yield from _pool(function, "CNNGenerator", (64, 32, 32, 32), kernel_size=2, stride=2, quick=True)
    yield from _pool("max_pool2d", "CNNGenerator", (64, 64, 16, 16), kernel_size=2, stride=2)
    yield from _pool("max_pool2d", "VGG-16", (2, 64, 224, 224), kernel_size=2, stride=2)
    yield from _pool("max_pool2d", "VGG-16", (2, 512, 28, 28), kernel_size=2, stride=2)
    yield from _pool("max_pool2d", "ResNet-18", (8, 64, 112, 112), kernel_size=3, stride=2, padding=1, quick=True)
    for function in ("max_pool2d", "avg_pool2d"):
        yield from _pool(function, "Inception", (8, 192, 28, 28), kernel_size=3, stride=1, padding=1)
    yield from _pool("avg_pool2d", "DenseNet", (8, 128, 56, 56), kernel_size=2, stride=2)
    yield from _pool("avg_pool2d", "ResNet-18", (8, 512, 7, 7), kernel_size=7, stride=7, quick=True)
    for function in ("max_pool3d", "avg_pool3d"):
        yield from _pool(function, "3-D", (2, 64, 16, 56, 56), kernel_size=2, stride=2)


def _norms() -> Iterator[Op]:
    for x in [(8, 64, 112, 112), (8, 128, 28, 28), (8, 512, 7, 7)]:
        yield from _batch_norm("ResNet-18", x, quick=x[1] == 128)
    yield from _batch_norm("VGG-16", (2, 64, 224, 224))
    yield from _batch_norm("small", (64, 32, 32, 32), quick=True)
    yield from _batch_norm("ResNet-18", (8, 64, 56, 56), training=False)


def _passes() -> Iterator[Op]:
    """Operations that need only one or two passes over memory."""

    def both(function: str, x: Shape, target: Shape | None = None, quick: bool = False, **params: Any) -> Iterator[Op]:
        name = f"{function}, {'×'.join(map(str, x))}"
        shapes = {"input": x} if target is None else {"input": x, "target": target}
        yield from _both_ways(
            Op(group="one pass", name=name, function=function, shapes=shapes, params=params, quick=quick)
        )

    for function in ("relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "sigmoid", "tanh"):
        yield from both(function, (64, 32, 32, 32), quick=function == "gelu")
    for shape in [(256, 1000), (8, 21, 64, 64)]:
        yield from both("softmax", shape, dim=1)
        yield from both("log_softmax", shape, dim=1)
        yield from both("cross_entropy", shape, (shape[0], *shape[2:]), quick=len(shape) == 2)
    for function in ("mse_loss", "huber_loss", "binary_cross_entropy_with_logits"):
        yield from both(function, (64, 3, 64, 64), (64, 3, 64, 64))


def _elements() -> Iterator[Op]:
    for function in ("mul", "add"):
        yield _one_element(function, input=(1,), other=(1,), quick=function == "mul")
    for function in ("exp", "relu", "sum"):
        yield _one_element(function, input=(1,))
    yield _one_element("matmul", input=(1, 1), other=(1, 1))
    yield _one_element("conv2d", input=(1, 1, 1, 1), weight=(1, 1, 1, 1), quick=True)


# --- networks -----------------------------------------------------------------------------------------------

NETWORKS = {
    "VGG classifier": (32, 32),
    "autoencoder": (16, 64),
    "residual denoiser": (8, 64),
    "U-Net": (4, 64),
    "CNNGenerator of functions": (64, 32),
    "diffusion U-Net": (64, 28),
}
TRAINED = {**NETWORKS, "DCGAN": (64, 32)}  # it returns its loss, so only its training step says something


def _steps() -> Iterator[Net]:
    for batch in (1, 8, 64, 256):
        yield Net(group="training", network="CNNGenerator", batch=batch, size=32, training=True, quick=batch in (8, 64))
    for network, (batch, size) in TRAINED.items():
        yield Net(group="training", network=network, batch=batch, size=size, training=True, quick=True)


def _inference() -> Iterator[Net]:
    for network, (batch, size) in {"CNNGenerator": (64, 32), **NETWORKS}.items():
        for n in (1, batch):
            quick = network == "CNNGenerator"
            yield Net(group="inference", network=network, batch=n, size=size, training=False, quick=quick)


def _growth() -> Iterator[Case]:
    """Cases that show how time grows with batch size, image size and threads."""
    for batch in (2, 4, 16, 32, 128, 512):
        yield Net(group="growth", network="CNNGenerator", batch=batch, size=32, training=True)
    for size in (32, 64, 128, 256, 512):
        yield Net(group="growth", network="residual denoiser", batch=1, size=size, training=False)
        yield from _conv("plain", (1, 32, size, size), (32, 32, 3, 3), padding=1, group="growth")
    yield Net(group="growth", network="CNNGenerator", batch=64, size=32, training=True, threads=1)
    yield Net(group="growth", network="residual denoiser", batch=8, size=64, training=True, threads=1)
    yield from _conv("ResNet-18", (8, 128, 28, 28), (128, 128, 3, 3), bias=False, padding=1, group="growth", threads=1)


@cache
def cases() -> dict[str, Case]:
    """Return every case by its key."""
    parts = (_layers(), _kinds(), _pools(), _norms(), _passes(), _elements(), _steps(), _inference(), _growth())
    found: dict[str, Case] = {}
    for part in parts:
        for case in part:
            if case.key in found:
                raise ValueError(f"two cases are called {case.key!r}")
            found[case.key] = case
    return found


def find(words: list[str], quick: bool) -> list[Case]:
    """Return the cases whose key contains at least one of the words; without words, all cases."""
    return [c for c in cases().values() if (c.quick or not quick) and (not words or any(w in c.key for w in words))]
