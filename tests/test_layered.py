"""Tests of the layout of graphs: properties that any drawing of a graph without cycles has."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from minicnn.layered import GAP, layered


@st.composite
def graphs(draw):
    """Draw nodes with sizes, and edges from lower to higher numbers."""
    count = draw(st.integers(1, 12))
    side = st.floats(1, 200)
    sizes = {n: (draw(side), draw(side)) for n in range(count)}
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return sizes, edges


@given(graphs())
def test_nodes_lie_inside_and_do_not_overlap(graph):
    sizes, edges = graph
    layout = layered(sizes, edges)
    boxes = []
    for node, (x, y) in layout.centres.items():
        width, height = sizes[node]
        assert -1e-6 <= x - width / 2 <= x + width / 2 <= layout.width + 1e-6
        assert -1e-6 <= y - height / 2 <= y + height / 2 <= layout.height + 1e-6
        boxes.append((x, y, width, height))
    for i, (x, y, w, h) in enumerate(boxes):
        for u, v, ww, hh in boxes[:i]:
            assert abs(x - u) >= (w + ww) / 2 + GAP - 1e-6 or abs(y - v) >= (h + hh) / 2


@given(graphs())
def test_edges_go_down_from_the_lower_to_the_upper_side(graph):
    sizes, edges = graph
    layout = layered(sizes, edges)
    assert layout.paths.keys() == set(edges)
    for (start, end), points in layout.paths.items():
        (x0, y0), (x1, y1) = points[0], points[-1]
        assert (x0, y0 - sizes[start][1] / 2) == layout.centres[start] or abs(x0 - layout.centres[start][0]) < 1e-9
        assert abs(y0 - sizes[start][1] / 2 - layout.centres[start][1]) < 1e-6
        assert abs(y1 + sizes[end][1] / 2 - layout.centres[end][1]) < 1e-6
        assert x1 == layout.centres[end][0]
        assert all(upper < lower for (_, upper), (_, lower) in pairwise(points))


def test_a_chain_is_a_straight_line_and_a_diamond_is_symmetric():
    sizes = dict.fromkeys("abcd", (10.0, 10.0))
    chain = layered(sizes, [("a", "b"), ("b", "c"), ("c", "d")])
    assert {x for x, _ in chain.centres.values()} == {5.0}
    diamond = layered(sizes, [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])
    (left, y), (right, z) = diamond.centres["b"], diamond.centres["c"]
    assert (abs(right - left), y) == (10 + GAP, z)
    assert diamond.centres["a"][0] == diamond.centres["d"][0] == (left + right) / 2


def test_a_source_is_just_above_what_uses_it():
    sizes = dict.fromkeys("abcd", (10.0, 10.0))
    layout = layered(sizes, [("a", "b"), ("b", "c"), ("d", "c")])
    assert layout.centres["d"][1] == layout.centres["b"][1]


def test_two_edges_that_could_cross_do_not():
    sizes = dict.fromkeys("abcd", (10.0, 10.0))
    layout = layered(sizes, [("a", "d"), ("b", "c")])
    x = {node: place[0] for node, place in layout.centres.items()}
    assert (x["a"] < x["b"]) == (x["d"] < x["c"])


def test_no_nodes():
    assert layered({}, []).centres == {}
