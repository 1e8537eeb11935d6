"""Tests of the training loop: order of calls, determinism, and resuming with the same bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import nn, optim
from minicnn.errors import CheckpointError, DataError, DTypeError
from minicnn.optim.lr_scheduler import ExponentialLR, OneCycleLR, ReduceLROnPlateau
from minicnn.training import EMA, History, Trainer, Validate
from minicnn.training.trainer import _samples, numbers


class StopError(Exception):
    pass


class StopAfter:
    """Save a checkpoint and stop after a number of steps."""

    def __init__(self, step, path):
        self.step, self.path = step, path

    def on_step_end(self, trainer):
        if trainer.step == self.step:
            trainer.save(self.path)
            raise StopError


class Diary:
    def __init__(self):
        self.events = []

    def __getattr__(self, name):
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda trainer: self.events.append((name, trainer.step, trainer.epoch))

    def __dir__(self):
        return ["on_fit_start", "on_fit_end"]


def test_events_come_in_order(tiny):
    diary = Diary()
    tiny.trainer([diary]).fit(tiny.loader(samples=4, batch_size=2), epochs=2)
    step = ["on_step_start", "on_backward_end", "on_step_end"]
    names = ["on_fit_start", *step, *step, "on_epoch_end", *step, *step, "on_epoch_end", "on_fit_end"]
    assert [name for name, *_ in diary.events] == names
    assert [e for e in diary.events if e[0] in ("on_step_end", "on_epoch_end")] == [
        ("on_step_end", 1, 0),
        ("on_step_end", 2, 0),
        ("on_epoch_end", 2, 1),
        ("on_step_end", 3, 1),
        ("on_step_end", 4, 1),
        ("on_epoch_end", 4, 2),
    ]


def test_the_loop_is_that_of_pytorch(tiny):
    trainer = tiny.trainer()
    history = History()
    trainer.callbacks.append(history)
    trainer.fit(tiny.loader(), epochs=3)

    minicnn.manual_seed(3)
    model = tiny.Model()
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    losses = []
    loader = tiny.loader()
    for _ in range(3):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = tiny.loss(model(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert history.values("loss") == losses
    assert trainer.epoch_loss == pytest.approx(np.mean(losses[-4:]), rel=1e-12)
    tiny.equal(tiny.weights(trainer), {name: t.numpy() for name, t in model.state_dict().items()})


def test_the_same_seed_gives_the_same_bits_with_any_number_of_workers(tiny):
    results = []
    for workers in (0, 1, 3):
        trainer = tiny.trainer()
        trainer.fit(tiny.loader(workers=workers), epochs=2)
        results.append(tiny.weights(trainer))
    tiny.equal(results[0], results[1])
    tiny.equal(results[0], results[2])
    other = tiny.trainer(seed=4)
    other.fit(tiny.loader(), epochs=2)
    assert (tiny.weights(other)["last.weight"] != results[0]["last.weight"]).any()


SCHEDULERS = [
    (None, "epoch"),
    (lambda o: ExponentialLR(o, 0.7), "epoch"),
    (lambda o: OneCycleLR(o, 0.05, total_steps=16), "step"),
    (lambda o: ReduceLROnPlateau(o, patience=0, threshold=0.5), "epoch"),
]


@given(
    stop=st.integers(1, 16),
    workers=st.integers(0, 2),
    which=st.sampled_from(SCHEDULERS),
    batch_size=st.sampled_from([3, 6]),
    amsgrad=st.booleans(),
)
def test_a_training_taken_up_again_is_the_same_bit_for_bit(
    tmp_path_factory, tiny, stop, workers, which, batch_size, amsgrad
):
    folder = tmp_path_factory.mktemp("run")
    scheduler, schedule = which
    options = {"scheduler": scheduler, "schedule": schedule, "amsgrad": amsgrad}

    def start(*callbacks, seed=3):
        ema, history = EMA(0.5), History(folder / "history.jsonl")
        return tiny.trainer([ema, history, *callbacks], seed=seed, **options), history

    epochs = 4
    straight, whole_history = start()
    straight.fit(tiny.loader(batch_size=batch_size), epochs)
    expected = tiny.weights(straight)
    expected_draw = minicnn.randn(3).numpy()

    broken, _ = start(StopAfter(min(stop, straight.step), folder / "run.safetensors"))
    with pytest.raises(StopError):
        broken.fit(tiny.loader(batch_size=batch_size, workers=workers), epochs)

    resumed, history = start(seed=1234)
    resumed.fit(tiny.loader(batch_size=batch_size), epochs, resume=folder / "run.safetensors")
    tiny.equal(tiny.weights(resumed), expected)
    np.testing.assert_array_equal(minicnn.randn(3).numpy(), expected_draw)
    assert (resumed.step, resumed.epoch) == (straight.step, straight.epoch)
    assert resumed.epoch_loss == pytest.approx(straight.epoch_loss, rel=1e-12)
    assert resumed.optimizer.param_groups[0]["lr"] == straight.optimizer.param_groups[0]["lr"]
    assert history.records == whole_history.records
    for name, average in straight.callbacks[0].averages.items():
        np.testing.assert_array_equal(average, resumed.callbacks[0].averages[name])


def test_after_the_last_epoch_there_is_nothing_to_resume(tiny, tmp_path):
    trainer = tiny.trainer()
    trainer.fit(tiny.loader(), 2)
    trainer.save(tmp_path / "x")
    again = tiny.trainer(seed=9)
    again.fit(tiny.loader(), 2, resume=tmp_path / "x")
    tiny.equal(tiny.weights(again), tiny.weights(trainer))
    longer = tiny.trainer()
    longer.fit(tiny.loader(), 3, resume=tmp_path / "x")
    straight = tiny.trainer()
    straight.fit(tiny.loader(), 3)
    tiny.equal(tiny.weights(longer), tiny.weights(straight))


def test_a_resumed_finished_training_knows_its_loss_and_metrics(tiny, tmp_path):
    trainer = tiny.trainer([Validate(tiny.loader())])
    trainer.fit(tiny.loader(), 2)
    trainer.save(tmp_path / "x")
    again = tiny.trainer()
    again.fit(tiny.loader(), 2, resume=tmp_path / "x")
    assert again.epoch_loss == trainer.epoch_loss
    assert again.metrics == trainer.metrics
    assert again.metrics.keys() == {"validation_loss"}


def test_two_callbacks_of_a_class_keep_their_own_state(tiny, tmp_path):
    def start():
        return tiny.trainer([EMA(0.5), History(), EMA(0.9)])

    trainer = start()
    trainer.fit(tiny.loader(), 1)
    trainer.save(tmp_path / "x")
    again = start()
    again.load_state_dict(trainer.state_dict())
    loaded = start()
    loaded.fit(tiny.loader(), 1, resume=tmp_path / "x")
    for i in (0, 2):
        for name, average in trainer.callbacks[i].averages.items():
            np.testing.assert_array_equal(average, again.callbacks[i].averages[name])
            np.testing.assert_array_equal(average, loaded.callbacks[i].averages[name])
    with pytest.raises(
        CheckpointError,
        match=r"the state has the callbacks \[EMA, EMA\], this training has \[EMA\]; pass the same callbacks in",
    ):
        tiny.trainer([EMA(0.5)]).fit(tiny.loader(), 1, resume=tmp_path / "x")


def test_a_plateau_is_given_the_mean_loss(tiny):
    trainer = tiny.trainer(scheduler=lambda o: ReduceLROnPlateau(o))
    trainer.fit(tiny.loader(), 1)
    assert trainer.scheduler.best == trainer.epoch_loss


def test_gradients_can_be_changed_before_the_step(tiny):
    class Freeze:
        def on_backward_end(self, trainer):
            for p in trainer.model.parameters():
                p.grad = None

    trainer = tiny.trainer([Freeze()])
    before = {name: p.detach().numpy().copy() for name, p in trainer.model.named_parameters()}
    trainer.fit(tiny.loader(), 1)
    tiny.equal(before, {name: p.detach().numpy() for name, p in trainer.model.named_parameters()})


def test_the_end_is_told_after_an_error_too(tiny):
    class BrokenError(Exception):
        pass

    class Fails:
        def on_step_end(self, trainer):
            raise BrokenError

    diary = Diary()
    with pytest.raises(BrokenError):
        tiny.trainer([diary, Fails()]).fit(tiny.loader(), 1)
    assert diary.events[-1][0] == "on_fit_end"


class FailsAtTheEnd:
    def __init__(self, message):
        self.message = message

    def on_fit_end(self, trainer):
        raise RuntimeError(self.message)


def test_every_callback_is_told_the_end_and_the_first_error_is_raised(tiny):
    diary = Diary()
    with pytest.raises(RuntimeError, match=r"^one") as caught:
        tiny.trainer([FailsAtTheEnd("one"), FailsAtTheEnd("two"), diary]).fit(tiny.loader(), 1)
    assert diary.events[-1][0] == "on_fit_end"
    assert caught.value.__notes__ == ["then FailsAtTheEnd.on_fit_end failed too: RuntimeError('two')"]


def test_an_error_at_the_end_does_not_hide_that_of_the_training(tiny):
    diary = Diary()
    with pytest.raises(DataError, match=r"the loader gave no batch") as caught:
        tiny.trainer([FailsAtTheEnd("one"), diary]).fit([], 1)
    assert diary.events[-1][0] == "on_fit_end"
    assert caught.value.__notes__ == ["then FailsAtTheEnd.on_fit_end failed too: RuntimeError('one')"]


def test_evaluation_leaves_a_frozen_layer_frozen(tiny):
    trainer = tiny.trainer()
    trainer.model.norm.eval()
    trainer.evaluate(tiny.loader())
    assert trainer.model.training
    assert trainer.model.drop.training
    assert not trainer.model.norm.training


def test_training_leaves_a_frozen_layer_frozen(tiny):
    trainer = tiny.trainer()
    trainer.model.norm.eval()
    trainer.fit(tiny.loader(), 1)
    assert trainer.model.drop.training
    assert not trainer.model.norm.training
    trainer.model.eval()
    trainer.fit(tiny.loader(), 2)
    assert trainer.model.norm.training


def test_losses_of_an_epoch_that_was_broken_off_are_forgotten(tiny):
    def breaks_off(loader):
        yield next(iter(loader))
        raise KeyboardInterrupt

    trainer = tiny.trainer()
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(breaks_off(tiny.loader()), 1)
    assert len(trainer.losses) == 1
    batches, losses = list(tiny.loader()), []
    trainer.callbacks.append(Losses(losses))
    trainer.fit(batches, 1)
    assert len(losses) == len(batches)
    assert trainer.epoch_loss == pytest.approx(float(np.mean(losses)))


class Losses:
    def __init__(self, losses):
        self.found = losses

    def on_step_end(self, trainer):
        self.found.append(float(trainer.loss))


def test_evaluate(tiny):
    trainer = tiny.trainer()
    trainer.fit(tiny.loader(), 1)
    before, state = tiny.weights(trainer), minicnn.get_rng_state()
    trainer.model.train()
    loader = tiny.loader(samples=10, batch_size=4)
    inputs = minicnn.from_numpy(loader.dataset.tensors[0])
    targets = minicnn.from_numpy(loader.dataset.tensors[1])
    found = trainer.evaluate(loader, {"error": lambda y, t: float((y - t).abs().mean()), "squared": tiny.loss})
    assert trainer.model.training
    trainer.model.eval()
    outputs = trainer.model(inputs)
    assert found["error"] == pytest.approx(float((outputs - targets).abs().mean()), rel=1e-5)
    assert found["squared"] == pytest.approx(float(tiny.loss(outputs, targets)), rel=1e-5)
    assert trainer.evaluate(loader).keys() == {"loss"}
    assert not trainer.model.training
    tiny.equal(before, tiny.weights(trainer))
    assert minicnn.get_rng_state() == state


def test_a_loss_of_ones_own(tiny):
    class Autoencoder(Trainer):
        def compute_loss(self, batch):
            return ((self.model(batch) - batch) ** 2).mean()

    model = nn.Linear(3, 3)
    trainer = Autoencoder(model, optim.SGD(model.parameters(), lr=0.1), tiny.loss)
    validate = Validate([minicnn.ones(2, 3), minicnn.zeros(1, 3)])
    trainer.callbacks.append(validate)
    trainer.fit([minicnn.randn(5, 3)] * 30, 1)
    assert float(trainer.loss) < 0.5 * float(trainer.epoch_loss)
    first, second = (float(trainer.compute_loss(b)) for b in validate.loader)
    assert trainer.metrics["validation_loss"] == pytest.approx((2 * first + second) / 3)


def test_the_samples_of_a_batch():
    x = minicnn.zeros(3, 2)
    for batch in (x, (x, x[:1]), [[x]], {"name": ["a", "b"], "scale": minicnn.tensor(2.0), "x": x}, ((), {"y": x})):
        assert _samples(batch) == 3
    for batch in ((), {}, "text", [1, "a"], minicnn.tensor(1.0)):
        assert _samples(batch) is None


def test_messages(tiny, tmp_path):
    trainer = tiny.trainer()
    with pytest.raises(
        DataError, match=r"Trainer.fit: the loader gave no batch in epoch 2; a generator can be read only"
    ):
        trainer.fit((batch for batch in tiny.loader()), 2)
    with pytest.raises(DataError, match=r"Trainer.evaluate: the loader gave no sample"):
        trainer.evaluate([])
    with pytest.raises(CheckpointError, match=r"Trainer: the loader, a list, has no state_dict\(\) with its position"):
        trainer.fit([], 1, resume=tmp_path / "x")
    with pytest.raises(CheckpointError, match=r"load_checkpoint: there is no file"):
        trainer.fit(tiny.loader(), 1, resume=tmp_path / "x")
    with pytest.raises(DataError, match=r"Trainer: schedule must be 'epoch' or 'step', .* got 'batch'"):
        tiny.trainer(schedule="batch")
    with pytest.raises(DataError, match=r"'epoch' for ReduceLROnPlateau, got 'step'"):
        tiny.trainer(schedule="step", scheduler=ReduceLROnPlateau)


@pytest.mark.parametrize("name", ["on_epochend", "something"])
def test_a_callback_without_a_known_event_is_refused(tiny, name):
    callback = type("Mine", (), {name: lambda self, trainer: None})()
    with pytest.raises(
        DTypeError, match=r"Trainer: callback Mine has the methods \[.*\]; define at least one, and only names from"
    ):
        tiny.trainer([callback])


def test_a_checkpoint_of_another_training_is_refused(tiny, tmp_path):
    scheduled = tiny.trainer(scheduler=lambda o: ExponentialLR(o, 0.5))
    scheduled.fit(tiny.loader(), 1)
    scheduled.save(tmp_path / "scheduled")
    with pytest.raises(
        CheckpointError, match=r"Trainer.load: '.*' also holds scheduler, which this training lacks; it has"
    ):
        tiny.trainer().fit(tiny.loader(), 1, resume=tmp_path / "scheduled")
    plain = tiny.trainer()
    plain.fit(tiny.loader(), 1)
    plain.save(tmp_path / "plain")
    with pytest.raises(CheckpointError, match=r"'.*' holds no scheduler; it holds model, optimizer, loader, trainer"):
        tiny.trainer(scheduler=lambda o: ExponentialLR(o, 0.5)).fit(tiny.loader(), 1, resume=tmp_path / "plain")
    with pytest.raises(CheckpointError, match=r"the state has the callbacks \[\], this training has \[EMA\]; pass the"):
        tiny.trainer([EMA()]).fit(tiny.loader(), 1, resume=tmp_path / "plain")
    trainer = tiny.trainer([History()])
    trainer.fit(tiny.loader(), 2, resume=tmp_path / "plain")  # callbacks without a state may be added or removed
    assert trainer.epoch == 2


def test_a_checkpoint_within_an_epoch_of_other_data_is_refused(tiny, tmp_path):
    with pytest.raises(StopError):
        tiny.trainer([StopAfter(2, tmp_path / "x")]).fit(tiny.loader(), 1)
    with pytest.raises(CheckpointError, match=r"does not fit the loader: .*batch_size=3"):
        tiny.trainer().fit(tiny.loader(batch_size=4), 1, resume=tmp_path / "x")


def test_numbers_of_any_kind(device):
    assert numbers([1.5, minicnn.tensor(2.5, device=device), 3, minicnn.tensor([4.5], device=device)]) == [
        1.5,
        2.5,
        3,
        4.5,
    ]
    assert numbers([]) == []
