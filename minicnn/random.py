"""Random numbers under PyTorch's address `random`: seeds, states, and `fork_rng`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minicnn.runtime.random import get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__all__ = ["fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


@contextmanager
def fork_rng(
    devices: Any = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str | None = None,
) -> Iterator[None]:
    """Put the shared generator back at the end of a `with` block to the state that it had before.

    Parameters
    ----------
    enabled : bool
        False: the block has no effect.
    devices, device_type
        No effect: there is one generator.

    Examples
    --------
    >>> import minicnn
    >>> with fork_rng():
    ...     first = minicnn.rand(2)
    >>> minicnn.equal(minicnn.rand(2), first)
    True
    """
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)
