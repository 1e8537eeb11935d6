"""Graphs of operators and how they run, without a word of protobuf."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, MiniCNNError
from minicnn.onnx.registry import Operator

__all__ = ["TURNS", "Graph", "Node", "Turns"]

Values = dict[str, Any]
TURNS = ""  # the key of the `Turns` among the values: no value has an empty name


class Turns:
    """Counts the turns of loops and the branches that one call of a model runs.

    Parameters
    ----------
    limit : int
    """

    def __init__(self, limit: int) -> None:
        self.limit = self.left = limit

    def take(self) -> None:
        """Count one turn.

        Raises
        ------
        ArgumentError
            If there are more than the limit.
        """
        self.left -= 1
        if self.left < 0:
            raise ArgumentError(
                f"OnnxModel: a call runs more than max_turns={self.limit} turns of loops; if the model is right, "
                "set its max_turns"
            )


@dataclass(frozen=True)
class Node:
    """A call of an operator: names of its inputs and outputs ("" where one is left out), and its attributes."""

    name: str
    operator: Operator
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    @cached_property
    def reads(self) -> set[str]:
        """The names of all values that the call reads, also inside the graphs that are its attributes."""
        inner = (value.reads for value in self.attributes.values() if isinstance(value, Graph))
        return set(self.inputs).union(*inner) - {""}

    def run(self, values: Values) -> None:
        """Compute the outputs from the values and add them.

        Raises
        ------
        MiniCNNError
            The error of the operation, with the name of the node.
        ArgumentError
            If the operator has fewer outputs, or cannot run with these inputs and attributes.
        """
        attributes = {
            name: value.bound(values) if isinstance(value, Graph) else value for name, value in self.attributes.items()
        }
        if self.operator.counts_outputs:
            attributes["outputs"] = len(self.outputs)
        inputs = [values[name] if name else None for name in self.inputs]
        try:
            result = self.operator.function(*inputs, **attributes)
        except MiniCNNError as error:
            error.add_note(f"in the node {self.name!r}, an ONNX {self.operator.name}")
            raise
        except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:  # of wrong models
            raise ArgumentError(
                f"{self.operator.name}: the node {self.name!r} cannot run with these inputs and attributes "
                f"({type(error).__name__}: {error})"
            ) from error
        results = result if isinstance(result, tuple) else (result,)
        if missing := [name for name in self.outputs[len(results) :] if name]:
            raise ArgumentError(f"{self.operator.name}: the output {missing[0]!r} of {self.name!r} is not supported")
        values.update((name, value) for name, value in zip(self.outputs, results, strict=False) if name)


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which they can run, with constants of the graph by name."""

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, Tensor]

    @cached_property
    def reads(self) -> set[str]:
        """The names of the values that the graph reads from the graph around it."""
        own = {*self.inputs, *self.constants}.union(*(node.outputs for node in self.nodes))
        return {*self.outputs}.union(*(node.reads for node in self.nodes)) - own

    @cached_property
    def _last_reads(self) -> list[list[str]]:
        """For each node, the results of nodes that nobody reads after it."""
        made = {name for node in self.nodes for name in node.outputs}
        needed, found = set(self.outputs), []
        for node in reversed(self.nodes):
            last = (node.reads | {*node.outputs} - {""}) & made - needed
            needed |= last
            found.append(sorted(last))
        return found[::-1]

    def run(self, values: Values) -> tuple[Any, ...]:
        """Run the nodes and return the outputs; `values` holds the inputs, and is used up."""
        values.update(self.constants)
        for node, last in zip(self.nodes, self._last_reads, strict=True):
            node.run(values)
            for name in last:
                values.pop(name, None)
        return tuple(values[name] for name in self.outputs)

    def bound(self, outer: Values) -> Callable[..., tuple[Any, ...]]:
        """Return the graph as a function of its inputs; it reads other values from the graph around it."""

        def call(*inputs: Any) -> tuple[Any, ...]:
            if TURNS in outer:
                outer[TURNS].take()
            return self.run({**outer, **dict(zip(self.inputs, inputs, strict=False))})

        return call
