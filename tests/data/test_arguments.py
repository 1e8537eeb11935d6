"""Tests of the argument checks of minicnn.data."""

import numpy as np
import pytest

from minicnn.data.arguments import check_choice, check_integer
from minicnn.errors import DataError


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_an_integer_of_any_kind_comes_back_as_a_plain_int(value):
    number = check_integer("call", "count", value, 3)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("value", [2, 3.0, "3", True, None, -1])
def test_what_is_no_integer_or_too_small_is_refused(value):
    with pytest.raises(DataError, match=r"call: count must be an integer of at least 3, got .*; pass e\.g\. 3"):
        check_integer("call", "count", value, 3)


def test_a_choice_must_be_one_of_those_listed():
    check_choice("call", "mode", "rgb", ("rgb", "grey"))
    with pytest.raises(DataError, match="call: mode must be one of 'rgb', 'grey', got 'gray'"):
        check_choice("call", "mode", "gray", ("rgb", "grey"))
