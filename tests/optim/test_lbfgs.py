"""Tests of LBFGS beyond PyTorch's recorded results."""

import copy

import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.optim import LBFGS


def step(optimizer, p):
    def closure():
        optimizer.zero_grad()
        loss = ((p - 3) ** 4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)


def test_a_loaded_state_goes_on_as_the_first_one():
    p = minicnn.nn.Parameter(minicnn.tensor([0.0, 1.0]))
    first = LBFGS([p], lr=0.1, max_iter=3)
    step(first, p)
    q = copy.deepcopy(p)
    second = LBFGS([q], lr=0.5)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    step(first, p)
    step(second, q)
    assert p.equal(q)


def test_there_is_one_group():
    p = minicnn.nn.Parameter(minicnn.ones(2))
    with pytest.raises(ArgumentError, match="LBFGS: there can be one group of parameters"):
        LBFGS([p]).add_param_group({"params": [minicnn.nn.Parameter(minicnn.ones(1))]})
