"""`Trainer`: the training loop, in one place, with callbacks around each of its lines.

Nothing in the loop waits for a GPU: losses stay there until an epoch ends or somebody logs them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import CheckpointError, DataError, DTypeError
from minicnn.nn import Module
from minicnn.ops.indexing import stack
from minicnn.optim import Optimizer
from minicnn.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from minicnn.runtime.devices import Device
from minicnn.training.checkpoint import load_checkpoint, save_checkpoint

__all__ = ["Trainer", "numbers"]

EVENTS = ("on_fit_start", "on_step_start", "on_backward_end", "on_step_end", "on_epoch_end", "on_fit_end")


def numbers(values: Sequence[Any]) -> list[float]:
    """Return numbers, and tensors of one element each, as floats: those on a GPU are fetched together."""
    away = [i for i, v in enumerate(values) if isinstance(v, Tensor) and not v.device.on_host]
    found = dict(zip(away, stack([values[i].detach().reshape(()) for i in away]).tolist(), strict=True)) if away else {}
    return [found[i] if i in found else float(v) for i, v in enumerate(values)]


class Trainer:
    """A model, what trains it, and how far the training is.

    Parameters
    ----------
    model : Module
        On the device to train on: batches are moved there.
    optimizer : Optimizer
    loss : callable
        `loss(output, target)` returns a tensor of one element.
    scheduler : schedule of `minicnn.optim.lr_scheduler`, optional
    callbacks : sequence of objects
        Each has one or more of the methods `on_fit_start`, `on_step_start`, `on_backward_end` (before the optimizer's
        step: clip gradients here), `on_step_end`, `on_epoch_end`, `on_fit_end` (always, also after an error), called
        with the trainer as argument, in the order of the sequence. Those with `state_dict` and `load_state_dict` are
        part of a checkpoint.
    schedule : "epoch" or "step"
        After what the scheduler takes a step. ReduceLROnPlateau is given the epoch's mean loss.

    Attributes
    ----------
    step, epoch : int
        How many were completed.
    epochs : int
        How many `fit` was asked for.
    batch : (inputs, targets)
    loss : Tensor
        Of the batch.
    epoch_loss : float
        Mean of the losses of the last completed epoch.
    metrics : dict of str to float
        What the last evaluation gave; see `Validate`.

    Raises
    ------
    DTypeError
        If a callback has none of these methods, or one that is called `on_...` but is none of them.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss: Callable[[Any, Any], Tensor],
        scheduler: LRScheduler | ReduceLROnPlateau | None = None,
        callbacks: Sequence[Any] = (),
        *,
        schedule: str = "epoch",
    ) -> None:
        if schedule not in ("epoch", "step") or (schedule == "step" and isinstance(scheduler, ReduceLROnPlateau)):
            raise DataError(
                f"Trainer: schedule must be 'epoch' or 'step', and 'epoch' for ReduceLROnPlateau, got {schedule!r}"
            )
        for callback in callbacks:
            named = {name for name in dir(callback) if name.startswith("on_")}
            if not named or not named <= set(EVENTS):
                raise DTypeError(
                    f"Trainer: callback {type(callback).__name__} has the methods {sorted(named)}; "
                    f"one or more are needed, all of {', '.join(EVENTS)}"
                )
        self.model, self.optimizer, self.loss_function, self.scheduler = model, optimizer, loss, scheduler
        self.callbacks, self.schedule = list(callbacks), schedule
        self.step = self.epoch = self.epochs = 0
        self.loader: Iterable[Any] = ()
        self.batch: Any = None
        self.loss: Any = None
        self.losses: list[Any] = []  # of the epoch so far; tensors, so that no device has to be waited for
        self.epoch_loss = float("nan")
        self.metrics: dict[str, float] = {}

    def fit(self, loader: Iterable[Any], epochs: int, resume: str | Path | None = None) -> None:
        """Train until `epochs` epochs are completed, those before a resumption included.

        Parameters
        ----------
        loader : iterable of (inputs, targets), once an epoch
        epochs : int
        resume : str or Path, optional
            A checkpoint of such a training, to go on from, bit for bit as if it had not stopped.

        Raises
        ------
        CheckpointError
            If the checkpoint cannot be read, or is of another training.
        DataError
            If the loader gives no batch.
        """
        self.loader, self.epochs = loader, epochs
        if resume is not None:
            self.load(resume)
        self.model.train()
        with ExitStack() as stack:
            for callback in reversed(self.callbacks):  # the last one pushed is the first to be called
                stack.push(partial(self._tell_end, callback))
            self._tell("on_fit_start")
            while self.epoch < epochs:
                for batch in loader:
                    self.batch = self._placed(batch)
                    self._tell("on_step_start")
                    self.optimizer.zero_grad()
                    loss = self.compute_loss(self.batch)
                    loss.backward()
                    self.loss = loss.detach()
                    self._tell("on_backward_end")
                    self.optimizer.step()
                    self.step += 1
                    self.losses.append(self.loss)
                    self._advance("step")
                    self._tell("on_step_end")
                self._end_epoch()
                self._advance("epoch")
                self._tell("on_epoch_end")

    def compute_loss(self, batch: Any) -> Tensor:
        """Return the loss of a batch, to be differentiated; a subclass may do it in its own way."""
        inputs, targets = batch
        return self.loss_function(self.model(inputs), targets)

    def evaluate(
        self, loader: Iterable[Any], metrics: Mapping[str, Callable[[Any, Any], Any]] | None = None
    ) -> dict[str, float]:
        """Return the mean of each metric over all samples, with the model in evaluation mode.

        Parameters
        ----------
        loader : iterable of (inputs, targets)
        metrics : dict of str to callable, optional
            `metric(output, target)` returns the mean over a batch, as a number or a tensor of one element; the loss,
            if left out.

        Returns
        -------
        dict of str to float

        Raises
        ------
        DataError
            If the loader gives no batch.
        """
        metrics = {"loss": self.loss_function} if metrics is None else metrics
        totals, samples = dict.fromkeys(metrics, 0.0), 0
        modes = [(module, module.training) for module in self.model.modules()]  # a frozen layer stays frozen
        self.model.eval()
        try:
            with no_grad():
                for batch in loader:
                    inputs, targets = self._placed(batch)
                    outputs, count = self.model(inputs), len(inputs)
                    samples += count
                    for name, metric in metrics.items():
                        totals[name] += float(metric(outputs, targets)) * count
        finally:
            for module, training in modes:
                module.training = training
        if not samples:
            raise DataError("Trainer.evaluate: the loader gave no sample; a generator can be read only once")
        return {name: total / samples for name, total in totals.items()}

    @property
    def device(self) -> Device | None:
        """Where the model's parameters are; None, if it has none."""
        return next((p.device for p in self.model.parameters()), None)

    def _placed(self, batch: Any) -> Any:
        """A batch, and all tensors in its tuples, lists and dicts, on the model's device."""
        if isinstance(batch, Tensor):
            return batch if self.device is None else batch.to(self.device)
        if isinstance(batch, dict):
            return {name: self._placed(part) for name, part in batch.items()}
        if isinstance(batch, tuple | list):
            parts = map(self._placed, batch)
            return batch._make(parts) if hasattr(batch, "_make") else type(batch)(parts)  # a named tuple
        return batch

    def _tell(self, event: str) -> None:
        for callback in self.callbacks:
            if hasattr(callback, event):
                getattr(callback, event)(self)

    def _tell_end(self, callback: Any, _kind: Any, error: BaseException | None, _traceback: Any) -> None:
        try:
            if hasattr(callback, "on_fit_end"):
                callback.on_fit_end(self)
        except BaseException as later:
            if error is None:
                raise
            error.add_note(f"then {type(callback).__name__}.on_fit_end failed too: {later!r}")  # the first one counts

    def _advance(self, unit: str) -> None:
        if self.scheduler is None or unit != self.schedule:
            return
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(self.epoch_loss)
        else:
            self.scheduler.step()

    def _end_epoch(self) -> None:
        if not self.losses:
            raise DataError(
                f"Trainer.fit: the loader gave no batch in epoch {self.epoch + 1}; a generator can be read only once: "
                "pass a list or a DataLoader"
            )
        self.epoch += 1
        self.epoch_loss = sum(numbers(self.losses)) / len(self.losses)
        self.losses = []

    # --- state ----------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write a checkpoint of the whole training; call it from `on_step_end` or `on_epoch_end`.

        Raises
        ------
        CheckpointError
            If the loader cannot tell its position, or the file cannot be written.
        """
        save_checkpoint(path, **self.parts())

    def load(self, path: str | Path) -> None:
        """Take up a checkpoint; `fit(..., resume=path)` calls it.

        Raises
        ------
        CheckpointError
            If it cannot be read, or is of another training.
        """
        parts = self.parts()
        others = load_checkpoint(path, **parts)
        if others:
            raise CheckpointError(
                f"Trainer.load: '{path}' holds {', '.join(others)} too, which this training lacks; "
                f"it has {', '.join(parts)}"
            )

    def parts(self) -> dict[str, Any]:
        """Return what a checkpoint holds, by name.

        Raises
        ------
        CheckpointError
            If the loader cannot tell its position.
        """
        if not hasattr(self.loader, "state_dict"):
            raise CheckpointError(
                f"Trainer: the loader, a {type(self.loader).__name__}, has no state_dict() to tell its position; "
                "use minicnn.data.DataLoader"
            )
        parts = {"model": self.model, "optimizer": self.optimizer, "scheduler": self.scheduler, "loader": self.loader}
        return {name: part for name, part in {**parts, "trainer": self}.items() if part is not None}

    def state_dict(self) -> dict[str, Any]:
        """Return how far the training is, and the state of those callbacks that have one, in their order."""
        return {
            "step": self.step,
            "epoch": self.epoch,
            "losses": numbers(self.losses),
            "epoch_loss": self.epoch_loss,
            "metrics": {name: float(value) for name, value in self.metrics.items()},
            "callbacks": [{"class": type(c).__name__, "state": c.state_dict()} for c in self._callbacks_with_state()],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` returned.

        Raises
        ------
        CheckpointError
            If the callbacks that have a state are not of the same classes, in the same order.
        """
        callbacks = self._callbacks_with_state()
        saved, own = [s["class"] for s in state_dict["callbacks"]], [type(c).__name__ for c in callbacks]
        if saved != own:
            raise CheckpointError(
                f"Trainer.load_state_dict: the state of the callbacks [{', '.join(saved)}] was saved, and this "
                f"training has [{', '.join(own)}]; pass the same ones in the same order"
            )
        for callback, entry in zip(callbacks, state_dict["callbacks"], strict=True):
            callback.load_state_dict(entry["state"])
        self.step, self.epoch, self.losses = state_dict["step"], state_dict["epoch"], list(state_dict["losses"])
        self.epoch_loss, self.metrics = state_dict["epoch_loss"], dict(state_dict["metrics"])

    def _callbacks_with_state(self) -> list[Any]:
        return [callback for callback in self.callbacks if hasattr(callback, "state_dict")]
