"""Checkpoints: the state dicts of all parts of a training in a file, so that it can be resumed with identical results.

The state dicts are a tree of dicts and lists. Arrays are replaced by references and stored as tensors of a safetensors
file; the rest of the tree is stored as JSON.
"""

from pathlib import Path
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import CheckpointError, MiniCNNError
from minicnn.ops.create import from_numpy
from minicnn.runtime.random import get_rng_state, set_rng_state
from minicnn.training.tensor_file import Arrays, read_tensor_file, write_tensor_file

__all__ = ["load_checkpoint", "save_checkpoint"]

ARRAY_KEY = "array in this file"  # {ARRAY_KEY: name} replaces an array in the JSON


def save_checkpoint(path: str | Path, /, **parts: Any) -> None:
    """Write the state of the parts of a training, and the random state of minicnn, to a file.

    Parameters
    ----------
    path : str or Path
        Usually with the suffix .safetensors. Missing folders are created. After a failure an old file is unchanged.
    **parts
        Objects with `state_dict()`: a model, an optimizer, a schedule, a loader. Or numbers, strings, lists and dicts.

    Raises
    ------
    CheckpointError
        If a state holds anything but tensors, arrays and JSON values, or a dict with the reserved key, or the file
        cannot be written.

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
    """Load a file of `save_checkpoint` into parts of a training, and restore the random state of minicnn.

    Parameters
    ----------
    path : str or Path
    **parts
        Objects with `load_state_dict`, under the names that they were saved with. Without parts, nothing is changed.

    Returns
    -------
    dict
        The other parts of the file, by name.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, not a checkpoint or from a newer version of minicnn, or if a part is not in the
        file or does not fit. If a part does not fit, the parts before it are already loaded.
    """
    kind, arrays, content = read_tensor_file("load_checkpoint", path)
    if kind != "checkpoint":
        found = "no checkpoint of minicnn" if kind is None else f"a {kind}, not a checkpoint"
        raise CheckpointError(f"load_checkpoint: '{path}' is {found}; a {kind or 'model'} is read by load_state")
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
    """Return a tree of dicts and lists with a reference in place of each array, and add the arrays to `arrays`."""
    if isinstance(tree, Tensor):
        tree = tree.device.to_numpy(tree.array)
    if isinstance(tree, np.ndarray):
        while name in arrays:  # the keys "a.b" and "a" -> "b" give the same name
            name += "+"
        arrays[name] = tree
        return {ARRAY_KEY: name}
    dot = f"{name}." if name else ""
    if isinstance(tree, dict):
        if ARRAY_KEY in tree:
            raise CheckpointError(
                f"save_checkpoint: a state must not have the key {ARRAY_KEY!r}, which is reserved for arrays; "
                f"'{name}' has the keys {list(tree)}; rename it"
            )
        return {key: _take_arrays(value, f"{dot}{key}", arrays) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_take_arrays(value, f"{dot}{i}", arrays) for i, value in enumerate(tree)]
    return tree


def _put_arrays(tree: Any, arrays: Arrays) -> Any:
    """Return a tree with the arrays, as tensors, in place of the references: the inverse of `_take_arrays`."""
    if isinstance(tree, dict):
        if tree.keys() == {ARRAY_KEY}:
            return from_numpy(arrays[tree[ARRAY_KEY]])
        return {key: _put_arrays(value, arrays) for key, value in tree.items()}
    return [_put_arrays(value, arrays) for value in tree] if isinstance(tree, list) else tree
