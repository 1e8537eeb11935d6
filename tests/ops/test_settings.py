"""Tests of settings: what is already so is accepted, printing can be changed."""

import pytest

import minicnn as mc
from minicnn.errors import ArgumentError
from minicnn.ops import settings


def test_another_default_type_is_refused():
    mc.set_default_dtype(mc.float32)
    mc.set_default_tensor_type("torch.FloatTensor")
    with pytest.raises(ArgumentError, match="set_default_dtype: the default is always float32; pass dtype=float64"):
        mc.set_default_dtype(mc.float64)
    for kind in (mc.DoubleTensor, "torch.cuda.FloatTensor", mc.cuda.FloatTensor):
        with pytest.raises(ArgumentError, match="set_default_tensor_type: new tensors are float32 on the CPU"):
            mc.set_default_tensor_type(kind)


def test_printing(monkeypatch):
    monkeypatch.setattr(settings, "print_options", {"precision": 4})
    x = mc.tensor([1 / 3, 2.0])
    mc.set_printoptions(precision=2)
    assert repr(x) == "tensor([0.33, 2.  ])"
    mc.set_printoptions(profile="short", threshold=4, edgeitems=1)
    assert repr(mc.arange(9)) == "tensor([0, ..., 8])"
    mc.set_printoptions(profile="full")
    assert "..." not in repr(mc.arange(2000))
    with pytest.raises(
        ArgumentError, match="set_printoptions: profile must be one of default, short, full, got 'long'"
    ):
        mc.set_printoptions(profile="long")
