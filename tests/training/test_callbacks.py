"""Tests of the callbacks: plots, files, records, and Ctrl-C."""

import json
import signal
import sys
import threading

import numpy as np
import pytest

import minicnn
from minicnn.errors import CheckpointError, DataError
from minicnn.training import Checkpoint, ClipGradients, History, LossPlot, ProgressBar, Validate, load_checkpoint

pytestmark = pytest.mark.usefixtures("ctrl_c")


class At:
    """Call a function at event number n."""

    def __init__(self, event, number, action):
        self.count = 0

        def on(trainer):
            self.count += 1
            if self.count == number:
                action()

        setattr(self, event, on)


# --- progress -------------------------------------------------------------------------------------------------


def test_the_bar_shows_epoch_loss_and_rate(tiny, capsys):
    trainer = tiny.trainer([ProgressBar(force=True), Validate(tiny.loader())])
    trainer.fit(tiny.loader(), 3)
    shown = capsys.readouterr().err
    assert "12/12" in shown
    assert "epoch 3/3" in shown
    assert "validation_loss=" in shown
    assert "loss=" in shown
    assert "step/s" in shown


def test_no_bar_where_nobody_looks(tiny, capsys):
    tiny.trainer([ProgressBar()]).fit(tiny.loader(), 1)
    assert capsys.readouterr().err == ""


def test_the_bar_of_a_loader_without_length(tiny, capsys):
    tiny.trainer([ProgressBar(force=True)]).fit((batch for batch in list(tiny.loader())), 1)
    assert "4step" in capsys.readouterr().err


def test_the_bar_of_a_resumed_training_goes_on(tiny, tmp_path, capsys):
    tiny.trainer([Checkpoint(tmp_path / "x")]).fit(tiny.loader(), 1)
    tiny.trainer([ProgressBar(force=True)]).fit(tiny.loader(), 2, resume=tmp_path / "x")
    assert "4/8" in capsys.readouterr().err


def test_tqdm_is_imported_late():
    assert "tqdm" not in vars(sys.modules["minicnn.training.callbacks"])


# --- metrics, history, plot -----------------------------------------------------------------------------------


def test_validation_after_every_epoch(tiny):
    class Watch:
        def __init__(self):
            self.seen = []

        def on_epoch_end(self, trainer):
            self.seen.append(dict(trainer.metrics))
            assert trainer.evaluate(held_out)["loss"] == trainer.metrics["validation_loss"]

    held_out, watch = list(tiny.loader(samples=6)), Watch()
    validate = [Validate(held_out), Validate(held_out, {"mae": lambda y, t: (y - t).abs().mean()}, prefix="")]
    tiny.trainer([*validate, watch]).fit(tiny.loader(), 3)
    assert [m.keys() for m in watch.seen] == [{"validation_loss", "mae"}] * 3
    assert len({m["mae"] for m in watch.seen}) == 3


def test_history_and_its_file(tiny, tmp_path):
    history = History(tmp_path / "deep" / "h.jsonl")
    trainer = tiny.trainer(
        [Validate(tiny.loader()), history], scheduler=lambda o: minicnn.optim.lr_scheduler.StepLR(o, 1)
    )
    trainer.fit(tiny.loader(), 2)
    assert [json.loads(line) for line in history.path.read_text().splitlines()] == history.records
    assert [r["step"] for r in history.records] == [1, 2, 3, 4, 4, 5, 6, 7, 8, 8]
    assert [r["epoch"] for r in history.records] == [0, 0, 0, 0, 1, 1, 1, 1, 1, 2]
    assert history.values("lr") == pytest.approx([0.02] * 4 + [0.002] * 4)
    assert history.records[-1].keys() == {"step", "epoch", "epoch_loss", "validation_loss"}
    assert history.values("epoch_loss")[0] == pytest.approx(sum(history.values("loss")[:4]) / 4)


def test_history_shows_its_curves(tiny):
    history = History()
    tiny.trainer([Validate(tiny.loader()), history]).fit(tiny.loader(), 2)
    html = history._repr_html_()
    assert [part.split(":")[0] for part in html.split("<figcaption>")[1:]] == ["loss", "lr", "validation_loss"]
    assert f"last {history.values('loss')[-1]:.4g}" in html
    assert History()._repr_html_() == ""


