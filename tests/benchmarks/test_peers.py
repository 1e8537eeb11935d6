"""Tests of the other engines: the reasons for skipped cases, and the parameters of a case."""

import pytest

from benchmarks.cases import Op
from benchmarks.peers import UnsupportedError, _needs

SHAPES = {"input": (1, 4, 6, 6), "weight": (4, 4, 3, 3)}


def case(function="conv2d", **params):
    return Op(group="conv", name="n", function=function, shapes=SHAPES, params=params, backward=True)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (case("conv_transpose2d"), "no transposed convolution"),
        (case("conv3d"), "not for 3 axes"),
        (case(groups=2, padding=1, dilation=3), "no groups 2, dilation 3"),
    ],
)
def test_what_an_engine_lacks_is_named(case, reason):
    with pytest.raises(UnsupportedError, match=f"^{reason}$"):
        _needs(case, "stride", "padding")


def test_what_an_engine_has_is_passed_on():
    assert _needs(case(stride=2, padding=1), "stride", "padding") == {"stride": 2, "padding": 1}
    assert _needs(case("conv_transpose2d", stride=2), "stride", transposed=True) == {"stride": 2}
    assert _needs(case("conv3d"), axes=(2, 3)) == {}
