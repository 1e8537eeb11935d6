"""Tests of training an editor: patches, scores, and a network that improves."""

import json

import numpy as np
import pytest

import minicnn
from minicnn.errors import AnomalyError, DataError
from minicnn.imaging import TASKS, learning, psnr, ssim
from minicnn.imaging.editing import edit, load_editor
from minicnn.imaging.learning import (
    CHECKPOINT,
    MODEL,
    first_guess,
    fit,
    improves,
    judge,
    pair_patches,
    pair_scale,
    spoilt_patches,
)
from minicnn.imaging.metrics import Score
from minicnn.imaging.tasks import PatchRecipe
from minicnn.models import HOLE_COLOUR, Inpainter, ResidualEditor


def picture(height, width, seed=0, channels=3):
    return np.random.default_rng(seed).random((channels, height, width), dtype=np.float32)


def faded(seed):
    """Return an easy (input, target) pair: faded stripes in random colours, and the original stripes."""
    rng = np.random.default_rng(seed)
    clean = np.repeat(rng.random((3, 1, 6), dtype=np.float32), 8, axis=2) + np.zeros((3, 48, 1), np.float32)
    return 0.3 + 0.5 * clean, clean


# --- patches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_patches_of_a_task(task):
    patches = spoilt_patches([picture(60, 70)], task, PatchRecipe(steps=3, batch_size=2, patch=12), task.clean_side(12))
    assert len(patches) == 6
    given, wanted = patches[4]
    assert given.shape == (task.in_channels, 12, 12)
    assert wanted.shape == (task.out_channels, 12 * task.scale, 12 * task.scale)
    again = spoilt_patches([picture(60, 70)], task, PatchRecipe(steps=3, batch_size=2, patch=12), task.clean_side(12))[
        4
    ]
    np.testing.assert_array_equal(given, again[0])


def test_patches_of_pairs_lie_at_the_same_place():
    small = picture(20, 24)
    patches = pair_patches([(small, small.repeat(2, 1).repeat(2, 2))], PatchRecipe(steps=2, batch_size=3, patch=8))
    assert len(patches) == 6
    for i in range(6):
        given, wanted = patches[i]
        np.testing.assert_array_equal(wanted, given.repeat(2, 1).repeat(2, 2))


def test_the_scale_of_pairs():
    assert pair_scale([]) == 1
    assert pair_scale([(picture(4, 6), picture(4, 6)), (picture(5, 5), picture(5, 5))]) == 1
    assert pair_scale([(picture(4, 6), picture(12, 18))]) == 3


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ([(8, 12), (4, 6)], "got 1 x 1, 2 x 2"),
        ([(8, 6)], "got 2 x 1"),
        ([(2, 3)], r"got 0\.5 x 0\.5"),
        ([(6, 9)], r"got 1\.5 x 1\.5"),
    ],
)
def test_pairs_without_one_scale(targets, told):
    message = rf"pairs: target size / input size must be the same integer .*, {told}; .* resize the inputs or targets"
    with pytest.raises(DataError, match=message):
        pair_scale([(picture(4, 6), picture(*size)) for size in targets])


# --- scores ---------------------------------------------------------------------------------------------------


def test_a_first_guess_has_the_shape_of_the_output():
    colour, grey = picture(6, 8), picture(6, 8, channels=1)
    np.testing.assert_array_equal(first_guess(colour, ResidualEditor(width=4)), colour)
    enlarged = minicnn.nn.functional.interpolate(minicnn.from_numpy(colour[None]), scale_factor=2, mode="bicubic")
    np.testing.assert_array_equal(first_guess(colour, ResidualEditor(scale=2, width=4)), enlarged[0].numpy().clip(0, 1))
    np.testing.assert_array_equal(first_guess(grey, ResidualEditor(1, 3, width=4)), grey.repeat(3, 0))
    np.testing.assert_allclose(
        first_guess(colour, ResidualEditor(3, 1, width=4)), colour.mean(0, keepdims=True), rtol=1e-6
    )


def test_scores():
    one, other = picture(20, 20, 1), picture(20, 20, 2)
    score = Score.of(one, other)
    assert (score.psnr, score.ssim) == (psnr(one, other), ssim(one, other))
    assert str(Score(27.123, 0.81234)) == "27.12 dB, 0.812"
    assert Score.mean([Score(20, 0.5), Score(30, 0.7)]) == Score(25, 0.6)
    pooled = Score.pooled([Score(20, 0.5), Score(30, 0.7), Score(np.inf, 0.9)])
    assert pooled.psnr == pytest.approx(-10 * np.log10((0.01 + 0.001) / 3))
    assert pooled.ssim == pytest.approx(0.7)
    assert Score.pooled([Score(np.inf, 1.0)]).psnr == np.inf


