"""Tests of BestModel and EarlyStopping: saved models, the last epoch, and states in checkpoints."""

import numpy as np
import pytest

from minicnn.errors import ArgumentError, CheckpointError, DataError
from minicnn.training import BestModel, EarlyStopping


class Scores:
    """Put given values into the metrics, one after each epoch."""

    def __init__(self, values):
        self.values = values

    def on_epoch_end(self, trainer):
        trainer.metrics["score"] = self.values[trainer.epoch - 1]


@pytest.mark.parametrize(
    ("mode", "values", "saved"),
    [
        ("max", [3, 5, 5, 4, 6], [1, 2, 5]),
        ("min", [3, 5, 2, 2, 1], [1, 3, 5]),
        ("max", [float("nan"), 1, float("nan"), 2], [2, 4]),
    ],
)
def test_the_model_is_saved_after_each_improvement(tiny, mode, values, saved):
    epochs, weights = [], []
    trainer = tiny.trainer([Scores(values)])
    best = BestModel(lambda model: (epochs.append(trainer.epoch), weights.append(tiny.weights(trainer))), "score", mode)
    trainer.callbacks.append(best)
    trainer.fit(tiny.loader(), len(values))
    assert epochs == saved
    assert (best.best, best.best_epoch) == (values[saved[-1] - 1], saved[-1])
    if saved[-1] == len(values):
        tiny.equal(weights[-1], tiny.weights(trainer))
    assert not np.array_equal(weights[0]["last.weight"], weights[-1]["last.weight"])


@pytest.mark.parametrize(("patience", "ends"), [(1, 3), (2, 6), (3, 7)])
def test_the_training_ends_without_improvement(tiny, patience, ends):
    trainer = tiny.trainer([Scores([1, 2, 2, 3, 1, 2, 0, 9]), EarlyStopping(patience, "score", "max")])
    trainer.fit(tiny.loader(), 8)
    assert trainer.epoch == ends


def test_a_resumed_training_stops_in_the_same_epoch(tiny, tmp_path):
    values = [1, 2, 0, 0, 0, 0]
    trainer = tiny.trainer([Scores(values), EarlyStopping(3, "score", "max")])
    loader = tiny.loader()
    trainer.fit(loader, 3)
    trainer.save(tmp_path / "c")
    again = tiny.trainer([Scores(values), EarlyStopping(3, "score", "max")])
    again.fit(tiny.loader(), 6, resume=tmp_path / "c")
    assert again.epoch == 5


def test_messages(tiny):
    with pytest.raises(ArgumentError, match="EarlyStopping: patience must be at least 1, got 0"):
        EarlyStopping(0)
    with pytest.raises(ArgumentError, match="BestModel: mode must be 'min' or 'max', got 'most'"):
        BestModel(print, mode="most")
    with pytest.raises(DataError, match="BestModel: there is no metric 'psnr', only none; put it after a Validate"):
        tiny.trainer([BestModel(print, "psnr")]).fit(tiny.loader(), 1)
    with pytest.raises(CheckpointError, match="the state is of the metric 'a', not of 'b'; use the same metric"):
        EarlyStopping(1, "b").load_state_dict(EarlyStopping(1, "a").state_dict())


def test_after_an_early_end_the_training_can_go_on(tiny):
    trainer = tiny.trainer([Scores([1, 1, 1, 1]), EarlyStopping(1, "score")])
    trainer.fit(tiny.loader(), 4)
    assert trainer.epoch == 2
    trainer.callbacks.pop()
    trainer.fit(tiny.loader(), 4)
    assert trainer.epoch == 4
