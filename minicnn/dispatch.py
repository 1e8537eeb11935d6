"""THE place where an operation picks its kernel.

An operation is a name. Kernels are functions registered under that name with a tag: the backend they belong to.
A device lists the tags it tries, in order; the reference, the primitive's own body, comes last and always applies.
The first kernel that applies (`when`) and is worth its call (`pays`) is taken: `explain` prints why, `use_kernel`
forces another that applies, `use_backends` leaves backends out.

A new kernel is one decorator:

    @kernel("conv", "numpy", name="pointwise", when=lambda x, w, spec: ..., needs="a 1×1 kernel")
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

from minicnn.devices import CPU, CUDA, Device
from minicnn.errors import KernelError
from minicnn.memory import keep_freed

__all__ = ["Kernel", "explain", "fuses", "kernel", "kernels", "operations", "select", "use_backends", "use_kernel"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """One implementation of an operation: arrays and parameters in, arrays out."""

    operation: str
    tag: str
    name: str
    function: Callable[..., Any]
    when: Callable[..., bool] | None = None
    needs: str = ""
    pays: Callable[..., bool] | None = None
    worth: str = ""

    def applies(self, arrays: Sequence[Any], params: Mapping[str, Any]) -> bool:
        """Whether it can run this call."""
        return self.when is None or self.when(*arrays, **params)


_table: dict[str, list[Kernel]] = {}
_forced: ContextVar[Mapping[str, str]] = ContextVar("forced kernels", default={})  # noqa: B039 (never mutated)
_allowed: ContextVar[tuple[str, ...] | None] = ContextVar("allowed backends", default=None)


def kernel(
    operation: str,
    tag: str,
    *,
    name: str,
    when: Callable[..., bool] | None = None,
    needs: str = "",
    pays: Callable[..., bool] | None = None,
    worth: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a kernel for an operation; among the kernels of one tag, the one registered first is tried first.

    Parameters
    ----------
    operation, tag, name : str
        The operation, the backend, and the kernel's own name, unique for the two.
    when : callable, optional
        Called as the kernel will be; true where the kernel applies. Always, if left out.
    needs : str, optional
        What `when` asks for, in words, for `explain`.
    pays : callable, optional
        True where it is faster than what would run instead. It is asked first, so it takes any arguments. A kernel that
        is forced runs where it does not pay as well, and so do the tests.
    worth : str, optional
        What `pays` asks for, in words.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        entries = _table.setdefault(operation, [])
        if any(k.name == name and (k.tag == tag or "reference" in (k.tag, tag)) for k in entries):
            raise KernelError(f"kernel: {operation!r} has a kernel {name!r} already; choose another name")
        entries.append(Kernel(operation, tag, name, function, when, needs, pays, worth))
        kernels.cache_clear()
        return function

    return register


@cache
def kernels(operation: str, device: Device, allowed: tuple[str, ...] | None = None) -> tuple[Kernel, ...]:
    """Return the kernels that may run an operation on a device, in the order in which they are tried.

    Parameters
    ----------
    operation : str
    device : Device
    allowed : tuple of str, optional
        The backends to choose from; all of the device's, if left out.

    Raises
    ------
    KernelError
        If there is no such operation.
    """
    if device.on_host:
        keep_freed()
    tags = [tag for tag in device.kernel_tags if allowed is None or tag in allowed]
    for tag in tags:
        importlib.import_module(f"minicnn.backends.{tag}")
    if operation not in _table:
        raise KernelError(f"kernels: there is no operation {operation!r}; there are {', '.join(sorted(_table))}")
    return tuple(k for tag in (*tags, "reference") for k in _table[operation] if k.tag == tag)


def operations() -> list[str]:
    """Return the names of all operations."""
    return sorted(_table)


def select(operation: str, device: Device, arrays: list[Any], params: dict[str, Any]) -> Callable[..., Any]:
    """Return the function that runs an operation on these arrays."""
    candidates = kernels(operation, device, _allowed.get())
    forced = _forced.get().get(operation)
    if forced is not None:
        chosen = _named(operation, forced, candidates)
        if not chosen.applies(arrays, params):
            raise KernelError(
                f"{operation}: kernel {forced!r} does not apply to {_shapes(arrays)} with {params}: "
                f"it needs {chosen.needs}"
            )
        return chosen.function
    for k in candidates:
        if (k.pays is None or k.pays(*arrays, **params)) and (k.when is None or k.when(*arrays, **params)):
            break
    return k.function  # the reference always applies


def _shapes(arrays: Sequence[Any]) -> str:
    return ", ".join(str(a.shape) if hasattr(a, "shape") else f"{len(a)} arrays" for a in arrays)


def fuses(operation: str, parts: tuple[str, ...], device: Device, arrays: list[Any], params: dict[str, Any]) -> bool:
    """Return whether a kernel does in one pass what `parts` do; not where somebody forces a kernel of one of those."""
    forced = _forced.get()
    if forced and not forced.keys().isdisjoint(parts):
        return False
    return select(operation, device, arrays, params) is not kernels(operation, device, _allowed.get())[-1].function


@contextmanager
def use_kernel(operation: str, name: str) -> Iterator[None]:
    """Force one kernel for an operation inside a `with` block; calling it where it does not apply raises KernelError.

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
def use_backends(*tags: str) -> Iterator[None]:
    """Let only the kernels of these backends run inside a `with` block, and references; without any, those alone.

    Parameters
    ----------
    *tags : str
        Of "native", "numpy" and "cuda".

    Raises
    ------
    KernelError
        If there is no such backend.

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
    known = list(dict.fromkeys(tag for device in (CPU, CUDA) for tag in device.kernel_tags))
    for tag in tags:
        if tag not in known:
            raise KernelError(f"use_backends: there is no backend {tag!r}; there are {', '.join(known)}")
    token = _allowed.set(tags)
    try:
        yield
    finally:
        _allowed.reset(token)


def explain(operation: str, *inputs: Any, **params: Any) -> str:
    """Return a line for each kernel of an operation: taken, not reached, or what it needs or is for.

    Parameters
    ----------
    operation : str
    *inputs : Tensor or array
    **params
        As the operation takes them.

    Examples
    --------
    >>> import numpy as np
    >>> print(explain("sin", np.zeros(3)))
    sin on cpu for (3,):
      reference/reference: taken
    """
    listed = [x if isinstance(x, list) else [x] for x in inputs]  # an optimizer's step takes lists
    some = next((x for one in listed for x in one), None)
    if some is None:
        raise KernelError(f"explain: which kernel {operation!r} takes depends on its inputs; pass some")
    place = getattr(some, "device", None)  # of an array, the array module's own word for it
    device = place if isinstance(place, Device) else CPU if isinstance(some, np.ndarray) else CUDA
    unwrapped = [[getattr(x, "array", x) for x in one] for one in listed]
    arrays = [u if isinstance(x, list) else u[0] for x, u in zip(inputs, unwrapped, strict=True)]
    chosen = select(operation, device, arrays, params)
    lines = [f"{operation} on {device} for {_shapes(arrays)}:"]
    taken = False
    for k in kernels(operation, device, _allowed.get()):
        if k.function is chosen:
            verdict, taken = "taken", True
        elif not k.applies(arrays, params):
            verdict = f"does not apply: needs {k.needs}"
        elif k.pays is not None and not k.pays(*arrays, **params):
            verdict = f"does not pay: is for {k.worth}"
        else:
            verdict = "applies, but comes after" if taken else "applies, but another was forced"
        lines.append(f"  {k.tag}/{k.name}: {verdict}")
    return "\n".join(lines)


def _named(operation: str, name: str, candidates: tuple[Kernel, ...]) -> Kernel:
    for k in candidates:
        if k.name == name:
            return k
    names = ", ".join(k.name for k in candidates)
    raise KernelError(f"{operation}: there is no kernel {name!r} on this device; there are {names}")
