"""Hooks of an optimizer: functions that are called before and after each step."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from minicnn.autograd.tape import RemovableHandle
from minicnn.errors import ArgumentError

__all__ = ["StepHooks", "with_hooks"]

Hook = Callable[..., Any]


def with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method `step` that calls the hooks of the optimizer around this one.

    Raises
    ------
    ArgumentError
        In a step, if a hook returns something else than arguments or None.
    """

    @wraps(step)
    def call(self: "StepHooks", *arguments: Any, **kwargs: Any) -> Any:
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


class StepHooks:
    """The base class of Optimizer that keeps hooks. The method `step` of each subclass calls them."""

    _step_pre_hooks: dict[int, Hook]
    _step_post_hooks: dict[int, Hook]

    def __init__(self) -> None:
        self._step_pre_hooks, self._step_post_hooks = {}, {}

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
