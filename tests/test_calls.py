"""Arguments mean the same as in PyTorch: tests/oracles/record_torch_calls.py recorded its results."""

import json
from pathlib import Path

import numpy as np
import pytest

import minicnn
from tests.oracles.calls import TOPICS, run

FOLDER = Path(__file__).parent / "oracles" / "calls"
RECORDED = {topic: json.loads((FOLDER / f"{topic}.json").read_text(encoding="utf-8")) for topic in TOPICS}


def flat(value):
    """Yield (place, number or text) of nested results."""
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            for place, leaf in flat(part):
                yield (key, *place), leaf
    else:
        yield (), value


@pytest.mark.filterwarnings("ignore:.*without dim, the axis is guessed", "ignore:.*without align_corners")
@pytest.mark.parametrize(("topic", "call"), [(topic, call) for topic in TOPICS for call in TOPICS[topic].CALLS])
def test_a_call_means_the_same(topic, call):
    found, expected = dict(flat(run(topic, call, minicnn))), dict(flat(RECORDED[topic][call]))
    assert found.keys() == expected.keys(), found
    for place, value in expected.items():
        if isinstance(value, float):
            np.testing.assert_allclose(found[place], value, atol=2e-5)
        else:
            assert found[place] == value, place


@pytest.mark.parametrize("topic", TOPICS)
def test_the_record_is_that_of_the_calls(topic):
    assert list(RECORDED[topic]) == list(TOPICS[topic].CALLS)
    assert sum(result == "raises" for result in RECORDED[topic].values()) < max(30, len(TOPICS[topic].CALLS) / 5)
