"""Averages of the weights of a model during training, which often generalise better than the last weights."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from math import cos, pi
from typing import Any

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn import Module
from minicnn.nn.norm import _BatchNorm
from minicnn.ops.create import tensor
from minicnn.optim.lr_scheduler import LRScheduler
from minicnn.optim.lr_scheduler.schedule import value_per_group
from minicnn.optim.optimizer import Optimizer, check_at_least
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

Average = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverage = Callable[[list[Tensor], list[Tensor], Any], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """Return the function d a + (1 - d) w of the average a and the weight w, an exponential moving average.

    Raises
    ------
    ArgumentError
        If the decay is not from 0 to 1.
    """
    if not 0 <= decay <= 1:
        raise ArgumentError(f"get_ema_avg_fn: decay must be from 0 to 1, got {decay}")

    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Average:
    """Return the function a + (w - a) / (n + 1), the mean of all weights, of which a is the mean of the first n."""

    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        mean: Tensor = averaged_param + (current_param - averaged_param) / (num_averaged + 1)
        return mean

    return swa_update


def _for_lists(average: Average) -> MultiAverage:
    def update(averaged: list[Tensor], current: list[Tensor], num_averaged: Any) -> None:
        with no_grad():
            for a, w in zip(averaged, current, strict=True):
                a.copy_(average(a, w.to(a.device), num_averaged))

    return update


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """Return `get_ema_avg_fn` for lists of tensors, which it changes in place; errors as in `get_ema_avg_fn`."""
    return _for_lists(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> MultiAverage:
    """Return `get_swa_avg_fn` for lists of tensors, which it changes in place."""
    return _for_lists(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's. A call runs this copy.

    Parameters
    ----------
    model : Module
    device : str or Device, optional
        Of the copy.
    avg_fn : callable, optional
        Takes an average, a weight and the number of averages so far, and returns the new average. By default
        `get_swa_avg_fn`, the mean of all.
    multi_avg_fn : callable, optional
        The same for lists, which it changes in place.
    use_buffers : bool
        Average buffers too, such as the running statistics of batch norm. Otherwise they are copied.

    Attributes
    ----------
    module : Module
        The copy.
    n_averaged : Tensor, ()
        The number of updates.

    Raises
    ------
    ArgumentError
        If both functions are given.

    References
    ----------
    Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018.

    Examples
    --------
    >>> from minicnn import nn
    >>> model = nn.Linear(2, 3)
    >>> average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.999))
    >>> average.update_parameters(model)  # after every step of the optimizer
    >>> average.n_averaged.item()
    1
    """

    def __init__(
        self,
        model: Module,
        device: str | Device | None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ArgumentError("AveragedModel: give avg_fn or multi_avg_fn, not both")
        self.module = deepcopy(model)
        if device is not None:
            self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the weights of a model into the averages. The first time, the averages become these weights."""
        own: list[Tensor] = list(self.module.parameters())
        new: list[Tensor] = list(model.parameters())
        copied = list(zip(self.module.buffers(), model.buffers(), strict=True))
        if self.use_buffers:
            own, new, copied = [*own, *(b for b, _ in copied)], [*new, *(b for _, b in copied)], []
        if self.n_averaged.item() == 0:
            copied = list(zip(own, new, strict=True)) + copied
        else:
            average = self.multi_avg_fn or _for_lists(self.avg_fn or get_swa_avg_fn())
            average([t.detach() for t in own], [t.detach() for t in new], self.n_averaged)
        with no_grad():
            for a, w in copied:
                a.copy_(w.to(a.device))
        self.n_averaged.add_(1)


def update_bn(loader: Iterable[Any], model: Module, device: str | Device | None = None) -> None:
    """Compute the running statistics of batch norm anew, as means over all batches, for averaged weights.

    Parameters
    ----------
    loader : iterable
        Batches; of a list or tuple, the first item is the input.
    model : Module
    device : str or Device, optional
        Where inputs go.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    was_training, momenta = model.training, [norm.momentum for norm in norms]
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches
    with no_grad():
        for batch in loader:
            input = batch[0] if isinstance(batch, list | tuple) else batch
            model(input if device is None else input.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Go from the learning rate to `swa_lr` in `anneal_epochs` epochs, and stay there, while weights are averaged.

    Parameters
    ----------
    optimizer : Optimizer
    swa_lr : float, or list of float for each group
    anneal_epochs : int
    anneal_strategy : "cos" or "linear"
    last_epoch : int

    Raises
    ------
    ArgumentError
        If the strategy is unknown or `anneal_epochs` is negative.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        check_at_least("SWALR", "anneal_epochs", anneal_epochs, 0)
        rates = value_per_group("SWALR", "swa_lr", swa_lr, optimizer)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def _share(self, epoch: int) -> float:
        """Return how far the learning rate has gone, from 0 to 1."""
        t = max(0.0, min(1.0, epoch / max(1, self.anneal_epochs)))
        return t if self.anneal_strategy == "linear" else (1 - cos(pi * t)) / 2

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group, computed from the present one."""
        epoch = max(1, self.last_epoch) if self.anneal_epochs == 0 else self.last_epoch
        before, now = self._share(epoch - 1), self._share(epoch)
        rates = []
        for group in self.optimizer.param_groups:
            goal, lr = group["swa_lr"], group["lr"]
            start = goal if before == 1 else (lr - before * goal) / (1 - before)
            rates.append(now * goal + (1 - now) * start)
        return rates
