"""Tests of ResNet-18 and ResNet-34: the sizes and names that torchvision documents, residual blocks, and learning."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.models import ResNet, build, resnet18, resnet34
from minicnn.nn.functional import cross_entropy


@pytest.mark.parametrize(("make", "parameters", "entries"), [(resnet18, 11_689_512, 122), (resnet34, 21_797_672, 218)])
def test_sizes_are_those_of_torchvision(make, parameters, entries):
    network = make()
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert len(network.state_dict()) == entries


def test_names_and_shapes_are_those_of_torchvision():
    shapes = {name: value.shape for name, value in resnet18().state_dict().items()}
    expected = {
        "conv1.weight": (64, 3, 7, 7),
        "bn1.running_mean": (64,),
        "bn1.num_batches_tracked": (),
        "layer1.1.conv2.weight": (64, 64, 3, 3),
        "layer2.0.conv1.weight": (128, 64, 3, 3),
        "layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "layer2.0.downsample.1.running_var": (128,),
        "layer4.1.bn2.bias": (512,),
        "fc.weight": (1000, 512),
        "fc.bias": (1000,),
    }
    assert expected.items() <= shapes.items()
    assert "layer1.0.downsample.0.weight" not in shapes


@pytest.mark.parametrize("size", [1, 28, 33])
def test_pictures_of_any_size(size):
    network = ResNet((1, 1, 1, 1), num_classes=5, in_channels=1).eval()
    x = minicnn.rand(2, 1, size, size)
    y = network(x)
    assert y.shape == (2, 5)
    other = build("ResNet", network.arguments).eval()
    other.load_state_dict(network.state_dict())
    np.testing.assert_array_equal(other(x).detach().numpy(), y.detach().numpy())


def test_a_block_adds_its_input_and_halves_the_resolution_where_the_channels_double():
    network = ResNet((1, 1, 1, 1)).eval()
    x = minicnn.randn(1, 64, 9, 7)
    block, wider = network.layer1[0], network.layer2[0]
    for norm in (block.bn2, wider.bn2):
        minicnn.nn.init.zeros_(norm.weight)
    np.testing.assert_array_equal(block(x).detach().numpy(), x.numpy().clip(0))
    expected = wider.downsample[0].weight.detach().numpy()[:, :, 0, 0] @ x.numpy()[0, :, ::2, ::2].reshape(64, -1)
    y = wider(x).detach().numpy()
    assert y.shape == (1, 128, 5, 4)
    np.testing.assert_allclose(y.reshape(128, -1), expected.clip(0) / np.sqrt(1 + 1e-5), rtol=1e-4, atol=1e-4)


def test_it_learns_to_tell_pictures_apart():
    minicnn.manual_seed(0)
    network = ResNet((1, 1, 1, 1), num_classes=2, in_channels=1)
    optimizer = minicnn.optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    dark, light = minicnn.rand(8, 1, 32, 32) * 0.5, minicnn.rand(8, 1, 32, 32) * 0.5 + 0.4
    pictures, labels = minicnn.cat([dark, light]), minicnn.tensor([0] * 8 + [1] * 8)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = cross_entropy(network(pictures), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 < losses[0]


def test_arguments_are_checked():
    with pytest.raises(ArgumentError, match=r"ResNet: layers must be 4 numbers of blocks, got \(2, 2\)"):
        ResNet((2, 2))
    with pytest.raises(ArgumentError, match=r"ResNet: layers\[1\] must be a positive integer, got 0"):
        ResNet((2, 0, 2, 2))
    with pytest.raises(ArgumentError, match="ResNet: layers must be 4 numbers of blocks, got 5"):
        ResNet(5)
    with pytest.raises(ArgumentError, match=r"ResNet: layers\[0\] must be a positive integer, got True"):
        ResNet((True, 1, 1, 1))
    with pytest.raises(ArgumentError, match="ResNet: num_classes must be a positive integer, got 0"):
        resnet18(num_classes=0)
