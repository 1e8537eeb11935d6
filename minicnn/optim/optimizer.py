"""`Optimizer`, the base class: parameter groups with options, state for each parameter, and the state dict.

A new optimizer derives from `Optimizer`. It lists its state in `state_names` and the ranges of its options in `limits`.
Its `update` calls `run_step` once, which runs an operation on lists of arrays and changes them in place. The
reference kernel of this operation is in the file of the class: the textbook's equations. Faster kernels are registered
under the same name (`runtime/dispatch.py`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np

from minicnn.autograd.tape import enable_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, CheckpointError, DeviceError, DTypeError, ShapeError
from minicnn.ops.complex_numbers import view_as_real
from minicnn.ops.create import full
from minicnn.ops.in_place import clear_gradient
from minicnn.optim.hooks import OptimizerHooks, loading_with_hooks, saving_with_hooks
from minicnn.optim.saved_state import fitting_tensor, plain_number
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import select

__all__ = ["Optimizer", "Parameters", "check_at_least", "real_array", "run_step"]

PAIRS = ("betas", "etas", "step_sizes")  # options of two numbers
# Options that older states do not have.
LATER = {"maximize", "foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay"}

Parameters: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]]


class Optimizer(OptimizerHooks):
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
    numbers: ClassVar[tuple[str, ...]] = (
        "step",
    )  # the entries that are numbers; the others have the parameter's shape
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {}  # option -> (minimum, limit that it must stay below)

    def __init__(self, params: Parameters, defaults: dict[str, Any]) -> None:
        super().__init__()
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
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
        named = [p for p in params if isinstance(p, tuple) and len(p) == 2 and isinstance(p[0], str)]
        if named and len(named) == len(params):  # model.named_parameters()
            param_group = {**param_group, "param_names": [name for name, _ in named]}
            params = [p for _, p in named]
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
        """Check the options of a group: those in `limits`, pairs of them element by element.

        Raises
        ------
        ArgumentError
            If an option is out of range.
        DTypeError
            If it has a wrong type.
        """
        if options.get("differentiable"):
            raise ArgumentError(f"{self._name}: differentiable=True is not supported, because steps are not recorded")
        for name, (minimum, below) in self.limits.items():
            value = options[name]
            if name not in PAIRS:
                check_at_least(self._name, name, value, minimum, below)
                continue
            if not isinstance(value, tuple | list) or len(value) != 2:
                raise ArgumentError(f"{self._name}: {name} must be two numbers, got {value!r}; pass e.g. (0.9, 0.999)")
            for i, part in enumerate(value):
                check_at_least(self._name, f"{name}[{i}]", part, minimum, below)

    def state_shape(self, name: str, parameter: Tensor) -> tuple[int, ...]:
        """Return the shape of an entry of the state: the parameter's, if a class does not say otherwise."""
        return parameter.shape

    def tensors(self, name: str, parameters: list[Tensor], value: float = 0.0) -> list[Tensor]:
        """Return the entry of the state of each parameter; a new one has this value, in both complex parts."""
        states = [self.state[p] for p in parameters]
        for p, state in zip(parameters, states, strict=True):
            if state.get(name) is None:
                start = complex(value, value) if p.dtype.kind == "c" else value
                state[name] = full(self.state_shape(name, p), start, dtype=p.dtype, device=p.device)
        return [state[name] for state in states]

    def count_steps(self, parameters: list[Tensor]) -> list[int]:
        """Return the number of this step for each parameter, from 1, and keep it in the state."""
        for p in parameters:
            self.state[p]["step"] = self.state[p].get("step", 0) + 1
        return [self.state[p]["step"] for p in parameters]

    def update(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Update parameters of a group in place. Each of them has a gradient."""
        raise NotImplementedError(f"{self._name} has neither step nor update; define one of them")

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

    @saving_with_hooks
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

    @loading_with_hooks
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
        states = {by_number[n]: self._saved_entries(call, values, by_number[n]) for n, values in entries.items()}
        self.state = defaultdict(dict, states)
        for group, values in zip(self.param_groups, options, strict=True):
            group.update(values)

    def _saved_options(self, call: str, saved: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        """Check a group's saved options and return them."""
        # Schedules store `initial_lr` in a group, and users may store their own entries.
        names = (
            saved.keys() - (group.keys() | {"initial_lr", "param_names"}) | self.defaults.keys() - saved.keys() - LATER
        )
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
        if self.state_names and not needed <= entries.keys() <= self.state_names.keys():
            raise CheckpointError(
                f"{call}: the state of a parameter has {sorted(entries)}, but {self._name} needs "
                f"{sorted(self.state_names)}; load it into an optimizer of the class that it was saved from"
            )
        return {
            name: plain_number(call, name, value)
            if name in self.numbers or (not self.state_names and not isinstance(value, Tensor | np.ndarray))
            else fitting_tensor(call, name, value, parameter, self.state_shape(name, parameter))
            for name, value in entries.items()
        }

    def __repr__(self) -> str:
        text = f"{self._name} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"


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


def real_array(t: Tensor) -> Array:
    """Return the array of a tensor; of complex numbers (...), a view of their parts, (..., 2).

    So an optimizer treats both parts as parameters of their own.
    """
    return view_as_real(t.detach()).array if t.dtype.kind == "c" else t.array


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
    lists = [[real_array(t) for t in tensors] for tensors in (parameters, gradients, *state)]
    if maximize:
        lists[1] = [-g for g in lists[1]]
    with np.errstate(all="ignore"):  # as in every operation, NaN and infinity are values and raise no warning
        select(operation, device, lists, params)(*lists, **params)
