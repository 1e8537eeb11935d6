"""`Trainer`: the training loop, which calls callbacks before and after its steps; evaluation; saving and loading.

The loop never waits for a GPU: losses stay on the GPU until an epoch ends or a callback reads them.
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
    """Return numbers and tensors with a single element as floats. Tensors on a GPU are fetched together."""
    on_gpu = [i for i, v in enumerate(values) if isinstance(v, Tensor) and not v.device.on_host]
    if not on_gpu:
        return [float(v) for v in values]
    fetched = dict(zip(on_gpu, stack([values[i].detach().reshape(()) for i in on_gpu]).tolist(), strict=True))
    return [fetched[i] if i in fetched else float(v) for i, v in enumerate(values)]


def _samples(batch: Any) -> int | None:
    """Return the number of samples in a batch: the length of its first tensor with axes; None without such a tensor."""
    if isinstance(batch, Tensor):
        return len(batch) if batch.ndim else None
    if not isinstance(batch, dict | tuple | list):
        return None
    found = map(_samples, batch.values() if isinstance(batch, dict) else batch)
    return next((count for count in found if count is not None), None)


class Trainer:
    """Trains a model. Holds the model, the optimizer, the callbacks and the progress of the training.

    Parameters
    ----------
    model : Module
        Batches are moved to the device of its parameters.
    optimizer : Optimizer
    loss : callable
        `loss(output, target)` returns a tensor with a single element.
    scheduler : schedule of `minicnn.optim.lr_scheduler`, optional
    callbacks : sequence of objects
        Each callback has at least one of these methods: `on_fit_start`, `on_step_start`, `on_backward_end` (before the
        optimizer's step, for example to clip gradients), `on_step_end`, `on_epoch_end`, `on_fit_end` (also after an
        error). The trainer calls them with itself as the argument, in the order of the sequence. Callbacks with
        `state_dict` and `load_state_dict` are saved in checkpoints.
    schedule : "epoch" or "step"
        Call `scheduler.step()` after every epoch, or after every step. ReduceLROnPlateau gets the epoch's mean loss.

    Attributes
    ----------
    step, epoch : int
        The numbers of completed steps and epochs.
    epochs : int
        The argument of `fit`.
    batch : (inputs, targets)
        The current batch.
    loss : Tensor
        The loss of the current batch.
    terms : dict of str to Tensor
        Further numbers of the current step, which `History` records. A `compute_loss` of a subclass may set them.
    epoch_loss : float
        The mean loss of the last completed epoch.
    metrics : dict of str to float
        The results of the last evaluation; see `Validate`.
    stopping : bool
        A callback sets it to end the training after the current epoch.

    Raises
    ------
    DataError
        If `schedule` is unknown, or "step" for ReduceLROnPlateau.
    DTypeError
        If a callback has none of these methods, or has a method `on_...` with another name.
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
                    f"define at least one, and only names from {', '.join(EVENTS)}"
                )
        self.model, self.optimizer, self.loss_function, self.scheduler = model, optimizer, loss, scheduler
        self.callbacks, self.schedule = list(callbacks), schedule
        self.step = self.epoch = self.epochs = 0
        self.loader: Iterable[Any] = ()
        self.batch: Any = None
        self.loss: Any = None
        self.terms: dict[str, Any] = {}
        self.losses: list[Any] = []  # of the current epoch; tensors, because float() would wait for a GPU
        self.epoch_loss = float("nan")
        self.metrics: dict[str, float] = {}
        self.stopping = self._broken_off = False

    def fit(self, loader: Iterable[Any], epochs: int, resume: str | Path | None = None) -> None:
        """Train until `epochs` epochs are completed. Epochs before a checkpoint count.

        Parameters
        ----------
        loader : iterable of (inputs, targets)
            Iterated once in each epoch.
        epochs : int
        resume : str or Path, optional
            A checkpoint to continue from. The results are identical to an uninterrupted training.

        Raises
        ------
        CheckpointError
            If the checkpoint cannot be read, or belongs to another training.
        DataError
            If the loader yields no batch.
        """
        self.loader, self.epochs, self.stopping = loader, epochs, False
        if resume is not None:
            self.load(resume)
        if not self.model.training:  # otherwise single layers may be in eval mode, to stay as they are
            self.model.train()
        if self._broken_off:
            self.losses, self._broken_off = [], False
        with ExitStack() as stack:
            for callback in reversed(self.callbacks):  # ExitStack calls in reverse order
                stack.push(partial(self._notify_fit_end, callback))
            self._notify("on_fit_start")
            while self.epoch < epochs and not self.stopping:
                self._broken_off = True  # until the epoch ends, or a checkpoint within an epoch is loaded
                for batch in loader:
                    self.batch = self._to_device(batch)
                    self._notify("on_step_start")
                    self.optimizer.zero_grad()
                    loss = self.compute_loss(self.batch)
                    loss.backward()
                    self.loss = loss.detach()
                    self._notify("on_backward_end")
                    self.optimizer.step()
                    self.step += 1
                    self.losses.append(self.loss)
                    self._step_scheduler("step")
                    self._notify("on_step_end")
                self._end_epoch()
                self._broken_off = False
                self._step_scheduler("epoch")
                self._notify("on_epoch_end")

    def compute_loss(self, batch: Any) -> Tensor:
        """Return the loss of a batch, for the backward pass. Subclasses may override it."""
        inputs, targets = batch
        return self.loss_function(self.model(inputs), targets)

    def evaluate(
        self, loader: Iterable[Any], metrics: Mapping[str, Callable[[Any, Any], Any]] | None = None
    ) -> dict[str, float]:
        """Return the mean of each metric over all samples, with the model in eval mode.

        Parameters
        ----------
        loader : iterable of batches
            For metrics, a batch is (inputs, targets).
        metrics : dict of str to callable, optional
            `metric(output, target)` returns the mean over a batch, as a number or a tensor with a single element.
            Default: the loss, by `compute_loss`, also if a subclass overrides it.

        Returns
        -------
        dict of str to float

        Raises
        ------
        DataError
            If the loader yields no samples.
        """
        totals, samples = dict.fromkeys({"loss": None} if metrics is None else metrics, 0.0), 0
        modes = [(module, module.training) for module in self.model.modules()]  # single layers may be in eval mode
        self.model.eval()
        try:
            with no_grad():
                for batch in map(self._to_device, loader):
                    count = _samples(batch)
                    count = 1 if count is None else count
                    samples += count
                    if metrics is None:
                        totals["loss"] += float(self.compute_loss(batch)) * count
                        continue
                    inputs, targets = batch
                    outputs = self.model(inputs)
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
        """The device of the model's parameters, or None without parameters."""
        return next((p.device for p in self.model.parameters()), None)

    def _to_device(self, batch: Any) -> Any:
        """Return a batch with all tensors, also in tuples, lists and dicts, on the model's device."""
        if isinstance(batch, Tensor):
            return batch if self.device is None else batch.to(self.device)
        if isinstance(batch, dict):
            return {name: self._to_device(part) for name, part in batch.items()}
        if isinstance(batch, tuple | list):
            parts = map(self._to_device, batch)
            return batch._make(parts) if hasattr(batch, "_make") else type(batch)(parts)  # _make: a named tuple
        return batch

    def _notify(self, event: str) -> None:
        for callback in self.callbacks:
            if hasattr(callback, event):
                getattr(callback, event)(self)

    def _notify_fit_end(self, callback: Any, _kind: Any, error: BaseException | None, _traceback: Any) -> None:
        """Call `on_fit_end`. If training failed, an error in it becomes a note on the first error."""
        try:
            if hasattr(callback, "on_fit_end"):
                callback.on_fit_end(self)
        except BaseException as later:
            if error is None:
                raise
            error.add_note(f"then {type(callback).__name__}.on_fit_end failed too: {later!r}")

    def _step_scheduler(self, unit: str) -> None:
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
        """Write a checkpoint of the whole training. Call it in `on_step_end` or `on_epoch_end`.

        Raises
        ------
        CheckpointError
            If the loader has no `state_dict`, or the file cannot be written.
        """
        save_checkpoint(path, **self.parts())

    def load(self, path: str | Path) -> None:
        """Load a checkpoint. `fit(..., resume=path)` calls it.

        Raises
        ------
        CheckpointError
            If the file cannot be read, or belongs to another training.
        """
        parts = self.parts()
        others = load_checkpoint(path, **parts)
        if others:
            raise CheckpointError(
                f"Trainer.load: '{path}' also holds {', '.join(others)}, which this training lacks; "
                f"it has {', '.join(parts)}"
            )

    def parts(self) -> dict[str, Any]:
        """Return the objects that a checkpoint saves, by name.

        Raises
        ------
        CheckpointError
            If the loader has no `state_dict`.
        """
        if not hasattr(self.loader, "state_dict"):
            raise CheckpointError(
                f"Trainer: the loader, a {type(self.loader).__name__}, has no state_dict() with its position; "
                "use minicnn.data.DataLoader"
            )
        parts = {"model": self.model, "optimizer": self.optimizer, "scheduler": self.scheduler, "loader": self.loader}
        return {name: part for name, part in {**parts, "trainer": self}.items() if part is not None}

    def state_dict(self) -> dict[str, Any]:
        """Return the progress of the training, and the states of the callbacks with a `state_dict`, in order."""
        return {
            "step": self.step,
            "epoch": self.epoch,
            "losses": numbers(self.losses),
            "epoch_loss": self.epoch_loss,
            "stopping": self.stopping,
            "metrics": {name: float(value) for name, value in self.metrics.items()},
            "callbacks": [{"class": type(c).__name__, "state": c.state_dict()} for c in self._callbacks_with_state()],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the progress and the states of the callbacks.

        Raises
        ------
        CheckpointError
            If the callbacks with a state have other classes or another order.
        """
        callbacks = self._callbacks_with_state()
        saved, own = [s["class"] for s in state_dict["callbacks"]], [type(c).__name__ for c in callbacks]
        if saved != own:
            raise CheckpointError(
                f"Trainer.load_state_dict: the state has the callbacks [{', '.join(saved)}], this training has "
                f"[{', '.join(own)}]; pass the same callbacks in the same order"
            )
        for callback, entry in zip(callbacks, state_dict["callbacks"], strict=True):
            callback.load_state_dict(entry["state"])
        self.step, self.epoch, self.losses = state_dict["step"], state_dict["epoch"], list(state_dict["losses"])
        self._broken_off = False
        self.epoch_loss, self.metrics = state_dict["epoch_loss"], dict(state_dict["metrics"])
        self.stopping = state_dict.get("stopping", False)  # earlier versions did not save it

    def _callbacks_with_state(self) -> list[Any]:
        return [callback for callback in self.callbacks if hasattr(callback, "state_dict")]
