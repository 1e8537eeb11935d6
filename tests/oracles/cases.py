"""The calls that are compared with PyTorch, and a function that runs a call with either library.

`record_torch.py` runs every case with PyTorch and stores inputs and results in torch_layers.npz. The tests run the same
cases with minicnn. To add a case, add a line below and run the recorder.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Draw:
    """A random array of rounded numbers, so that the file of records is small."""

    shape: tuple[int, ...]
    kind: str = "normal"
    classes: int = 0

    def __call__(self, rng: np.random.Generator) -> np.ndarray:
        def coarse(x: np.ndarray) -> np.ndarray:
            return np.round(x * 16) / 16

        match self.kind:
            case "normal":
                return coarse(rng.standard_normal(self.shape))
            case "ties":
                return rng.integers(-1, 2, self.shape).astype(float)
            case "nan":
                x = coarse(rng.standard_normal(self.shape))
                x[rng.random(self.shape) < 0.1] = np.nan
                return x
            case "wide":  # difficult values for activations
                x = coarse(rng.standard_normal(self.shape) * 4)
                x.flat[:9] = [0, -0.0, 1, -1, 30, -30, 800, -800, 1e-9]
                return x
            case "positive":
                return 0.25 + rng.integers(1, 32, self.shape) / 16
            case "probability":
                return rng.integers(1, 16, self.shape) / 16
            case "certain":  # probabilities, including 0 and 1
                return rng.integers(0, 3, self.shape) / 2
            case "distribution":
                x = rng.integers(1, 16, self.shape).astype(float)
                return x / x.sum(1, keepdims=True)
            case "classes":
                return rng.integers(0, self.classes, self.shape)
            case "seen":  # a mask whose first row sees nothing
                mask = rng.random(self.shape) < 0.6
                mask[..., 0, :] = False
                return mask
            case "blocked":  # numbers for a mask, and a row of -inf
                x = coarse(rng.standard_normal(self.shape))
                x[..., 0, :], x[..., -1, 0] = -np.inf, -np.inf
                return x
            case "vector of zeros":
                x = coarse(rng.standard_normal(self.shape))
                x[0] = 0
                return x
        raise ValueError(self.kind)


@dataclass(frozen=True)
class Case:
    """A call: `nn.Name(*args, **kwargs)(*inputs, **forward)`, or `functional.name(*inputs, *args, **kwargs)`."""

    call: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[Draw, ...]
    forward: dict[str, Any] = field(default_factory=dict)
    training: bool = True
    times: int = 1

    def __str__(self) -> str:
        def text(value: Any) -> str:
            return f"{value.kind}{value.shape}".replace(" ", "") if isinstance(value, Draw) else repr(value)

        args = [*map(text, self.args), *(f"{k}={text(v)}" for k, v in self.kwargs.items())]
        inputs = [*map(text, self.inputs), *(f"{k}={v}" for k, v in self.forward.items())]
        notes = ("" if self.training else " eval") + ("" if self.times == 1 else f" {self.times} times")
        return f"{self.call}({', '.join(args)}) of {', '.join(inputs)}{notes}"


def case(
    call: str, *args: Any, of: Any, forward: Any = (), training: bool = True, times: int = 1, **kwargs: Any
) -> Case:
    """Return a case; `of` is the shape of the input, a Draw, or a list of these."""
    inputs = of if isinstance(of, list) else [of]
    draws = tuple(i if isinstance(i, Draw) else Draw(i) for i in inputs)
    return Case(call, args, kwargs, draws, dict(forward), training, times)


def classes(count: int, *shape: int) -> Draw:
    return Draw(shape, "classes", count)


Given = Callable[[str, Draw], np.ndarray]


def build(case: Case, lib: ModuleType, kwargs: dict[str, Any]) -> Any:
    return getattr(lib.nn, case.call)(*case.args, **kwargs).to(lib.float64)


def run(case: Case, lib: ModuleType, given: Given, dtype: str = "float64") -> dict[str, np.ndarray]:
    """Return outputs, gradients of inputs and parameters, and buffers; `given` returns each input array by name.

    The call runs on the device on which `lib.tensor` creates tensors.
    """

    def tensor(array: np.ndarray) -> Any:
        return lib.tensor(array.astype(dtype) if array.dtype.kind == "f" else array)

    kwargs = {k: tensor(given(k, v)) if isinstance(v, Draw) else v for k, v in case.kwargs.items()}
    inputs = [tensor(given(f"input{i}", draw)) for i, draw in enumerate(case.inputs)]
    for x in inputs:
        if x.dtype in (lib.float32, lib.float64):
            x.requires_grad_(True)
    module = None
    if case.call[0].isupper():
        module = build(case, lib, kwargs)
        state = {}
        for key, value in module.state_dict().items():
            draw = Draw(tuple(value.shape), "positive" if key.endswith(("running_var", "weight")) else "normal")
            state[key] = tensor(given(f"state.{key}", draw)) if value.dtype == lib.float64 else value
        module.load_state_dict(state)
        module.to(getattr(lib, dtype)).to(inputs[0].device).train(case.training)
        for _ in range(case.times):
            out = module(*inputs, **case.forward)
    else:
        out = getattr(lib.nn.functional, case.call)(*inputs, *case.args, **kwargs)
    outputs = out if isinstance(out, tuple) else (out,)
    results = {f"output{i}": y.detach().cpu().numpy() for i, y in enumerate(outputs)}
    for i, y in enumerate(outputs):
        if y.requires_grad:
            y.backward(tensor(given(f"cotangent{i}", Draw(tuple(y.shape)))))
    results |= {f"grad.input{i}": x.grad.cpu().numpy() for i, x in enumerate(inputs) if x.grad is not None}
    if module is not None:
        results |= {f"grad.{name}": p.grad.cpu().numpy() for name, p in module.named_parameters() if p.grad is not None}
        results |= {f"buffer.{name}": b.detach().cpu().numpy() for name, b in module.named_buffers()}
    return results


IMAGE = (2, 4, 6, 7)

CONVOLUTIONS = [
    case("Conv2d", 4, 3, 3, of=IMAGE),
    case("Conv2d", 4, 3, 3, bias=False, stride=2, of=IMAGE),
    case("Conv2d", 4, 3, 3, stride=2, padding=1, of=IMAGE),
    case("Conv2d", 4, 3, (3, 2), stride=(1, 2), padding=(2, 1), of=IMAGE),
    case("Conv2d", 4, 3, 2, stride=3, of=IMAGE),
    case("Conv2d", 4, 3, 3, padding=2, dilation=(2, 1), of=IMAGE),
    case("Conv2d", 4, 6, 3, padding=1, groups=2, of=IMAGE),
    case("Conv2d", 4, 8, 3, stride=2, padding=1, groups=4, of=IMAGE),
    case("Conv2d", 4, 3, 1, of=IMAGE),
    case("Conv2d", 4, 2, (6, 7), of=IMAGE),
    case("Conv2d", 4, 3, 4, padding="same", dilation=(1, 2), of=IMAGE),
    case("Conv2d", 4, 3, 3, padding="valid", of=IMAGE),
    case("Conv2d", 4, 3, 3, padding=(2, 1), padding_mode="reflect", of=IMAGE),
    case("Conv2d", 4, 3, 3, padding=(2, 1), padding_mode="replicate", stride=2, of=IMAGE),
    case("Conv2d", 4, 3, 3, padding=(2, 1), padding_mode="circular", of=IMAGE),
    case("Conv2d", 4, 3, (2, 3), padding="same", padding_mode="reflect", of=IMAGE),
    case("Conv2d", 4, 3, 3, padding=1, of=(4, 6, 7)),
    case("Conv2d", 4, 3, 3, padding=1, padding_mode="circular", of=(4, 6, 7)),
    case("Conv1d", 3, 4, 3, of=(2, 3, 8)),
    case("Conv1d", 4, 4, 3, stride=2, padding=2, dilation=2, groups=2, of=(2, 4, 9)),
    case("Conv1d", 3, 2, 4, padding="same", padding_mode="replicate", of=(2, 3, 8)),
    case("Conv1d", 3, 2, 3, padding=2, padding_mode="reflect", of=(3, 8)),
    case("Conv3d", 2, 3, 2, of=(2, 2, 3, 4, 3)),
    case("Conv3d", 2, 2, (1, 2, 3), stride=(1, 2, 1), padding=1, dilation=(1, 1, 2), groups=2, of=(1, 2, 3, 4, 5)),
    case("Conv3d", 2, 2, 2, padding=1, padding_mode="circular", of=(1, 2, 2, 3, 3)),
    case("ConvTranspose2d", 4, 3, 3, of=(2, 4, 3, 4)),
    case("ConvTranspose2d", 4, 3, 2, stride=2, bias=False, of=(2, 4, 3, 4)),
    case("ConvTranspose2d", 4, 3, 3, stride=2, padding=1, output_padding=1, of=(2, 4, 3, 4)),
    case("ConvTranspose2d", 4, 3, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(1, 2), of=(2, 4, 3, 4)),
    case("ConvTranspose2d", 4, 6, 3, stride=2, groups=2, dilation=2, of=(1, 4, 3, 4)),
    case("ConvTranspose2d", 4, 4, 3, padding=1, groups=4, output_padding=(1, 0), dilation=(2, 1), of=(1, 4, 3, 4)),
    case("ConvTranspose2d", 4, 3, 3, stride=2, padding=1, of=(2, 4, 3, 4), forward={"output_size": (6, 7)}),
    case("ConvTranspose2d", 4, 3, 3, stride=3, of=(4, 2, 3), forward={"output_size": (3, 8, 9)}),
    case("ConvTranspose1d", 3, 2, 3, stride=2, padding=1, output_padding=1, of=(2, 3, 5)),
    case("ConvTranspose1d", 4, 2, 4, stride=3, groups=2, dilation=2, of=(2, 4, 3), forward={"output_size": [15]}),
    case("ConvTranspose3d", 2, 3, 2, stride=(1, 2, 2), of=(1, 2, 2, 3, 2)),
    case("ConvTranspose3d", 2, 2, 3, stride=2, padding=1, output_padding=(1, 0, 1), groups=2, of=(1, 2, 2, 2, 3)),
]

POOLING = [
    *(case("MaxPool2d", 2, of=Draw((2, 2, 6, 7), kind)) for kind in ("normal", "ties", "nan")),
    *(case("MaxPool2d", 3, 2, 1, return_indices=True, of=Draw((2, 2, 6, 7), kind)) for kind in ("ties", "nan")),
    case("MaxPool2d", (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), of=(2, 2, 6, 7)),
    case("MaxPool2d", 3, 2, ceil_mode=True, of=(2, 2, 6, 7)),
    case("MaxPool2d", 2, 3, 1, ceil_mode=True, return_indices=True, of=(2, 2, 6, 7)),
    case("MaxPool2d", 2, 1, of=(2, 5, 5)),
    case("MaxPool1d", 3, 2, 1, of=(2, 3, 8)),
    case("MaxPool1d", 2, 2, 0, 2, ceil_mode=True, return_indices=True, of=Draw((2, 3, 8), "ties")),
    case("MaxPool3d", 2, of=(1, 2, 4, 4, 5)),
    case("MaxPool3d", (1, 2, 3), 2, (0, 1, 1), ceil_mode=True, return_indices=True, of=(1, 2, 3, 4, 5)),
    case("AvgPool2d", 2, of=(2, 2, 6, 7)),
    case("AvgPool2d", 3, 2, 1, of=(2, 2, 6, 7)),
    case("AvgPool2d", 3, 2, 1, count_include_pad=False, of=(2, 2, 6, 7)),
    case("AvgPool2d", 3, 2, 1, ceil_mode=True, of=(2, 2, 6, 6)),
    case("AvgPool2d", 3, 2, 1, ceil_mode=True, count_include_pad=False, of=(2, 2, 6, 6)),
    case("AvgPool2d", (2, 3), (3, 1), (1, 0), divisor_override=5, of=(2, 2, 6, 7)),
    case("AvgPool2d", 2, 3, ceil_mode=True, divisor_override=2, of=(2, 2, 5, 7)),
    case("AvgPool2d", 2, of=(2, 5, 5)),
    case("AvgPool1d", 3, 2, 1, of=(2, 3, 8)),
    case("AvgPool1d", 3, 2, 1, ceil_mode=True, count_include_pad=False, of=(2, 3, 8)),
    case("AvgPool3d", 2, of=(1, 2, 4, 4, 5)),
    case("AvgPool3d", (1, 2, 3), 2, (0, 1, 1), True, False, of=(1, 2, 3, 4, 5)),
    case("AvgPool3d", 2, 1, 1, divisor_override=3, of=(1, 2, 3, 3, 3)),
    *(case("AdaptiveAvgPool2d", size, of=(2, 2, 5, 7)) for size in (1, 3, (2, 3), (None, 4), (7, 9), (5, 7))),
    case("AdaptiveAvgPool2d", 2, of=(2, 5, 7)),
    case("AdaptiveAvgPool1d", 3, of=(2, 2, 8)),
    case("AdaptiveAvgPool3d", (2, 1, 3), of=(1, 2, 3, 4, 4)),
]

WIDE = Draw((5, 6), "wide")

ACTIVATIONS = [
    *(case(name, of=WIDE) for name in ("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus", "Sigmoid", "Tanh")),
    case("LeakyReLU", 0.2, of=WIDE),
    case("LeakyReLU", -0.5, of=WIDE),
    case("ELU", 0.7, of=WIDE),
    case("GELU", "tanh", of=WIDE),
    case("Softplus", 2.5, 3.0, of=WIDE),
    *(case(name, dim=dim, of=Draw((3, 4, 5), "wide")) for name in ("Softmax", "LogSoftmax") for dim in (0, 1, -1)),
]

LINEAR = [
    case("Linear", 5, 4, of=(3, 5)),
    case("Linear", 5, 4, bias=False, of=(2, 3, 5)),
    case("Linear", 5, 4, of=(5,)),
    case("Identity", 54, unused=1, of=(3, 5)),
    case("Flatten", of=(2, 3, 4)),
    case("Flatten", 0, 1, of=(2, 3, 4)),
    case("Unflatten", 1, (2, 3), of=(2, 6, 4)),
    case("Unflatten", -1, (2, -1), of=(2, 6, 4)),
]

NORMS = [
    *(case("BatchNorm2d", 3, of=(3, 3, 4, 2), training=t, times=n) for t, n in ((True, 1), (True, 3), (False, 1))),
    case("BatchNorm2d", 3, momentum=None, of=(3, 3, 4, 2), times=3),
    case("BatchNorm2d", 3, 1e-2, 0.3, affine=False, of=(3, 3, 4, 2), times=2),
    *(case("BatchNorm2d", 3, track_running_stats=False, of=(3, 3, 4, 2), training=t) for t in (True, False)),
    case("BatchNorm1d", 4, of=(5, 4), times=2),
    case("BatchNorm1d", 4, of=(3, 4, 5)),
    case("BatchNorm3d", 2, of=(2, 2, 2, 3, 2), times=2),
    case("InstanceNorm2d", 3, of=(2, 3, 4, 3)),
    case("InstanceNorm2d", 3, of=(3, 4, 3)),
    case("InstanceNorm2d", 3, affine=True, eps=1e-3, of=(2, 3, 4, 3)),
    *(
        case("InstanceNorm2d", 3, affine=True, track_running_stats=True, of=(2, 3, 4, 3), training=t, times=2)
        for t in (True, False)
    ),
    case("InstanceNorm2d", 3, momentum=None, track_running_stats=True, of=(2, 3, 4, 3)),
    case("InstanceNorm1d", 3, affine=True, of=(2, 3, 6)),
    case("InstanceNorm3d", 2, of=(2, 2, 2, 3, 2)),
    case("GroupNorm", 2, 4, of=(2, 4, 3, 3)),
    case("GroupNorm", 4, 4, affine=False, eps=0.1, of=(2, 4, 5)),
    case("GroupNorm", 1, 4, of=(3, 4)),
    *(
        case(name, *sizes, affine=True, bias=False, of=(2, 4, 3, 3))
        for name, sizes in (("BatchNorm2d", (4,)), ("InstanceNorm2d", (4,)), ("GroupNorm", (2, 4)))
    ),
    case("LayerNorm", 5, of=(2, 3, 5)),
    case("LayerNorm", (3, 5), bias=False, of=(2, 3, 5)),
    case("LayerNorm", [5], elementwise_affine=False, eps=0.1, of=(4, 5)),
    case("Dropout", 0.3, of=(3, 4), training=False),
    case("Dropout", 1.0, of=(3, 4)),
    case("Dropout2d", 0.0, of=(2, 3, 2, 2)),
    *(case("normalize", p=p, dim=d, of=Draw((3, 4), "vector of zeros")) for p, d in ((2, 1), (2, 0), (1, 1))),
    case("normalize", float("inf"), of=(3, 4)),
    case("cosine_similarity", of=[(3, 4), (3, 4)]),
    case("cosine_similarity", dim=0, eps=0.5, of=[(4, 3), (4, 1)]),
]

SIGNAL, PICTURE, VOLUME = (2, 2, 5), (2, 2, 5, 4), (1, 2, 2, 3, 3)
SIZES = [{"size": (7, 9)}, {"size": 3}, {"scale_factor": 2}, {"scale_factor": (1.5, 0.6)}, {"scale_factor": 1.1}]
SIZES += [{"size": (10, 12)}, {"size": (1, 1)}, {"scale_factor": 2.3, "recompute_scale_factor": True}]

RESIZING = [
    *(case("interpolate", **size, of=PICTURE) for size in SIZES),
    *(
        case("interpolate", **size, mode=mode, align_corners=align, of=PICTURE)
        for mode in ("bilinear", "bicubic")
        for align in (False, True)
        for size in SIZES
        if (mode, align, size)
        != ("bicubic", False, {"scale_factor": 1.1})  # PyTorch's gradient does not belong to its output here
    ),
    case("interpolate", scale_factor=1.7, of=SIGNAL),
    *(case("interpolate", scale_factor=(1, s), of=(1, 1, 1, n)) for s, n in ((2.1, 5), (3.7, 11), (3, 4))),
    *(case("interpolate", **s, mode="linear", of=SIGNAL) for s in ({"size": 8}, {"scale_factor": 0.4})),
    case("interpolate", scale_factor=2, mode="linear", align_corners=True, of=SIGNAL),
    case("interpolate", size=(3, 7, 2), of=VOLUME),
    case("interpolate", size=(3, 2, 5), mode="trilinear", of=VOLUME),
    case("interpolate", scale_factor=(1.5, 2, 1), mode="trilinear", align_corners=True, of=VOLUME),
    case("interpolate", size=(3, 3), mode="bilinear", of=(1, 1, 1, 1)),
    case("Upsample", scale_factor=2, of=PICTURE),
    case("Upsample", size=(7, 3), mode="bilinear", of=PICTURE),
    case("Upsample", scale_factor=(1.5, 2), mode="bicubic", align_corners=True, of=PICTURE),
    case("PixelShuffle", 2, of=(2, 8, 2, 3)),
    case("PixelShuffle", 3, of=(9, 2, 1)),
    case("PixelUnshuffle", 2, of=(2, 2, 4, 6)),
    case("pixel_shuffle", 2, of=(1, 2, 4, 2, 2)),
    case("pixel_unshuffle", 3, of=(1, 3, 6)),
    *(
        case("pad", pads, mode=mode, of=PICTURE)
        for mode in ("constant", "reflect", "replicate", "circular")
        for pads in ((1, 2, 3, 0), (-1, 2, 1, -2), (0, 0, 0, 0))
    ),
    case("pad", (1, 2), value=1.5, of=PICTURE),
    case("pad", (0, 1, 2, 0, 1, 0, 0, 2), value=-1, of=PICTURE),
    case("pad", (2, -1), mode="reflect", of=(2, 1, 3)),
    case("pad", (5, 1, 7, 0), mode="replicate", of=PICTURE),
    case("pad", (4, 4, 5, 5), mode="circular", of=PICTURE),
    case("pad", (1, 1, 2, 0, 1, 0), mode="replicate", of=VOLUME),
    case("ReflectionPad2d", 2, of=PICTURE),
    case("ReflectionPad2d", (1, 0, 2, 3), of=(2, 5, 4)),
    case("ReplicationPad2d", 3, of=PICTURE),
    case("ZeroPad2d", (1, -1, 0, 2), of=PICTURE),
]

REDUCTIONS = ("mean", "sum", "none")
PAIR = [(3, 4), (3, 4)]
LOGITS = [(4, 3), classes(3, 4)]
MAP = [(2, 3, 2, 4), classes(3, 2, 2, 4)]
WEIGHT = Draw((3,), "positive")
YES_NO = [Draw((3, 4), "probability"), Draw((3, 4), "certain")]

LOSSES = [
    *(
        case(name, **kwargs, reduction=r, of=PAIR)
        for name, kwargs in (
            ("mse_loss", {}),
            ("l1_loss", {}),
            ("huber_loss", {"delta": 0.7}),
            ("smooth_l1_loss", {"beta": 0.5}),
        )
        for r in REDUCTIONS
    ),
    case("l1_loss", of=[Draw((3, 4), "ties")] * 2),
    case("huber_loss", of=[Draw((3, 4), "ties")] * 2),
    case("smooth_l1_loss", of=[Draw((3, 4), "wide"), (3, 4)]),
    case("smooth_l1_loss", beta=0.0, of=PAIR),
    *(case("cross_entropy", reduction=r, of=LOGITS) for r in REDUCTIONS),
    *(case("cross_entropy", weight=WEIGHT, ignore_index=1, reduction=r, of=LOGITS) for r in REDUCTIONS),
    *(
        case("cross_entropy", weight=WEIGHT, ignore_index=2, label_smoothing=0.1, reduction=r, of=MAP)
        for r in REDUCTIONS
    ),
    case("cross_entropy", label_smoothing=0.3, of=MAP),
    case("cross_entropy", of=[(3,), classes(3)]),
    case("cross_entropy", ignore_index=0, of=[(2, 3), classes(1, 2)]),
    case("cross_entropy", ignore_index=0, reduction="sum", of=[(2, 3), classes(1, 2)]),
    case("cross_entropy", of=[Draw((4, 3), "wide"), classes(3, 4)]),
    *(
        case("cross_entropy", **kwargs, reduction=r, of=[shape, Draw(shape, "distribution")])
        for shape in ((4, 3), (2, 3, 2, 2))
        for kwargs in ({}, {"weight": WEIGHT, "label_smoothing": 0.2})
        for r in REDUCTIONS
    ),
    *(case("nll_loss", weight=WEIGHT, ignore_index=1, reduction=r, of=MAP) for r in REDUCTIONS),
    case("nll_loss", of=LOGITS),
    *(case("binary_cross_entropy", reduction=r, of=YES_NO) for r in REDUCTIONS),
    case("binary_cross_entropy", weight=Draw((4,), "positive"), of=YES_NO),
    *(case("binary_cross_entropy_with_logits", reduction=r, of=PAIR) for r in REDUCTIONS),
    case("binary_cross_entropy_with_logits", of=[Draw((3, 4), "wide"), Draw((3, 4), "certain")]),
    case(
        "binary_cross_entropy_with_logits",
        weight=Draw((3, 1), "positive"),
        pos_weight=Draw((4,), "positive"),
        of=[(3, 4), Draw((3, 4), "probability")],
    ),
    case("MSELoss", reduction="sum", of=PAIR),
    case("L1Loss", of=PAIR),
    case("HuberLoss", delta=0.4, of=PAIR),
    case("SmoothL1Loss", reduction="none", beta=0.4, of=PAIR),
    case("CrossEntropyLoss", weight=WEIGHT, ignore_index=1, label_smoothing=0.1, of=LOGITS),
    case("NLLLoss", weight=WEIGHT, reduction="sum", of=LOGITS),
    case("BCELoss", weight=Draw((4,), "positive"), of=YES_NO),
    case("BCEWithLogitsLoss", pos_weight=Draw((4,), "positive"), reduction="sum", of=PAIR),
]

COLUMNS = [
    case("Unfold", 3, of=(2, 3, 5, 4)),
    case("Unfold", (3, 2), (1, 2), (2, 1), (2, 1), of=(2, 2, 6, 5)),
    case("Unfold", 2, stride=3, of=(3, 7, 5)),
    case("Fold", (4, 5), (2, 3), of=(2, 12, 9)),
    case("Fold", (6, 5), (3, 2), (1, 2), (2, 1), (2, 1), of=(2, 12, 20)),
    case("Fold", 4, 2, stride=2, of=(8, 4)),
]

HEADS = [(2, 3, 4), (2, 5, 4), (2, 5, 6)]  # query, key, value

ATTENTION = [
    case("embedding", of=[classes(5, 3, 2), (5, 4)]),
    case("embedding", 2, of=[classes(5, 6), (5, 4)]),
    case("embedding", padding_idx=-1, of=[classes(2, 6), (2, 3)]),
    case("Embedding", 5, 4, of=classes(5, 2, 3)),
    case("Embedding", 3, 4, padding_idx=-2, of=classes(3, 7)),
    case("scaled_dot_product_attention", of=HEADS),
    case("scaled_dot_product_attention", scale=0.7, is_causal=True, of=HEADS),
    case("scaled_dot_product_attention", is_causal=True, of=[(5, 4), (3, 4), (3, 2)]),
    case("scaled_dot_product_attention", attn_mask=Draw((3, 5)), of=HEADS),
    case("scaled_dot_product_attention", attn_mask=Draw((2, 3, 5), "seen"), of=HEADS),
    case("scaled_dot_product_attention", attn_mask=Draw((3, 5), "blocked"), of=HEADS),
    case("scaled_dot_product_attention", of=[(2, 1, 3, 4), (1, 3, 5, 4), (1, 3, 5, 2)]),
]

CASES = [*CONVOLUTIONS, *POOLING, *ACTIVATIONS, *LINEAR, *NORMS, *RESIZING, *LOSSES, *COLUMNS, *ATTENTION]


# --- models, for the names of their state and their text ------------------------------------------------------


def models(lib: ModuleType) -> dict[str, Any]:
    """Return models whose state-dict keys, parameter names and repr are compared."""
    nn = lib.nn

    class Block(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            self.register_buffer("seen", lib.zeros(2))
            self.register_buffer("scratch", lib.zeros(2), persistent=False)
            self.scale = nn.Parameter(lib.ones(1))
            self.norm = nn.BatchNorm2d(channels)

    class Model(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList([Block(2), nn.Identity(), Block(3)])
            self.heads = nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.Sequential(nn.ReLU(), nn.Linear(3, 1, False))})
            self.tied = self.heads["a"]
            self.gain = nn.Parameter(lib.ones(3))
            self.missing = None
            self.named = nn.Sequential(OrderedDict([("first", nn.Conv2d(1, 2, 1)), ("act", nn.ReLU(inplace=True))]))

    chain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Sequential(nn.Flatten(), nn.Linear(8, 4)))
    chain.append(nn.BatchNorm1d(4)).insert(1, nn.MaxPool2d(2))
    spectral = nn.Sequential(
        nn.utils.spectral_norm(nn.Conv2d(2, 3, 3)),
        nn.utils.spectral_norm(nn.ConvTranspose2d(3, 2, 3, bias=False)),
        nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(3, 4))),
    )
    return {"Model": Model(), "chain": chain, "slice": chain[1:4], "empty": nn.Sequential(), "spectral": spectral}
