"""`summary`: a network as a table, with the shapes, parameters, multiply-adds, time and memory of each layer.

It has the name and the arguments of the package torchinfo. The numbers are measured: the network runs under `watch`,
and the steps of each layer are added up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from operator import index
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn.module import Module
from minicnn.nn.parameter import is_lazy
from minicnn.nn.watching import Step, watch
from minicnn.ops.create import from_numpy
from minicnn.runtime import random
from minicnn.tables import html_table, text_table

__all__ = ["Row", "Summary", "count_parameters", "known_summary", "summary"]

BAR = 10  # characters of a full bar
Shape = tuple[int, ...]
DEEP = 1000  # levels
# So that a module shows the shapes of its last summary: the parts that it had, and the summary.
_known: WeakKeyDictionary[Module, tuple[list[Any], "Summary"]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Row:
    """A module: its path, its depth in the tree, and sums over it and the modules in it.

    Attributes
    ----------
    path, type : str
        The path is empty for the network itself.
    depth : int
    output : str
        The shape of the output of its last call; empty if it was not called.
    parameters : int
        Its own parameters and the ones of the modules in it. A parameter that several modules share counts in each.
    multiply_adds : int
        Of convolutions and matrix products.
    seconds : float
        The time of its kernels.
    bytes : int
        The memory of all results.
    """

    path: str
    type: str
    depth: int
    output: str
    parameters: int
    multiply_adds: int
    seconds: float
    bytes: int


class Summary:
    """The result of `summary`. `print` shows a table, and so does a notebook.

    Attributes
    ----------
    rows : list of Row
        The network, then its modules in the order of their definition.
    total_params, trainable_params : int
    total_mult_adds : int
        For the given input.
    total_output_bytes : int
        The memory of all results of the forward pass. A training step keeps most of them.
    """

    def __init__(self, rows: list[Row], trainable: int, measured: bool) -> None:
        self.rows, self.measured = rows, measured
        self.total_params, self.trainable_params = rows[0].parameters, trainable
        self.total_mult_adds, self.total_output_bytes = rows[0].multiply_adds, rows[0].bytes

    def __str__(self) -> str:
        return f"{text_table(self._table(), left=(0, 6))}\n{self._totals()}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"{html_table(self._table(), left=(0, 6))}<pre>{self._totals()}</pre>"

    def _table(self) -> list[list[str]]:
        """Return the rows as texts; the last columns are bars of where time and memory go."""
        head = ["layer", "output", "parameters"]
        if self.measured:
            head += ["multiply-adds", "ms", "MB", "time", "memory"]
        return [head, *(self._texts(row)[: len(head)] for row in self.rows)]

    def _texts(self, row: Row) -> list[str]:
        name = row.path.rpartition(".")[2]
        total = self.rows[0]
        return [
            "  " * row.depth + (f"{name} ({row.type})" if name else row.type),
            row.output,
            f"{row.parameters:,}" if row.parameters else "-",
            f"{row.multiply_adds:,}" if row.multiply_adds else "-",
            f"{1e3 * row.seconds:.3f}",
            f"{1e-6 * row.bytes:.3f}",
            _bar(row.seconds, total.seconds),
            _bar(row.bytes, total.bytes),
        ]

    def _totals(self) -> str:
        kept = self.total_params - self.trainable_params
        text = f"parameters: {self.total_params:,}" + (f", {kept:,} of them not trained" if kept else "")
        if self.measured:
            text += (
                f"; multiply-adds: {self.total_mult_adds:,}; memory of results: {1e-6 * self.total_output_bytes:.2f} MB"
            )
        return text


def _bar(part: float, whole: float) -> str:
    """Return a bar of blocks, in eighths of a character."""
    eighths = round(8 * BAR * part / whole) if whole else 0
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def summary(
    model: Module,
    input_size: Sequence[int] | Sequence[Sequence[int]] | None = None,
    input_data: Any = None,
    *,
    depth: int = 3,
    mode: str = "eval",
    **kwargs: Any,
) -> Summary:
    """Return a table of the modules of a network. With an input, the network runs, and the table has measures.

    Parameters
    ----------
    model : Module
        It stays as it is.
    input_size : sequence of int, or of such sequences, optional
        The shape of the input, with the batch; random numbers in [0, 1) are the input. Several shapes: several inputs.
    input_data : Tensor, or sequence of Tensor, optional
        The input itself, instead of `input_size`: for example integers for an Embedding.
    depth : int
        How many levels of modules to show. The measures of deeper ones are in the ones above them.
    mode : "eval" or "train"
        The mode in which the network runs. Dropout and batch norm depend on it.
    **kwargs
        Further arguments of the network.

    Raises
    ------
    ArgumentError
        If both `input_size` and `input_data` are given, or `mode`, `depth` or the sizes are something else.

    Notes
    -----
    The network runs twice, and the second run is measured. Layers that a chain computes together, such as a convolution
    and the ReLU after it, are run one by one here. So the time of the whole network is a little longer than in use.

    Examples
    --------
    >>> from minicnn import nn
    >>> table = summary(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (1, 3, 8, 8))
    >>> table.total_params, table.total_mult_adds
    (224, 7776)
    >>> [row.output for row in table.rows]
    ['1 x 8 x 6 x 6', '1 x 8 x 6 x 6', '1 x 8 x 6 x 6']
    """
    if input_size is not None and input_data is not None:
        raise ArgumentError("summary: give input_size or input_data, not both")
    if depth < 0:
        raise ArgumentError(f"summary: depth must be at least 0, got {depth}")
    if mode not in ("eval", "train"):
        raise ArgumentError(f"summary: mode must be 'eval' or 'train', got {mode!r}")
    inputs = _inputs(model, input_size, input_data)
    shapes, steps = _run(model, inputs, mode == "train", kwargs) if inputs else ({}, [])
    rows = []
    for path, module in model.named_modules():
        level = path.count(".") + 1 if path else 0
        if level > depth:
            continue
        own = [s for s in steps if s.layer_type and (not path or s.layer == path or s.layer.startswith(f"{path}."))]
        rows.append(
            Row(
                path,
                type(module).__name__,
                level,
                " x ".join(map(str, shapes[path])) if path in shapes else "",
                count_parameters(module.parameters()),
                sum(step.multiply_adds for step in own),
                sum(step.seconds for step in own),
                sum(step.bytes for step in own),
            )
        )
    trainable = count_parameters(p for p in model.parameters() if p.requires_grad)
    found = Summary(rows, trainable, bool(inputs))
    if found.measured:
        _known[model] = _parts(model), found
    return found


def known_summary(model: Module) -> Summary:
    """Return the last measured summary of a module, or one without an input if there is none or the module changed."""
    parts, found = _known.get(model, (None, None))
    return found if found is not None and parts == _parts(model) else summary(model, depth=DEEP)


def _parts(model: Module) -> list[Any]:
    """Return the paths and types of the modules, and the shapes of the parameters. A summary is old if they differ."""
    shapes = [(name, None if is_lazy(p) else p.shape, p.requires_grad) for name, p in model.named_parameters()]
    return [*((path, type(module)) for path, module in model.named_modules()), *shapes]


def count_parameters(parameters: Iterable[Any]) -> int:
    """Return the number of elements. Parameters of lazy layers have none yet."""
    return sum(prod(p.shape) for p in parameters if not is_lazy(p))


def _inputs(model: Module, input_size: Any, input_data: Any) -> list[Any]:
    if input_size is None:
        return list(input_data) if isinstance(input_data, list | tuple) else [] if input_data is None else [input_data]
    try:
        whole = all(hasattr(n, "__index__") for n in input_size)
        sizes = [tuple(map(index, size)) for size in ([input_size] if whole else input_size)]
    except TypeError:
        raise ArgumentError(
            f"summary: input_size must be a shape, such as (1, 3, 32, 32), got {input_size!r}"
        ) from None
    numbers = np.random.default_rng(0)  # the generator of the user's program keeps its state
    inputs = [from_numpy(numbers.random(size, np.float32)) for size in sizes]
    parameter = next(model.parameters(), None)
    return inputs if parameter is None else [x.to(parameter.device, parameter.dtype) for x in inputs]


def _run(model: Module, inputs: list[Any], train: bool, kwargs: dict[str, Any]) -> tuple[dict[str, Shape], list[Step]]:
    """Run a network. Return the output shape of each module that was called, and the steps."""
    shapes: dict[str, Shape] = {}
    modes = {module: module.training for module in model.modules()}
    buffers = {name: value.clone() for name, value in model.named_buffers() if not is_lazy(value)} if train else {}
    drawn = random.get_rng_state()

    def note(path: str) -> Any:
        def hook(module: Module, args: Any, output: Any) -> None:
            first = output[0] if isinstance(output, list | tuple) and output else output
            if isinstance(first, Tensor):
                shapes[path] = first.shape

        return hook

    # A layer with a hook is not computed together with its neighbours.
    handles = [module.register_forward_hook(note(path)) for path, module in model.named_modules()]
    try:
        model.train(train)
        with no_grad():
            model(*inputs, **kwargs)  # the first call also loads kernels
            with watch() as steps:
                model(*inputs, **kwargs)
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training
        with no_grad():
            for name, buffer in model.named_buffers():
                if name in buffers:
                    buffer.copy_(buffers[name])
        random.set_rng_state(drawn)
    return shapes, list(steps)
