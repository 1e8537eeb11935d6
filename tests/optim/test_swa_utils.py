"""Averages of models beside what PyTorch recorded (tests/oracles/calls/averages.py)."""

import pytest

import minicnn
from minicnn import nn, optim
from minicnn.errors import ArgumentError
from minicnn.optim.swa_utils import SWALR, AveragedModel, get_ema_avg_fn, update_bn


def test_an_average_is_better_than_the_last_weights():
    """With a large rate the weights of SGD jump around the answer; their mean is near it."""
    minicnn.manual_seed(0)
    model, answer = nn.Linear(4, 1, bias=False), minicnn.tensor([[1.0, -2.0, 0.5, 3.0]])
    average, optimizer = AveragedModel(model), optim.SGD(model.parameters(), lr=0.3)
    for step in range(300):
        x = minicnn.randn(2, 4)
        loss = (model(x) - x @ answer.T - 0.5 * minicnn.randn(2, 1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step >= 50:
            average.update_parameters(model)
    errors = [(w - answer).norm().item() for w in (average.module.weight, model.weight)]
    assert errors[0] < errors[1] / 3


def test_the_average_is_separate_and_can_be_saved():
    model = nn.Linear(2, 2)
    average, twin = AveragedModel(model), AveragedModel(nn.Linear(2, 2))
    average.update_parameters(model)
    model.weight.data.fill_(7.0)
    assert 7.0 not in average.module.weight.tolist()[0]
    twin.load_state_dict(average.state_dict())
    assert twin.n_averaged.item() == 1
    assert twin.module.weight.tolist() == average.module.weight.tolist()


def test_statistics_are_those_of_the_averaged_weights():
    model = AveragedModel(nn.BatchNorm1d(1))
    update_bn([minicnn.tensor([[1.0], [3.0]]), minicnn.tensor([[4.0], [8.0]])], model)
    assert model.module.running_mean.item() == 4.0
    assert model.module.momentum == 0.1


def test_messages():
    with pytest.raises(ArgumentError, match=r"decay must be from 0 to 1, got 1\.5"):
        get_ema_avg_fn(1.5)
    optimizer = optim.SGD([minicnn.ones(1, requires_grad=True)], lr=0.1)
    with pytest.raises(ArgumentError, match="anneal_strategy must be 'cos' or 'linear', got 'steps'"):
        SWALR(optimizer, 0.1, anneal_strategy="steps")
    with pytest.raises(ArgumentError, match="SWALR: anneal_epochs must be an integer of at least 0, got -1"):
        SWALR(optimizer, 0.1, anneal_epochs=-1)
