"""Tests of the training tasks: pairs of inputs and targets, recipes, and scores."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn.errors import DTypeError, ShapeError
from minicnn.imaging import tasks
from minicnn.imaging.corruptions import as_in_a_file
from minicnn.imaging.metrics import Score, psnr
from minicnn.imaging.tasks import TASKS, PatchRecipe, Task, holes, rms_loss
from minicnn.models import HOLE_COLOUR
from tests.imaging.test_corruptions import draw_picture


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
class TestEveryTask:
    @given(height=st.integers(3, 20), width=st.integers(3, 20), seed=st.integers(0, 2**32 - 1))
    def test_the_pair_is_as_the_task_says(self, task, height, width, seed):
        clean = draw_picture(height, width, seed)
        clean.flags.writeable = False
        source, target = task(clean, np.random.default_rng(seed))
        h, w = (n // task.scale - 2 * min(task.margin, (n // task.scale - 1) // 2) for n in (height, width))
        assert source.shape == (task.in_channels, h, w)
        assert target.shape == (task.out_channels, task.scale * h, task.scale * w)
        y, x = (task.scale * min(task.margin, (n // task.scale - 1) // 2) for n in (height, width))
        np.testing.assert_array_equal(target, clean[:, y : y + task.scale * h, x : x + task.scale * w])
        np.testing.assert_array_equal(source, as_in_a_file(source))  # a network must not learn from finer steps
        for picture in (source, target):
            assert picture.dtype == np.float32
            assert picture.min() >= 0
            assert picture.max() <= 1

    def test_the_smallest_picture(self, task):
        source, _ = task(np.full((3, task.scale, task.scale), 0.5, np.float32), np.random.default_rng(0))
        assert source.shape == (task.in_channels, 1, 1)

    def test_the_same_seed_gives_the_same_bits(self, task):
        first, again = (task(draw_picture(24, 30), np.random.default_rng(7))[0] for _ in range(2))
        np.testing.assert_array_equal(first, again)

    def test_it_has_a_name_and_a_summary_and_cannot_be_changed(self, task):
        assert TASKS[task.name] is task
        assert len(task.summary) > 20
        with pytest.raises(dataclasses.FrozenInstanceError):
            task.scale = 4

    @pytest.mark.parametrize("shape", [(1, 8, 8), (8, 8), (3, 0, 8)])
    def test_it_refuses_what_is_no_colour_picture(self, task, shape):
        with pytest.raises(ShapeError, match=rf"^task {task.name}: an image must be \(3, H, W\) .* at least"):
            task(np.zeros(shape, np.float32), np.random.default_rng(0))

    def test_it_refuses_bytes(self, task):
        with pytest.raises(
            DTypeError, match=rf"^task {task.name}: pixels must be float32 in \[0, 1\], got uint8; .*255"
        ):
            task(np.zeros((3, 8, 8), np.uint8), np.random.default_rng(0))


def test_a_picture_smaller_than_the_scale_is_refused():
    message = r"^task enlarge-x3: .* H and W at least 3, got \(3, 2, 8\)"
    with pytest.raises(ShapeError, match=message):
        TASKS["enlarge-x3"](np.zeros((3, 2, 8), np.float32), np.random.default_rng(0))


def test_a_task_of_ones_own():
    invert = Task("invert", "turn a negative into a picture", lambda clean, rng: (1 - clean, clean))
    source, target = invert(draw_picture(4, 4), np.random.default_rng(0))
    np.testing.assert_allclose(source + target, 1, atol=0.501 / 255)


@pytest.mark.parametrize("kind", ["gaussian_noise", "grain", "jpeg"])
def test_noise_of_the_denoising_task_has_three_kinds(kind, monkeypatch):
    calls = []
    real = getattr(tasks, kind)
    monkeypatch.setattr(tasks, kind, lambda *arguments: calls.append(arguments) or real(*arguments))
    rng = np.random.default_rng(0)
    for _ in range(500):
        TASKS["denoise"](np.full((3, 8, 8), 0.5, np.float32), rng)
    share = {"gaussian_noise": 0.9, "grain": 0.1, "jpeg": 0.1}[kind]
    assert len(calls) / 500 == pytest.approx(share, abs=0.05)
    strengths = [arguments[1] for arguments in calls]
    low, high = {"gaussian_noise": (0, 50 / 255), "grain": (0, 25 / 255), "jpeg": (60, 95)}[kind]
    near = 0.06 * (high - low)
    assert low <= min(strengths) <= low + near
    assert high - near <= max(strengths) <= high


@pytest.mark.parametrize(
    ("task", "corruption", "low", "high"),
    [
        ("deblur", "gaussian_blur", 0.2, 2.5),
        ("clean-jpeg", "jpeg", 10, 60),
    ],
)
def test_the_strength_of_a_corruption_is_drawn_from_a_range(task, corruption, low, high, monkeypatch):
    strengths = []
    monkeypatch.setattr(tasks, corruption, lambda clean, strength, *_: strengths.append(strength) or clean)
    rng = np.random.default_rng(0)
    for _ in range(500):
        TASKS[task](np.zeros((3, 2, 2), np.float32), rng)
    near = 0.02 * (high - low)
    assert low <= min(strengths) <= low + near
    assert high - near <= max(strengths) <= high


def test_the_loss_of_denoising_is_a_mean_of_root_mean_square_errors():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 4, 3, 5, 6))
    expected = 0.08 * np.sqrt(((a - b) ** 2).mean((1, 2, 3))).mean()
    assert rms_loss(minicnn.from_numpy(a), minicnn.from_numpy(b)).item() == pytest.approx(expected, rel=1e-4)
    x = minicnn.from_numpy(a).requires_grad_()
    rms_loss(x, x.detach()).backward()
    assert np.isfinite(x.grad.numpy()).all()
    assert TASKS["denoise"].loss is rms_loss


def test_a_blurred_patch_does_not_depend_on_how_its_border_was_blurred():
    photo = np.random.default_rng(0).random((3, 90, 90), dtype=np.float32)
    task = TASKS["deblur"]
    source, target = task(photo[:, :60, :60], np.random.default_rng(1))
    assert source.shape == target.shape == (3, 40, 40)
    np.testing.assert_allclose(source, task(photo, np.random.default_rng(1))[0][:, :40, :40], atol=1.01 / 255)
    assert (task.clean_side(40), TASKS["enlarge-x3"].clean_side(20)) == (60, 60)


def test_holes_and_the_score_inside_them():
    target = draw_picture(20, 30)
    image = target.copy()
    image[:, 4:15, 7:18] += 0.1
    spoilt = target.copy()
    spoilt[:, 5:12, 8:16] = np.array(HOLE_COLOUR, np.float32)[:, np.newaxis, np.newaxis]
    assert holes(spoilt).sum() == 7 * 8
    score = TASKS["inpaint"].score(image, target, spoilt)
    assert score.psnr == pytest.approx(20, abs=1e-3)
    assert score.ssim < Score.of(image, target).ssim
    assert TASKS["denoise"].score(image, target, spoilt) == Score.of(image, target)
    assert psnr(image, target) > 20


@pytest.mark.parametrize(
    ("steps", "epoch_steps", "epochs"),
    [(1, 1, 1), (99, 99, 1), (100, 100, 1), (101, 100, 2), (2500, 100, 25), (2501, 200, 13), (10_000, 400, 25)],
)
def test_steps_become_epochs(steps, epoch_steps, epochs):
    recipe = PatchRecipe(steps=steps)
    assert (recipe.epoch_steps, recipe.epochs) == (epoch_steps, epochs)


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_the_network_of_a_task_can_be_built(task):
    network = task.network(**task.shape, **{**task.arguments, "width": 4})
    assert (network.in_channels, network.out_channels, network.scale) == (
        task.in_channels, task.out_channels, task.scale,
    )  # fmt: skip
    assert network.fills == (task.region is holes)
