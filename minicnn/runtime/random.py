"""The one source of randomness of the engine: a NumPy generator that a seed sets and a checkpoint keeps."""

from typing import Any

import numpy as np

from minicnn.errors import ArgumentError

__all__ = ["generator", "get_rng_state", "initial_seed", "manual_seed", "set_rng_state"]

_seed = 0
_generator = np.random.Generator(np.random.PCG64(_seed))


def generator() -> np.random.Generator:
    """Return the engine's generator; initialisers, dropout and `minicnn.randn` draw from it."""
    return _generator


def manual_seed(seed: int) -> None:
    """Seed the engine's generator: the same seed gives the same bits.

    Raises
    ------
    ArgumentError
        If the seed is not a number that is at least 0.
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
    """Return the generator's state as plain numbers and strings, fit for JSON."""
    return dict(_generator.bit_generator.state)


def set_rng_state(state: dict[str, Any]) -> None:
    """Set a state that `get_rng_state` returned.

    Raises
    ------
    ArgumentError
        If it is anything else.
    """
    try:
        _generator.bit_generator.state = state
    except (TypeError, ValueError, KeyError) as error:
        raise ArgumentError(f"set_rng_state: expected what get_rng_state() returned, got {state!r:.80}") from error
