"""Averages of weights: `AveragedModel`, `SWALR`, `update_bn`. PyTorch programs import them from `optim.swa_utils`.

An average of the weights of many steps often generalises better than the last weights. Stochastic weight averaging
(SWA) is the mean of all of them; an exponential moving average (EMA) forgets the older ones. `training.EMA` does the
second as a callback of the trainer.
"""

from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from minicnn.autograd.tape import ModeSetting
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError
from minicnn.nn.module import Module
from minicnn.nn.norm import _BatchNorm
from minicnn.ops.create import tensor
from minicnn.optim.lr_scheduler.cosine import cosine
from minicnn.optim.lr_scheduler.schedule import LRScheduler, value_per_group
from minicnn.optim.optimizer import Optimizer
from minicnn.runtime.devices import Device

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

_constant = ModeSetting(recording=False)
Average = Callable[[Tensor, Tensor, Any], Tensor]  # the average so far, the new value, how many values it has
Averages = Callable[[Any, Any, Any], None]  # the same for lists of tensors, in place


def get_swa_avg_fn() -> Average:
    """Return the function (a, w, n) -> a + (w - a) / (n + 1): the mean of all values."""

    @_constant
    def average(averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        found: Tensor = averaged + (current - averaged) / (num_averaged + 1)
        return found

    return average


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """Return the function (a, w, n) -> decay · a + (1 - decay) w: an exponential moving average.

    Raises
    ------
    ArgumentError
        If `decay` is not in [0, 1].
    """
    if not 0 <= decay <= 1:
        raise ArgumentError(f"get_ema_avg_fn: decay must be from 0 to 1, got {decay}")

    @_constant
    def average(averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        return averaged * decay + current * (1 - decay)

    return average


def _for_lists(average: Average) -> Averages:
    @_constant
    def averages(averaged: Iterable[Tensor], current: Iterable[Tensor], num_averaged: Any) -> None:
        for a, w in zip(averaged, current, strict=True):
            a.copy_(average(a, w.to(a.device), num_averaged))

    return averages


def get_swa_multi_avg_fn() -> Averages:
    """Return a function that writes the means of `get_swa_avg_fn` into a list of tensors."""
    return _for_lists(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """Return a function that writes the averages of `get_ema_avg_fn` into a list of tensors; errors as in it.

    See `get_ema_avg_fn`.
    """
    return _for_lists(get_ema_avg_fn(decay))


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's. The first update copies the parameters.

    Parameters
    ----------
    model : Module
    device : str or Device, optional
        The place of the copy.
    avg_fn : callable, optional
        Returns the new average of a parameter: avg_fn(average, parameter, n), where n updates were made before.
    multi_avg_fn : callable, optional
        The same in place for lists: multi_avg_fn(averages, parameters, n). Default: `get_swa_multi_avg_fn()`.
    use_buffers : bool
        Average the buffers too. Without it, they are copied.

    Attributes
    ----------
    module : Module
        The copy.
    n_averaged : Tensor
        The number of updates; a buffer.

    Raises
    ------
    ArgumentError
        If there are both `avg_fn` and `multi_avg_fn`.

    References
    ----------
    Izmailov et al.: Averaging weights leads to wider optima and better generalization. UAI 2018.

    Examples
    --------
    >>> import minicnn
    >>> model = minicnn.nn.Linear(1, 1, bias=False)
    >>> averaged = AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = minicnn.nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged(minicnn.ones(1)).item()
    3.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: str | int | Device | None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ArgumentError("AveragedModel: pass avg_fn or multi_avg_fn, not both")
        self.module = deepcopy(model)
        self.register_buffer("n_averaged", tensor(0, dtype=int64))
        if device is not None:
            self.to(device)
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the copy."""
        return self.module(*args, **kwargs)

    @_constant
    def update_parameters(self, model: Module) -> None:
        """Take the parameters of a model into the averages."""
        ours, theirs = (
            list(chain(m.parameters(), m.buffers()) if self.use_buffers else m.parameters())
            for m in (self.module, model)
        )
        if int(self.n_averaged) == 0:
            for a, w in zip(ours, theirs, strict=True):
                a.copy_(w)
        elif self.avg_fn is not None:
            _for_lists(self.avg_fn)(ours, theirs, self.n_averaged)
        elif ours:
            (self.multi_avg_fn or get_swa_multi_avg_fn())(ours, theirs, self.n_averaged)
        if not self.use_buffers:
            for a, w in zip(self.module.buffers(), model.buffers(), strict=True):
                a.copy_(w)
        self.n_averaged += 1


@_constant
def update_bn(loader: Iterable[Any], model: Module, device: str | int | Device | None = None) -> None:
    """Compute the running statistics of all batch norms anew, as the means over all batches.

    Averaged weights need it: the statistics of the last weights do not fit them.

    Parameters
    ----------
    loader : iterable
        Yields the inputs of the model, or tuples and lists that begin with them.
    model : Module
    device : str or Device, optional
        Where the inputs go first.
    """
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    if not layers:
        return
    training, momenta = model.training, [layer.momentum for layer in layers]
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the running statistics are means
    for batch in loader:
        input = batch[0] if isinstance(batch, list | tuple) else batch
        model(input if device is None else input.to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """lr goes from its value to `swa_lr` within `anneal_epochs` epochs, and stays there.

    Parameters
    ----------
    optimizer : Optimizer
    swa_lr : float or list of float
        The last learning rate, or that of each group.
    anneal_epochs : int
    anneal_strategy : str
        "cos": along half a cosine. "linear": along a line.
    last_epoch : int

    Raises
    ------
    ArgumentError
        If `anneal_strategy` is another word, `anneal_epochs` is negative, or a list has another length than the groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ArgumentError(f"SWALR: anneal_epochs must be an integer of at least 0, got {anneal_epochs!r}")
        for group, rate in zip(
            optimizer.param_groups, value_per_group("SWALR", "swa_lr", swa_lr, optimizer), strict=True
        ):
            group["swa_lr"] = rate
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates whose distance to `swa_lr` has shrunk as the strategy says."""
        step = self._step_count - 1 if self.anneal_epochs else max(1, self._step_count - 1)
        before, now = self._distance(step - 1), self._distance(step)
        groups = self.optimizer.param_groups
        if before == 0:
            return [group["swa_lr"] for group in groups]
        return [group["swa_lr"] + (group["lr"] - group["swa_lr"]) * now / before for group in groups]

    def _distance(self, step: int) -> float:
        """Return the distance to `swa_lr` after a number of steps; it is 1 at first."""
        done = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return cosine(1, 0, done) if self._anneal_strategy == "cos" else 1 - done
