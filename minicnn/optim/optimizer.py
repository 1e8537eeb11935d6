"""`Optimizer`, the base class: parameter groups with options, state for each parameter, and the state dict.

A new optimizer derives from `Optimizer`. It lists its state in `state_names` and checks its options in `check_options`.
Its `update` calls `run_step` once, which runs an operation on lists of arrays and changes them in place. The
reference kernel of this operation is in the file of the class: the textbook's equations. Faster kernels are registered
under the same name (`runtime/dispatch.py`).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeAlias

import numpy as np

from minicnn.autograd.tape import enable_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, CheckpointError, DeviceError, DTypeError, ShapeError
from minicnn.ops.create import tensor
from minicnn.ops.in_place import clear_gradient
from minicnn.runtime.dispatch import select

__all__ = ["Optimizer", "Parameters", "check_at_least", "check_not_differentiable", "run_step"]

# Options that older states do not have.
LATER = {"maximize", "foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay"}

Parameters: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]]


class Optimizer:
    """The base class of all optimizers.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Leaf tensors; or groups `{"params": [...], "lr": 0.1}` with their own options.
    defaults : dict
        The options of groups that do not set them.

    Attributes
    ----------
    param_groups : list of dict
        Each group holds `params` and the options. Options may be changed between steps.
    state : dict of Tensor to dict
        The state of each parameter, for example momentum: tensors of the parameter's shape, and numbers.

    Raises
    ------
    ArgumentError
        If there is no parameter, a parameter appears twice, or an option is out of range.
    DTypeError
        If a parameter is not a leaf tensor, or an option has a wrong type.
    """

    state_names: ClassVar[dict[str, bool]] = {}  # name of an entry of the state -> True if every state has it

    def __init__(self, params: Parameters, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        entries: list[Any] = [params] if isinstance(params, Tensor | dict) else list(params)
        if not entries:
            raise ArgumentError(f"{self._name}: the list of parameters is empty; pass model.parameters()")
        groups = entries if isinstance(entries[0], dict) else [{"params": entries}]
        for group in groups:
            self.add_param_group(group)

    @property
    def _name(self) -> str:
        return type(self).__name__

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with its own options, for example layers that are trained later.

        Parameters
        ----------
        param_group : dict
            `params`, a tensor or an iterable of tensors, and options.

        Raises
        ------
        ArgumentError
            If `params` is missing, a parameter appears twice, or an option is out of range.
        DTypeError
            If a parameter is not a leaf tensor, or an option has a wrong type.
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
                    f"{self._name}: parameter {i}, of shape {p.shape}, is not a leaf: it was computed by {p.grad_fn!r} "
                    "and gets no .grad; pass the tensor that it was computed from, or .detach().requires_grad_()"
                )
            if p in known:
                raise ArgumentError(
                    f"{self._name}: parameter {i}, of shape {p.shape}, appears twice and would be updated twice in a "
                    "step; pass each parameter once"
                )
            known.add(p)
        group = {**self.defaults, **param_group, "params": params}
        self.check_options(group)
        self.param_groups.append(group)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise ArgumentError if an option is out of range, DTypeError if it has a wrong type."""
        raise NotImplementedError

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Update parameters of a group in place. Each of them has a gradient."""
        raise NotImplementedError

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Called first, with recording on. It clears the gradients, computes the loss, calls backward and returns the
            loss.

        Returns
        -------
        The result of `closure`, or None

        Raises
        ------
        ShapeError, DTypeError
            If a gradient and its parameter differ in shape or dtype.
        DeviceError
            If the parameters and gradients of a group are on several devices, or the model was moved after a step.
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
                f"{self._name}.step: parameters and gradients of a group must be on the same device, got "
                f"{first.device}, {p.device}, {g.device}; move the model before building the optimizer"
            )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set all gradients to None, or to 0 with set_to_none=False. Without this, `backward` adds to them."""
        for p in self._parameters():
            clear_gradient(p, set_to_none)

    def _parameters(self) -> Iterator[Tensor]:
        return (p for group in self.param_groups for p in group["params"])

    # --- state ----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return state and options. A parameter is represented by its number, counted through all groups.

        Returns
        -------
        dict
            `{"state": {0: {...}, ...}, "param_groups": [{"lr": ..., "params": [0, ...]}, ...]}`, PyTorch's layout.
            The tensors are not copied.
        """
        numbers = {p: i for i, p in enumerate(self._parameters())}
        groups = [{**group, "params": [numbers[p] for p in group["params"]]} for group in self.param_groups]
        return {"state": {numbers[p]: dict(entries) for p, entries in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load copies of state and options, as `state_dict` returned them. After an error nothing has changed.

        Raises
        ------
        CheckpointError
            If the state is from another class of optimizer, or the groups or the shapes of the parameters differ.
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
                f"{call}: each group must list the numbers of its 'params', and 'state' must be a dict by number, got "
                f"{type(error).__name__}: {error}; pass the result of state_dict()"
            ) from error
        sizes, own_sizes = [len(n) for n in numbers], [len(group["params"]) for group in self.param_groups]
        if sizes != own_sizes:
            raise CheckpointError(
                f"{call}: the state has groups of {sizes} parameters, this optimizer has {own_sizes}; "
                "build it from the same model in the same way"
            )
        options = [self._saved_options(call, *pair) for pair in zip(saved, self.param_groups, strict=True)]
        by_number = dict(zip([n for listed in numbers for n in listed], self._parameters(), strict=True))
        if len(by_number) < sum(sizes):
            raise CheckpointError(f"{call}: a parameter appears twice in the groups {numbers}; use another state")
        unknown = sorted(entries.keys() - by_number.keys())
        if unknown:
            raise CheckpointError(f"{call}: the state has parameters {unknown}, which are in no group; use another")
        self.state = {by_number[n]: self._saved_entries(call, values, by_number[n]) for n, values in entries.items()}
        for group, values in zip(self.param_groups, options, strict=True):
            group.update(values)

    def _saved_options(self, call: str, saved: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        """Check a group's saved options and return them."""
        # Schedules store `initial_lr` in a group, and users may store their own entries.
        names = saved.keys() - (group.keys() | {"initial_lr"}) | self.defaults.keys() - saved.keys() - LATER
        if names:
            raise CheckpointError(
                f"{call}: the state has the options {sorted(saved)}, {self._name} has {sorted(self.defaults)}; "
                "load it into an optimizer of the class that it was saved from"
            )
        saved = {**{name: value for name, value in self.defaults.items() if name in LATER}, **saved}
        options = {name: tuple(value) if isinstance(value, list) else value for name, value in saved.items()}
        try:
            self.check_options(options)
        except (ArgumentError, DTypeError) as error:
            raise CheckpointError(f"{call}: the options cannot be used: {error}") from error
        return options

    def _saved_entries(self, call: str, entries: dict[str, Any], parameter: Tensor) -> dict[str, Any]:
        """Check the saved state of a parameter and return a copy."""
        entries = {name: value for name, value in entries.items() if value is not None}  # PyTorch saves unset as None
        needed = {name for name, always in self.state_names.items() if always}
        if not needed <= entries.keys() <= self.state_names.keys():
            raise CheckpointError(
                f"{call}: the state of a parameter has {sorted(entries)}, but {self._name} needs "
                f"{sorted(self.state_names)}; load it into an optimizer of the class that it was saved from"
            )
        return {name: _fit(call, name, value, parameter) for name, value in entries.items()}

    def __repr__(self) -> str:
        groups = [{k: v for k, v in group.items() if k != "params"} for group in self.param_groups]
        options = "; ".join(", ".join(f"{k}={v}" for k, v in group.items()) for group in groups)
        return f"{self._name}({options})"


