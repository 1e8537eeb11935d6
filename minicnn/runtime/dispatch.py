"""Selects the kernel of each operation call; no other module does.

An operation is a name. A kernel is a function registered for an operation and a backend. A device lists its backends
in order. A backend with several kernels for an operation lists them in order too (`order`). The last kernel is the
reference, the body of the primitive: it supports every call.

The first kernel that supports the call (`supports`) and is faster than the kernels after it (`profitable`) runs.
`explain` prints the reasons, `use_kernel` forces another kernel that supports the call, and `use_backends` limits the
choice.

A decorator registers a new kernel:

    @kernel("conv", "numpy", name="pointwise", supports=lambda x, w, spec: ..., requires="a 1×1 kernel")
    def conv_pointwise(x, w, *, spec): ...
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from minicnn.errors import KernelError
from minicnn.runtime.devices import CPU, CUDA, Device
from minicnn.runtime.memory import keep_freed

__all__ = [
    "Kernel",
    "explain",
    "kernel",
    "kernels",
    "operations",
    "order",
    "select",
    "select_fused",
    "use_backends",
    "use_kernel",
]


@dataclass(frozen=True, slots=True)
class Kernel:
    """One implementation of an operation: arrays and parameters in, arrays out."""

    operation: str
    backend: str
    name: str
    function: Callable[..., Any]
    supports: Callable[..., bool] | None = None
    requires: str = ""
    profitable: Callable[..., bool] | None = None
    best_for: str = ""

    def accepts(self, arrays: Sequence[Any], params: Mapping[str, Any]) -> bool:
        """Return whether the kernel supports this call."""
        return self.supports is None or self.supports(*arrays, **params)


_table: dict[str, list[Kernel]] = {}
_order: dict[tuple[str, str], tuple[str, ...]] = {}  # names of kernels by (backend, operation)
_forced: ContextVar[Mapping[str, str]] = ContextVar("forced kernels", default={})  # noqa: B039 (never mutated)
_allowed: ContextVar[tuple[str, ...] | None] = ContextVar("allowed backends", default=None)


def kernel(
    operation: str,
    backend: str,
    *,
    name: str,
    supports: Callable[..., bool] | None = None,
    requires: str = "",
    profitable: Callable[..., bool] | None = None,
    best_for: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a kernel for an operation.

    Parameters
    ----------
    operation, backend, name : str
        The kernel's name is unique for the operation and the backend.
    supports : callable, optional
        Takes the kernel's arguments. True if the kernel is correct for them. Default: always.
    requires : str, optional
        The condition `supports` in words, for `explain` and errors.
    profitable : callable, optional
        Takes the kernel's arguments. True if the kernel is faster than the kernels after it. Default: always. It
        runs before `supports`, so it must accept any arguments. A forced kernel runs without it, and so do the tests.
    best_for : str, optional
        The condition `profitable` in words.

    Raises
    ------
    KernelError
        If the operation already has a kernel with this name.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        entries = _table.setdefault(operation, [])
        if any(k.name == name and (k.backend == backend or "reference" in (k.backend, backend)) for k in entries):
            raise KernelError(f"kernel: {operation!r} already has a kernel {name!r}; choose another name")
        entries.append(Kernel(operation, backend, name, function, supports, requires, profitable, best_for))
        _forget()
        return function

    return register


def order(backend: str, **operations: tuple[str, ...]) -> None:
    """Set the order in which the kernels of a backend are tried, for each operation with several kernels.

    Each backend calls this once. A kernel that a user registers needs no place in the order: it is tried first.

    Raises
    ------
    KernelError
        If an operation has an order already.
    """
    for operation, names in operations.items():
        if (backend, operation) in _order:
            raise KernelError(
                f"order: the kernels of {backend} for {operation!r} have an order already; a new kernel needs no place "
                "in it, because it is tried first"
            )
        _order[backend, operation] = names
    _forget()


@cache
def kernels(operation: str, device: Device, allowed: tuple[str, ...] | None = None) -> tuple[Kernel, ...]:
    """Return the kernels that may run an operation on a device, in the order in which they are tried.

    Parameters
    ----------
    operation : str
    device : Device
    allowed : tuple of str, optional
        Use only these backends. Default: all backends of the device.

    Raises
    ------
    KernelError
        If the operation does not exist.
    """
    if device.on_host:
        keep_freed()
    backends = [backend for backend in device.backends if allowed is None or backend in allowed]
    for backend in backends:
        importlib.import_module(f"minicnn.backends.{backend}")
    if operation not in _table:
        raise KernelError(f"kernels: there is no operation {operation!r}; there are {', '.join(sorted(_table))}")
    return tuple(k for backend in (*backends, "reference") for k in _ordered(backend, operation))


def _ordered(backend: str, operation: str) -> list[Kernel]:
    """Return a backend's kernels for an operation: first the kernels without a place in its order, the newest first."""
    found = {k.name: k for k in _table[operation] if k.backend == backend}
    names = _order.get((backend, operation), ())
    return [k for name, k in reversed(found.items()) if name not in names] + [found[n] for n in names if n in found]


def operations() -> list[str]:
    """Return the names of all operations."""
    return sorted(_table)


def select(operation: str, device: Device, arrays: list[Any], params: dict[str, Any]) -> Callable[..., Any]:
    """Return the kernel that runs an operation on these arrays, as a function.

    Raises
    ------
    KernelError
        If the operation does not exist, or a forced kernel does not exist or does not support the call.
    """
    candidates = kernels(operation, device, _allowed.get())
    forced = _forced.get().get(operation)
    if forced is not None:
        chosen = _named(operation, forced, candidates)
        if not chosen.accepts(arrays, params):
            raise KernelError(
                f"{operation}: kernel {forced!r} does not support {_shapes(arrays)} with {params}: "
                f"it requires {chosen.requires}"
            )
        return chosen.function
    for k in candidates:
        if (k.profitable is None or k.profitable(*arrays, **params)) and (
            k.supports is None or k.supports(*arrays, **params)
        ):
            break
    return k.function  # the last candidate is the reference, which supports every call


