"""Arguments mean the same as in PyTorch: tests/oracles/record_torch_calls.py recorded its results."""

import json
from pathlib import Path

import numpy as np
import pytest

import minicnn
from tests.oracles.calls import CALLS, run

RECORDED = json.loads((Path(__file__).parent / "oracles" / "torch_calls.json").read_text(encoding="utf-8"))


def flat(value):
    """Yield (place, number or text) of nested results."""
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            for place, leaf in flat(part):
                yield (key, *place), leaf
    else:
        yield (), value


@pytest.mark.filterwarnings("ignore:.*without dim, the axis is guessed")
@pytest.mark.parametrize("call", CALLS)
def test_a_call_means_the_same(call):
    found, expected = dict(flat(run(call, minicnn))), dict(flat(RECORDED[call]))
    assert found.keys() == expected.keys(), found
    for place, value in expected.items():
        if isinstance(value, float):
            np.testing.assert_allclose(found[place], value, atol=2e-5)
        else:
            assert found[place] == value, place


def test_the_record_is_that_of_the_calls():
    assert list(RECORDED) == list(CALLS)
    assert sum(result == "raises" for result in RECORDED.values()) < 30
