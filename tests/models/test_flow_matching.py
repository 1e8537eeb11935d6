"""Tests of the solver against exact solutions, of projections and variations, and of the loss."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.models import FlowMatching
from minicnn.models.flow_matching import flow, velocity_loss

MEAN, DEVIATION = 0.5, 2.0


def gaussian_velocity(x, t):
    """The exact velocity for pictures with normal pixels: x_t has the mean t m and the variance (1 - t)² + t² s²."""
    t = t.reshape(-1, 1, 1, 1)
    variance = (1 - t) ** 2 + t**2 * DEVIATION**2
    return MEAN + (t * DEVIATION**2 - (1 - t)) / variance * (x - t * MEAN)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("heun", 2)])
def test_the_error_falls_with_the_order_of_the_method(method, order):
    z = minicnn.randn(1, 1, 4, 4, dtype=minicnn.float64)
    exact = MEAN + DEVIATION * z.numpy()  # the quantiles of a normal distribution stay where they are
    errors = [np.abs(flow(gaussian_velocity, z, steps=n, method=method).numpy() - exact).max() for n in (40, 80)]
    assert errors[0] < 0.2
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.25)


@pytest.mark.parametrize("method", ["euler", "heun"])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_straight_flow_arrives_exactly(method, steps):
    goal = minicnn.randn(2, 1, 3, 3, dtype=minicnn.float64)

    def velocity(x, t):
        return (goal - x) / (1 - t.reshape(-1, 1, 1, 1))

    x = minicnn.randn(2, 1, 3, 3, dtype=minicnn.float64)
    for start in (0.0, 0.6):
        y = flow(velocity, x, start=start, steps=steps, method=method)
        np.testing.assert_allclose(y.numpy(), goal.numpy(), atol=1e-12)


@pytest.mark.parametrize("method", ["euler", "heun"])
def test_the_last_picture_has_the_known_properties(method):
    known = minicnn.randn(1, 1, 3, 3, dtype=minicnn.float64)
    hole = minicnn.tensor(np.eye(3, dtype=bool))
    z = minicnn.randn(4, 1, 3, 3, dtype=minicnn.float64)
    y = flow(
        gaussian_velocity, z, steps=5, method=method, project=lambda x: minicnn.ops.comparison.where(hole, x, known)
    )
    outside = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(y.numpy()[:, 0][:, outside], known.numpy()[0, 0][outside].repeat(4).reshape(-1, 4).T)
    assert np.abs(y.numpy()[0, 0].diagonal() - known.numpy()[0, 0].diagonal()).min() > 1e-3


def test_mistakes():
    z = minicnn.zeros(1, 1, 2, 2)
    for options in ({"steps": 0}, {"start": 1.0}, {"start": -0.1}, {"method": "euler2"}):
        with pytest.raises(
            ArgumentError, match=r"flow: steps must be at least 1, start in \[0, 1\), the method euler or"
        ):
            flow(gaussian_velocity, z, **options)


def test_the_loss_is_the_error_of_the_velocity():
    class Zero:
        classes, seen = 0, []

        def without_some(self, labels):
            return labels

        def __call__(self, x, time, labels):
            self.seen.append((x.numpy(), time.numpy(), labels))
            return x * 0

    minicnn.manual_seed(0)
    network, x = Zero(), minicnn.rand(2000, 1, 2, 2)
    loss = velocity_loss(network, x, None).item()
    assert loss == pytest.approx(1 + 1 / 3, rel=0.05)  # E (x - z)² for uniform x and normal z
    (noisy, time, _) = network.seen[0]
    assert (time > 0).all()
    assert (time < 1).all()
    assert np.median(time) == pytest.approx(0.5, abs=0.05)
    early, late = time < 0.1, time > 0.9
    assert noisy[early].std() == pytest.approx(1, abs=0.15)  # nearly noise
    assert np.abs(noisy[late] - x.numpy()[late]).mean() < 0.15  # nearly the picture


def test_a_trained_flow_generates_what_it_has_seen():
    minicnn.manual_seed(0)
    model = FlowMatching(size=8, width=8, classes=2)
    pictures = minicnn.tensor(np.stack([np.full((1, 8, 8), 0.1), np.full((1, 8, 8), 0.9)]).astype(np.float32))
    optimizer = minicnn.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(150):
        labels = minicnn.randint(0, 2, (16,))
        optimizer.zero_grad()
        model.losses(pictures[labels], labels)["loss"].backward()
        optimizer.step()
    model.eval()
    made = model.sample(6, minicnn.tensor([0, 0, 0, 1, 1, 1])).numpy().mean((1, 2, 3))
    assert (made[:3] < 0.3).all()
    assert (made[3:] > 0.7).all()
    strong = model.sample(2, minicnn.tensor([0, 1]), guidance=2.0, steps=5, method="euler").numpy().mean((1, 2, 3))
    assert strong[0] < 0.3 < 0.7 < strong[1]
    same = model.vary(pictures, 0.02, minicnn.tensor([0, 1])).numpy()
    np.testing.assert_allclose(same, pictures.numpy(), atol=0.06)


def test_a_strength_outside_its_range():
    model = FlowMatching(size=8, width=8).eval()
    for strength in (-0.1, 1.1):
        with pytest.raises(ArgumentError, match="vary: strength must be from 0 to 1, got"):
            model.vary(minicnn.zeros(1, 1, 8, 8), strength)
    picture = minicnn.rand(1, 1, 8, 8)
    np.testing.assert_array_equal(model.vary(picture, 0.0).numpy(), picture.numpy())