def test_judging_compares_the_first_guess_and_the_result():
    minicnn.manual_seed(0)
    model = ResidualEditor(scale=2, width=4, blocks=0).eval()
    pairs = [(picture(8, 9, i), picture(16, 18, i + 9)) for i in range(2)]
    before, after = judge(model, pairs)
    assert before == Score.pooled(Score.of(first_guess(i, model), t) for i, t in pairs)
    assert after == Score.pooled(Score.of(edit(model, i), t) for i, t in pairs)


def test_holes_are_judged_inside():
    minicnn.manual_seed(0)
    model, target = Inpainter(width=4).eval(), picture(40, 50)
    image = target.copy()
    image[:, 5:20, 8:30] = np.array(HOLE_COLOUR, np.float32)[:, None, None]
    before, after = judge(model, [(image, target)], TASKS["inpaint"].score)
    inside = np.s_[:, 5:20, 8:30]
    assert before.psnr == pytest.approx(psnr(first_guess(image, model)[inside], target[inside]))
    assert after.psnr == pytest.approx(psnr(edit(model, image)[inside], target[inside]))


# --- training -------------------------------------------------------------------------------------------------


RECIPE = PatchRecipe(steps=120, batch_size=4, patch=16, learning_rate=5e-3)


def train(folder, recipe=RECIPE, **options):
    minicnn.manual_seed(recipe.seed)
    model = ResidualEditor(width=8, blocks=1)
    history = fit(model, pair_patches([faded(i) for i in range(6)], recipe), recipe, folder, bar=False, **options)
    return model.eval(), history.values("loss")


def test_the_network_learns(tmp_path):
    model, losses = train(tmp_path)
    assert len(losses) == 200  # 120, rounded up to whole epochs
    assert np.mean(losses[-20:]) < 0.4 * np.mean(losses[:20])
    before, after = judge(model, [faded(i) for i in (6, 7)])
    assert after.psnr > before.psnr + 4
    assert after.ssim > before.ssim + 0.05


def test_the_same_seed_gives_the_same_weights_and_records(tmp_path):
    recipe = PatchRecipe(steps=5, batch_size=2, patch=8)
    (first, losses), (second, _) = (train(tmp_path / name, recipe) for name in "ab")
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())
    files = [(tmp_path / name / "losses.jsonl").read_text() for name in "ab"]
    assert files[0] == files[1]
    steps = [json.loads(line) for line in files[0].splitlines()]
    assert [record["loss"] for record in steps if "loss" in record] == losses
    assert (tmp_path / "a" / CHECKPOINT).read_bytes() == (tmp_path / "b" / CHECKPOINT).read_bytes()


def test_a_finished_training_is_not_gone_on_with(tmp_path):
    recipe = PatchRecipe(steps=3, batch_size=2, patch=8)
    model, losses = train(tmp_path, recipe)
    resumed, again = train(tmp_path, recipe, resume=True)
    assert again == losses
    np.testing.assert_array_equal(resumed.head.weight.detach().numpy(), model.head.weight.detach().numpy())


def test_a_network_improves_its_inputs_or_not(tmp_path):
    patches = pair_patches([faded(i) for i in range(6)], RECIPE)
    assert improves(train(tmp_path / "good")[0], patches)
    assert not improves(
        train(tmp_path / "bad", PatchRecipe(steps=20, batch_size=1, patch=8, learning_rate=3.0))[0], patches
    )


def test_the_loss_can_be_chosen(tmp_path):
    recipe = PatchRecipe(steps=3, batch_size=2, patch=8)
    _, squared = train(tmp_path / "a", recipe)
    _, absolute = train(tmp_path / "b", recipe, loss=minicnn.nn.L1Loss())
    assert squared[0] == pytest.approx(absolute[0] ** 2, rel=0.6)
    assert absolute[0] > 1.2 * squared[0]


