"""Files of a model: its weights, and metadata from which the model can be built again.

The format is safetensors, which PyTorch and other libraries also read.
"""

from pathlib import Path
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import CheckpointError
from minicnn.nn import Module
from minicnn.ops.create import from_numpy
from minicnn.training.tensor_file import read_tensor_file, write_tensor_file

__all__ = ["load_state", "save_model"]


def save_model(path: str | Path, model: Module, **metadata: Any) -> None:
    """Write a model's state dict and metadata to a file.

    Parameters
    ----------
    path : str or Path
        Usually with the suffix .safetensors. Missing folders are created. After a failure an old file is unchanged.
    model : Module
    **metadata
        JSON values, for example the name and the arguments of the architecture.

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
    <All keys matched successfully>
    """
    arrays = {name: t.device.to_numpy(t.array) for name, t in model.state_dict().items()}
    write_tensor_file("save_model", path, "model", arrays, metadata)


def load_state(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file of `save_model`, or any other safetensors file with the weights of a model.

    Returns
    -------
    state : dict of str to Tensor
        For `model.load_state_dict`.
    metadata : dict
        Empty if minicnn did not write the file.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, not a model or from a newer version of minicnn.
    """
    kind, arrays, metadata = read_tensor_file("load_state", path)
    if kind not in ("model", None):
        raise CheckpointError(
            f"load_state: '{path}' is a {kind}, not a model; use load_{kind}, or the model's own file"
        )
    return {name: from_numpy(array) for name, array in arrays.items()}, metadata
