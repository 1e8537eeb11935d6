"""Tests of settings: what is already so is accepted."""

import pytest

import minicnn as mc
from minicnn.errors import ArgumentError


def test_another_default_type_is_refused():
    mc.set_default_dtype(mc.float32)
    mc.set_default_tensor_type("torch.FloatTensor")
    with pytest.raises(ArgumentError, match="set_default_dtype: the default is always float32; pass dtype=float64"):
        mc.set_default_dtype(mc.float64)
    for kind in (mc.DoubleTensor, "torch.cuda.FloatTensor", mc.cuda.FloatTensor):
        with pytest.raises(ArgumentError, match="set_default_tensor_type: new tensors are float32 on the CPU"):
            mc.set_default_tensor_type(kind)
