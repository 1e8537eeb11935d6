"""The state of a module: its parameters and persistent buffers by dotted name, as files hold them."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Self

from minicnn.autograd.tape import RemovableHandle
from minicnn.autograd.tensor import Tensor
from minicnn.errors import CheckpointError
from minicnn.nn.hooks import Hook, Hooks
from minicnn.nn.loading import LoadResult, different_shapes, load_values
from minicnn.nn.parameter import Parameter, is_lazy
from minicnn.ops.create import as_tensor

__all__ = ["State"]

EXTRA = "_extra_state"  # the last part of the key of `get_extra_state`


class State(Hooks):
    """The base class of Module that returns and loads its state."""

    _version: int = 1  # of the class; `state_dict` saves it as metadata, and `_load_from_state_dict` gets it
    _persistent: dict[str, bool]
    _places: dict[str, type]

    def __init__(self) -> None:
        super().__init__()
        self._state_dict_pre_hooks: dict[int, Hook] = {}
        self._state_dict_hooks: dict[int, Hook] = {}
        self._load_state_dict_pre_hooks: dict[int, Hook] = {}
        self._load_state_dict_post_hooks: dict[int, Hook] = {}

    def _own(self, kind: type) -> Iterator[tuple[str, Any]]:
        raise NotImplementedError

    def _own_state(self) -> dict[str, Tensor]:
        """Return this module's own part of the state, by name."""
        buffers = {name: buffer for name, buffer in self._own(Tensor) if self._persistent[name]}
        return {**dict(self._own(Parameter)), **buffers}

    def _children(self) -> dict[str, Self]:
        """Return the modules in this one. A shared module comes under all its names."""
        found: dict[str, Any] = {name: value for name, value in vars(self).items() if isinstance(value, State)}
        return found

    # --- out ------------------------------------------------------------------------------------------------

    def state_dict(
        self, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Return all parameters and persistent buffers by dotted name. The tensors are detached and share memory.

        The dict has the versions of the classes as its attribute `_metadata`, as in PyTorch.
        A tensor of a lazy layer that has no shape yet is there itself.

        Parameters
        ----------
        destination : dict, optional
            The dict to fill and return.
        prefix : str
            Comes before each name.
        keep_vars : bool
            Return the parameters and buffers themselves, not detached.
        """
        state: Any = destination
        if state is None:
            state = OrderedDict()
            state._metadata = OrderedDict()
        about = {"version": self._version}
        if hasattr(state, "_metadata"):
            state._metadata[prefix[:-1]] = about
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(state, prefix, keep_vars)
        for name, module in self._children().items():
            module.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in list(self._state_dict_hooks.values()):
            changed = hook(self, state, prefix, about)
            state = state if changed is None else changed
        found: dict[str, Any] = state
        return found

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Put this module's own state into a dict. A class may replace this method."""
        for name, tensor in self._own_state().items():
            destination[prefix + name] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()
        if type(self).get_extra_state is not State.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    def get_extra_state(self) -> Any:
        """Return more of the state of a class than tensors. A class that defines it has the key "_extra_state".

        Raises
        ------
        RuntimeError
            If the class does not define it.
        """
        raise RuntimeError(f"{type(self).__name__} has no get_extra_state(); define it, and set_extra_state()")

    def set_extra_state(self, state: Any) -> None:
        """Take what `get_extra_state` returned; errors as in `get_extra_state`."""
        raise RuntimeError(f"{type(self).__name__} has no set_extra_state(); define it, and get_extra_state()")

    # --- in -------------------------------------------------------------------------------------------------

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> LoadResult:
        """Copy values into the parameters and buffers. After an error nothing has changed.

        Where hooks come after the values (`register_load_state_dict_post_hook`), or a class has its own
        `_load_from_state_dict`, the values are loaded before all keys are compared, as in PyTorch.

        Parameters
        ----------
        state_dict : mapping of str to Tensor or array_like
            As `state_dict` returns it; dtypes are converted.
        strict : bool
            Raise an error for missing and unexpected keys, instead of returning them.
        assign : bool
            Replace the parameters and buffers by these tensors, which keep their dtypes, instead of copying values.

        Raises
        ------
        CheckpointError
            If shapes differ or, when strict, keys differ. The message lists all differences.
        RuntimeError
            If a post-hook returns something.
        """
        result = LoadResult([], [])
        problems: list[str] = []
        versions = getattr(state_dict, "_metadata", None) or {}
        later: list[Callable[[], Any]] = []
        hooks: list[Hook] = []

        def walk(module: State, state: dict[str, Any], prefix: str) -> None:
            about = dict(versions.get(prefix[:-1], {}))
            if assign:
                about["assign_to_params_buffers"] = True
            if type(module)._load_from_state_dict is State._load_from_state_dict:
                about["later"] = later
            module._load_from_state_dict(
                state, prefix, about, True, result.missing_keys, result.unexpected_keys, problems
            )
            for name, child in module._children().items():
                start = f"{prefix}{name}."
                walk(child, OrderedDict((k, v) for k, v in state.items() if k.startswith(start)), start)
            hooks.extend(partial(hook, module) for hook in module._load_state_dict_post_hooks.values())

        def check() -> None:
            texts = list(problems)
            for kind, keys in zip(("missing", "unexpected"), result, strict=True):
                if keys and strict:
                    texts.append(f"{kind} keys {', '.join(map(repr, keys))} (strict=False ignores them)")
            if texts:
                raise CheckpointError(
                    f"load_state_dict: the state does not fit {type(self).__name__}: {'; '.join(texts)}"
                )

        copy: Any = OrderedDict(state_dict)
        copy._metadata = versions
        walk(self, copy, "")
        if problems or not hooks:
            check()
        for load in later:
            load()
        for hook in hooks:
            if hook(result) is not None:
                raise RuntimeError("load_state_dict: a post-hook must return None; change the lists of keys in place")
        check()
        return result

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own state. A class may replace this method, and change `state_dict` before it calls it.

        Parameters
        ----------
        state_dict : dict
            All keys that begin with `prefix`, perhaps more.
        prefix : str
        local_metadata : dict
            `version` of the class that saved the state, if it is known.
        strict : bool
            Put keys into the two lists.
        missing_keys, unexpected_keys, error_msgs : list of str
            The method appends to them.
        """
        for hook in list(self._load_state_dict_pre_hooks.values()):
            hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = self._own_state()
        values = {name: as_tensor(state_dict[prefix + name]) for name in own if prefix + name in state_dict}
        wrong = different_shapes(own, values, prefix)
        error_msgs += wrong.values()
        fitting = {name: value for name, value in values.items() if name not in wrong}
        loads = [partial(load_values, self, own, fitting, local_metadata.get("assign_to_params_buffers", False))]
        takes_more = type(self).set_extra_state is not State.set_extra_state
        if takes_more and prefix + EXTRA in state_dict:
            loads.append(partial(self.set_extra_state, state_dict[prefix + EXTRA]))
        if strict:
            # Plain mappings and files before PyTorch 0.4.1 may lack this counter; then it stays as it is.
            optional = "num_batches_tracked" if (local_metadata.get("version") or 1) < 2 else ""
            names = [*(name for name in own if name != optional), *([EXTRA] if takes_more else [])]
            missing_keys += [prefix + name for name in names if prefix + name not in state_dict]
            below = self._children().keys() | {name for name, kind in self._places.items() if issubclass(kind, State)}
            for key in state_dict:
                first, dot, _ = key.removeprefix(prefix).partition(".")
                known = first in below if dot else first in own or (takes_more and first == EXTRA)
                if key.startswith(prefix) and not known:
                    unexpected_keys.append(key)
        local_metadata["later"].extend(loads) if "later" in local_metadata else [load() for load in loads]

    # --- hooks ----------------------------------------------------------------------------------------------

    def register_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict` reads this module."""
        return RemovableHandle(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` when the state of this module is in the dict.

        The hook changes the dict in place and returns None.

        Raises
        ------
        RuntimeError
            In `state_dict`, if it returns something.
        """
        return RemovableHandle(self._state_dict_hooks, partial(_in_place, hook))

    def _register_state_dict_hook(self, hook: Hook) -> RemovableHandle:
        """Call a hook as `register_state_dict_post_hook` does; a dict that it returns replaces the state."""
        return RemovableHandle(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call a hook before `load_state_dict` reads the values of this module; it may change the dict in place.

        Its arguments are the module and those of `_load_from_state_dict`.
        """
        return RemovableHandle(self._load_state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(self, hook: Hook, with_module: bool = False) -> RemovableHandle:
        """Call a hook as `register_load_state_dict_pre_hook` does, but without the module, unless `with_module`."""
        return self.register_load_state_dict_pre_hook(hook if with_module else partial(_without_module, hook))

    def register_load_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after the values of this module are loaded.

        The hook may change the lists `missing_keys` and `unexpected_keys` in place, before they become an error.
        """
        return RemovableHandle(self._load_state_dict_post_hooks, hook)


def _in_place(hook: Hook, *args: Any) -> None:
    if hook(*args) is not None:
        raise RuntimeError("state_dict: a post-hook must return None; change the dict in place")


def _without_module(hook: Hook, module: State, *args: Any) -> None:
    hook(*args)
