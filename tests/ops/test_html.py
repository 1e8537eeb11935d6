"""Tests of the HTML of tensors: pictures are shown if a tensor looks like pictures, and large tensors stay cheap."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import minicnn
from minicnn.ops import html


def pictures(tensor):
    """Return the pictures in the HTML of a tensor, as arrays."""
    found = re.findall(r"base64,([^\"]*)\"", tensor._repr_html_())
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in found]


def test_values_shape_type_and_device_are_there(device):
    found = minicnn.tensor([[1.5, -2.0]]).to(device)._repr_html_()
    assert found.startswith(f"<div>1 x 2, float32, {device}</div><pre>tensor([[ 1.5000, -2.0000]]")
    assert "<img" not in found


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((9, 11), [(9, 11)]),
        ((3, 9, 11), [(9, 11, 3)]),
        ((1, 9, 11), [(9, 11)]),
        ((5, 9, 11), [(9, 11)] * 5),
        ((2, 3, 9, 11), [(9, 11, 3)] * 2),
        ((20, 1, 9, 11), [(9, 11)] * 16),
        ((2, 40, 9, 11), [(9, 11)] * 16),
        ((40, 9, 11), [(9, 11)] * 16),
        ((3, 600, 300), [(200, 100, 3)]),
        ((8, 3, 3, 3), [(3, 3, 3)] * 8),
        ((8, 3, 2, 3), []),
        ((7, 11), []),
        ((3, 0, 9), []),
        ((2, 2, 3, 9, 9), []),
        ((9,), []),
        ((), []),
    ],
)
def test_which_tensors_show_pictures(shape, expected):
    assert [p.shape for p in pictures(minicnn.rand(*shape))] == expected


def test_values_from_0_to_1_are_shown_as_they_are_and_others_are_scaled(device):
    x = minicnn.arange(81).reshape(9, 9).to(device) / 255
    assert pictures(x)[0].tolist() == np.arange(81).reshape(9, 9).tolist()
    wide = minicnn.linspace(-2, 3, 256).reshape(16, 16).to(device)
    assert pictures(wide)[0].ravel().tolist() == list(range(256))
    assert "-2 is black, 3 is white" in wide._repr_html_()


def test_channels_are_in_their_order():
    x = minicnn.zeros(3, 8, 8)
    x[0], x[2] = 1.0, 0.2
    assert pictures(x)[0][0, 0].tolist() == [255, 0, 51]


def test_tensors_that_are_no_pictures_show_their_text():
    for x in (minicnn.full((9, 9), float("nan")), minicnn.zeros(9, 9, dtype=minicnn.int64), minicnn.zeros(9, 9).bool()):
        assert pictures(x) == []
        assert "<pre>tensor(" in x._repr_html_()


def test_a_long_text_is_shown_after_a_click():
    assert minicnn.zeros(20, 2)._repr_html_().count("<details>") == 0
    assert minicnn.zeros(21, 2)._repr_html_().count("<details><summary>values</summary><pre>tensor(") == 1


def test_constant_pictures_and_gradients_are_no_problem():
    assert (pictures(minicnn.full((9, 9), 7.0))[0] == 0).all()
    assert len(pictures(minicnn.rand(9, 9, requires_grad=True) * 2)) == 1


def test_a_large_tensor_is_not_read_whole(monkeypatch):
    read = []
    monkeypatch.setattr(html, "to_host", lambda a: read.append(a.size) or np.asarray(a))
    minicnn.zeros(64, 3, 2000, 1000)._repr_html_()
    assert read == [16 * 3 * 250 * 125]
