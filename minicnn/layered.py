"""Places for the nodes of a directed graph in layers, from top to bottom, after Sugiyama, Tagawa and Toda (1981).

Each node lies below all nodes before it. A long edge bends around the nodes between its ends: in every layer that it
crosses it has a point, for which the same rules hold as for a node.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Any

__all__ = ["Layout", "layered"]

Point = tuple[float, float]
GAP = 18.0  # between neighbours in a layer
DROP = 34.0  # from a layer to the next
BEND = 12.0  # the width that an edge takes between nodes
SWEEPS = 12


@dataclass(frozen=True)
class Layout:
    """Places in a drawing, in pixels.

    Attributes
    ----------
    centres : dict of node to (x, y)
    paths : dict of (node, node) to list of (x, y)
        The points of each edge, from the lower side of its start to the upper side of its end.
    width, height : float
    """

    centres: dict[Hashable, Point]
    paths: dict[tuple[Hashable, Hashable], list[Point]]
    width: float
    height: float


def layered(sizes: Mapping[Any, Point], edges: Sequence[tuple[Hashable, Hashable]]) -> Layout:
    """Return a layout of nodes with these sizes, (width, height), and edges (start, end) without a cycle."""
    below: dict[Hashable, list[Hashable]] = defaultdict(list)
    above: dict[Hashable, list[Hashable]] = defaultdict(list)
    for start, end in edges:
        below[start].append(end)
        above[end].append(start)
    order = list(TopologicalSorter({node: above[node] for node in sizes}).static_order())
    rank: dict[Hashable, int] = {}
    for node in order:
        rank[node] = max((rank[other] + 1 for other in above[node]), default=0)
    for node in reversed(order):  # a node without an input comes close to what uses it
        if not above[node] and below[node]:
            rank[node] = min(rank[other] for other in below[node]) - 1
    chains: dict[tuple[Hashable, Hashable], list[Hashable]] = {}
    for start, end in edges:
        bends = [(start, end, level) for level in range(rank[start] + 1, rank[end])]
        rank.update({bend: bend[2] for bend in bends})
        chains[start, end] = [start, *bends, end]
    layers: list[list[Hashable]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for node in [*order, *(bend for chain in chains.values() for bend in chain[1:-1])]:
        layers[rank[node]].append(node)
    neighbours: dict[Hashable, tuple[list[Hashable], list[Hashable]]] = defaultdict(lambda: ([], []))
    for chain in chains.values():
        for upper, lower in pairwise(chain):
            neighbours[lower][0].append(upper)
            neighbours[upper][1].append(lower)
    width = {node: sizes[node][0] if node in sizes else BEND for node in rank}
    x = _columns(layers, neighbours, width)
    return _placed(dict(sizes), layers, chains, x, width)


def _columns(
    layers: list[list[Hashable]],
    neighbours: Mapping[Hashable, tuple[list[Hashable], list[Hashable]]],
    width: Mapping[Hashable, float],
) -> dict[Hashable, float]:
    """Sort each layer so that few edges cross, and return the x of each node, near the mean of its neighbours'."""
    x = {node: float(i) for layer in layers for i, node in enumerate(layer)}
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            side = sweep % 2
            wanted = {node: _mean([x[other] for other in neighbours[node][side]], x[node]) for node in layer}
            layer.sort(key=lambda node: wanted[node])
            x.update({node: float(i) - len(layer) / 2 for i, node in enumerate(layer)})
    for layer in layers:
        x.update(zip(layer, _apart([0.0] * len(layer), [width[node] for node in layer]), strict=True))
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            near = [[x[other] for side in neighbours[node] for other in side] for node in layer]
            wanted_x = [_mean(values, x[node]) for values, node in zip(near, layer, strict=True)]
            x.update(zip(layer, _apart(wanted_x, [width[node] for node in layer]), strict=True))
    return x


def _apart(wanted: list[float], widths: list[float]) -> list[float]:
    """Return places near the wanted ones, in the same order, that leave a gap between neighbours.

    It is the mean of two such lists: one moves nodes to the right only, the other to the left only.
    """
    steps = [(a + b) / 2 + GAP for a, b in pairwise(widths)]
    right, left = wanted[:], wanted[:]
    for i, step in enumerate(steps):
        right[i + 1] = max(right[i + 1], right[i] + step)
    for i, step in reversed(list(enumerate(steps))):
        left[i] = min(left[i], left[i + 1] - step)
    return [(a + b) / 2 for a, b in zip(right, left, strict=True)]


def _placed(
    sizes: dict[Hashable, Point],
    layers: list[list[Hashable]],
    chains: Mapping[tuple[Hashable, Hashable], list[Hashable]],
    x: dict[Hashable, float],
    width: Mapping[Hashable, float],
) -> Layout:
    left = min((x[node] - width[node] / 2 for node in x), default=0.0)
    right = max((x[node] + width[node] / 2 for node in x), default=0.0)
    centres: dict[Hashable, Point] = {}
    top = 0.0
    for layer in layers:
        tallest = max((sizes[node][1] for node in layer if node in sizes), default=0.0)
        centres.update({node: (x[node] - left, top + tallest / 2) for node in layer})
        top += tallest + DROP
    paths = {}
    for (start, end), chain in chains.items():
        points = [centres[node] for node in chain]
        points[0] = points[0][0], points[0][1] + sizes[start][1] / 2
        points[-1] = points[-1][0], points[-1][1] - sizes[end][1] / 2
        paths[start, end] = points
    own = {node: centre for node, centre in centres.items() if node in sizes}
    return Layout(own, paths, right - left, max(top - DROP, 0.0))


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
