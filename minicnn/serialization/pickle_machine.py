"""An interpreter of pickles that runs no function of Python, unless it is in a given list.

A pickle is a program for a small stack machine. Python's `pickle` module may call any function that the program names,
so it is not used. `Machine` interprets the instructions that build containers, numbers and text, and it calls the
functions of its list. It refuses everything else by name. `pickletools` of the standard library explains all
instructions.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["Machine", "Name", "RefusedError", "key_of"]


class RefusedError(Exception):
    """The file asks for something that is not read."""


class Name:
    """A global name that the pickle mentions. It is a text, not the object."""

    def __init__(self, module: Any, name: Any) -> None:
        self.module, self.name = module, name
        self.text = f"{module}.{name}"[:200]


MARK = object()


class Machine:
    """Interprets a pickle of protocol 2 to 5.

    Parameters
    ----------
    program : bytes
    functions : mapping of str to callable
        The functions that it may call, by their full names.
    constants : mapping of str to object
        The values of other names.
    find : callable
        Returns a value that is not in the pickle, from its description.
    """

    def __init__(
        self,
        program: bytes,
        functions: Mapping[str, Callable[..., Any]],
        constants: Mapping[str, Any],
        find: Callable[[Any], Any],
    ) -> None:
        self.program, self.place = program, 0
        self.functions, self.constants, self.find = functions, constants, find
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Return the value that the program builds."""
        while True:
            code = self.take(1)
            if code == b".":
                return self.value(self.stack.pop())
            step = STEPS.get(code)
            if step is None:
                raise RefusedError(f"it has the instruction {code!r}")
            step(self)

    # --- reading ----------------------------------------------------------------------------------------------

    def take(self, count: int) -> bytes:
        """Return the next bytes of the program."""
        if count < 0 or self.place + count > len(self.program):
            raise ValueError("the pickle ends too early")
        part = self.program[self.place : self.place + count]
        self.place += count
        return part

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def line(self) -> str:
        end = self.program.index(b"\n", self.place)
        text = self.take(end - self.place).decode()
        self.take(1)
        return text

    def marked(self) -> list[Any]:
        """Return the values since the last mark, and remove them and the mark."""
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] is MARK:
                values = self.stack[index + 1 :]
                del self.stack[index:]
                return values
        raise ValueError("there is no mark")

    def value(self, value: Any) -> Any:
        """Return a finished value: a name must not leave the machine."""
        if isinstance(value, Name):
            if value.text in self.constants:
                return self.constants[value.text]
            raise RefusedError(f"it holds {value.text}")
        if value is MARK:
            raise ValueError("a mark is no value")
        has_names = type(value) is tuple and any(isinstance(v, Name) for v in value)
        return tuple(map(self.value, value)) if has_names else value

    def values(self, several: list[Any]) -> list[Any]:
        return [self.value(v) for v in several]

    # --- containers -------------------------------------------------------------------------------------------

    def set_items(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) not in (dict, OrderedDict) or len(pairs) % 2:
            raise ValueError("items of something that is no dict")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            target[key_of(self.value(key))] = self.value(value)

    def new_dict(self, pairs: list[Any]) -> None:
        self.stack.append({})
        self.set_items(pairs)

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is list:
            target.extend(self.values(values))
        elif type(target) is set:
            target.update(key_of(v) for v in self.values(values))
        else:
            raise ValueError("elements of something that is no list")

    # --- objects ----------------------------------------------------------------------------------------------

    def outside(self) -> None:
        """Replace the description of a value that is not in the pickle by the value."""
        self.stack.append(self.find(self.stack.pop()))

    def call(self) -> None:
        """Replace a function and its arguments by the result; few functions are known."""
        arguments = self.stack.pop()
        function = self.stack.pop()
        text = function.text if isinstance(function, Name) else type(function).__name__
        make = self.functions.get(text)
        if make is None or type(arguments) is not tuple:
            raise RefusedError(f"it wants to call {text}")
        self.stack.append(make(*self.values(list(arguments))))

    def make(self) -> None:
        """Refuse to make an object of a class."""
        del self.stack[-1:]
        function = self.stack.pop()
        raise RefusedError(f"it holds an object of {function.text if isinstance(function, Name) else 'a class'}")

    def build(self) -> None:
        """Drop the attributes of an object: PyTorch puts the versions of layers beside a state dict."""
        self.stack.pop()
        if not isinstance(self.stack[-1], OrderedDict | np.dtype):
            raise RefusedError(f"it sets attributes of a {type(self.stack[-1]).__name__}")


