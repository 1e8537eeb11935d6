"""Tests of pix2pix: the losses, the steps of both networks, a short training, checkpoints."""

import json
import os
import signal

import numpy as np
import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn.data import DataLoader
from minicnn.errors import AnomalyError
from minicnn.imaging.editing import edit, load_editor
from minicnn.imaging.learning import CHECKPOINT, MODEL, first_guess, pair_patches, steps_for
from minicnn.imaging.pix2pix import absolute_errors, fit, trainer_for
from minicnn.imaging.tasks import PatchRecipe
from minicnn.models import ResidualEditor
from minicnn.training import load_checkpoint

RECIPE = PatchRecipe(steps=3, batch_size=2, patch=16, learning_rate=2e-3)


def faded(seed):
    """Return an easy (input, target) pair: faded stripes in random colours, and the original stripes."""
    rng = np.random.default_rng(seed)
    clean = np.repeat(rng.random((3, 1, 6), dtype=np.float32), 8, axis=2) + np.zeros((3, 48, 1), np.float32)
    return 0.3 + 0.5 * clean, clean


PAIRS = [faded(i) for i in range(6)]


def generator(scale=1):
    minicnn.manual_seed(0)
    return ResidualEditor(width=8, blocks=1, scale=scale)


def batch(scale=1):
    return minicnn.rand(2, 3, 16, 16), minicnn.rand(2, 3, 16 * scale, 16 * scale)


def train(folder, recipe=RECIPE, **options):
    model = generator()
    history = fit(model, pair_patches(PAIRS, recipe), recipe, folder, bar=False, **options)
    return model, history


def weights(model):
    return [parameter.detach().numpy().copy() for parameter in model.parameters()]


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


# --- a step ---------------------------------------------------------------------------------------------------


def test_the_losses_are_those_of_the_paper():
    trainer, (x, y) = trainer_for(generator(scale=2), RECIPE, []), batch(scale=2)
    loss = trainer.compute_loss((x, y))
    with minicnn.no_grad():
        made, judge = trainer.model(x), trainer.model.discriminator
        on_made, on_target = (judge(x, picture).numpy().astype(np.float64) for picture in (made, y))
    expected = {
        "l1": np.abs(made.numpy() - y.numpy()).mean(),
        "generator": -np.log(1 / (1 + np.exp(-on_made))).mean(),
        "discriminator": -(np.log(1 / (1 + np.exp(-on_target))).mean() + np.log(1 / (1 + np.exp(on_made))).mean()) / 2,
    }
    assert {name: float(value) for name, value in trainer.terms.items()} == pytest.approx(expected, rel=1e-5)
    total = 100 * expected["l1"] + expected["generator"] + expected["discriminator"]
    assert float(loss) == pytest.approx(total, rel=1e-5)


def test_each_network_gets_the_gradient_of_its_own_loss():
    trainer, (x, y) = trainer_for(generator(), RECIPE, []), batch()
    model, judge = trainer.model.generator, trainer.model.discriminator
    trainer.compute_loss((x, y)).backward()
    found = [[p.grad.numpy().copy() for p in network.parameters()] for network in (model, judge)]
    made = model(x)
    of_model = 100 * F.l1_loss(made, y) + F.softplus(-judge(x, made)).mean()
    of_judge = (F.softplus(-judge(x, y)).mean() + F.softplus(judge(x, made.detach())).mean()) / 2
    for network, loss, gradients in ((model, of_model, found[0]), (judge, of_judge, found[1])):
        for gradient, own in zip(gradients, minicnn.autograd.grad(loss, list(network.parameters())), strict=True):
            np.testing.assert_allclose(gradient, own.numpy(), rtol=1e-3, atol=1e-6)
            assert np.abs(gradient).max() > 0


def test_the_steps_are_those_of_two_alternating_optimizers():
    patches = pair_patches(PAIRS, RECIPE)
    trainer = trainer_for(generator(), RECIPE, [])
    trainer.fit(DataLoader(patches, RECIPE.batch_size), RECIPE.epochs)

    other = trainer_for(generator(), RECIPE, []).model
    model, judge = other.generator, other.discriminator
    rates = [2e-3, 8e-4]
    steps = [
        minicnn.optim.Adam(network.parameters(), rate, betas=(0.5, 0.99))
        for network, rate in zip((model, judge), rates, strict=True)
    ]
    for share, (x, y) in zip((1, 1, 2 / 3), DataLoader(patches, RECIPE.batch_size), strict=True):
        for step, rate in zip(steps, rates, strict=True):
            step.param_groups[0]["lr"] = share * rate  # in the second half of the training it falls
        made = model(x)
        judge.requires_grad_(False)
        logits = judge(x, made)
        loss = 100 * F.l1_loss(made, y) + F.binary_cross_entropy_with_logits(logits, minicnn.ones_like(logits))
        steps[0].zero_grad()
        loss.backward()
        steps[0].step()
        judge.requires_grad_(True)
        real, fake = judge(x, y), judge(x, made.detach())
        loss = F.binary_cross_entropy_with_logits(real, minicnn.ones_like(real))
        loss = (loss + F.binary_cross_entropy_with_logits(fake, minicnn.zeros_like(fake))) / 2
        steps[1].zero_grad()
        loss.backward()
        steps[1].step()
    assert_same(weights(trainer.model), weights(other))


