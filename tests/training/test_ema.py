"""Tests of EMA, the exponential moving average of weights: formula, use and state."""

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ArgumentError, CheckpointError
from minicnn.training import EMA, Validate


def test_the_formula():
    model = nn.Linear(1, 1, bias=False).double()
    ema = EMA(decay=0.15)
    for value in (4.0, 8.0, 0.0):
        model.weight.data[...] = value
        ema.update(model)
    second = 4 * 0.1 + 8 * 0.9  # 1 / (9 + 1) is below the decay, 2 / (9 + 2) is not
    assert ema.averages["weight"].item() == pytest.approx(second * 0.15 + 0.0 * 0.85, rel=1e-12)
    assert ema.updates == 3


def test_running_statistics_are_averaged_and_counts_are_copied():
    model, ema = nn.BatchNorm1d(1), EMA(decay=0.5)
    for value in (2.0, 6.0):
        model.running_mean.data[...] = value
        model.num_batches_tracked.data[...] = int(value)
        ema.update(model)
    assert ema.averages["running_mean"].item() == pytest.approx(0.1 * 2 + 0.9 * 6)
    assert ema.averages["num_batches_tracked"].item() == 6
    with ema.applied(model):
        assert model.running_mean.item() == pytest.approx(5.6)
    assert model.running_mean.item() == 6


def test_the_model_has_the_averages_only_within_the_block(tiny):
    ema = EMA(0.9)
    trainer = tiny.trainer([ema])
    trainer.fit(tiny.loader(), 2)
    own = tiny.weights(trainer)
    memory = trainer.model.last.weight.array
    with ema.applied(trainer.model):
        np.testing.assert_array_equal(trainer.model.last.weight.detach(), ema.averages["last.weight"])
        averaged = trainer.evaluate(tiny.loader())["loss"]
    assert trainer.evaluate(tiny.loader())["loss"] != averaged
    tiny.equal(tiny.weights(trainer), own)
    assert trainer.model.last.weight.array is memory
    with pytest.raises(ZeroDivisionError), ema.applied(trainer.model):
        raise ZeroDivisionError
    tiny.equal(tiny.weights(trainer), own)


def test_the_average_shares_no_memory_with_the_model():
    model, ema = nn.Linear(2, 2), EMA()
    ema.update(model)
    before = ema.averages["bias"].tolist()
    model.bias.data += 1
    assert ema.averages["bias"].tolist() == before
    twin = EMA()
    twin.load_state_dict(ema.state_dict())
    ema.averages["bias"].zero_()
    assert twin.averages["bias"].tolist() == before


def test_the_average_of_another_model_is_refused():
    ema, other = EMA(), EMA()
    ema.update(nn.Linear(2, 2))
    other.update(nn.Sequential(nn.Linear(2, 2)))
    with pytest.raises(
        CheckpointError, match=r"EMA.load_state_dict: the state has averages of 0.weight, 0.bias, this EMA of wei"
    ):
        ema.load_state_dict(other.state_dict())
    assert isinstance(ema.averages["weight"], minicnn.Tensor)


def test_another_decay_is_refused():
    ema = EMA(0.5)
    ema.update(nn.Linear(2, 2))
    other = EMA(0.75)
    with pytest.raises(
        CheckpointError, match=r"EMA.load_state_dict: the state has decay 0.5, this EMA 0.75; build EMA\(decay=0.5\)"
    ):
        other.load_state_dict(ema.state_dict())
    assert other.averages == {}


@pytest.mark.parametrize("decay", [-0.1, 1, 1.5, float("nan")])
def test_a_decay_out_of_range(decay):
    with pytest.raises(ArgumentError, match="EMA: decay must be at least 0 and below 1, got"):
        EMA(decay)


def test_an_incomplete_state():
    with pytest.raises(CheckpointError, match=r"EMA.load_state_dict: the state has no updates; it is from an earlier"):
        EMA().load_state_dict({"decay": 0.999, "averages": {}})


def test_validation_with_the_averages(tiny):
    ema = EMA(0.9)
    validate = Validate(tiny.loader(), ema=ema)
    trainer = tiny.trainer([ema, validate])
    trainer.fit(tiny.loader(), 2)
    own = trainer.evaluate(tiny.loader())["loss"]
    with ema.applied(trainer.model):
        averaged = trainer.evaluate(tiny.loader())["loss"]
    assert trainer.metrics["validation_loss"] == pytest.approx(averaged) != own


def test_complex_weights_are_averaged_too():
    model = nn.Linear(1, 1, bias=False, dtype=minicnn.complex64)
    real = nn.Linear(1, 1, bias=False)
    averages = EMA(0.9), EMA(0.9)
    for value in (1.0, 2.0, 3.0):
        for ema, net, factor in zip(averages, (real, model), (1, 1j), strict=True):
            nn.init.constant_(net.weight, value * factor)
            ema.update(net)
    a, b = (ema.averages["weight"].item() for ema in averages)
    assert 1 < a < 3
    assert b == pytest.approx(a * 1j)
