"""A model's weights in a file that PyTorch reads as well, with what is needed to build the model again."""

from pathlib import Path
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import CheckpointError
from minicnn.nn import Module
from minicnn.ops.create import from_numpy
from minicnn.training.tensor_file import read_tensor_file, write_tensor_file

__all__ = ["load_state", "save_model"]


def save_model(path: str | Path, model: Module, **metadata: Any) -> None:
    """Write a model's state, under the keys of its `state_dict`, and metadata.

    Parameters
    ----------
    path : str or Path
        By custom it ends in .safetensors. Its folder is created; a file that was there survives any failure.
    model : Module
    **metadata
        Whatever JSON can express: say, the architecture's name and arguments.

    Raises
    ------
    CheckpointError
        If the metadata is not JSON, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from minicnn import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(folder + "/model.safetensors", nn.Linear(2, 3), architecture="Linear", arguments=[2, 3])
    ...     state, metadata = load_state(folder + "/model.safetensors")
    >>> twin = nn.Linear(*metadata["arguments"])
    >>> twin.load_state_dict(state)
    LoadResult(missing_keys=[], unexpected_keys=[])
    """
    arrays = {name: t.device.to_numpy(t.array) for name, t in model.state_dict().items()}
    write_tensor_file("save_model", path, "model", arrays, metadata)


def load_state(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_model` wrote, or any safetensors file of a model.

    Returns
    -------
    state : dict of str to Tensor
        For `model.load_state_dict`.
    metadata : dict
        Empty, if minicnn did not write the file.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, no model, or of a newer version of minicnn.
    """
    kind, arrays, metadata = read_tensor_file("load_state", path)
    if kind not in ("model", None):
        raise CheckpointError(
            f"load_state: '{path}' is a {kind}, not a model; use load_{kind}, or the model's own file"
        )
    return {name: from_numpy(array) for name, array in arrays.items()}, metadata
