"""Tests of the generator: the same seed gives the same bits, and its state can be stored as JSON."""

import json

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import ArgumentError
from minicnn.runtime.random import generator


def draws():
    return [mc.rand(3), mc.randn(2, 2), mc.randint(0, 10, (4,)), mc.randperm(5), mc.randn(3, dtype=mc.float64)]


def test_the_same_seed_gives_the_same_bits():
    mc.manual_seed(7)
    first = draws()
    mc.manual_seed(7)
    assert [a.array.tobytes() for a in draws()] == [a.array.tobytes() for a in first]
    mc.manual_seed(8)
    assert [a.array.tobytes() for a in draws()] != [a.array.tobytes() for a in first]
    assert mc.initial_seed() == 8


def test_the_state_goes_through_json():
    mc.manual_seed(1)
    mc.rand(3)  # an odd number of 32-bit draws leaves half a 64-bit word in the state
    state = json.loads(json.dumps(mc.get_rng_state()))
    first = draws()
    mc.set_rng_state(state)
    assert [a.array.tobytes() for a in draws()] == [a.array.tobytes() for a in first]


def test_there_is_one_generator():
    mc.manual_seed(3)
    a = generator().random(2)
    mc.manual_seed(3)
    np.testing.assert_array_equal(generator().random(2), a)


@pytest.mark.parametrize("seed", [-1, "a", None])
def test_seeds_that_are_none(seed):
    mc.manual_seed(5)
    with pytest.raises(ArgumentError, match=f"manual_seed: the seed must be an integer of at least 0, got {seed!r}"):
        mc.manual_seed(seed)
    assert mc.initial_seed() == 5


@pytest.mark.parametrize("state", [{"a": 1}, None, {"bit_generator": "PCG64"}])
def test_states_that_are_none(state):
    with pytest.raises(ArgumentError, match=r"expected the result of get_state\(\) or get_rng_state\(\), got "):
        mc.set_rng_state(state)
