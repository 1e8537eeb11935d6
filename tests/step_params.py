"""Runs an optimizer's kernel for several steps, with parameters from a dictionary."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.backends.step_options import AdamOptions, SGDOptions


def packed(params: dict[str, Any]) -> dict[str, Any]:
    """Put the options of Adam or SGD into AdamOptions or SGDOptions; keep the other entries (`steps`, `shares`)."""
    kind = AdamOptions if "beta1" in params else SGDOptions
    options = kind(**{name: params[name] for name in kind._fields})
    return {"options": options, **{name: value for name, value in params.items() if name not in kind._fields}}


STEPS = 20


def trajectory(
    function: Callable[..., None],
    operation: str,
    shapes: list[tuple[int, ...]],
    dtype: Any,
    options: dict[str, Any],
    kept: tuple[bool, ...],
    seed: int,
) -> list[Any]:
    """Return parameters and state after STEPS steps; `kept` says which state arrays each parameter has."""
    rng = np.random.default_rng(seed)
    counts = [int(c) for c in rng.integers(0, 5, len(shapes))]  # earlier steps of each parameter
    parameters = [rng.normal(size=s).astype(dtype) for s in shapes]
    state = [[np.zeros_like(p) for p in parameters] if here else [] for here in kept]
    for step in range(1, STEPS + 1):
        gradients = [rng.normal(size=s).astype(dtype) for s in shapes]
        gradients = [g[::-1] if g.ndim else g for g in gradients]  # not contiguous
        per_parameter = {
            "adam_step": {"steps": [c + step for c in counts]},
            "sgd_step": {"shares": [1.0 if step == 1 else 1 - 0.1 * c for c in counts]},
        }[operation]
        function(parameters, gradients, *state, **packed({**per_parameter, **options}))
    return [*parameters, *(a for arrays in state for a in arrays)]
