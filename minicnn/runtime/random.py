"""Random numbers. One generator is shared by all operations, layers and initialisers; `manual_seed` seeds it.

Whoever wants a source of their own makes a `Generator` and passes it on as `generator=`. A checkpoint stores the state
of the shared one. While the loader prepares a batch, `drawing_from` replaces it in this thread by a stream that depends
on the seed, the epoch and the batch alone. So threads never share it.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import Parameter, signature
from typing import Any, Self, TypeVar

import numpy as np

from minicnn.errors import ArgumentError
from minicnn.runtime.devices import Device

__all__ = [
    "Generator",
    "default_generator",
    "drawing_from",
    "generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
    "takes_generator",
]

R = TypeVar("R")


class Generator:
    """A source of random numbers with its own seed and state: `minicnn.randn(3, generator=Generator().manual_seed(1))`.

    Parameters
    ----------
    device : str or Device
        Numbers are drawn on the CPU and copied, so that a seed gives the same numbers on every device.

    Raises
    ------
    DeviceError
        If there is no such device.

    Examples
    --------
    >>> a, b = Generator().manual_seed(3), Generator().manual_seed(3)
    >>> bool(a.numpy.random() == b.numpy.random())
    True
    """

    def __init__(self, device: str | Device = "cpu") -> None:
        self.device = Device.named(device)
        self.numpy = np.random.Generator(np.random.PCG64(0))
        self._seed = 0

    def manual_seed(self, seed: int) -> Self:
        """Seed the generator: the same seed gives exactly the same numbers. Return the generator.

        Raises
        ------
        ArgumentError
            If the seed is not an integer of at least 0.
        """
        try:
            state = np.random.PCG64(int(seed)).state
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"manual_seed: the seed must be an integer of at least 0, got {seed!r}") from error
        self.numpy.bit_generator.state, self._seed = state, int(seed)
        return self

    def seed(self) -> int:
        """Seed the generator with a number that nobody can predict, and return this number."""
        return self.manual_seed(secrets.randbits(63)).initial_seed()

    def initial_seed(self) -> int:
        """Return the last seed (0 if there was none)."""
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """Return the state as numbers and strings that JSON can store."""
        return dict(self.numpy.bit_generator.state)

    def set_state(self, new_state: dict[str, Any]) -> Self:
        """Set a state that `get_state` returned. Return the generator.

        Raises
        ------
        ArgumentError
            If the argument is not a state.
        """
        try:
            self.numpy.bit_generator.state = new_state
        except (TypeError, ValueError, KeyError) as error:
            raise ArgumentError(
                f"set_state: expected the result of get_state() or get_rng_state(), got {new_state!r:.80}"
            ) from error
        return self

    def clone_state(self) -> "Generator":
        """Return another generator with the same seed and state."""
        return Generator(self.device).manual_seed(self._seed).set_state(self.get_state())


default_generator = Generator()
_stream: ContextVar[np.random.Generator] = ContextVar("_stream")


def generator(chosen: Generator | None = None) -> np.random.Generator:
    """Return NumPy's generator to draw from: of the given one, or else the shared one.

    Raises
    ------
    ArgumentError
        If the argument is not a Generator.
    """
    return _stream.get(default_generator.numpy) if chosen is None else _numbers_of(chosen)


def _numbers_of(chosen: Generator) -> np.random.Generator:
    if not isinstance(chosen, Generator):
        raise ArgumentError(f"generator: expected a minicnn.Generator, got {type(chosen).__name__}")
    return chosen.numpy


@contextmanager
def drawing_from(stream: np.random.Generator) -> Iterator[None]:
    """Let this thread draw from `stream` instead of the shared generator."""
    token = _stream.set(stream)
    try:
        yield
    finally:
        _stream.reset(token)


def takes_generator(function: Callable[..., R]) -> Callable[..., R]:
    """Give a function that draws random numbers a last argument `generator`, None for the shared generator."""
    own = signature(function)
    places = sum(p.kind is not p.KEYWORD_ONLY for p in own.parameters.values())
    kind = Parameter.POSITIONAL_OR_KEYWORD if places == len(own.parameters) else Parameter.KEYWORD_ONLY

    @wraps(function)
    def call(*args: Any, generator: Generator | None = None, **kwargs: Any) -> R:
        if len(args) == places + 1 and kind is not Parameter.KEYWORD_ONLY:
            *args, generator = args  # type: ignore[assignment]
        if generator is None:
            return function(*args, **kwargs)
        with drawing_from(_numbers_of(generator)):
            return function(*args, **kwargs)

    last = Parameter("generator", kind, default=None, annotation=Generator | None)
    call.__signature__ = own.replace(parameters=[*own.parameters.values(), last])  # type: ignore[attr-defined]
    return call


def manual_seed(seed: int) -> Generator:
    """Seed the shared generator: the same seed gives exactly the same random numbers. Return the generator.

    Raises
    ------
    ArgumentError
        If the seed is not an integer of at least 0.
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the shared generator with a number that nobody can predict, and return this number."""
    return default_generator.seed()


def initial_seed() -> int:
    """Return the last seed that `manual_seed` set (0 before that)."""
    return default_generator.initial_seed()


def get_rng_state() -> dict[str, Any]:
    """Return the state of the shared generator as numbers and strings that JSON can store."""
    return default_generator.get_state()


def set_rng_state(new_state: dict[str, Any]) -> None:
    """Set the state of the shared generator to a state from `get_rng_state`.

    Raises
    ------
    ArgumentError
        If the argument is not a state.
    """
    default_generator.set_state(new_state)
