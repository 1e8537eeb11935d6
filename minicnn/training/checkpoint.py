"""A checkpoint: the state of everything that takes part in a run, in one file, so that the run goes on bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import CheckpointError, MiniCNNError
from minicnn.ops.create import from_numpy
from minicnn.runtime.random import get_rng_state, set_rng_state
from minicnn.training.tensor_file import Arrays, read_tensor_file, write_tensor_file

__all__ = ["load_checkpoint", "save_checkpoint"]

PLACE = "array in this file"  # the key of what stands in the JSON for an array


def save_checkpoint(path: str | Path, /, **parts: Any) -> None:
    """Write the state of the parts of a run, and the engine's random state, to one file.

    Parameters
    ----------
    path : str or Path
        By custom it ends in .safetensors. Its folder is created; a file that was there survives any failure.
    **parts
        Objects with `state_dict()`: a model, an optimizer, a schedule, a loader; or numbers, texts, lists and dicts.

    Raises
    ------
    CheckpointError
        If a state holds anything but tensors, arrays and what JSON can express, or the key that stands for an array in
        the file, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from minicnn import nn, optim
    >>> model = nn.Linear(2, 3)
    >>> optimizer = optim.Adam(model.parameters())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(folder + "/run.safetensors", model=model, optimizer=optimizer, step=7)
    ...     load_checkpoint(folder + "/run.safetensors", model=model, optimizer=optimizer)
    {'step': 7}
    """
    arrays: Arrays = {}
    states = {name: part.state_dict() if hasattr(part, "state_dict") else part for name, part in parts.items()}
    content = {"parts": _take_arrays(states, "", arrays), "random": get_rng_state()}
    write_tensor_file("save_checkpoint", path, "checkpoint", arrays, content)


def load_checkpoint(path: str | Path, /, **parts: Any) -> dict[str, Any]:
    """Give parts of a run the state that `save_checkpoint` wrote, and the engine its random state.

    Parameters
    ----------
    path : str or Path
    **parts
        Objects with `load_state_dict`, under the names they were saved with. Without any, nothing is changed.

    Returns
    -------
    dict
        What was saved and not asked for, by name.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, no checkpoint, or of a newer version of minicnn, or if a part is not in it, or
        does not fit: then the parts named before that one have been loaded.
    """
    kind, arrays, content = read_tensor_file("load_checkpoint", path)
    if kind != "checkpoint":
        what = "no checkpoint of minicnn" if kind is None else f"a {kind}, not a checkpoint"
        raise CheckpointError(f"load_checkpoint: '{path}' is {what}; a {kind or 'model'} is read by load_state")
    states: dict[str, Any] = _put_arrays(content["parts"], arrays)
    missing = [name for name in parts if name not in states]
    if missing:
        raise CheckpointError(f"load_checkpoint: '{path}' holds no {', '.join(missing)}; it holds {', '.join(states)}")
    for name, part in parts.items():
        try:
            part.load_state_dict(states.pop(name))
        except MiniCNNError as error:
            raise CheckpointError(f"load_checkpoint: '{path}' does not fit the {name}: {error}") from error
    if parts:
        set_rng_state(content["random"])
    return states


def _take_arrays(tree: Any, name: str, arrays: Arrays) -> Any:
    """Return a tree of dicts and lists with the name of each array in its place, and collect the arrays by name."""
    if isinstance(tree, Tensor):
        tree = tree.device.to_numpy(tree.array)
    if isinstance(tree, np.ndarray):
        while name in arrays:  # the keys "a.b" and "a" -> "b" give one name
            name += "+"
        arrays[name] = tree
        return {PLACE: name}
    dot = f"{name}." if name else ""
    if isinstance(tree, dict):
        if PLACE in tree:
            raise CheckpointError(
                f"save_checkpoint: a state must not have the key {PLACE!r}, which stands for an array in the file; "
                f"'{name}' has the keys {list(tree)}; rename it"
            )
        return {key: _take_arrays(value, f"{dot}{key}", arrays) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_take_arrays(value, f"{dot}{i}", arrays) for i, value in enumerate(tree)]
    return tree


def _put_arrays(tree: Any, arrays: Arrays) -> Any:
    """Undo `_take_arrays`; the arrays come back as tensors."""
    if isinstance(tree, dict):
        if tree.keys() == {PLACE}:
            return from_numpy(arrays[tree[PLACE]])
        return {key: _put_arrays(value, arrays) for key, value in tree.items()}
    return [_put_arrays(value, arrays) for value in tree] if isinstance(tree, list) else tree
