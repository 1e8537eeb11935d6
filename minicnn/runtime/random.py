"""The random number generator of minicnn, a NumPy generator that all operations, layers and initialisers share.

`manual_seed` seeds it, and a checkpoint stores its state. Only `minicnn.data` does not use it: there a sample is random
by the seed, the epoch and the index (`random_stream` in data/dataset.py).
"""

from typing import Any

import numpy as np

from minicnn.errors import ArgumentError

__all__ = ["generator", "get_rng_state", "initial_seed", "manual_seed", "set_rng_state"]

_seed = 0
_generator = np.random.Generator(np.random.PCG64(_seed))


def generator() -> np.random.Generator:
    """Return the generator; initializers, dropout and `minicnn.randn` draw from it."""
    return _generator


def manual_seed(seed: int) -> None:
    """Seed the generator: the same seed gives exactly the same random numbers.

    Raises
    ------
    ArgumentError
        If the seed is not an integer of at least 0.
    """
    global _seed
    try:
        state = np.random.PCG64(int(seed)).state
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"manual_seed: the seed must be an integer of at least 0, got {seed!r}") from error
    _generator.bit_generator.state, _seed = state, int(seed)


def initial_seed() -> int:
    """Return the last seed that `manual_seed` set (0 before that)."""
    return _seed


def get_rng_state() -> dict[str, Any]:
    """Return the state of the generator as numbers and strings that JSON can store."""
    return dict(_generator.bit_generator.state)


def set_rng_state(new_state: dict[str, Any]) -> None:
    """Set the new_state of the generator to a new_state from `get_rng_state`.

    Raises
    ------
    ArgumentError
        If the argument is not a new_state.
    """
    try:
        _generator.bit_generator.state = new_state
    except (TypeError, ValueError, KeyError) as error:
        raise ArgumentError(f"set_rng_state: expected a state from get_rng_state(), got {new_state!r:.80}") from error