# --- a training -----------------------------------------------------------------------------------------------


def test_the_network_learns(tmp_path):
    recipe = PatchRecipe(steps=50, batch_size=4, patch=16, learning_rate=5e-3)
    scores = []

    def evaluate(model):
        assert isinstance(model, ResidualEditor)
        assert not model.training
        scores.append(float(np.abs(edit(model, PAIRS[0][0]) - PAIRS[0][1]).mean()))
        return scores[-1]

    model, history = train(tmp_path, recipe, evaluate=evaluate, about={"task": "pix2pix"})
    before, after = absolute_errors(model.eval(), [faded(i) for i in (6, 7)])
    assert after < 0.5 * before
    assert history.values("score") == scores
    saved = load_editor(tmp_path / MODEL)
    assert saved.about["task"] == "pix2pix"
    assert_same(weights(saved.model), weights(model))
    state = load_checkpoint(tmp_path / CHECKPOINT)["trainer"]["callbacks"][0]
    assert state["class"] == "EMA"
    assert_same(
        weights(model), [state["state"]["averages"][f"generator.{n}"].numpy() for n, _ in model.named_parameters()]
    )


def test_a_record_of_each_step(tmp_path):
    _, history = train(tmp_path)
    records = [json.loads(line) for line in (tmp_path / "losses.jsonl").read_text().splitlines()]
    assert [list(record) for record in records[:3]] == [
        ["step", "epoch", "loss", "l1", "generator", "discriminator", "lr"]
    ] * 3
    for record in records[:3]:
        assert record["loss"] == pytest.approx(100 * record["l1"] + record["generator"] + record["discriminator"])
    assert history.values("lr") == pytest.approx([2e-3, 2e-3 * 2 / 3, 0])  # after the step, so it is that of the next
    assert history.values("l1") == [record["l1"] for record in records[:3]]


def test_the_same_seed_gives_the_same_files(tmp_path):
    for name in "ab":
        train(tmp_path / name)
    for name in (MODEL, CHECKPOINT, "losses.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_after_ctrl_c_the_result_is_the_same_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr("minicnn.training.recipe.EPOCH_STEPS", 4)
    recipe = PatchRecipe(steps=8, batch_size=1, patch=16)

    def stop(model):
        os.kill(os.getpid(), signal.SIGINT)
        return 1.0

    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt, match="training stopped after step 4; resume from"):
            train(tmp_path / "stopped", recipe, evaluate=stop)
    finally:
        signal.signal(signal.SIGINT, old)
    resumed, history = train(tmp_path / "stopped", recipe, evaluate=lambda model: 1.0, resume=True)
    straight, whole = train(tmp_path / "straight", recipe, evaluate=lambda model: 1.0)
    assert_same(weights(resumed), weights(straight))
    assert history.records == whole.records
    for name in (MODEL, CHECKPOINT, "losses.jsonl"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_a_finished_training_is_not_gone_on_with(tmp_path):
    model, history = train(tmp_path)
    resumed, again = train(tmp_path, resume=True)
    assert again.records == history.records
    assert_same(weights(resumed), weights(model))


@pytest.mark.parametrize("rate", [1e30, 1e18])
def test_a_training_that_breaks_down_says_so(tmp_path, rate):
    with pytest.raises(AnomalyError, match=r"StopOnNaN: in step \d+, .*nothing was updated; try a smaller"):
        train(tmp_path, PatchRecipe(steps=40, batch_size=1, patch=16, learning_rate=rate))


def test_dead_channels_are_reported(tmp_path):
    model, told = generator(), []
    with minicnn.no_grad():
        model.body[0].body[0].bias.sub_(100)
    fit(model, pair_patches(PAIRS, RECIPE), RECIPE, tmp_path, bar=False, say=told.append)
    assert "8 of 8 channels of generator.body.0.body.0.weight are dead" in told[0]


# --- beside the training --------------------------------------------------------------------------------------


def test_errors_of_the_first_guess_and_of_the_result():
    model = generator().eval()
    pairs = [PAIRS[0], tuple(part[:, :20, :30] for part in PAIRS[1])]
    before, after = absolute_errors(model, pairs)
    assert before == pytest.approx(np.mean([np.abs(t - first_guess(x, model)).mean() for x, t in pairs]))
    assert after == pytest.approx(np.mean([np.abs(t - edit(model, x)).mean() for x, t in pairs]))
    assert before != after


def test_fewer_steps_than_without_a_discriminator_take_the_same_time():
    model, recipe = generator(), PatchRecipe(batch_size=2, patch=16)
    before, state = weights(model), minicnn.get_rng_state()
    patches = pair_patches(PAIRS, recipe)
    assert 100 <= steps_for(10, model, patches, recipe, trainer_for) < steps_for(10, model, patches, recipe)
    assert minicnn.get_rng_state() == state
    assert_same(weights(model), before)
    assert all(p.grad is None for p in model.parameters())
