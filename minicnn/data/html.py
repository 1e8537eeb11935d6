"""How a dataset shows itself in a notebook: its first samples, as pictures where they look like pictures."""

import time
from collections.abc import Iterator
from html import escape
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.ops.create import from_numpy
from minicnn.ops.html import tensor_html
from minicnn.runtime import random

__all__ = ["dataset_html"]

SAMPLES = 8
SECONDS = 0.1  # then no further sample is read: a large photo alone may take as long
TEXT = 80  # characters of a value that is no array


def dataset_html(dataset: Any, count: int) -> str:
    """Return HTML with the first of `count` samples of a dataset. The shared random generator keeps its state."""
    start, state = time.perf_counter(), random.get_rng_state()
    rows: list[str] = []
    for index in range(min(count, SAMPLES)):
        if rows and time.perf_counter() - start > SECONDS:
            break
        try:
            parts = list(_parts(dataset[index]))
        except Exception as error:  # a notebook must not fail to show an object
            parts = [escape(f"{type(error).__name__}: {error}")]
        cells = "".join(f"<td>{part}</td>" for part in parts)
        rows.append(f'<tr style="text-align:left; vertical-align:top"><td>{index}</td>{cells}</tr>')
    random.set_rng_state(state)
    return f"<div>{escape(type(dataset).__name__)}, {count} samples</div><table>{''.join(rows)}</table>"


def _parts(sample: Any) -> Iterator[str]:
    """Yield HTML of each value in a sample."""
    if isinstance(sample, dict):
        for name, value in sample.items():
            for part in _parts(value):
                yield f"{escape(str(name))}: {part}"
    elif isinstance(sample, list | tuple):
        for value in sample:
            yield from _parts(value)
    elif isinstance(sample, np.ndarray) and sample.dtype.kind in "fiub" and sample.ndim:
        yield tensor_html(from_numpy(np.array(sample)))
    elif isinstance(sample, Tensor):
        yield tensor_html(sample)
    else:
        yield escape(str(sample)[:TEXT])