def key_of(value: Any) -> Any:
    """Return a key of a dict: text, a number or a tuple of them. RefusedError otherwise: Python hashes by recursion."""
    parts = value if type(value) is tuple else (value,)
    if any(not isinstance(v, str | int | float | bool | None) for v in parts):
        raise RefusedError("it has a key that is neither text nor number")
    return value


def _steps() -> dict[bytes, Callable[[Machine], Any]]:
    """Return what each instruction does; pickletools of the standard library lists and explains them."""

    def push(make: Callable[[Machine], Any]) -> Callable[[Machine], None]:
        return lambda m: m.stack.append(make(m))

    def long_number(size: Callable[[Machine], int]) -> Callable[[Machine], None]:
        return push(lambda m: int.from_bytes(m.take(size(m)), "little", signed=True))

    def text(size: str) -> Callable[[Machine], None]:
        return push(lambda m: m.take(m.number(size)).decode("utf-8", "surrogatepass"))

    def raw(size: str) -> Callable[[Machine], None]:
        return push(lambda m: m.take(m.number(size)))

    def inside(m: Machine, values: list[Any]) -> tuple[Any, ...]:
        return tuple(v if isinstance(v, Name) else m.value(v) for v in values)  # a call may use the name

    def last(count: int) -> Callable[[Machine], None]:
        def step(m: Machine) -> None:
            if len(m.stack) < count:
                raise ValueError("the stack is empty")
            values = m.stack[-count:]
            del m.stack[-count:]
            m.stack.append(inside(m, values))

        return step

    def remember(size: str | None) -> Callable[[Machine], None]:
        def step(m: Machine) -> None:
            m.memo[len(m.memo) if size is None else m.number(size)] = m.stack[-1]

        return step

    def two(m: Machine) -> list[Any]:
        value, key = m.stack.pop(), m.stack.pop()
        return [key, value]

    def named(m: Machine) -> Name:
        name, module = m.stack.pop(), m.stack.pop()
        return Name(module, name)

    return {
        b"\x80": lambda m: m.take(1),  # PROTO
        b"\x95": lambda m: m.take(8),  # FRAME
        b"(": push(lambda m: MARK),
        b"0": lambda m: m.stack.pop(),
        b"1": lambda m: m.marked(),
        b"N": push(lambda m: None),
        b"\x88": push(lambda m: True),
        b"\x89": push(lambda m: False),
        b"K": push(lambda m: m.number("<B")),
        b"M": push(lambda m: m.number("<H")),
        b"J": push(lambda m: m.number("<i")),
        b"\x8a": long_number(lambda m: m.number("<B")),
        b"\x8b": long_number(lambda m: m.number("<i")),
        b"G": push(lambda m: m.number(">d")),
        b"X": text("<I"),
        b"\x8c": text("<B"),
        b"\x8d": text("<Q"),
        b"U": raw("<B"),
        b"T": raw("<i"),
        b"C": raw("<B"),
        b"B": raw("<I"),
        b"}": push(lambda m: {}),
        b"]": push(lambda m: []),
        b")": push(lambda m: ()),
        b"\x8f": push(lambda m: set()),
        b"\x85": last(1),
        b"\x86": last(2),
        b"\x87": last(3),
        b"t": push(lambda m: inside(m, m.marked())),
        b"d": lambda m: m.new_dict(m.marked()),
        b"l": push(lambda m: m.values(m.marked())),
        b"u": lambda m: m.set_items(m.marked()),
        b"s": lambda m: m.set_items(two(m)),
        b"e": lambda m: m.append(m.marked()),
        b"a": lambda m: m.append([m.stack.pop()]),
        b"\x90": lambda m: m.append(m.marked()),
        b"q": remember("<B"),
        b"r": remember("<I"),
        b"\x94": remember(None),
        b"h": push(lambda m: m.memo[m.number("<B")]),
        b"j": push(lambda m: m.memo[m.number("<I")]),
        b"c": push(lambda m: Name(m.line(), m.line())),
        b"\x93": push(named),
        b"Q": lambda m: m.outside(),
        b"R": lambda m: m.call(),
        b"b": lambda m: m.build(),
        b"\x81": lambda m: m.make(),
    }


STEPS = _steps()
