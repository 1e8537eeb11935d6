"""`Optimizer`: parameter groups with options, state for each parameter, and their state dictionary.

A new optimizer derives from `Optimizer`. It lists its state in `state_names` and checks its options in `check_options`.
Its `update` makes one call of `run_step`, which runs an operation on lists of arrays and changes them in place. The
reference kernel of this operation is beside the class: the textbook's equations. Faster kernels are registered under
the same name (`runtime/dispatch.py`).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeAlias

import numpy as np

from minicnn.autograd.tape import enable_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, CheckpointError, DeviceError, DTypeError, ShapeError
from minicnn.ops.create import tensor, zeros_like
from minicnn.runtime.dispatch import select

__all__ = ["Optimizer", "Parameters", "check_at_least", "run_step"]

Parameters: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]]


class Optimizer:
    """What all optimizers share.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Leaves that require a gradient; or groups `{"params": [...], "lr": 0.1}` with options of their own.
    defaults : dict
        The options of groups that do not give them.

    Attributes
    ----------
    param_groups : list of dict
        Each holds `params` and the options, which may be changed between steps.
    state : dict of Tensor to dict
        What is remembered of each parameter: tensors of its shape, and numbers.

    Raises
    ------
    ArgumentError
        If there is no parameter, one appears twice, or an option is out of its range.
    DTypeError
        If a parameter is not a tensor that a gradient can be left in.
    """

    state_names: ClassVar[dict[str, bool]] = {}  # what is remembered of a parameter -> whether it always is

    def __init__(self, params: Parameters, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        entries: list[Any] = [params] if isinstance(params, Tensor | dict) else list(params)
        if not entries:
            raise ArgumentError(f"{self._name}: there is no parameter to optimize; pass model.parameters()")
        groups = entries if isinstance(entries[0], dict) else [{"params": entries}]
        for group in groups:
            self.add_param_group(group)

    @property
    def _name(self) -> str:
        return type(self).__name__

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own, as for layers that are trained later.

        Parameters
        ----------
        param_group : dict
            `params`, a tensor or several, and any of the options.
        """
        if "params" not in param_group:
            raise ArgumentError(
                f"{self._name}: a group must have 'params', got only {sorted(param_group)}; "
                "pass e.g. {'params': model.parameters(), 'lr': 0.1}"
            )
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        known = set(self._parameters())
        for i, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise DTypeError(
                    f"{self._name}: parameters are tensors, but number {i} is a {type(p).__name__}; "
                    "pass model.parameters()"
                )
            if not p.is_leaf:
                raise DTypeError(
                    f"{self._name}: parameter {i}, of shape {p.shape}, was computed (by {p.grad_fn!r}), so no gradient "
                    "is left in it; pass the tensor that it was made from, or .detach().requires_grad_()"
                )
            if p in known:
                raise ArgumentError(
                    f"{self._name}: parameter {i}, of shape {p.shape}, is there twice and would be changed twice a "
                    "step; pass each once"
                )
            known.add(p)
        group = {**self.defaults, **param_group, "params": params}
        self.check_options(group)
        self.param_groups.append(group)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise ArgumentError for an option out of its range, DTypeError for one of another type."""
        raise NotImplementedError

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Change parameters of one group, all of which have a gradient, in place."""
        raise NotImplementedError

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Called first, while recording; it clears the gradients, computes the loss, calls backward, returns the loss.

        Returns
        -------
        what `closure` returned, or None

        Raises
        ------
        ShapeError, DTypeError, DeviceError
            If a gradient is not like its parameter, or the parameters of a group are on several devices.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            for p in parameters:
                self._check_gradient(p, p.grad, parameters[0])
            if parameters:
                self.update(group, parameters)
            for p in parameters:
                p.mark_modified()
        return loss

    def _check_gradient(self, p: Tensor, g: Tensor, first: Tensor) -> None:
        if g.shape != p.shape:
            raise ShapeError(
                f"{self._name}.step: a parameter of shape {p.shape} has a gradient of {g.shape}; "
                "leave .grad to backward()"
            )
        if g.dtype != p.dtype:
            raise DTypeError(
                f"{self._name}.step: a parameter of {p.dtype} has a gradient of {g.dtype}; "
                "call zero_grad() after model.to(...)"
            )
        if not p.device == g.device == first.device:
            raise DeviceError(
                f"{self._name}.step: parameters and gradients of a group must be on one device, found "
                f"{first.device}, {p.device}, {g.device}; move the model before building the optimizer"
            )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients, or set them to 0 in place; `backward` adds to what is there."""
        for p in self._parameters():
            if p.grad is not None:
                p.grad = None if set_to_none else zeros_like(p)

    def _parameters(self) -> Iterator[Tensor]:
        return (p for group in self.param_groups for p in group["params"])

    # --- state ----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return state and options; a parameter is named by its number, counted through all groups.

        Returns
        -------
        dict
            `{"state": {0: {...}, ...}, "param_groups": [{"lr": ..., "params": [0, ...]}, ...]}`, PyTorch's layout.
            The tensors are the optimizer's own, not copies.
        """
        numbers = {p: i for i, p in enumerate(self._parameters())}
        groups = [{**group, "params": [numbers[p] for p in group["params"]]} for group in self.param_groups]
        return {"state": {numbers[p]: dict(entries) for p, entries in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over copies of state and options, from `state_dict` of an optimizer over parameters of the same shapes.

        Raises
        ------
        CheckpointError
            If it is of another class of optimizer, or groups, parameters or shapes differ; nothing is changed then.
        """
        call = f"{self._name}.load_state_dict"
        if not {"state", "param_groups"} <= state_dict.keys():
            raise CheckpointError(f"{call}: expected the keys 'state' and 'param_groups', got {sorted(state_dict)}")
        try:
            saved = [dict(group) for group in state_dict["param_groups"]]
            numbers = [[int(str(number)) for number in group.pop("params")] for group in saved]
            entries = {int(str(number)): dict(values) for number, values in state_dict["state"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{call}: each group must list 'params' by number and 'state' be a dict by number, but there is "
                f"{type(error).__name__}: {error}; pass what state_dict() returned"
            ) from error
        sizes, here = [len(n) for n in numbers], [len(group["params"]) for group in self.param_groups]
        if sizes != here:
            raise CheckpointError(
                f"{call}: the state is of groups of {sizes} parameters, this optimizer has {here}; "
                "build it from the same model in the same way"
            )
        options = [self._saved_options(call, *pair) for pair in zip(saved, self.param_groups, strict=True)]
        by_number = dict(zip([n for listed in numbers for n in listed], self._parameters(), strict=True))
        if len(by_number) < sum(sizes):
            raise CheckpointError(f"{call}: a parameter is twice in the groups {numbers}; use another state")
        unknown = sorted(entries.keys() - by_number.keys())
        if unknown:
            raise CheckpointError(f"{call}: there is state of parameters {unknown}, which are in no group; use another")
        self.state = {by_number[n]: self._saved_entries(call, values, by_number[n]) for n, values in entries.items()}
        for group, values in zip(self.param_groups, options, strict=True):
            group.update(values)

    def _saved_options(self, call: str, saved: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        """Return a group's saved options, checked."""
        # schedules keep the first rate in `initial_lr`, and users may keep names of their own in a group
        names = saved.keys() - (group.keys() | {"initial_lr"}) | self.defaults.keys() - saved.keys()
        if names:
            raise CheckpointError(
                f"{call}: the options are {sorted(saved)}, those of {self._name} are {sorted(self.defaults)}; "
                "load it into an optimizer of the class that it was saved from"
            )
        options = {name: tuple(value) if isinstance(value, list) else value for name, value in saved.items()}
        try:
            self.check_options(options)
        except (ArgumentError, DTypeError) as error:
            raise CheckpointError(f"{call}: the options cannot be used: {error}") from error
        return options

    def _saved_entries(self, call: str, entries: dict[str, Any], parameter: Tensor) -> dict[str, Any]:
        """Return what was remembered of a parameter, checked and as its own."""
        entries = {name: value for name, value in entries.items() if value is not None}  # PyTorch's "not yet"
        needed = {name for name, always in self.state_names.items() if always}
        if not needed <= entries.keys() <= self.state_names.keys():
            raise CheckpointError(
                f"{call}: of a parameter there is {sorted(entries)}, but {self._name} remembers "
                f"{sorted(self.state_names)}; load it into an optimizer of the class that it was saved from"
            )
        return {name: _fit(call, name, value, parameter) for name, value in entries.items()}

    def __repr__(self) -> str:
        groups = [{k: v for k, v in group.items() if k != "params"} for group in self.param_groups]
        options = "; ".join(", ".join(f"{k}={v}" for k, v in group.items()) for group in groups)
        return f"{self._name}({options})"


def _fit(call: str, name: str, value: Any, parameter: Tensor) -> Any:
    """Return a saved value as this parameter's own: a copied tensor, or a number."""
    if name == "step":
        count = value.item() if isinstance(value, Tensor | np.ndarray) and value.shape == () else value  # as in PyTorch
        if not isinstance(count, int | float | np.integer | np.floating) or not count >= 0 or count % 1 != 0:
            raise CheckpointError(f"{call}: step must be a whole number from 0 on, got {count!r}; use another state")
        return int(count)
    if not isinstance(value, Tensor | np.ndarray):
        raise CheckpointError(f"{call}: {name} must be a tensor, got a {type(value).__name__}; use another state")
    if value.shape != parameter.shape:
        raise CheckpointError(
            f"{call}: {name} has shape {value.shape}, the parameter {parameter.shape}; the state is of another model"
        )
    return tensor(value, dtype=parameter.dtype, device=parameter.device)


# --- what the optimizers' files share -------------------------------------------------------------------------


def check_at_least(call: str, name: str, value: Any, minimum: float, below: float = float("inf")) -> None:
    """Raise ArgumentError unless minimum <= value < below, DTypeError unless it is a number."""
    if not isinstance(value, int | float | np.integer | np.floating):
        raise DTypeError(f"{call}: {name} must be a number, got {value!r}, a {type(value).__name__}; pass a float")
    if not minimum <= value < below:
        upper = "" if below == float("inf") else f" and below {below:g}"
        raise ArgumentError(f"{call}: {name} must be at least {minimum:g}{upper}, got {value}")


def run_step(operation: str, parameters: list[Tensor], state: list[list[Tensor]], **params: Any) -> None:
    """Run one step of an optimizer: a kernel changes lists of arrays in place.

    Parameters
    ----------
    operation : str
    parameters : list of Tensor
        The kernel gets the list of their arrays, and the list of their gradients' arrays.
    state : list of lists of Tensor
        The kernel gets a list of arrays for each.
    **params
        The other parameters of the kernel.

    Raises
    ------
    DeviceError
        If the model was moved after the first step.
    """
    device = parameters[0].device
    elsewhere = {t.device.name for tensors in state for t in tensors if t.device is not device}
    if elsewhere:
        raise DeviceError(
            f"{operation}: the parameters are on {device}, but what is remembered of them is on "
            f"{', '.join(elsewhere)}; after model.to(...) call optimizer.load_state_dict(optimizer.state_dict())"
        )
    gradients = [p.grad for p in parameters if p.grad is not None]
    lists = [[t.array for t in tensors] for tensors in (parameters, gradients, *state)]
    with np.errstate(all="ignore"):  # as in every operation, NaN and infinity are values, not events
        select(operation, device, lists, params)(*lists, **params)
