"""`watch`: every operation of a computation, forwards and backwards, one step after another.

with minicnn.watch() as steps:
    loss = F.mse_loss(model(x), target)
    loss.backward()
print(steps)

A step is a call of a primitive, because each kernel and each gradient rule works for one. The watcher stands at the one
place where primitives are called, and reads from Python's stack which layer and which line of the user's code called.
"""

import linecache
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from types import FrameType
from typing import Any, overload

import numpy as np

from minicnn.autograd import engine
from minicnn.autograd.tape import ModeSetting, Node, clock, mode
from minicnn.geometry import ConvSpec
from minicnn.nn.hooks import Hooks
from minicnn.runtime.devices import Device
from minicnn.runtime.dispatch import explain, kernels
from minicnn.tables import html_table, text_table

__all__ = ["Step", "Steps", "watch"]

# Files that are not the user's.
OURS = tuple(f"{folder}{os.sep}" for folder in (Path(__file__).parents[1], Path(np.__file__).parent))
SUM = "a sum of gradients"
SHOWN = 200  # rows of a table; a step of training has about as many
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """A call of a primitive. `print` shows it.

    Attributes
    ----------
    number : int
        Its place among the steps, from 0.
    name : str
        The primitive, or the function that `fuse` made one of.
    inputs : tuple of tuple of int
        The shapes of the inputs.
    output : tuple of int
        The shape of the output.
    dtype : str
        The element type of the output.
    device : str
    kernel : str
        The backend and the name of the kernel that ran.
    why : str
        Each kernel of the primitive, with the reason why it was taken or not: the text of `explain`.
    seconds : float
        The time of the kernel. On a GPU, the time until it was launched.
    bytes : int
        The memory of the output; 0 for a view.
    layer : str
        The path of the module that called it, in the outermost module that was called. Empty for this one itself.
    layer_type : str
        The class of the module. Empty outside of modules.
    line : str
        File and line of the user's code. Backwards, it is the line of the call whose gradient is computed.
    code : str
        The text of this line.
    backward : bool
        Whether it is a part of the backward pass.
    gradient_of : str
        Backwards, the input whose gradient the rule computes: "x of conv (step 3)", or "a sum of gradients". Empty in
        the user's own functions and hooks.
    params : dict
        The constants of the call.
    """

    number: int
    name: str
    inputs: tuple[Shape, ...]
    output: Shape
    dtype: str
    device: str
    kernel: str
    why: str
    seconds: float
    bytes: int
    layer: str
    layer_type: str
    line: str
    code: str
    backward: bool
    gradient_of: str
    params: dict[str, Any]

    @property
    def multiply_adds(self) -> int:
        """The multiplications of a convolution or a matrix product; 0 for others."""
        if self.name in ("matmul", "linear"):
            return prod(self.output) * self.inputs[0][-1]
        spec = self.params.get("spec")
        if not isinstance(spec, ConvSpec) or len(self.inputs) == 1:
            return 0
        weight = self.output if self.name == "conv_weight_grad" else self.inputs[1]
        return self.inputs[0][0] * prod(spec.output_size) * prod(weight)

    @property
    def where(self) -> str:
        """The module, or the line of the code outside of modules."""
        return (f"{self.layer} ({self.layer_type})" if self.layer else self.layer_type) or self.line

    def __str__(self) -> str:
        inputs = ", ".join(map(str, self.inputs))
        parts = [
            f"step {self.number}, {'backward' if self.backward else 'forward'}: {self.name}",
            f"  {inputs} -> {self.output}, {self.dtype} on {self.device}",
            f"  {self.kernel}, {1e3 * self.seconds:.3f} ms, {self.bytes} bytes",
            f"  gradient of {self.gradient_of}" if self.gradient_of else "",
            f"  in {self.where}" if self.layer_type else "",
            f"  {self.line}: {self.code}" if self.line else "",
            "  " + self.why.replace("\n", "\n  "),
        ]
        return "\n".join(filter(None, parts))


