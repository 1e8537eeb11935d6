"""Tests of DnCNN: the layers of the paper, without normalisation."""

from minicnn import nn
from minicnn.models import DnCNN


def test_the_layers():
    model = DnCNN(width=4, depth=3)
    assert [type(layer) for layer in model.body] == [nn.Conv2d, nn.ReLU, nn.Conv2d, nn.ReLU]
    assert model.tail.weight.shape == (3, 4, 3, 3)
    assert model.radius == 3


def test_the_size_of_the_paper():
    convolutions = [m for m in DnCNN().modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 17
    assert convolutions[1].weight.shape == (64, 64, 3, 3)
