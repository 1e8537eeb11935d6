"""`draw`: the graph of a computation, as the tape has it, as a picture (SVG) or as a text for Mermaid.

The backward pass walks the same graph from below. Nodes of large networks are folded: all of a module is one node.
"""

import os
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from html import escape
from itertools import pairwise
from typing import Any

from minicnn.atomic import replace_file
from minicnn.autograd.tape import Leaf, Node
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, AutogradError
from minicnn.layered import layered
from minicnn.nn.module import Module
from minicnn.nn.summary import count_parameters

__all__ = ["Box", "Drawing", "draw"]

MOST = 60  # nodes that a reader can follow; a larger graph is folded, if the model is given
LIMIT = 300  # nodes of a picture
LETTER, LINE, MARGIN = 7.3, 16.0, 8.0  # pixels: the width of a letter, the height of a line, the room around a text
FONT = 12
ROUND = 12.0
DIM = ' fill-opacity="0.7"'  # of the lines after the first
Shape = tuple[int, ...]


@dataclass
class Box:
    """A node of the picture: an operation, a tensor or a folded module.

    Attributes
    ----------
    kind : "operation", "tensor" or "module"
    title : str
    shape : tuple of int
        Of the tensor, or of the result.
    notes : list of str
        More lines.
    """

    kind: str
    title: str
    shape: Shape
    notes: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The lines of text in the box."""
        return [self.title, " x ".join(map(str, self.shape)) or "scalar", *self.notes]


class Drawing:
    """The result of `draw`. A notebook shows it, `save` writes it, `mermaid` returns a text for that program.

    Attributes
    ----------
    boxes : dict of str to Box
    edges : list of (str, str)
        From the box that makes a value to the box that uses it.
    """

    def __init__(self, boxes: dict[str, Box], edges: list[tuple[str, str]]) -> None:
        self.boxes, self.edges = boxes, edges

    def __repr__(self) -> str:
        return f"<drawing of {len(self.boxes)} nodes; in a notebook it shows itself, and save('graph.svg') writes it>"

    def _repr_svg_(self) -> str:
        return self.svg()

    def svg(self) -> str:
        """Return the picture as SVG. Its colour is the one of the page's text."""
        sizes = {
            name: (LETTER * max(map(len, box.lines)) + 2 * MARGIN, LINE * len(box.lines) + MARGIN)
            for name, box in self.boxes.items()
        }
        layout = layered(sizes, self.edges)
        width, height = layout.width + 4, layout.height + 4
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="-2 -2 {width:.0f} {height:.0f}" role="img" aria-label="computation graph" '
            f'style="max-width:100%; height:auto" font-family="monospace" font-size="{FONT}" fill="currentColor" '
            'stroke="currentColor">'
        ]
        parts += [_curve(points) for points in layout.paths.values()]
        parts += [_box(box, layout.centres[name], sizes[name]) for name, box in self.boxes.items()]
        return "\n".join([*parts, "</svg>"])

    def mermaid(self) -> str:
        """Return a text that Mermaid draws, for example in Markdown files."""
        shapes = {"operation": ('["', '"]'), "tensor": ('(["', '"])'), "module": ('[["', '"]]')}
        lines = ["graph TD"]
        for name, box in self.boxes.items():
            before, after = shapes[box.kind]
            text = "<br/>".join(escape(line).replace('"', "#quot;") for line in box.lines)
            lines.append(f"    {name}{before}{text}{after}")
        return "\n".join([*lines, *(f"    {start} --> {end}" for start, end in self.edges)])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file of SVG."""
        with replace_file(path) as file:
            file.write(self.svg().encode())


def draw(output: Tensor, model: Module | None = None, *, depth: int | None = None) -> Drawing:
    """Draw the graph that made a tensor: operations, parameters and constants, with their shapes.

    A constant is a tensor that needs no gradient: data, or the mask of a dropout. A folded module shows none if it has
    another input.

    Parameters
    ----------
    output : Tensor
        With a graph: made of tensors that require a gradient, outside of `no_grad`.
    model : Module, optional
        Parameters get the names that they have in it, and modules can be folded.
    depth : int, optional
        Fold modules at this depth: with 1, each module directly in the model is one node. Default: as deep as the graph
        has at most 60 nodes, or not at all.

    Returns
    -------
    Drawing

    Raises
    ------
    AutogradError
        If the tensor has no graph.
    ArgumentError
        If there is no tensor, `depth` is below 1 or given without a model, or the graph has more than 300 nodes.

    Examples
    --------
    >>> from minicnn import nn, ones
    >>> model = nn.Linear(3, 2)
    >>> print(draw(model(ones(1, 3)), model).mermaid())
    graph TD
        n0["bias_add<br/>1 x 2"]
        n1["linear<br/>1 x 2"]
        n2(["bias<br/>2"])
        n3(["weight<br/>2 x 3"])
        n4(["constant<br/>1 x 3"])
        n1 --> n0
        n2 --> n0
        n3 --> n1
        n4 --> n1
    """
    given: tuple[Any, Any] = output, model
    if not isinstance(given[0], Tensor) or not isinstance(given[1], Module | None):
        got = f"{type(output).__name__} and {type(model).__name__}"
        raise ArgumentError(f"draw: expected a tensor, and perhaps the module that made it, got {got}")
    if depth is not None and (model is None or depth < 1):
        raise ArgumentError(f"draw: depth must be at least 1, and needs the model; got depth={depth}")
    if not isinstance(output._node, Node):
        raise AutogradError(
            "draw: the output has no graph; compute it from tensors that require a gradient, outside of no_grad"
        )
    paths = {} if model is None else {module: name for name, module in model.named_modules()}
    deepest = max((name.count(".") + 1 for name in paths.values() if name), default=0)
    depths = [depth] if depth is not None else [None, *range(deepest, 0, -1)]
    for at in depths:
        graph = _Graph(output, model, paths, at)
        if len(graph.boxes) <= MOST:
            break
    if len(graph.boxes) > LIMIT:
        advice = "draw a part of it, or fold modules with model= and depth="
        raise ArgumentError(f"draw: the graph has {len(graph.boxes)} nodes, at most {LIMIT} can be drawn; {advice}")
    return Drawing(*graph.named())


class _Graph:
    """The boxes and edges of a graph, by any keys; `named` gives them short names."""

    def __init__(self, output: Tensor, model: Module | None, paths: dict[Any, str], depth: int | None) -> None:
        self.boxes: dict[Any, Box] = {}
        self.edges: dict[tuple[Any, Any], None] = {}  # without doubles, in order
        self._paths, self._depth, self._model = paths, depth, model
        self._parameters = {} if model is None else {id(p): name for name, p in model.named_parameters()}
        # Above the depth, only a module without children is one node. Of another module, one node would hide the
        # operations between its children.
        self._single = {path for module, path in paths.items() if not any(module.children())}
        self._from_leaf: set[str] = set()  # folded modules that have the shape of a parameter until an operation comes
        self._open: set[str] = set()  # modules that are not folded, because they are called twice
        while True:
            self.boxes.clear()
            self.edges.clear()
            self._from_leaf.clear()
            self._walk(output)
            order: TopologicalSorter[Any] = TopologicalSorter()
            for start, end in self.edges:
                order.add(end, start)
            try:
                order.prepare()
                return
            except CycleError as error:  # a folded module that is called twice would be its own input
                self._open |= {key for key in error.args[1] if isinstance(key, str)}

    def named(self) -> tuple[dict[str, Box], list[tuple[str, str]]]:
        names = {key: f"n{number}" for number, key in enumerate(self.boxes)}
        return {names[key]: box for key, box in self.boxes.items()}, [(names[a], names[b]) for a, b in self.edges]

    def _walk(self, output: Tensor) -> None:
        """Go from the output to all nodes behind it."""
        root: Any = output._node
        todo, seen = [root], {root}
        constants: list[tuple[Node, int, Shape]] = []
        self._add(root, output.shape)
        while todo:
            node = todo.pop()
            for position, edge in enumerate(node.edges):
                shape = node.shapes[position]
                if edge is None:
                    constants.append((node, position, shape))
                    continue
                self._add(edge, shape)
                if (start := self._key(edge)) != (end := self._key(node)):
                    self.edges[start, end] = None
                if isinstance(edge, Node) and edge not in seen:
                    seen.add(edge)
                    todo.append(edge)

        # Constants come last: a folded module with another input has made them itself. Numbers, such as the 2 in x * 2,
        # are not drawn.
        fed = {end for _, end in self.edges}
        for node, position, shape in constants:
            end = self._key(node)
            if shape and not (isinstance(end, str) and end in fed):
                self.boxes[node, position] = Box("tensor", "constant", shape)
                self.edges[(node, position), end] = None

    def _key(self, node: Node | Leaf) -> Any:
        """Return the box of a node: itself, or the path of a folded module."""
        if self._depth is None:
            return node
        if isinstance(node, Node):
            path = self._paths.get(node.module and node.module(), "")
        else:
            path = self._parameters.get(id(node.tensor()), "").rpartition(".")[0]
        parts = path.split(".")
        folded = ".".join(parts[: self._depth])
        whole = len(parts) >= self._depth or folded in self._single
        return folded if folded and whole and folded not in self._open else node

    def _add(self, node: Node | Leaf, shape: Shape) -> None:
        key = self._key(node)
        if key in self.boxes:
            if key in self._from_leaf and isinstance(node, Node):  # a parameter came first, by another way
                self.boxes[key].shape = shape
                self._from_leaf.discard(key)
            return
        if isinstance(key, str):
            assert self._model is not None
            module = self._model.get_submodule(key)
            count = count_parameters(module.parameters())
            notes = [f"{count:,} parameters"] if count else []
            self.boxes[key] = Box("module", f"{key} ({type(module).__name__})", shape, notes)
            if isinstance(node, Leaf):
                self._from_leaf.add(key)
        elif isinstance(node, Leaf):
            tensor = node.tensor()
            name = self._parameters.get(id(tensor), "tensor")
            gradient = None if tensor is None or tensor.grad is None else float(tensor.grad.detach().norm())
            notes = [] if gradient is None else [f"gradient {gradient:.3g}"]
            self.boxes[key] = Box("tensor", name, shape, notes)
        else:
            self.boxes[key] = Box("operation", node.name().strip("_"), shape)


def _curve(points: list[tuple[float, float]]) -> str:
    """Return an edge through points: it is vertical in each of them, and ends in an arrow."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        path += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    x, y = points[-1]
    arrow = f"M{x - 3:.1f} {y - 6:.1f}L{x:.1f} {y:.1f}L{x + 3:.1f} {y - 6:.1f}"
    return f'<path d="{path}{arrow}" fill="none" stroke-opacity="0.6"/>'


def _box(box: Box, centre: tuple[float, float], size: tuple[float, float]) -> str:
    """Return a node: tensors are round, folded modules have a thick line."""
    (x, y), (width, height) = centre, size
    round_by = {"operation": 3.0, "tensor": ROUND, "module": 3.0}[box.kind]
    thick = 2 if box.kind == "module" else 1
    top = y - LINE * (len(box.lines) - 1) / 2 + FONT / 3
    texts = "".join(
        f'<text x="{x:.1f}" y="{top + LINE * i:.1f}" text-anchor="middle" stroke="none"'
        f"{DIM if i else ''}>{escape(line)}</text>"
        for i, line in enumerate(box.lines)
    )
    return (
        f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="{round_by:.1f}" fill="none" stroke-width="{thick}"/>{texts}'
    )
