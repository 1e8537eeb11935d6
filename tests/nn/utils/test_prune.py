"""Pruning beside what PyTorch recorded (tests/oracles/calls/pruning.py): own methods, messages."""

import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ArgumentError, DTypeError, OutOfRangeError, ShapeError
from minicnn.nn.utils import prune


def test_a_loaded_state_is_pruned_too():
    layer, other = prune.l1_unstructured(nn.Linear(4, 3), "weight", 0.5), prune.identity(nn.Linear(4, 3), "weight")
    other.load_state_dict(layer.state_dict())
    x = minicnn.rand(2, 4)
    assert layer(x).tolist() == other(x).tolist()
    assert int((other.weight == 0).sum()) == 6


def test_pruned_elements_stay_zero_in_training():
    layer = prune.ln_structured(nn.Conv2d(2, 4, 3), "weight", amount=1, n=2, dim=0)
    optimizer = minicnn.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        optimizer.zero_grad()
        layer(minicnn.rand(1, 2, 5, 5)).square().sum().backward()
        optimizer.step()
    layer(minicnn.rand(1, 2, 5, 5))
    zeros = (layer.weight == 0).reshape(4, -1).all(1)
    assert zeros.sum().item() == 1


def test_a_method_of_your_own():
    class Negative(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            return default_mask * (t >= 0)

    layer = nn.Linear(4, 3)
    before = layer.weight.detach().clone()
    Negative.apply(layer, "weight")
    assert layer.weight.tolist() == before.clamp(0).tolist()
    Negative.apply(layer, "weight")
    assert len(next(iter(layer._forward_pre_hooks.values()))) == 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: prune.l1_unstructured(m, "weight", "a"), DTypeError, "amount must be an integer or a fraction"),
        (lambda m: prune.l1_unstructured(m, "weight", 1.5), ArgumentError, "amount must be a fraction from 0 to 1"),
        (lambda m: prune.l1_unstructured(m, "weight", 13), ArgumentError, "amount=13 is larger than .* left, 12"),
        (lambda m: prune.l1_unstructured(m, "weight", 1, m.bias), ShapeError, r"must be \(3, 4\), as 'weight' is"),
        (lambda m: prune.ln_structured(m, "bias", 1, 2, 0), ShapeError, r"2 or more axes only, got \(3,\)"),
        (lambda m: prune.ln_structured(m, "weight", 1, 2, 2), OutOfRangeError, r"dim=2 is no axis of \(3, 4\)"),
        (lambda m: prune.custom_from_mask(m, "weight", m.bias), ShapeError, r"mask must have the shape \(3, 4\)"),
        (lambda m: prune.remove(m, "weight"), ArgumentError, "remove: 'weight' of Linear is not pruned"),
        (lambda m: prune.PruningContainer(3), DTypeError, "PruningContainer: int is no BasePruningMethod"),
        (
            lambda m: prune.global_unstructured([(m, "weight")], prune.LnStructured, amount=1, n=2),
            DTypeError,
            "LnStructured prunes slices; take a method for elements",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call(nn.Linear(4, 3))


def test_a_refused_method_changes_nothing():
    layer = nn.Linear(4, 3)
    with pytest.raises(ArgumentError):
        prune.l1_unstructured(layer, "weight", 13)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    assert not prune.is_pruned(layer)
