"""Tests of folding batch norms. oracles/calls/parameters.py has PyTorch's results."""

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError, nn
from minicnn.nn.utils import fuse_conv_bn_eval, fuse_linear_bn_eval


@pytest.mark.parametrize("transpose", [False, True])
def test_the_folded_layer_does_both(transpose):
    conv, bn = (nn.ConvTranspose2d if transpose else nn.Conv2d)(2, 3, 3), nn.BatchNorm2d(3)
    bn(minicnn.randn(4, 3, 5, 5) * 3 + 1)
    conv.eval(), bn.eval()
    x = minicnn.randn(2, 2, 6, 6)
    fused = fuse_conv_bn_eval(conv, bn, transpose)
    assert fused is not conv
    np.testing.assert_allclose(fused(x).detach().numpy(), bn(conv(x)).detach().numpy(), atol=1e-5)


def test_mistakes():
    with pytest.raises(ArgumentError, match="fuse_conv_bn_eval: both modules must be in eval mode"):
        fuse_conv_bn_eval(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2).eval())
    with pytest.raises(ArgumentError, match="the batch norm has no running statistics"):
        fuse_conv_bn_eval(nn.Conv2d(1, 2, 1).eval(), nn.BatchNorm2d(2, track_running_stats=False).eval())
    with pytest.raises(ArgumentError, match="the layer has 3 outputs, the batch norm 2"):
        fuse_linear_bn_eval(nn.Linear(2, 3).eval(), nn.BatchNorm1d(2).eval())
