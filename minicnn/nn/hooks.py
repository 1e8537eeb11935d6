"""Hooks: functions that a module calls around its forward and backward pass.

The hooks of the backward pass hang on two identity functions: one behind the inputs, one behind the outputs. The
backward pass runs through the second one first.
"""

from collections.abc import Callable
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.tape import RemovableHandle, mode
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AutogradError, MiniCNNError
from minicnn.nn.location import note_layer

__all__ = [
    "Hook",
    "Hooks",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]

Hook = Callable[..., Any]


class Hooks:
    """The base class of Module: calls `forward`, with the hooks around it."""

    _forward_hooks: dict[int, Hook]
    _forward_pre_hooks: dict[int, Hook]
    _backward_hooks: dict[int, Hook]
    _backward_pre_hooks: dict[int, Hook]
    _with_kwargs: set[int]
    _always_called: set[int]

    def __init__(self) -> None:
        self._forward_hooks = {}
        self._forward_pre_hooks = {}
        self._backward_hooks = {}
        self._backward_pre_hooks = {}
        self._with_kwargs = set()  # the numbers of hooks that also get the keyword arguments
        self._always_called = set()  # the numbers of hooks that are called after an exception too

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output. Every subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(); define it")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        watch, called, output, plain = None, [], None, not self.has_hooks
        outer, mode.module = mode.module, self
        try:
            if plain:
                return self.forward(*args, **kwargs)
            for hook, takes_kwargs, _ in self._hooks("_forward_pre_hooks"):
                if takes_kwargs:
                    args, kwargs = hook(self, args, kwargs) or (args, kwargs)
                    continue
                changed = hook(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
            if self._hooks("_backward_hooks") or self._hooks("_backward_pre_hooks"):
                watch = _Watch(self)
            output = self.forward(*(watch.inputs(args) if watch else args), **kwargs)
            for hook, takes_kwargs, _ in self._hooks("_forward_hooks"):
                called.append(hook)
                changed = hook(self, args, kwargs, output) if takes_kwargs else hook(self, args, output)
                output = output if changed is None else changed
        except BaseException as error:
            for hook, takes_kwargs, always in self._hooks("_forward_hooks"):
                if always and hook not in called:
                    hook(self, args, kwargs, output) if takes_kwargs else hook(self, args, output)
            if isinstance(error, MiniCNNError):
                note_layer(error, self)
            raise
        finally:
            mode.module = outer
        return watch.outputs(output) if watch else output

    @property
    def has_hooks(self) -> bool:
        """Whether a call does more than `forward`: the module has hooks, or all modules have some."""
        own = self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks
        if own:
            return True
        owner = every_module  # no loop over both: every call of a module asks
        return bool(
            owner._forward_hooks or owner._forward_pre_hooks or owner._backward_hooks or owner._backward_pre_hooks
        )

    def _hooks(self, name: str) -> list[tuple[Hook, bool, bool]]:
        """Return the hooks of all modules, then the hooks of this module, as (hook, with_kwargs, always_call)."""
        return [
            (hook, number in owner._with_kwargs, number in owner._always_called)
            for owner in (every_module, self)
            for number, hook in vars(owner)[name].items()
        ]

    def _add_hook(
        self, hooks: dict[int, Hook], hook: Hook, first: bool, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        handle = RemovableHandle(hooks, hook, first)
        if with_kwargs:
            self._with_kwargs.add(handle.id)
        if always_call:
            self._always_called.add(handle.id)
        return handle

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before every forward; a result that is not None replaces the arguments.

        Parameters
        ----------
        hook : callable
        prepend : bool
            Call it before the hooks that are there.
        with_kwargs : bool
            Call `hook(module, args, kwargs)`, whose result is None or (args, kwargs).
        """
        return self._add_hook(self._forward_pre_hooks, hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after every forward; a result that is not None replaces the output.

        Parameters
        ----------
        hook : callable
        prepend : bool
            Call it before the hooks that are there.
        with_kwargs : bool
            Call `hook(module, args, kwargs, output)`.
        always_call : bool
            Call it after an exception too.
        """
        return self._add_hook(self._forward_hooks, hook, prepend, with_kwargs, always_call)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs have been computed.

        `grad_input` and `grad_output` are tuples of tensors, in the order of the positional arguments and of the
        outputs, with None for what is no tensor or has no gradient. A result that is not None replaces `grad_input`.
        """
        return self._add_hook(self._backward_hooks, hook, prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` before the backward pass of the module; a result replaces `grad_output`."""
        return self._add_hook(self._backward_pre_hooks, hook, prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Call `register_full_backward_hook`, which PyTorch recommends instead of this older one."""
        return self.register_full_backward_hook(hook)


every_module = Hooks()  # its hooks are called for each module, before the module's own ones


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, args)` before the forward of every module; see `Module.register_forward_pre_hook`."""
    return every_module.register_forward_pre_hook(hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after the forward of every module; see `Module.register_forward_hook`."""
    return every_module.register_forward_hook(hook, with_kwargs=with_kwargs, always_call=always_call)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` for every module; see `Module.register_full_backward_hook`."""
    return every_module.register_full_backward_hook(hook)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_output)` for every module; see `Module.register_full_backward_pre_hook`."""
    return every_module.register_full_backward_pre_hook(hook)


class _Watch:
    """Calls the backward hooks of a module, for one call of it."""

    def __init__(self, module: Hooks) -> None:
        self.module = module
        self.grad_output: tuple[Any, ...] = ()
        self.inputs_have_gradients = False

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments, behind an identity function."""
        self.inputs_have_gradients = any(isinstance(a, Tensor) and a.requires_grad for a in args)
        self.tensors = [isinstance(a, Tensor) for a in args]
        return tuple(_Behind.apply(self.after, *args))

    def outputs(self, output: Any) -> Any:
        """Return the output, behind an identity function: a tensor, or the tensors in a tuple, list or dict."""
        if isinstance(output, dict):
            return dict(zip(output, _Behind.apply(self.before, *output.values()), strict=True))
        if isinstance(output, tuple | list):
            watched = _Behind.apply(self.before, *output)
            return output._make(watched) if hasattr(output, "_make") else type(output)(watched)
        (watched,) = _Behind.apply(self.before, output)
        return watched

    def before(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        """Take the gradients of the outputs."""
        for hook, _, _ in self.module._hooks("_backward_pre_hooks"):
            gradients = _replaced(gradients, hook(self.module, gradients))
        self.grad_output = gradients
        if not self.inputs_have_gradients:
            self.after((None,) * len(self.tensors))
        return gradients

    def after(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        """Take the gradients of the inputs."""
        for hook, _, _ in self.module._hooks("_backward_hooks"):
            gradients = _replaced(gradients, hook(self.module, gradients, self.grad_output))
        return gradients


def _replaced(gradients: tuple[Any, ...], changed: Any) -> tuple[Any, ...]:
    if changed is None:
        return gradients
    changed = tuple(changed) if isinstance(changed, tuple | list) else (changed,)
    if len(changed) != len(gradients):
        raise AutogradError(f"backward hook: expected {len(gradients)} gradients, the hook returned {len(changed)}")
    return tuple(changed)


class _Behind(Function):
    """Return the arguments as they are; in the backward pass, ask a function for their gradients."""

    @staticmethod
    def forward(ctx: Any, ask: Callable[..., Any], *args: Any) -> tuple[Any, ...]:
        ctx.ask = ask
        ctx.set_materialize_grads(False)
        return tuple(a.view_as(a) if isinstance(a, Tensor) else a for a in args)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> tuple[Any, ...]:
        return (None, *ctx.ask(grad_outputs))
