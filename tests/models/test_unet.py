"""Tests of EditingUNet: its levels, its radius, and a network that learns."""

import pytest

import minicnn
from minicnn.models import EditingUNet


@pytest.mark.parametrize(
    ("levels", "blocks", "multiple", "radius"),
    [(1, 0, 2, 4), (1, 1, 2, 8), (2, 1, 4, 30), (3, 0, 8, 30), (3, 1, 8, 74), (3, 2, 8, 110)],
)
def test_the_multiple_and_the_radius(levels, blocks, multiple, radius):
    model = EditingUNet(width=4, levels=levels, blocks=blocks)
    assert (model.multiple, model.radius) == (multiple, radius)


def test_the_radius_and_the_multiple_grow_with_the_shuffle():
    small, large = (EditingUNet(width=4, levels=3, shuffle=shuffle) for shuffle in (2, 4))
    assert (large.multiple, large.radius) == (2 * small.multiple, 2 * small.radius)
    assert large.head.weight.shape == (4, 3 * 16, 3, 3)


def test_each_level_has_more_channels():
    model = EditingUNet(width=4, levels=3)
    assert [conv.weight.shape[:2] for conv in model.down] == [(8, 4), (12, 8)]
    assert [conv.weight.shape[:2] for conv in model.up] == [(4, 8), (8, 12)]


def test_trains():
    minicnn.manual_seed(2)
    model = EditingUNet(width=4, levels=2)
    optimizer = minicnn.optim.Adam(model.parameters(), lr=0.01)
    clean = minicnn.rand(4, 3, 1, 1).expand(4, 3, 12, 12)
    noisy = clean + 0.2 * minicnn.randn(4, 3, 12, 12)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = ((model(noisy) - clean) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] * 0.6
