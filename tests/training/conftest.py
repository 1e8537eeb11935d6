"""A small training with all state that a checkpoint must store: dropout, running means, shuffling, threads."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.data import DataLoader, TensorDataset
from minicnn.training import Trainer


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.norm = nn.BatchNorm1d(6)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(6, 2)

    def forward(self, x):
        return self.last(self.drop(self.norm(self.first(x)).relu()))


def squared(output, target):
    return ((output - target) ** 2).mean()


def weights(trainer):
    return {name: t.cpu().numpy().copy() for name, t in trainer.model.state_dict().items()}


def make_loader(samples=11, batch_size=3, workers=0):
    rng = np.random.default_rng(7)
    data = TensorDataset(
        rng.standard_normal((samples, 4)).astype(np.float32), rng.standard_normal((samples, 2)).astype(np.float32)
    )
    return DataLoader(data, batch_size, shuffle=True, num_workers=workers, seed=5)


def make_trainer(callbacks=(), seed=3, schedule="epoch", scheduler=None, **options):
    minicnn.manual_seed(seed)
    model = Tiny()
    optimizer = optim.Adam(model.parameters(), lr=0.02, **options)
    if scheduler is not None:
        scheduler = scheduler(optimizer)
    return Trainer(model, optimizer, squared, scheduler, callbacks, schedule=schedule)


@pytest.fixture(scope="session")
def tiny() -> Any:
    """The functions above: `Model`, `loss`, `loader(...)`, `trainer(...)`, `weights(trainer)`, `equal(a, b)`."""

    def equal(a: dict[str, Any], b: dict[str, Any]) -> None:
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)

    pieces: dict[str, Callable[..., Any]] = {"loader": make_loader, "trainer": make_trainer, "weights": weights}
    return SimpleNamespace(Model=Tiny, loss=squared, equal=equal, **pieces)