def test_dead_channels_are_reported(tmp_path):
    minicnn.manual_seed(0)
    model, told, recipe = ResidualEditor(width=8, blocks=1), [], PatchRecipe(steps=3, batch_size=2, patch=8)
    with minicnn.no_grad():
        model.body[0].body[0].bias.sub_(100)
    fit(model, pair_patches([faded(0)], recipe), recipe, tmp_path, bar=False, say=told.append)
    assert "8 of 8 channels of body.0.body.0.weight are dead" in told[0]


def test_nan_stops(tmp_path):
    with pytest.raises(AnomalyError, match="StopOnNaN: in step 1,"):
        fit(
            ResidualEditor(width=4, blocks=0),
            pair_patches([(np.full((3, 8, 8), np.nan, np.float32),) * 2], PatchRecipe(steps=1, batch_size=1, patch=8)),
            PatchRecipe(steps=1, batch_size=1, patch=8),
            tmp_path,
            bar=False,
        )


# --- the best network -----------------------------------------------------------------------------------------


def test_the_best_network_of_the_training_is_kept(tmp_path):
    scores, seen = iter([0.5, 1.0, 3.0, 2.0, 2.5]), []  # the first before the training

    def evaluate(model):
        assert not model.training
        seen.append(model.head.weight.detach().numpy().copy())
        return next(scores)

    recipe = PatchRecipe(steps=400, batch_size=1, patch=8)
    model, losses = train(tmp_path, recipe, evaluate=evaluate, about={"task": "pairs"})
    assert len(losses) == 400
    np.testing.assert_array_equal(model.head.weight.detach().numpy(), seen[2])
    saved = load_editor(tmp_path / MODEL)
    assert saved.about["task"] == "pairs"
    np.testing.assert_array_equal(saved.model.head.weight.detach().numpy(), seen[2])
    records = [json.loads(line) for line in (tmp_path / "losses.jsonl").read_text().splitlines()]
    assert [r["score"] for r in records if "score" in r] == [1, 3, 2, 2.5]


def test_a_training_without_improvement_ends_early_and_stays_ended(tmp_path):
    told, recipe = [], PatchRecipe(steps=900, batch_size=1, patch=8)
    model, losses = train(tmp_path, recipe, evaluate=lambda model: 1.0, say=told.append)
    assert len(losses) == 700  # 6 of 9 epochs after the first without an improvement
    assert told[-1] == "ended after 700 steps, because nothing improved any more"
    minicnn.manual_seed(recipe.seed)
    np.testing.assert_array_equal(
        model.head.weight.detach().numpy(), ResidualEditor(width=8, blocks=1).head.weight.detach().numpy()
    )
    again, more = train(tmp_path, recipe, evaluate=lambda model: 1.0, resume=True)
    assert more == losses
    np.testing.assert_array_equal(again.head.weight.detach().numpy(), model.head.weight.detach().numpy())


def test_a_lost_model_file_and_scores_of_nan_leave_the_average(tmp_path):
    recipe = PatchRecipe(steps=30, batch_size=1, patch=8)
    average, _ = train(tmp_path / "a", recipe)
    for name, score in (("lost", 1.0), ("nan", np.nan)):
        train(tmp_path / name, recipe, evaluate=lambda model, score=score: score)
        (tmp_path / name / MODEL).unlink(missing_ok=True)
        model, _ = train(tmp_path / name, recipe, evaluate=lambda model, score=score: score, resume=True)
        np.testing.assert_array_equal(model.head.weight.detach().numpy(), average.head.weight.detach().numpy())


def test_gradients_are_limited(tmp_path, monkeypatch):
    norms = []
    real = learning.Adam.step
    monkeypatch.setattr(learning.Adam, "step", lambda self: norms.append(_norm(self)) or real(self))
    train(tmp_path, PatchRecipe(steps=5, batch_size=1, patch=8))
    assert max(norms) == pytest.approx(learning.GRADIENT_NORM, rel=1e-3)


def _norm(optimizer):
    return np.sqrt(sum(float((p.grad**2).sum()) for group in optimizer.param_groups for p in group["params"]))


def test_without_scores_the_network_is_the_average_of_its_weights(tmp_path):
    recipe = PatchRecipe(steps=30, batch_size=1, patch=8)
    model, _ = train(tmp_path, recipe)
    rising = iter(range(9))
    other, _ = train(tmp_path / "other", recipe, evaluate=lambda model: next(rising))
    np.testing.assert_array_equal(model.head.weight.detach().numpy(), other.head.weight.detach().numpy())
