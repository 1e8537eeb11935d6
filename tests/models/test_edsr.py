"""Tests of EDSR: the connection around all blocks, and a network that learns to enlarge."""

import minicnn
from minicnn.models import EDSR


def test_a_connection_leads_around_the_blocks():
    minicnn.manual_seed(0)
    model, x = EDSR(scale=2, width=4, blocks=1), minicnn.rand(1, 3, 8, 8)
    with minicnn.no_grad():
        for parameter in model.body.parameters():
            parameter.zero_()
        h = minicnn.nn.functional.pixel_shuffle(model.tail(model.head(x - 0.5)), 2)
        assert float((model(x) - model.first_guess(x) - h).abs().max()) < 1e-6


def test_learns_to_enlarge():
    minicnn.manual_seed(0)
    model = EDSR(scale=2, width=8, blocks=1)
    optimizer = minicnn.optim.Adam(model.parameters(), lr=3e-3)
    large = (minicnn.rand(4, 1, 24, 24).cumsum(2) % 1).round().expand(4, 3, 24, 24)
    small = minicnn.nn.functional.avg_pool2d(large, 2)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = ((model(small) - large) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] * 0.9
