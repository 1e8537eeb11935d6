"""OnnxModel, the module that runs a graph."""

from collections.abc import Iterator
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn import Module, Parameter
from minicnn.onnx.graph import TURNS, Graph, Turns

__all__ = ["OnnxModel"]


class OnnxModel(Module):
    """A model that was read from an ONNX file.

    ``model(x)`` takes the inputs of the graph in their order, or by name, and returns its output, or a tuple of them.
    Gradients flow to the inputs and to the parameters. `train` and `eval` change nothing: the file decides whether
    dropout is on and which statistics batch norm uses.

    Attributes
    ----------
    input_names, output_names : tuple of str
        The names in the file. An input that has a weight as its default is not among them.
    max_turns : int
        A call that runs more turns of loops is an error, 100,000 at first. It may be changed.
    """

    def __init__(self, graph: Graph, weights: dict[str, Tensor], constants: dict[str, Tensor]) -> None:
        super().__init__()
        self._graph = graph
        self.max_turns = 100_000
        self.input_names = tuple(name for name in graph.inputs if name not in weights)
        self.output_names = graph.outputs
        self._weights: dict[str, tuple[Module, str]] = {}  # name in the file -> where the tensor is now
        settings = set(_settings(graph))
        for name, tensor in weights.items():
            owner, attribute = self._weights[name] = self._place(name)
            if tensor.dtype.kind == "f" and tensor.ndim and name not in settings:
                owner.register_parameter(attribute, Parameter(tensor))
            else:
                owner.register_buffer(attribute, tensor)
        for name, tensor in constants.items():
            self._weights[name] = owner, attribute = self._place(name)
            owner.register_buffer(attribute, tensor, persistent=False)

    def _place(self, name: str) -> tuple[Module, str]:
        """Return the module and the attribute for a weight: "layer.0.bias" is `bias` in the module `layer.0`."""
        owner: Module = self
        *path, attribute = name.split(".")
        for part in path:
            if part not in vars(owner) and not hasattr(owner, part) and part:
                owner.add_module(part, Module())
            inner = vars(owner).get(part)
            if type(inner) is not Module:  # the name of something else: all of it becomes one attribute
                owner, attribute = self, name.replace(".", "_")
                break
            owner = inner
        while not attribute or hasattr(owner, attribute):
            attribute += "_"
        return owner, attribute

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Run the graph.

        Parameters
        ----------
        *inputs, **named : Tensor
            The inputs in their order, or by name. A name of a weight replaces this weight.

        Returns
        -------
        Tensor, or tuple of Tensor where the graph has several outputs

        Raises
        ------
        ArgumentError
            If inputs are missing, unknown or given twice, or loops have more than `max_turns` turns.
        """
        given = dict(zip(self.input_names, inputs, strict=False))
        unknown = [name for name in named if name not in self.input_names and name not in self._weights]
        missing = [name for name in self.input_names if name not in given and name not in named]
        if unknown or missing or len(inputs) > len(self.input_names) or given.keys() & named.keys():
            raise ArgumentError(
                f"OnnxModel: the inputs are {', '.join(self.input_names) or 'none'}, got {len(inputs)} in order and "
                f"{', '.join(named) or 'none'} by name"
            )
        weights = {name: getattr(owner, attribute) for name, (owner, attribute) in self._weights.items()}
        outputs = self._graph.run({**weights, **given, **named, TURNS: Turns(self.max_turns)})
        return outputs[0] if len(outputs) == 1 else outputs

    def extra_repr(self) -> str:
        """Return the names of the inputs and outputs, and the number of operators."""
        return f"{', '.join(self.input_names)} -> {', '.join(self.output_names)}, {len(self._graph.nodes)} operators"


def _settings(graph: Graph) -> Iterator[str]:
    """Yield the names of values that operators read as settings and not as weights."""
    for node in graph.nodes:
        yield from (node.inputs[i] for i in node.operator.settings if i < len(node.inputs))
        for value in node.attributes.values():
            if isinstance(value, Graph):
                yield from _settings(value)