def _shapes(arrays: Sequence[Any]) -> str:
    return ", ".join(str(a.shape) if hasattr(a, "shape") else f"{len(a)} arrays" for a in arrays)


def select_fused(
    operation: str, parts: tuple[str, ...], device: Device, arrays: list[Any], params: dict[str, Any]
) -> Callable[..., Any] | None:
    """Return the kernel that computes several operations, `parts`, in one pass.

    Return None if only the reference supports the call, if `use_kernel` forces a kernel of a part, or if a user has
    registered a kernel for a part: the fused kernel would hide it.

    Raises
    ------
    KernelError
        If a forced kernel does not exist or does not support the call.
    """
    forced = _forced.get()
    allowed = _allowed.get()
    if (forced and not forced.keys().isdisjoint(parts)) or _users(parts, device, allowed):
        return None
    chosen = select(operation, device, arrays, params)
    return None if chosen is kernels(operation, device, allowed)[-1].function else chosen


@cache
def _users(operations: tuple[str, ...], device: Device, allowed: tuple[str, ...] | None) -> bool:
    """Return whether a user has registered a kernel for one of the operations."""
    functions = (k.function for operation in operations for k in kernels(operation, device, allowed))
    return any(not getattr(f, "__module__", "").startswith("minicnn.") for f in functions)


def _forget() -> None:
    """Clear the caches, because there is a new kernel or a new order."""
    kernels.cache_clear()
    _users.cache_clear()


@contextmanager
def use_kernel(operation: str, name: str) -> Iterator[None]:
    """Force a kernel for an operation inside a `with` block. A call that it does not support raises KernelError.

    Raises
    ------
    KernelError
        If the operation does not exist.

    Examples
    --------
    >>> import minicnn
    >>> with minicnn.use_kernel("conv", "reference"):
    ...     y = minicnn.nn.functional.conv2d(minicnn.ones(1, 1, 3, 3), minicnn.ones(1, 1, 3, 3))
    >>> y.item()
    9.0
    """
    if operation not in _table:
        raise KernelError(f"use_kernel: there is no operation {operation!r}; there are {', '.join(operations())}")
    token = _forced.set({**_forced.get(), operation: name})
    try:
        yield
    finally:
        _forced.reset(token)


@contextmanager
def use_backends(*backends: str) -> Iterator[None]:
    """Use only the kernels of these backends and the references inside a `with` block.

    Without an argument, use only the references.

    Parameters
    ----------
    *backends : str
        "native", "numpy" or "cuda".

    Raises
    ------
    KernelError
        If a backend does not exist.

    Examples
    --------
    >>> import minicnn
    >>> with minicnn.use_backends("numpy"):
    ...     y = minicnn.relu(minicnn.ones(3))
    >>> with minicnn.use_backends():
    ...     print(minicnn.explain("relu", y))
    relu on cpu for (3,):
      reference/reference: taken
    """
    known = list(dict.fromkeys(backend for device in (CPU, CUDA) for backend in device.backends))
    for backend in backends:
        if backend not in known:
            raise KernelError(f"use_backends: there is no backend {backend!r}; there are {', '.join(known)}")
    token = _allowed.set(backends)
    try:
        yield
    finally:
        _allowed.reset(token)


def explain(operation: str, *inputs: Any, **params: Any) -> str:
    """Return a text with a line for each kernel of an operation: "taken", or the reason why it is not taken.

    Parameters
    ----------
    operation : str
    *inputs : Tensor or array
    **params
        The operation's parameters.

    Raises
    ------
    KernelError
        If the operation does not exist, there is no input, or a forced kernel does not support the call.

    Examples
    --------
    >>> import numpy as np
    >>> print(explain("sin", np.zeros(3)))
    sin on cpu for (3,):
      reference/reference: taken
    """
    lists = [x if isinstance(x, list) else [x] for x in inputs]  # the inputs of an optimizer step are lists
    first = next((x for tensors in lists for x in tensors), None)
    if first is None:
        raise KernelError(f"explain: the kernel of {operation!r} depends on its inputs; pass at least one input")
    place = getattr(first, "device", None)  # NumPy and CuPy arrays also have this attribute, with other values
    device = place if isinstance(place, Device) else CPU if isinstance(first, np.ndarray) else CUDA
    unwrapped = [[getattr(x, "array", x) for x in tensors] for tensors in lists]
    arrays = [u if isinstance(x, list) else u[0] for x, u in zip(inputs, unwrapped, strict=True)]
    chosen = select(operation, device, arrays, params)
    lines = [f"{operation} on {device} for {_shapes(arrays)}:"]
    taken = False
    for k in kernels(operation, device, _allowed.get()):
        if k.function is chosen:
            verdict, taken = "taken", True
        elif not k.accepts(arrays, params):
            verdict = f"does not support this: requires {k.requires}"
        elif k.profitable is not None and not k.profitable(*arrays, **params):
            verdict = f"not profitable here: best for {k.best_for}"
        else:
            verdict = "possible, but comes after" if taken else "possible, but another was forced"
        lines.append(f"  {k.backend}/{k.name}: {verdict}")
    return "\n".join(lines)


def _named(operation: str, name: str, candidates: tuple[Kernel, ...]) -> Kernel:
    for k in candidates:
        if k.name == name:
            return k
    names = ", ".join(k.name for k in candidates)
    raise KernelError(f"{operation}: there is no kernel {name!r} on this device; there are {names}")
