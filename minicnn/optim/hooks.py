"""Hooks of an optimizer: functions that are called before and after a step, and around its state."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from minicnn.autograd.tape import RemovableHandle
from minicnn.errors import ArgumentError

__all__ = ["OptimizerHooks", "loading_with_hooks", "saving_with_hooks", "with_hooks"]

Hook = Callable[..., Any]


def with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method `step` that calls the hooks of the optimizer around this one.

    Raises
    ------
    ArgumentError
        In a step, if a hook returns something else than arguments or None.
    """

    @wraps(step)
    def call(self: "OptimizerHooks", *arguments: Any, **kwargs: Any) -> Any:
        args: tuple[Any, ...] = (self, *arguments)
        for hook in list(self._step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise ArgumentError(f"step: a pre-hook must return None or (args, kwargs), got {changed!r}")
                args, kwargs = changed
        found = step(*args, **kwargs)
        for hook in list(self._step_post_hooks.values()):
            hook(self, args, kwargs)
        return found

    return call


def saving_with_hooks(state_dict: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return a method `state_dict` with the hooks of the optimizer around it."""

    @wraps(state_dict)
    def call(self: "OptimizerHooks") -> dict[str, Any]:
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self)
        found = state_dict(self)
        for hook in list(self._state_dict_post_hooks.values()):
            changed = hook(self, found)
            found = found if changed is None else changed
        return found

    return call


def loading_with_hooks(load_state_dict: Callable[..., None]) -> Callable[..., None]:
    """Return a method `load_state_dict` with the hooks of the optimizer around it."""

    @wraps(load_state_dict)
    def call(self: "OptimizerHooks", state_dict: dict[str, Any]) -> None:
        state_dict = dict(state_dict)  # hooks may change it
        for hook in list(self._load_state_dict_pre_hooks.values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        load_state_dict(self, state_dict)
        for hook in list(self._load_state_dict_post_hooks.values()):
            hook(self)

    return call


class OptimizerHooks:
    """The base class of Optimizer that keeps hooks. The method `step` of each subclass calls them."""

    _step_pre_hooks: dict[int, Hook]
    _step_post_hooks: dict[int, Hook]
    _state_dict_pre_hooks: dict[int, Hook]
    _state_dict_post_hooks: dict[int, Hook]
    _load_state_dict_pre_hooks: dict[int, Hook]
    _load_state_dict_post_hooks: dict[int, Hook]

    def __init__(self) -> None:
        self._step_pre_hooks, self._step_post_hooks = {}, {}
        self._state_dict_pre_hooks, self._state_dict_post_hooks = {}, {}
        self._load_state_dict_pre_hooks, self._load_state_dict_post_hooks = {}, {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            cls.step = with_hooks(vars(cls)["step"])  # type: ignore[attr-defined]

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call hook(optimizer, args, kwargs) before each step. It may return another (args, kwargs).

        As in PyTorch, `args` begins with the optimizer.
        """
        return RemovableHandle(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call hook(optimizer, args, kwargs) after each step; arguments as in `register_step_pre_hook`."""
        return RemovableHandle(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call hook(optimizer) before `state_dict`; with `prepend`, before the hooks that are there."""
        return RemovableHandle(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call hook(optimizer, state_dict) after `state_dict`; it may change the dict, or return another."""
        return RemovableHandle(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call hook(optimizer, state_dict) before `load_state_dict`; it may change a copy, or return another dict."""
        return RemovableHandle(self._load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call hook(optimizer) after `load_state_dict`."""
        return RemovableHandle(self._load_state_dict_post_hooks, hook, prepend)