def _fit(call: str, name: str, value: Any, parameter: Tensor) -> Any:
    """Return a saved value for this parameter: a copied tensor, or a number."""
    if name == "step":
        count = value.item() if isinstance(value, Tensor | np.ndarray) and value.shape == () else value  # as in PyTorch
        if not isinstance(count, int | float | np.integer | np.floating) or not count >= 0 or count % 1 != 0:
            raise CheckpointError(f"{call}: step must be an integer >= 0, got {count!r}; use another state")
        return int(count)
    if not isinstance(value, Tensor | np.ndarray):
        raise CheckpointError(f"{call}: {name} must be a tensor, got a {type(value).__name__}; use another state")
    if value.shape != parameter.shape:
        raise CheckpointError(
            f"{call}: {name} has shape {value.shape}, the parameter {parameter.shape}; use a state of the same model"
        )
    return tensor(value, dtype=parameter.dtype, device=parameter.device)


# --- helpers of the optimizers --------------------------------------------------------------------------------


def check_at_least(call: str, name: str, value: Any, minimum: float, below: float = float("inf")) -> None:
    """Check that an option is a number with minimum <= value < below.

    Raises
    ------
    DTypeError
        If it is not a number.
    ArgumentError
        If it is out of range.
    """
    if not isinstance(value, int | float | np.integer | np.floating):
        raise DTypeError(f"{call}: {name} must be a number, got {value!r}, a {type(value).__name__}; pass a float")
    if not minimum <= value < below:
        upper = "" if below == float("inf") else f" and below {below:g}"
        raise ArgumentError(f"{call}: {name} must be at least {minimum:g}{upper}, got {value}")


def check_not_differentiable(call: str, options: dict[str, Any]) -> None:
    """Check that nobody wants a gradient of the steps.

    Raises
    ------
    ArgumentError
        If `differentiable` is True.
    """
    if options["differentiable"]:
        raise ArgumentError(f"{call}: differentiable=True is not supported, because steps are not recorded")


def run_step(
    operation: str, parameters: list[Tensor], state: list[list[Tensor]], *, maximize: bool, **params: Any
) -> None:
    """Run the fastest kernel of an optimizer's step. It updates lists of arrays in place.

    Parameters
    ----------
    operation : str
    parameters : list of Tensor
        The kernel gets the list of their arrays, and the list of their gradients' arrays.
    state : list of lists of Tensor
        The kernel gets a list of arrays for each of these lists.
    maximize : bool
        Go up the gradient: the kernel gets the negative gradients.
    **params
        The other parameters of the kernel.

    Raises
    ------
    DeviceError
        If the model was moved after the first step.
    """
    device = parameters[0].device
    other_devices = {t.device.name for tensors in state for t in tensors if t.device is not device}
    if other_devices:
        raise DeviceError(
            f"{operation}: the parameters are on {device}, but the optimizer's state is on "
            f"{', '.join(other_devices)}; after model.to(...) call optimizer.load_state_dict(optimizer.state_dict())"
        )
    gradients = [p.grad for p in parameters if p.grad is not None]
    lists = [[t.array for t in tensors] for tensors in (parameters, gradients, *state)]
    if maximize:
        lists[1] = [-g for g in lists[1]]
    with np.errstate(all="ignore"):  # as in every operation, NaN and infinity are values and raise no warning
        select(operation, device, lists, params)(*lists, **params)
