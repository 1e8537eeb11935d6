"""Tests of the argument checks that layer constructors share. The tests of each layer match its full messages."""

import pytest

from minicnn import ArgumentError, ShapeError
from minicnn.nn.arguments import check_groups, check_positive, check_probability


def test_what_fits_passes():
    check_positive("call", a=1, b=7)
    check_groups("call", 3, channels=6)
    for p in (0, 0.5, 1):
        check_probability("call", p)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: check_positive("call", a=1, b=0), "call: b must be an integer >= 1, got 0"),
        (lambda: check_groups("call", 4, channels=6), "call: channels=6 cannot be split into groups=4; .* 1, 2, 3, 6$"),
        (lambda: check_probability("call", float("nan")), "call: p must be a probability from 0 to 1, got nan"),
    ],
)
def test_messages(check, message):
    with pytest.raises((ArgumentError, ShapeError), match=message):
        check()
