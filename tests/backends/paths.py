"""A case is a call that reaches one path of one kernel; `check` compares its result with the reference.

The tables of cases are in native/path_table.py and numpy/path_table.py. A kernel has paths for whole panels and for the
rest, for several blocks, for padding on one side. Hypothesis draws small shapes, which reach only some of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

import minicnn
from minicnn.geometry import conv_spec, pool_spec
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CPU
from minicnn.testing import fill_empty_with_nan

Array = np.ndarray[Any, Any]
Made = tuple[tuple[Any, ...], dict[str, Any]]  # inputs and parameters
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}  # of the largest element


@dataclass(frozen=True, eq=False)
class Case:
    """A call of a kernel. `make` returns its inputs: floats are float64, and exact in float32."""

    operation: str
    kernel: str
    path: str
    make: Callable[[np.random.Generator], Made]
    forced: dict[str, str] = field(default_factory=dict)  # the kernels of the operations that the kernel calls
    source: str = ""  # the file in kernels/cpu, for a native kernel
    dtypes: tuple[str, ...] = ("float32", "float64")

    def __str__(self) -> str:
        return f"{self.operation}/{self.kernel}: {self.path}"

    @lru_cache(maxsize=1)  # noqa: B019 (cases live as long as the tests)
    def made(self) -> Made:
        return self.make(np.random.default_rng(len(self.path)))

    @lru_cache(maxsize=1)  # noqa: B019
    def expected(self) -> tuple[Array, ...]:
        *_, reference = dispatch.kernels(self.operation, CPU)
        inputs, params = self.made()
        return outputs(reference, inputs, params)


def numbers(rng: np.random.Generator, *shape: int) -> Array:
    """Return normal random numbers in float64 that are exact in float32."""
    return rng.standard_normal(shape).astype(np.float32).astype(np.float64)


def positive(rng: np.random.Generator, *shape: int) -> Array:
    return rng.uniform(0.25, 3, shape).astype(np.float32).astype(np.float64)


def cast(inputs: Sequence[Any], dtype: str) -> tuple[Any, ...]:
    """Convert floating-point arrays; an array that was broadcast without a copy stays so."""

    def one(x: Array) -> Array:
        if x.dtype.kind != "f":
            return x
        once = x[tuple(slice(0, 1) if step == 0 else slice(None) for step in x.strides)]
        return np.broadcast_to(once.astype(dtype), x.shape) if once.shape != x.shape else x.astype(dtype)

    return tuple(map(one, inputs))


def odd(x: Array) -> Array:
    """Return the same numbers in another memory layout: backwards, with gaps, and with NaN in the gaps."""
    if not x.ndim or not x.size:
        return x
    room = np.full([2 * s + 1 for s in x.shape], np.nan if x.dtype.kind == "f" else 1, x.dtype)
    part = room[tuple(slice(2 * s - 1, None, -2) for s in x.shape)]
    part[...] = x
    return part


def outputs(kernel: dispatch.Kernel, inputs: Sequence[Any], params: dict[str, Any]) -> tuple[Array, ...]:
    with np.errstate(all="ignore"), fill_empty_with_nan():
        out = kernel.function(*inputs, **params)
    return out if type(out) is tuple else (out,)


def check(case: Case, backend: str, dtype: str) -> None:
    """Compare a kernel with the reference: plain and odd memory layouts, and equal bits with 1, 2 and 3 threads."""
    kernel = next(
        k for k in dispatch.kernels(case.operation, CPU, (backend,)) if (k.backend, k.name) == (backend, case.kernel)
    )
    plain, params = case.made()
    inputs = cast(plain, dtype)
    assert kernel.accepts(inputs, params), "the kernel does not take this call"
    strange = [odd(x) for x in inputs]
    results = []
    contexts = [dispatch.use_kernel(operation, name) for operation, name in case.forced.items()]
    before = minicnn.get_num_threads()
    try:
        for context in contexts:
            context.__enter__()
        for number in (1, 2, 3):
            minicnn.set_num_threads(number)
            results.append(outputs(kernel, inputs, params))
        if kernel.accepts(strange, params):
            minicnn.set_num_threads(1)
            results.append(outputs(kernel, strange, params))
    finally:
        minicnn.set_num_threads(before)
        for context in reversed(contexts):
            context.__exit__(None, None, None)
    for number, again in enumerate(results[1:3], 2):
        for y, same in zip(again, results[0], strict=True):
            assert y.tobytes() == same.tobytes(), f"{number} threads gave other bits than one"
    for where, result in (("plain", results[0]), ("odd", results[-1])):
        for y, right in zip(result, case.expected(), strict=True):
            assert y.shape == right.shape
            finite = np.isfinite(right)
            largest = max(0.01, float(np.abs(right[finite]).max(initial=0)))
            np.testing.assert_allclose(
                y,
                right,
                rtol=0,
                atol=TOLERANCE[dtype] * largest,
                equal_nan=not finite.all(),
                err_msg=f"from {where} memory",
            )


# --- calls with sliding windows -----------------------------------------------------------------------------------


def conv(
    operation: str,
    kernel: str,
    path: str,
    x: tuple[int, ...],
    w: tuple[int, ...],
    forced: dict[str, str] | None = None,
    source: str = "",
    dtypes: tuple[str, ...] = ("float32", "float64"),
    infinite: bool = False,
    **geometry: Any,
) -> Case:
    """Return a case of a convolution of x (N, C, *I) with w (F, C/G, *K), of a gradient, or of a convolution block.

    For an input gradient, w is (C, F/G, *K) and x has F channels. So every operation sums over the same number of
    products for the same shapes. With `infinite`, some pixels are infinite: outputs that do not read them stay finite.
    """
    turned = operation.startswith(("conv_input_grad", "conv_transpose"))
    if turned:
        groups = geometry.get("groups", 1)
        x, w = (x[0], w[0], *x[2:]), (x[1], w[0] // groups, *w[2:])
    spec = conv_spec("test", x, w, **geometry)
    y = (x[0], w[0], *spec.output_size)

    def make(rng: np.random.Generator) -> Made:
        first = numbers(rng, *(y if turned else x))
        if infinite:
            first[0, 0].flat[[0, -1]] = np.inf
            first[0, 0, ..., -1] = np.inf
            first[-1, -1, ..., 0] = np.inf
        if operation == "conv_weight_grad":
            return (first, numbers(rng, *y)), {"spec": spec}
        bias = (numbers(rng, x[1] if turned else w[0]),) if "bias" in operation else ()
        return (first, numbers(rng, *w), *bias), {"spec": spec}

    return Case(operation, kernel, path, make, forced or {}, source, dtypes)


def pool(
    operation: str,
    kernel: str,
    path: str,
    x: tuple[int, ...],
    size: Any,
    special: str = "",
    source: str = "",
    **geometry: Any,
) -> Case:
    """Return a case of a pooling of x (N, C, *I), or of its gradient. `special` values: "nan", "equal" or "-inf"."""
    spec = pool_spec("test", x, size, axes=len(x) - 2, **geometry)
    y = (*x[:2], *spec.output_size)

    def make(rng: np.random.Generator) -> Made:
        a = numbers(rng, *x)
        if special == "nan":
            a[rng.random(x) < 0.2] = np.nan
        elif special == "equal":
            a = np.round(a)
        elif special == "-inf":
            a[...] = -np.inf
        if operation in ("max_pool", "avg_pool"):
            return (a,), {"spec": spec}
        if operation == "avg_pool_input_grad":
            return (numbers(rng, *y),), {"spec": spec}
        *_, reference = dispatch.kernels("max_pool", CPU)
        winner = reference.function(a, spec=spec)[1]
        return ((numbers(rng, *y) if operation == "max_unpool" else a), winner), {"spec": spec}

    return Case(operation, kernel, path, make, source=source)