def test_history_records_the_terms_of_a_step(tiny, tmp_path):
    def set_terms():
        trainer.terms = {"size": minicnn.tensor(trainer.step + 0.5)}

    history = History(tmp_path / "h")
    trainer = tiny.trainer([At("on_step_end", 2, set_terms), history])
    trainer.fit(tiny.loader(), 1)
    assert history.values("size") == [2.5, 2.5, 2.5]
    assert list(history.records[1]) == ["step", "epoch", "loss", "size", "lr"]
    assert [json.loads(line) for line in history.path.read_text().splitlines()] == history.records


def test_a_new_training_starts_the_file_anew(tiny, tmp_path):
    for _ in range(2):
        tiny.trainer([History(tmp_path / "h")]).fit(tiny.loader(), 1)
    assert len((tmp_path / "h").read_text().splitlines()) == 5


def test_a_resumed_history_drops_what_came_after_the_checkpoint(tiny, tmp_path):
    straight = History()
    tiny.trainer([straight]).fit(tiny.loader(), 3)
    with pytest.raises(ZeroDivisionError):
        tiny.trainer(
            [
                History(tmp_path / "h"),
                Checkpoint(tmp_path / "x", every_epochs=0, every_steps=3),
                At("on_step_end", 8, lambda: 1 / 0),
            ]
        ).fit(tiny.loader(), 3)
    with (tmp_path / "h").open("a") as file:
        file.write('{"step": 9, "epo')  # a half-written line, as after a power failure
    resumed = History(tmp_path / "h")
    tiny.trainer([resumed]).fit(tiny.loader(), 3, resume=tmp_path / "x")
    assert resumed.records == straight.records
    assert [json.loads(line) for line in (tmp_path / "h").read_text().splitlines()] == straight.records


def test_the_plot_gets_the_curves(tiny, tmp_path):
    drawn = []
    history = History()
    plot = LossPlot(history, tmp_path / "deep" / "x.png", lambda path, curves: drawn.append((path, curves)))
    tiny.trainer(
        [Validate(tiny.loader(), {"loss": tiny.loss, "accuracy": lambda y, t: 1}), history, plot],
    ).fit(tiny.loader(), 2)
    path, curves = drawn[-1]
    assert len(drawn) == 2
    assert path == tmp_path / "deep" / "x.png"
    assert path.parent.is_dir()
    assert curves.keys() == {"loss", "validation_loss"}
    assert [len(values) for values in curves.values()] == [8, 2]


def test_the_plot_of_imaging(tiny, tmp_path):
    pytest.importorskip("matplotlib")
    from minicnn.imaging import loss_curve

    history = History()
    tiny.trainer([history, LossPlot(history, tmp_path / "x.png", loss_curve)]).fit(tiny.loader(), 1)
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


# --- clipping -------------------------------------------------------------------------------------------------


def test_gradients_are_clipped_before_the_step(tiny):
    class Watch:
        def __init__(self):
            self.gradients = []

        def on_backward_end(self, trainer):
            self.gradients.append(np.concatenate([p.grad.numpy().ravel() for p in trainer.model.parameters()]))

    before, after = Watch(), Watch()
    trainer = tiny.trainer([before, ClipGradients(0.1), after])
    trainer.fit(tiny.loader(), 1)
    assert len(after.gradients) == 4
    for raw, clipped in zip(before.gradients, after.gradients, strict=True):
        norm = np.linalg.norm(raw)
        assert norm > 0.1
        np.testing.assert_allclose(clipped, raw * (0.1 / norm), rtol=1e-4, atol=1e-8)


def test_small_gradients_are_left_alone(tiny):
    plain = tiny.trainer()
    plain.fit(tiny.loader(), 1)
    clipped = tiny.trainer([ClipGradients(1e6)])
    clipped.fit(tiny.loader(), 1)
    tiny.equal(tiny.weights(clipped), tiny.weights(plain))


@pytest.mark.parametrize("norm", [0, -1.0, float("nan")])
def test_a_norm_that_clips_nothing_or_everything(norm):
    with pytest.raises(DataError, match=r"ClipGradients: max_norm must be above zero, got .*; pass e\.g\. 1\.0"):
        ClipGradients(norm)


