"""Tests of the identities: they hold for the layers that satisfy them, and are refused for others."""

import pytest

import minicnn
from minicnn import nn
from minicnn.errors import AutogradError
from minicnn.nn import functional as F
from minicnn.testing.identities import (
    adjoint,
    equivariance,
    homogeneity,
    invariance,
    linearity,
    partition_of_unity,
    shift_equivariance,
)

x = minicnn.randn(2, 3, 8, 12)
conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
biased = nn.Conv2d(3, 4, 3, padding=1)


def flip(t):
    return t.flip(-1)


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("linearity", lambda: linearity(conv, x)),
        ("linearity", lambda: linearity(lambda t: F.interpolate(t, scale_factor=2, mode="bilinear"), x)),
        ("adjoint", lambda: adjoint(conv, x)),
        ("adjoint", lambda: adjoint(nn.ConvTranspose2d(3, 2, 4, 2, 1, bias=False), x)),
        ("homogeneity", lambda: homogeneity(F.relu, x)),
        ("homogeneity", lambda: homogeneity(minicnn.square, x, degree=2)),
        ("invariance", lambda: invariance(nn.InstanceNorm2d(3, eps=1e-12), x, lambda t: 3 * t + 1)),
        ("equivariance", lambda: equivariance(nn.MaxPool2d(2), x, flip)),
        ("equivariance", lambda: equivariance(lambda t: F.softmax(t, 1), x, lambda t: t + 5, lambda y: y)),
        ("shift", lambda: shift_equivariance(biased, x, border=1)),
        ("shift", lambda: shift_equivariance(nn.AvgPool2d(2), x, 2, stride=2)),
        ("unity", lambda: partition_of_unity(nn.AvgPool2d(2), x)),
        ("unity", lambda: partition_of_unity(lambda t: F.interpolate(t, size=(5, 30), mode="bicubic"), x)),
    ],
)
def test_identities_that_hold(name, identity):
    assert 0 <= identity() <= 1e-4


@pytest.mark.parametrize(
    ("message", "identity"),
    [
        ("linearity does not hold: at ", lambda: linearity(biased, x)),
        ("adjoint does not hold", lambda: adjoint(biased, x)),
        ("adjoint does not hold", lambda: adjoint(lambda t: t * 2 - t.detach(), x)),
        ("homogeneity does not hold", lambda: homogeneity(minicnn.sin, x)),
        ("invariance does not hold", lambda: invariance(conv, x, flip)),
        ("equivariance does not hold", lambda: equivariance(conv, x, flip)),
        ("equivariance: the two sides have shapes", lambda: equivariance(conv, x, lambda t: t[..., 1:], lambda y: y)),
        ("shift equivariance does not hold", lambda: shift_equivariance(nn.MaxPool2d(2), x, 1, stride=1)),
        ("partition of unity does not hold", lambda: partition_of_unity(conv, x)),
        ("linearity does not hold", lambda: linearity(lambda t: t / 0, x)),
    ],
)
def test_identities_that_do_not_hold(message, identity):
    with pytest.raises(AutogradError, match=message):
        identity()


def test_nothing_is_wrong_with_nothing():
    assert linearity(minicnn.exp, minicnn.zeros(0, 3)) == 0
