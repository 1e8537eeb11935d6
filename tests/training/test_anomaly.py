"""Tests of the callbacks that find faults.

The error of StopOnNaN names the operation, and the training state is as before the step. Dead channels are reported.
"""

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.errors import AnomalyError, ArgumentError
from minicnn.training import ReportDeadChannels, StopOnNaN, Trainer


class AtStep:
    """Call a function before step number `step`."""

    def __init__(self, step, action):
        self.step, self.action = step, action

    def on_step_start(self, trainer):
        if trainer.step + 1 == self.step:
            self.action(trainer)


class Snapshot:
    """Keep the training state before the step that fails."""

    def __init__(self, tiny):
        self.tiny = tiny

    def on_step_start(self, trainer):
        self.before = self.tiny.weights(trainer), minicnn.get_rng_state()

    def check(self, trainer):
        weights, state = self.before
        self.tiny.equal(self.tiny.weights(trainer), weights)
        assert minicnn.get_rng_state() == state
        assert all(p.grad is None for p in trainer.model.parameters())


def with_loss(tiny, loss, callbacks):
    trainer = tiny.trainer(callbacks)
    trainer.loss_function = loss
    return trainer


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda y, t: (y * 0 - 1).log().mean(), r"the loss is nan: log: made NaN or infinity from finite inputs"),
        (lambda y, t: ((y - t) / (y * 0)).abs().mean(), r"the loss is inf: div: made NaN"),
        (lambda y, t: (y * 0).sqrt().sum(), r"a gradient is not finite: in the gradient of sqrt"),
    ],
)
def test_the_operation_is_named_and_nothing_is_changed(tiny, loss, message):
    snapshot = Snapshot(tiny)
    switch = AtStep(3, lambda trainer: setattr(trainer, "loss_function", loss))
    trainer = tiny.trainer([switch, snapshot, StopOnNaN()])
    with pytest.raises(AnomalyError, match=rf"^StopOnNaN: in step 3, {message}.*; nothing was updated; try a smaller"):
        trainer.fit(tiny.loader(), 2)
    assert trainer.step == 2
    snapshot.check(trainer)
    assert all(np.isfinite(w).all() for w in tiny.weights(trainer).values())


def test_the_batch_is_run_again_with_the_same_random_numbers(tiny):
    class Once(nn.Module):
        """Returns NaN for about one dropout mask in eight, so a run with another mask would not show it."""

        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(minicnn.ones(3))
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            return (self.drop(self.scale * minicnn.ones(3)).sum() - 0.5).log()  # negative if all are dropped

    minicnn.manual_seed(0)
    model = Once()
    trainer = Trainer(model, optim.SGD(model.parameters(), lr=0.0), lambda y, t: y, callbacks=[StopOnNaN()])
    with pytest.raises(AnomalyError, match=r"the loss is nan: log: made NaN"):
        trainer.fit([(minicnn.ones(1), None)] * 200, 1)


@pytest.mark.parametrize("name", ["inputs", "targets"])
def test_data_that_is_not_finite(tiny, name):
    batch = {"inputs": minicnn.ones(3, 4), "targets": minicnn.ones(3, 2)}
    batch[name][0, 0] = float("nan")
    with pytest.raises(AnomalyError, match=rf"step 1, the loss is nan: the {name} of the batch are not finite"):
        tiny.trainer([StopOnNaN()]).fit([(batch["inputs"], batch["targets"])], 1)


def test_a_weight_that_is_not_finite(tiny):
    trainer = tiny.trainer([StopOnNaN()])
    trainer.model.last.bias.data[1] = float("inf")
    with pytest.raises(AnomalyError, match=r"the loss is inf: parameter last.bias is not finite"):
        trainer.fit(tiny.loader(), 1)


def test_randomness_beyond_the_engine_is_said(tiny):
    calls = []

    def loss(y, t):
        calls.append(1)
        return y.mean() * (float("nan") if len(calls) == 1 else 1.0)

    with pytest.raises(AnomalyError, match=r"it did not happen again with the same batch"):
        with_loss(tiny, loss, [StopOnNaN()]).fit(tiny.loader(), 1)


def test_a_healthy_training_is_not_changed(tiny):
    plain = tiny.trainer()
    plain.fit(tiny.loader(), 2)
    watched = tiny.trainer([StopOnNaN()])
    watched.fit(tiny.loader(), 2)
    tiny.equal(tiny.weights(plain), tiny.weights(watched))


@pytest.mark.parametrize("every", [2, 3, 100])
def test_looking_now_and_then(tiny, every):
    switch = AtStep(2, lambda trainer: setattr(trainer, "loss_function", lambda y, t: (y * 0 - 1).log().mean()))
    trainer = tiny.trainer([switch, StopOnNaN(every=every)])
    with pytest.raises(AnomalyError, match=r"^StopOnNaN: in step 2, the loss or a gradient was not .*\(every=1\)"):
        trainer.fit(tiny.loader(), 3)
    assert trainer.step == {2: 1, 3: 2, 100: 4}[every]  # the step of the check: before the update, or after an epoch


def test_on_a_gpu_it_looks_now_and_then(tiny, gpu):
    switch = AtStep(2, lambda trainer: setattr(trainer, "loss_function", lambda y, t: (y * 0 - 1).log().mean()))
    trainer = tiny.trainer([switch, StopOnNaN()])
    trainer.model.to(gpu)
    with pytest.raises(AnomalyError, match=r"in step 2, .* but the check came only after 4 updates"):
        trainer.fit(tiny.loader(), 3)


def test_on_a_gpu_every_step_if_asked_for(tiny, gpu):
    snapshot = Snapshot(tiny)
    switch = AtStep(3, lambda trainer: setattr(trainer, "loss_function", lambda y, t: (y * 0 - 1).log().mean()))
    trainer = tiny.trainer([switch, snapshot, StopOnNaN(every=1)])
    trainer.model.to(gpu)
    with pytest.raises(AnomalyError, match=r"in step 3, the loss is nan: log: made NaN .*; nothing was updated"):
        trainer.fit(tiny.loader(), 2)
    snapshot.check(trainer)


def test_how_often_it_looks():
    with pytest.raises(ArgumentError, match="StopOnNaN: every must be at least 1, got 0; leave it out for the default"):
        StopOnNaN(every=0)


# --- dead channels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dead", "reported"), [(0, False), (2, False), (3, True), (6, True)])
def test_a_layer_with_half_of_its_channels_dead_is_reported(tiny, dead, reported):
    told = []
    trainer = tiny.trainer([ReportDeadChannels(told.append)])
    with minicnn.no_grad():
        trainer.model.norm.bias[:dead] = -100.0  # the ReLU of these channels is always 0
    trainer.fit(tiny.loader(), 2)
    lines = [line for line in told if "first.weight" in line]
    expected = (
        f"{dead} of 6 channels of first.weight are dead: they got no gradient in the last epoch; "
        "train again with a lower learning rate"
    )
    assert lines == ([expected] if reported else [])


def test_only_the_last_epoch_counts(tiny):
    told = []
    trainer = tiny.trainer([ReportDeadChannels(told.append)])

    class Kill:
        def on_epoch_end(self, trainer):
            with minicnn.no_grad():
                trainer.model.norm.bias.fill_(-100.0)

    trainer.callbacks.append(Kill())
    trainer.fit(tiny.loader(), 2)
    assert told[0].startswith("6 of 6 channels of first.weight are dead")
