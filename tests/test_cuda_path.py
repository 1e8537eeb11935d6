"""Test the whole engine on every device: train, save, resume on another device, edit. No step may wait for a GPU.

On a machine without a GPU, `cuda` is the stand-in for CuPy (see conftest.py); its kernels run in the simulator.
"""

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.data import DataLoader, TensorDataset
from minicnn.errors import DeviceError
from minicnn.imaging.editing import edit, load_editor, save_editor
from minicnn.models import ResidualEditor
from minicnn.nn import functional as F
from minicnn.runtime.devices import CPU, Device
from minicnn.training import EMA, Checkpoint, ClipGradients, History, StopOnNaN, Trainer
from tests import standin_cupy
from tests.device_calls import CALLS, ELEMENTWISE
from tests.device_calls import run as run_by_name
from tests.oracles.cases import CASES, run

STEPS = 4  # per epoch


@pytest.fixture
def standin(gpu: Device) -> Device:
    """The GPU, only if it is the stand-in: a real GPU cannot count waits."""
    if gpu.xp is not standin_cupy.module:
        pytest.skip("only the stand-in counts")
    return gpu


def loader() -> DataLoader:
    rng = np.random.default_rng(0)
    images = rng.standard_normal((3 * STEPS, 3, 8, 8)).astype(np.float32)
    return DataLoader(TensorDataset(images, rng.integers(0, 4, 3 * STEPS)), batch_size=3, shuffle=True)


def trainer(device: Device, *callbacks: Any) -> Trainer:
    """Return a trainer with a layer of each kind, Adam, a schedule, gradient clipping and StopOnNaN."""
    minicnn.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, stride=2, padding=1),
        nn.GELU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(8, 4),
    ).to(device)
    optimizer = optim.Adam(model.parameters(), lr=0.02, weight_decay=0.01)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=3 * STEPS)
    watch = [StopOnNaN(), ClipGradients(0.5), *callbacks]
    return Trainer(model, optimizer, nn.CrossEntropyLoss(), schedule, watch, schedule="step")


def losses(device: Device, *callbacks: Any, epochs: int = 2, **options: Any) -> list[float]:
    history = History()
    trainer(device, *callbacks, history).fit(loader(), epochs, **options)
    return history.values("loss")


# --- learning -------------------------------------------------------------------------------------------------


def test_a_network_learns_the_same_everywhere(device):
    expected, got = losses(CPU), losses(device)
    assert len(got) == 2 * STEPS
    assert got == pytest.approx(expected, rel=2e-4)
    assert got[0] == pytest.approx(expected[0], rel=1e-6)


@pytest.mark.parametrize("there_first", [True, False])
def test_a_checkpoint_goes_on_on_another_device(device, tmp_path, there_first):
    first, then = (device, CPU) if there_first else (CPU, device)
    straight, ema = EMA(0.9), EMA(0.9)
    expected = losses(CPU, straight)
    losses(first, EMA(0.9), Checkpoint(tmp_path / "run"), epochs=1)
    resumed = trainer(then, ema, history := History())
    resumed.fit(loader(), 2, resume=tmp_path / "run")
    assert history.values("loss") == pytest.approx(expected[STEPS:], rel=2e-4)
    assert {t.device for t in ema.averages.values()} == {then}
    for name, average in straight.averages.items():
        np.testing.assert_allclose(ema.averages[name].cpu().numpy(), average.numpy(), atol=2e-4)
    with ema.applied(resumed.model):
        assert resumed.evaluate(loader())["loss"] > 0


def test_a_training_may_move_between_its_steps(device):
    here = trainer(CPU)
    here.fit(loader(), 1)
    here.model.to(device)
    if device is not CPU:
        with pytest.raises(DeviceError, match=rf"adam_step: the parameters are on {device}, but the optimizer's state"):
            here.fit(loader(), 2)
    here.epoch = 1
    here.losses = []
    here.optimizer.load_state_dict(here.optimizer.state_dict())
    here.fit(loader(), 2)
    assert np.isfinite(here.epoch_loss)
    assert {p.device for p in here.model.parameters()} == {device}


def test_metrics_and_batches_of_any_form(device):
    class Batch(dict):
        pass

    here = trainer(device)
    images, labels = next(iter(loader()))
    tree = here._to_device([{"a": images}, (labels, "text"), Batch(x=images)])
    assert (tree[0]["a"].device, tree[1][0].device, tree[1][1]) == (device, device, "text")
    accuracy = here.evaluate(loader(), {"accuracy": lambda y, t: (y.argmax(1) == t).float().mean()})["accuracy"]
    assert 0 <= accuracy <= 1


# --- editing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 2])
def test_a_photo_is_edited_the_same_everywhere(device, tmp_path, scale):
    minicnn.manual_seed(0)
    save_editor(tmp_path / "model", ResidualEditor(width=4, blocks=1, scale=scale))
    photo = np.random.default_rng(0).random((3, 19, 22)).astype(np.float32)
    editor = load_editor(tmp_path / "model", device)
    assert next(editor.model.parameters()).device is device
    expected = edit(load_editor(tmp_path / "model").model, photo, tile=16)
    np.testing.assert_allclose(edit(editor.model, photo, tile=16), expected, atol=1e-5)


# --- every function and layer ---------------------------------------------------------------------------------
# tests/nn/test_against_torch.py compares their values with PyTorch on every device.

