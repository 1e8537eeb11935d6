"""Tests of convolution layers: initialisation and error messages. test_against_torch.py tests their values."""

from math import sqrt

import pytest

import minicnn
from minicnn import ArgumentError, ShapeError, nn


@pytest.mark.parametrize(
    ("layer", "weight", "fan_in"),
    [
        (lambda: nn.Conv2d(64, 32, 3), (32, 64, 3, 3), 64 * 9),
        (lambda: nn.Conv2d(64, 64, 3, groups=4), (64, 16, 3, 3), 16 * 9),
        (lambda: nn.Conv1d(64, 128, 5), (128, 64, 5), 64 * 5),
        (lambda: nn.Conv3d(16, 32, (1, 2, 3)), (32, 16, 1, 2, 3), 16 * 6),
        (lambda: nn.ConvTranspose2d(16, 64, 3), (16, 64, 3, 3), 64 * 9),  # fan_in counts the second axis, as in PyTorch
        (lambda: nn.ConvTranspose1d(32, 64, 4, groups=2), (32, 32, 4), 32 * 4),
    ],
)
def test_weights_and_biases_start_uniform_within_one_over_root_fan_in(layer, weight, fan_in):
    minicnn.manual_seed(0)
    net = layer()
    bound = 1 / sqrt(fan_in)
    w, b = net.weight.detach().numpy(), net.bias.detach().numpy()
    assert w.shape == weight
    assert bound * 0.999 < abs(w).max() <= bound
    assert w.std() == pytest.approx(bound / sqrt(3), rel=0.02)
    assert bound * 0.8 < abs(b).max() <= bound


def test_a_seed_gives_the_same_weights():
    def draw():
        minicnn.manual_seed(5)
        return nn.Conv2d(2, 3, 3).weight.tolist()

    assert draw() == draw()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.Conv2d(0, 8, 3), "Conv2d: in_channels must be an integer >= 1, got 0"),
        (lambda: nn.Conv2d(3, 8.0, 3), r"Conv2d: out_channels must be an integer >= 1, got 8\.0"),
        (
            lambda: nn.Conv2d(6, 8, 3, groups=4),
            "Conv2d: in_channels=6 cannot be split into groups=4; .* fit: 1, 2, 3, 6",
        ),
        (lambda: nn.Conv2d(4, 6, 3, groups=4), "Conv2d: out_channels=6 cannot be split into groups=4"),
        (lambda: nn.Conv2d(4, 4, 3, groups=0), "Conv2d: groups must be an integer >= 1, got 0"),
        (lambda: nn.Conv2d(4, 4, 0), "Conv2d: kernel_size must be one integer >= 1 or 2 of them, got 0"),
        (lambda: nn.Conv3d(4, 4, (3, 3)), r"Conv3d: kernel_size must be .* 3 of them, got \(3, 3\)"),
        (lambda: nn.Conv2d(4, 4, 3, stride=0), "Conv2d: stride must be one integer >= 1"),
        (lambda: nn.Conv2d(4, 4, 3, padding=-1), "Conv2d: padding must be one integer >= 0"),
        (lambda: nn.Conv2d(4, 4, 3, dilation=(1, 0)), "Conv2d: dilation must be"),
        (
            lambda: nn.Conv2d(4, 4, 3, padding="full"),
            "Conv2d: padding must be 'same', 'valid' or integers >= 0, got 'full'",
        ),
        (lambda: nn.Conv1d(4, 4, 3, 2, padding="same"), "Conv1d: padding='same' needs stride 1, got stride="),
        (lambda: nn.Conv2d(4, 4, 3, padding_mode="edge"), "padding_mode must be one of zeros, reflect, .* got 'edge'"),
        (
            lambda: nn.ConvTranspose2d(4, 4, 3, padding_mode="reflect"),
            "padding_mode must be 'zeros', got 'reflect'; use F",
        ),
        (
            lambda: nn.ConvTranspose2d(4, 4, 3, stride=2, output_padding=2),
            r"ConvTranspose2d: output_padding must be smaller than stride or dilation, got output_padding=\(2, 2\)",
        ),
        (
            lambda: nn.ConvTranspose2d(4, 4, 3, stride=2)(minicnn.ones(1, 4, 5, 5), output_size=(20, 11)),
            r"ConvTranspose2d: output_size must be from \(11, 11\) to \(12, 12\) for input .*, got \(20, 11\)",
        ),
        (lambda: nn.Conv2d(4, 4, 3)(minicnn.ones(1, 3, 5, 5)), "input has 3 channels but .* in_channels=3"),
        (
            lambda: nn.Conv2d(1, 1, 5, padding=3, padding_mode="reflect")(minicnn.ones(1, 1, 3, 3)),
            "mode='reflect' can pad axis 2 .* by at most 2",
        ),
    ],
)
def test_messages(build, message):
    with pytest.raises((ArgumentError, ShapeError), match=message):
        build()


def test_uneven_padding_is_taken_as_pairs():
    net = nn.Conv2d(1, 1, 3, padding=((1, 0), (2, 0)))
    assert net(minicnn.ones(1, 1, 4, 4)).shape == (1, 1, 3, 4)
    assert "padding=((1, 0), (2, 0))" in repr(net)
