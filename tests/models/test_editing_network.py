"""Tests of what every editing network promises: any image size, arguments, errors, gradients, and exact tiles."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError, ShapeError
from minicnn.imaging.editing import edit, load_editor, save_editor
from minicnn.models import EDSR, DnCNN, EditingNetwork, EditingUNet, ResidualEditor, build
from minicnn.models.editing_network import ResidualBlock

SMALL = {
    "ResidualEditor": lambda *channels: ResidualEditor(*channels, width=4, blocks=1),
    "ResidualEditor, twice as large": lambda *channels: ResidualEditor(*channels, scale=2, width=4, blocks=1),
    "EditingUNet of one level": lambda *channels: EditingUNet(*channels, width=4, levels=1),
    "EditingUNet of three levels": lambda *channels: EditingUNet(*channels, width=4, levels=3),
    "EditingUNet of shuffled 4x4 pixels": lambda *channels: EditingUNet(*channels, width=4, levels=2, shuffle=4),
    "EditingUNet of two blocks": lambda *channels: EditingUNet(*channels, width=4, levels=2, blocks=2),
    "DnCNN": lambda *channels: DnCNN(*channels, width=4, depth=5),
    "EDSR": lambda *channels: EDSR(*channels, scale=3, width=4, blocks=1),
}
networks = pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)


def lively(model):
    """Give each weight its full random size again, so that every layer has a large effect on the result."""
    with minicnn.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(0.3 / parameter.std())
    return model.eval()


@networks
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 16), (13, 2)])
def test_any_size_gives_scale_times_that_size(make, size):
    model = make()
    assert model(minicnn.zeros(2, 3, *size)).shape == (2, 3, model.scale * size[0], model.scale * size[1])


@networks
@pytest.mark.parametrize(("inside", "outside"), [(1, 3), (3, 1), (1, 1)])
def test_channels_may_differ(make, inside, outside):
    model = make(inside, outside)
    assert (model.in_channels, model.out_channels) == (inside, outside)
    assert model(minicnn.zeros(1, inside, 6, 6)).shape == (1, outside, 6 * model.scale, 6 * model.scale)


@networks
def test_starts_near_its_first_guess(make):
    minicnn.manual_seed(0)
    model, x = make(), minicnn.rand(1, 3, 16, 16)
    guess = model.first_guess(x)
    assert guess.shape == (1, 3, 16 * model.scale, 16 * model.scale)
    assert 0 < float((model(x) - guess).detach().abs().mean()) < 0.1


@networks
def test_every_parameter_gets_a_gradient(make):
    minicnn.manual_seed(0)
    model = lively(make())
    (model(minicnn.rand(4, 3, 24, 24)) ** 2).mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert float((parameter.grad != 0).to(minicnn.float32).mean()) > 0.3, name


@networks
def test_tiles_give_the_result_of_the_whole_image(make):
    minicnn.manual_seed(1)
    model = lively(make())
    image = np.random.default_rng(0).random((3, 150, 203), dtype=np.float32) / 4 + 0.4
    with minicnn.no_grad():
        x = minicnn.from_numpy(image[np.newaxis])
        spread = float((model(x) - model.first_guess(x)).std())
        for parameter in model.tail.parameters():  # the results of tiles are clipped to [0, 1]
            parameter.mul_(0.04 / spread)
        whole = model(x).numpy()[0]
    assert 0 < whole.min() < whole.max() < 1
    np.testing.assert_allclose(edit(model, image, tile=64), whole, atol=5e-6)


@networks
def test_sees_as_far_as_its_radius_says(make):
    minicnn.manual_seed(1)
    model = lively(make())
    middle = -(-model.radius // model.multiple + 1) * model.multiple
    x = minicnn.rand(1, 3, 2 * middle, 2 * middle).requires_grad_()
    start = middle * model.scale  # the corner of a cell of `multiple` pixels
    model(x)[0, :, start, start].sum().backward()
    rows = np.flatnonzero(x.grad.numpy().any((0, 1, 3)))
    reach = middle - rows.min()
    assert model.radius // 2 <= reach <= model.radius


@networks
def test_a_saved_network_comes_back(make, tmp_path):
    model = make()
    assert isinstance(model, EditingNetwork)
    assert build(type(model).__name__, model.arguments).arguments == model.arguments
    save_editor(tmp_path / "m", model)
    loaded, image = load_editor(tmp_path / "m").model, np.random.default_rng(0).random((3, 9, 12), dtype=np.float32)
    np.testing.assert_array_equal(edit(loaded, image), edit(model, image))


@networks
def test_wrong_inputs_are_refused(make):
    model = make()
    for shape in [(1, 1, 8, 8), (3, 8, 8)]:
        with pytest.raises(ShapeError, match=rf"{type(model).__name__}: input must be \(N, 3, H, W\), got"):
            model(minicnn.zeros(*shape))


@pytest.mark.parametrize("network", [ResidualEditor, EditingUNet, DnCNN, EDSR])
@pytest.mark.parametrize("value", [0, -1, 2.0, "8"])
def test_wrong_arguments_are_refused(network, value):
    message = f"{network.__name__}: width must be a positive integer, got {value!r}"
    with pytest.raises(ArgumentError, match=message):
        network(width=value)


def test_no_blocks_are_allowed_but_not_fewer():
    assert len(EDSR(width=4, blocks=0).body) == 1
    with pytest.raises(ArgumentError, match="ResidualEditor: blocks must be a positive integer, got -1"):
        ResidualEditor(blocks=-1)


def test_the_base_class_has_no_difference():
    with pytest.raises(NotImplementedError):
        EditingNetwork(in_channels=3, out_channels=3)(minicnn.zeros(1, 3, 4, 4))


def test_a_residual_block_starts_near_the_identity():
    minicnn.manual_seed(0)
    x = minicnn.rand(1, 8, 6, 6)
    change = (ResidualBlock(8)(x) - x).detach().abs().mean()
    assert 0 < float(change) < 0.1