ALONE = {
    "bias_act": lambda x: F.bias_act(x, x[0], "relu"),
    "ctc_loss": lambda x: F.ctc_loss(x.log_softmax(-1)[:, None], x.argmax(1)[None, :2], [4], [2]),
    "embedding_bag": lambda x: F.embedding_bag(x.argmax(1)[None], x),
    "linear_cross_entropy": lambda x: F.linear_cross_entropy(x, x, x.argmax(1)),
    **{
        f"{kind}_max_pool{n}d_with_indices": lambda x, kind=kind, n=n: getattr(F, f"{kind}_max_pool{n}d_with_indices")(
            x.new_ones(1, 1, *(4,) * n), 2, *([2] if kind == "fractional" else [])
        )
        for kind, axes in (("adaptive", (1, 2, 3)), ("fractional", (2, 3)))
        for n in axes
    },
    **{
        f"max_pool{n}d_with_indices": lambda x, n=n: getattr(F, f"max_pool{n}d_with_indices")(
            x.new_ones(1, 1, *(4,) * n), 2
        )
        for n in (1, 2, 3)
    },
    "one_hot": lambda x: F.one_hot(x.argmax(1), 4),
    "erf": lambda x: F.erf(x),
    "logsigmoid": lambda x: F.logsigmoid(x),
    "affine_grid": lambda x: F.affine_grid(x.new_ones(2, 2, 3), (2, 1, 3, 3), False),
    "grid_sample": lambda x: F.grid_sample(x.new_ones(1, 1, 3, 3), x.new_zeros(1, 2, 2, 2), align_corners=False),
    "multi_head_attention_forward": lambda x: F.multi_head_attention_forward(
        *(x.new_ones(n, 1, 4) for n in (2, 3, 3)),
        *(4, 2, x.new_ones(12, 4), None, None, None, True, 0.0, x.new_ones(4, 4), None),
        attn_mask=x.new_ones(2, 3),
    ),
    "upsample": lambda x: F.upsample(x.new_ones(1, 1, 3, 3), 5),
    "upsample_bilinear": lambda x: F.upsample_bilinear(x.new_ones(1, 1, 3, 3), 5),
    "upsample_nearest": lambda x: F.upsample_nearest(x.new_ones(1, 1, 3, 3), 5),
}


@pytest.mark.filterwarnings("ignore")  # of broadcasting and older names
def test_every_function_runs_on_every_device(device, monkeypatch):
    reached = set()

    def recording(name: str, function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            out = function(*args, **kwargs)
            if all(y.device is device for y in (out if isinstance(out, tuple) else (out,))):
                reached.add(name)
            return out

        return call

    for name in F.__all__:
        monkeypatch.setattr(F, name, recording(name, getattr(F, name)))
    there = ModuleType("minicnn on a device")
    vars(there).update(vars(minicnn), tensor=lambda data: minicnn.tensor(data, device=device))
    rng = np.random.default_rng(0)
    with standin_cupy.counting() as counts:
        call_all(there, rng, device)
    assert sorted(set(F.__all__) - reached) == []
    assert {what for what, _ in counts.waits} <= {"get"}  # copies to the host by the test


def call_all(there: ModuleType, rng: np.random.Generator, device: Device) -> None:
    for case in {case.call: case for case in CASES}.values():
        run(case, there, lambda name, draw: draw(rng), "float32")
    for call in ALONE.values():
        call(minicnn.randn(4, 4, device=device))
    for name in (*ELEMENTWISE, *CALLS):
        run_by_name(name, device)
    for n in (1, 2, 3):  # layers call these functions, which CASES does not list
        x = minicnn.randn(2, 2, *(4,) * n, device=device)
        for name in (f"conv{n}d", f"conv_transpose{n}d"):
            getattr(F, name)(x, minicnn.randn(2, 2, *(3,) * n, device=device))
        for name in (f"max_pool{n}d", f"avg_pool{n}d", f"adaptive_avg_pool{n}d"):
            getattr(F, name)(x, 2)


# --- what does not wait ---------------------------------------------------------------------------------------


def test_a_training_step_neither_waits_nor_sends_more_than_it_must(standin):
    """Count every copy to the host (item, float, bool, get, boolean masks) and every wait for the device.

    A step lasts from the end of a step to the end of the next: with the loader, callbacks, the schedule and the log.
    """
    with standin_cupy.counting() as counts:
        marks: list[tuple[int, int, int]] = []
        here = trainer(
            standin,
            EMA(),
            History(),
            SimpleNamespace(
                on_step_end=lambda _: marks.append((len(counts.waits), len(counts.uploads), len(counts.launches)))
            ),
        )
        here.fit(loader(), 2)
    assert len(marks) == 2 * STEPS
    for k in range(2, 2 * STEPS):  # the first two steps upload constants, which stay on the device
        (waits, uploads, launches), (*ends,) = marks[k - 1], marks[k]
        if k != STEPS:  # the end of an epoch reads its losses
            assert counts.waits[waits : ends[0]] == []
        assert len(counts.launches[launches : ends[2]]) > 10
        sent = [what for what, place in counts.uploads[uploads : ends[1]] if "launch.py" not in place]
        number = ["float32 ()"] * ("float32 ()" in sent)  # EMA's decay grows in every step, unless it is cached
        # dropout's mask, and the batch
        assert sorted(sent) == sorted(["bool (3, 8)", *number, "float32 (3, 3, 8, 8)", "int64 (3,)"])
        assert ends[1] - uploads - len(sent) <= 4  # the tables of addresses of an optimizer step
    assert counts.waits  # the epoch ends were counted, so the counter works
