"""Checks of arguments that the files of `minicnn.data` share, so that their messages have the same form."""

import operator
from collections.abc import Collection
from typing import Any

from minicnn.errors import DataError

__all__ = ["check_choice", "check_integer"]


def check_integer(call: str, name: str, value: Any, minimum: int) -> int:
    """Return `value` as an int.

    Raises
    ------
    DataError
        If it is not an integer (True and 2.0 are not accepted), or below `minimum`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < minimum:
        raise DataError(f"{call}: {name} must be an integer of at least {minimum}, got {value!r}; pass e.g. {minimum}")
    return number


def check_choice(call: str, name: str, value: Any, choices: Collection[str]) -> None:
    """Raise DataError if `value` is not in `choices`."""
    if value not in choices:
        raise DataError(f"{call}: {name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
