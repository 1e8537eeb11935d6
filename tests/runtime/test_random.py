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


def seeded(seed):
    return mc.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    "draw",
    [
        lambda g: mc.rand(3, generator=g),
        lambda g: mc.randn(3, generator=g),
        lambda g: mc.randint(0, 99, (3,), generator=g),
        lambda g: mc.randperm(9, generator=g),
        lambda g: mc.randn_like(mc.zeros(3), generator=g),
        lambda g: mc.zeros(3).uniform_(generator=g),
        lambda g: mc.zeros(3).normal_(1, 2, generator=g),
        lambda g: mc.zeros(9).random_(99, generator=g),
        lambda g: mc.bernoulli(mc.full((20,), 0.5), generator=g),
        lambda g: mc.multinomial(mc.ones(9), 5, generator=g),
        lambda g: mc.normal(0.0, 1.0, (3,), generator=g),
        lambda g: mc.nn.init.kaiming_normal_(mc.zeros(3, 3), generator=g),
        lambda g: mc.nn.init.uniform_(mc.zeros(3), 0.0, 1.0, g),
    ],
)
def test_a_generator_of_ones_own(draw):
    state = mc.get_rng_state()
    first, again, other = draw(seeded(1)).tolist(), draw(seeded(1)).tolist(), draw(seeded(2)).tolist()
    assert first == again != other
    assert mc.get_rng_state() == state
    generator = seeded(1)
    assert draw(generator).tolist() == first != draw(generator).tolist()
    with pytest.raises(ArgumentError, match=r"generator: expected a minicnn\.Generator, got int"):
        draw(3)


def test_a_generator_has_a_state():
    generator = seeded(4)
    twin = generator.clone_state()
    assert twin.initial_seed() == 4
    state = generator.get_state()
    first = mc.rand(2, generator=generator).tolist()
    assert mc.rand(2, generator=twin).tolist() == first
    assert mc.rand(2, generator=generator.set_state(state)).tolist() == first
    assert mc.Generator("cpu").device.name == "cpu"
    seeds = {mc.Generator().seed() for _ in range(3)}
    assert len(seeds) == 3
