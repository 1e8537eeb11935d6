"""`default_collate` makes a batch from samples; `default_convert` makes tensors from the arrays in a sample."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DataError
from minicnn.ops.create import from_numpy

__all__ = ["default_collate", "default_convert"]


def default_collate(batch: Sequence[Any]) -> Any:
    """Stack samples into a batch of tensors.

    Parameters
    ----------
    batch : list of N samples
        A sample is an array or a tensor of shape (...), or a number, or a text, or a tuple, list or dict of samples.

    Returns
    -------
    Tensor, (N, ...), a list of N texts, or a list or dict of such batches
        Arrays keep their dtype. Python's floats become float64, ints int64. A named tuple stays one.

    Raises
    ------
    DataError
        If the samples have different shapes or kinds, or cannot be stacked.

    Examples
    --------
    >>> default_collate([{"size": 1}, {"size": 2}])["size"].tolist()
    [1, 2]
    """
    first = batch[0]
    if isinstance(first, str | bytes):
        return list(batch)
    if isinstance(first, Mapping):
        if any(sample.keys() != first.keys() for sample in batch):
            raise DataError("default_collate: samples of a batch must be dicts with the same keys; pass collate_fn=")
        parts = {key: default_collate([sample[key] for sample in batch]) for key in first}
        return _like(first, parts, parts)
    if isinstance(first, tuple | list):
        lengths = {len(sample) if isinstance(sample, tuple | list) else None for sample in batch}
        if lengths != {len(first)}:
            raise DataError("default_collate: samples of a batch must be tuples of the same length; pass collate_fn=")
        columns = [default_collate(column) for column in zip(*batch, strict=True)]
        if hasattr(first, "_fields"):
            return type(first)(*columns)
        return columns if isinstance(first, tuple) else _like(first, columns, columns)
    arrays = [np.asarray(sample) for sample in batch]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise DataError(
            f"default_collate: samples of a batch must have the same shape, got {shapes}; cut patches of the same size "
            f"(PatchDataset), use batch_size=1, or pass collate_fn="
        )
    stacked = np.stack(arrays)  # (N, ...)
    if stacked.dtype.kind not in "biufc":
        raise DataError(
            f"default_collate: samples must be numbers, arrays, texts, or tuples or dicts of these, got "
            f"{type(first).__name__}; pass collate_fn="
        )
    return from_numpy(stacked)


def default_convert(data: Any) -> Any:
    """Return the sample with its arrays as tensors, also in tuples, lists and dicts; other values stay as they are."""
    if isinstance(data, np.ndarray | np.generic) and data.dtype.kind in "biufc":
        return from_numpy(np.asarray(data))
    if isinstance(data, Mapping):
        parts = {key: default_convert(value) for key, value in data.items()}
        return _like(data, parts, parts)
    if isinstance(data, tuple | list):
        items = [default_convert(value) for value in data]
        if hasattr(data, "_fields"):
            return type(data)(*items)
        return items if isinstance(data, tuple) else _like(data, items, items)
    return data


def _like(sample: Any, content: Any, otherwise: Any) -> Any:
    """Return the content in the type of the sample, if this type can be made from it."""
    if type(sample) in (dict, list) or isinstance(sample, Tensor):
        return content
    try:
        return type(sample)(content)
    except TypeError:
        return otherwise