class Steps(Sequence[Step]):
    """The steps that a `watch` has seen. `print` shows a table, and so does a notebook; `print(steps[0])` shows one."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        return self._steps[index]

    def __str__(self) -> str:
        return text_table(self._table(), left=(1,)) + self._rest()

    def __repr__(self) -> str:
        return f"<{len(self)} steps>"

    def _repr_html_(self) -> str:
        return html_table(self._table(), left=(1,), details=list(map(str, self._steps[:SHOWN]))) + self._rest()

    def _table(self) -> list[list[str]]:
        head = ["step", "operation", "output", "kernel", "ms", "where"]
        return [head, *(self._row(step) for step in self._steps[:SHOWN])]

    @staticmethod
    def _row(step: Step) -> list[str]:
        name = f"{step.name}, for {step.gradient_of}" if step.gradient_of else step.name
        shape = " x ".join(map(str, step.output)) or "scalar"
        return [str(step.number), name, shape, step.kernel, f"{1e3 * step.seconds:.3f}", step.where]

    def _rest(self) -> str:
        return f"\n... {len(self) - SHOWN} more steps" if len(self) > SHOWN else ""


class _Watcher:
    """Makes a step of each call in a thread."""

    def __init__(self) -> None:
        self.steps = Steps()
        self._numbers: dict[int, int] = {}  # the step of each order of a node
        self._paths: dict[tuple[Any, Any], str] = {}

    def run(
        self, primitive: Any, kernel: Callable[..., Any], arrays: list[Any], params: dict[str, Any], device: Device
    ) -> Any:
        """Run a kernel, and note the step."""
        start = time.perf_counter()
        result = kernel(*arrays, **params)
        seconds = time.perf_counter() - start
        out = result[0] if type(result) is tuple else result
        modules, line, code, backward, summing = self._caller(sys._getframe(2))
        gradient_of, source = SUM if summing else "", None
        if mode.gradient is not None:
            node, position = mode.gradient
            source = self._step_of(node)
            gradient_of = f"{node.primitive._input(position)} of {node.name().strip('_')}"  # type: ignore[attr-defined]
            gradient_of += f" (step {source.number})" if source else ""
        step = Step(
            number=len(self.steps),
            name=primitive.label(params).strip("_"),
            inputs=tuple(a.shape for a in arrays),
            output=out.shape,
            dtype=str(out.dtype),
            device=str(device),
            kernel=self._name(primitive.name, kernel, device),
            why=explain(primitive.name, *arrays, **params),
            seconds=seconds,
            bytes=0 if primitive.view else int(out.nbytes),
            layer=source.layer if source else self._path(modules),
            layer_type=source.layer_type if source else type(modules[-1]).__name__ if modules else "",
            line=source.line if source else line,
            code=source.code if source else code,
            backward=backward,
            gradient_of=gradient_of,
            params=dict(params),
        )
        self._numbers[next(clock) + 1] = step.number  # a node of this call gets the next number
        self.steps._steps.append(step)
        return result

    def _step_of(self, node: Node) -> Step | None:
        """Return the step that made a node, if it was seen."""
        number = self._numbers.get(node.order)
        return None if number is None else self.steps[number]

    @staticmethod
    def _name(operation: str, function: Callable[..., Any], device: Device) -> str:
        found = (k for k in kernels(operation, device) if k.function is function)
        return next((f"{k.backend}/{k.name}" for k in found), "")

    @staticmethod
    def _caller(frame: FrameType | None) -> tuple[list[Any], str, str, bool, bool]:
        """Return the modules that are being called, the outermost first, and the user's line with its text.

        The user's line is the innermost line outside of minicnn and NumPy. The last results are whether the call is a
        part of the backward pass, and whether the backward pass itself adds gradients.
        """
        modules: list[Any] = []
        line = code = ""
        backward = summing = False
        while frame is not None:
            file = frame.f_code.co_filename
            if frame.f_code is Hooks.__call__.__code__:
                modules.insert(0, frame.f_locals["self"])
            elif frame.f_code is engine._visit.__code__:
                backward = True
            elif file == engine.__file__ and frame.f_code.co_name == "add":
                summing = True
            elif not line and not file.startswith(OURS):
                line = f"{Path(file).name}:{frame.f_lineno}"
                code = linecache.getline(file, frame.f_lineno).strip()
            frame = frame.f_back
        return modules, line, code, backward, summing

    def _path(self, modules: list[Any]) -> str:
        """Return the path of the innermost module in the outermost one."""
        return ".".join(filter(None, (self._child(outer, inner) for outer, inner in pairwise(modules))))

    def _child(self, outer: Any, inner: Any) -> str:
        key = outer, inner  # not their ids, which another module may have later
        if key not in self._paths:
            self._paths[key] = next((name for name, found in outer.named_modules() if found is inner), "")
        return self._paths[key]


@contextmanager
def watch() -> Iterator[Steps]:
    """Record every operation in the `with` block: its shapes, kernel, time, layer, line, and gradient rule.

    Yields
    ------
    Steps
        It grows while the block runs. Operations are slower meanwhile, but not their kernels, whose times it records.

    Notes
    -----
    Only the calls of this thread are seen, and in nested blocks only the inner one sees them. Views take no time and no
    memory. An optimizer changes parameters without primitives, so its step is not seen.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.ones(2, 3, requires_grad=True)
    >>> with watch() as steps:
    ...     (x * x).sum().backward()
    >>> [step.name for step in steps if not step.backward]
    ['mul', 'sum']
    >>> steps[0].inputs, steps[0].output
    (((2, 3), (2, 3)), (2, 3))
    >>> [step.gradient_of for step in steps if step.backward and step.name == "mul"]
    ['a of mul (step 0)', 'b of mul (step 0)']
    """
    watcher = _Watcher()
    with ModeSetting(watcher=watcher):
        yield watcher.steps