# --- checkpoints and Ctrl-C -----------------------------------------------------------------------------------


def test_checkpoints_when_they_are_due(tiny, tmp_path, monkeypatch):
    saved = []
    checkpoint = Checkpoint(tmp_path / "x", every_epochs=2, every_steps=3)
    trainer = tiny.trainer([checkpoint])
    monkeypatch.setattr(trainer, "save", lambda path: saved.append((trainer.step, trainer.epoch)))
    trainer.fit(tiny.loader(), 5)
    assert saved == [(3, 0), (6, 1), (8, 2), (9, 2), (12, 2), (15, 3), (16, 4), (18, 4)]


@pytest.mark.parametrize("event", ["on_step_start", "on_backward_end", "on_step_end", "on_epoch_end"])
@pytest.mark.parametrize("number", [1, 3])
def test_ctrl_c_saves_and_the_resumed_training_is_the_same_bit_for_bit(tiny, tmp_path, event, number):
    straight = tiny.trainer()
    straight.fit(tiny.loader(), 3)

    def press():
        signal.raise_signal(signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    trainer = tiny.trainer([At(event, number, press), Checkpoint(tmp_path / "x", every_epochs=0)])
    with pytest.raises(KeyboardInterrupt, match=r"training stopped after step \d+; resume from '.*x'"):
        trainer.fit(tiny.loader(workers=2), 3)
    assert signal.getsignal(signal.SIGINT) is handler
    assert trainer.step == (4 * number if event == "on_epoch_end" else number)
    resumed = tiny.trainer([Checkpoint(tmp_path / "x")], seed=8)
    resumed.fit(tiny.loader(), 3, resume=tmp_path / "x")
    tiny.equal(tiny.weights(resumed), tiny.weights(straight))


def test_ctrl_c_after_the_last_step_is_not_lost(tiny, tmp_path):
    class Late:
        def on_epoch_end(self, trainer):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        tiny.trainer([Checkpoint(tmp_path / "x"), Late()]).fit(tiny.loader(), 1)
    assert load_checkpoint(tmp_path / "x")["trainer"]["epoch"] == 1


def test_a_second_ctrl_c_does_not_wait(tiny, tmp_path):
    def press_twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    trainer = tiny.trainer([At("on_step_start", 2, press_twice), Checkpoint(tmp_path / "x", every_epochs=0)])
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(tiny.loader(), 1)
    assert trainer.step == 1
    assert not (tmp_path / "x").exists()


def test_training_in_a_thread_leaves_ctrl_c_alone(tiny, tmp_path):
    handler = signal.getsignal(signal.SIGINT)
    trainer = tiny.trainer([Checkpoint(tmp_path / "x")])
    thread = threading.Thread(target=trainer.fit, args=(tiny.loader(), 1))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is handler
    assert load_checkpoint(tmp_path / "x")["trainer"]["step"] == 4


def test_what_cannot_be_saved_is_found_before_the_first_step(tiny, tmp_path):
    trainer = tiny.trainer([Checkpoint(tmp_path / "x")])
    with pytest.raises(CheckpointError, match=r"Trainer: the loader, a list, has no"):
        trainer.fit(list(tiny.loader()), 1)
    assert trainer.step == 0


def test_on_a_gpu_losses_are_fetched_together(tiny, tmp_path, gpu):
    history = History(tmp_path / "h")
    trainer = tiny.trainer([history])
    trainer.model.to(gpu)
    seen = []
    trainer.callbacks.append(At("on_step_end", 2, lambda: seen.append((tmp_path / "h").read_text())))
    trainer.callbacks.append(At("on_step_end", 3, lambda: seen.append(history.values("loss"))))
    trainer.fit(tiny.loader(), 1)
    assert seen[0] == ""
    assert len(seen[1]) == 3
    assert [json.loads(line) for line in (tmp_path / "h").read_text().splitlines()] == history.records
    assert [r["step"] for r in history.records] == [1, 2, 3, 4, 4]
    assert history.records[-1]["epoch_loss"] == pytest.approx(sum(history.values("loss")) / 4)
