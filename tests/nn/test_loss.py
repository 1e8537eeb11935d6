"""Tests of loss layers: state and error messages. test_against_torch.py tests their values."""

import pytest

import minicnn
from minicnn import ArgumentError, nn

LOSSES = [
    "MSELoss",
    "L1Loss",
    "HuberLoss",
    "SmoothL1Loss",
    "CrossEntropyLoss",
    "NLLLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
]


@pytest.mark.parametrize("name", LOSSES)
def test_an_unknown_reduction_is_refused_at_once(name):
    with pytest.raises(ArgumentError, match=f"{name}: reduction must be 'mean', 'sum' or 'none', got 'average'"):
        getattr(nn, name)(reduction="average")


def test_weights_are_state_that_moves_with_the_model():
    loss = nn.BCEWithLogitsLoss(pos_weight=minicnn.ones(3)).double()
    assert list(loss.state_dict()) == ["pos_weight"]
    assert loss.pos_weight.dtype == minicnn.float64
    assert list(nn.CrossEntropyLoss().state_dict()) == []
