"""Tests of random tensors by their moments. tests/oracles/calls/assembly.py tests their arguments."""

import math

import pytest

import minicnn as mc

N = 40_000


@pytest.mark.parametrize(
    ("name", "arguments", "mean", "deviation"),
    [
        ("bernoulli_", (0.25,), 0.25, math.sqrt(0.1875)),
        ("exponential_", (2.0,), 0.5, 0.5),
        ("geometric_", (0.25,), 4.0, math.sqrt(0.75) / 0.25),
        ("log_normal_", (0.0, 0.5), math.exp(0.125), math.exp(0.125) * math.sqrt(math.exp(0.25) - 1)),
        ("random_", (2, 8), 4.5, math.sqrt(35 / 12)),
        ("normal_", (1.0, 3.0), 1.0, 3.0),
    ],
)
def test_moments(name, arguments, mean, deviation):
    mc.manual_seed(1)
    x = getattr(mc.empty(N, dtype=mc.float64), name)(*arguments)
    assert x.mean().item() == pytest.approx(mean, abs=5 * deviation / math.sqrt(N))
    assert x.std().item() == pytest.approx(deviation, rel=0.05)


def test_quartiles_of_the_cauchy_distribution():
    mc.manual_seed(1)
    x = mc.empty(N).cauchy_(1.0, 2.0)
    assert x.quantile(mc.tensor([0.25, 0.5, 0.75])).tolist() == pytest.approx([-1.0, 1.0, 3.0], abs=0.1)


def test_normal_and_poisson_follow_their_tensors():
    mc.manual_seed(1)
    x = mc.normal(mc.tensor([[0.0], [5.0]]).expand(2, N), mc.tensor([[1.0], [0.1]]))
    assert x.mean(1).tolist() == pytest.approx([0.0, 5.0], abs=0.03)
    assert x.std(1).tolist() == pytest.approx([1.0, 0.1], rel=0.03)
    assert mc.poisson(mc.full((N,), 3.0)).var().item() == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial_draws_by_weight(replacement, device):
    mc.manual_seed(1)
    weights = mc.tensor([[1.0, 0.0, 3.0], [0.0, 2.0, 2.0]], device=device).repeat_interleave(N // 4, 0)
    first = mc.multinomial(weights, 2, replacement)[:, 0]
    assert first.device is device
    shares = [half.bincount(minlength=3).double() / (N // 4) for half in first.cpu().chunk(2)]
    assert shares[0].tolist() == pytest.approx([0.25, 0.0, 0.75], abs=0.03)
    assert shares[1].tolist() == pytest.approx([0.0, 0.5, 0.5], abs=0.03)
    if not replacement:
        assert (mc.multinomial(weights, 2).sort(1).values[:, 0] != mc.multinomial(weights, 2).amax(1)).all()


def test_the_seed_decides():
    def draw():
        mc.manual_seed(3)
        return [mc.normal(0.0, 1.0, (3,)).tolist(), mc.ones(4).multinomial(2).tolist(), mc.empty(2).cauchy_().tolist()]

    assert draw() == draw()
