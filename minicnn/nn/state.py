"""The state of a module: its parameters and persistent buffers by dotted name, as files hold them."""

from collections.abc import Iterator, Mapping
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import CheckpointError
from minicnn.nn.hooks import Hooks
from minicnn.nn.loading import LoadResult, different_shapes, load_values
from minicnn.nn.parameter import Parameter, is_lazy
from minicnn.ops.create import as_tensor

__all__ = ["State"]


class State(Hooks):
    """The base class of Module that returns and loads its state."""

    _persistent: dict[str, bool]

    def _own(self, kind: type) -> Iterator[tuple[str, Any]]:
        raise NotImplementedError

    def _state(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Yield (key, tensor) of the state. A shared tensor comes under all its names."""
        for name, parameter in self._own(Parameter):
            yield prefix + name, parameter
        for name, buffer in self._own(Tensor):
            if self._persistent[name]:
                yield prefix + name, buffer
        for name, value in self.__dict__.items():
            if isinstance(value, State):
                yield from value._state(f"{prefix}{name}.")

    def state_dict(
        self, destination: dict[str, Tensor] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """Return all parameters and persistent buffers by dotted name. The tensors are detached and share memory.

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
        state = {} if destination is None else destination
        for key, tensor in self._state(prefix):
            state[key] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> LoadResult:
        """Copy values into the parameters and buffers. After an error nothing has changed.

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
        """
        own = dict(self._state())
        # Plain mappings and files before PyTorch 0.4.1 may lack this counter; then it stays as it is.
        needed = [key for key in own if key.rpartition(".")[2] != "num_batches_tracked"]
        missing = [key for key in needed if key not in state_dict]
        unexpected = [key for key in state_dict if key not in own]
        values = {key: as_tensor(state_dict[key]) for key in own if key in state_dict}
        problems = different_shapes(own, values)
        if strict:
            for kind, keys in (("missing", missing), ("unexpected", unexpected)):
                if keys:
                    problems.append(f"{kind} keys {', '.join(map(repr, keys))} (strict=False ignores them)")
        if problems:
            raise CheckpointError(
                f"load_state_dict: the state does not fit {type(self).__name__}: {'; '.join(problems)}"
            )
        load_values(self, own, values, assign)
        return LoadResult(missing, unexpected)
