"""Tests of the stand-in for CuPy: it has only CuPy's features, and rejects the same calls as CuPy."""

import inspect
import operator
import re
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from minicnn.runtime.devices import CUDASIM, Device
from tests import standin_cupy
from tests.standin_cupy import FUNCTIONS, UFUNCS, counting, installed, module

needs_compiler = pytest.mark.skipif(bool(Device.reasons()[CUDASIM.name]), reason="needs a C++ compiler")


@pytest.fixture(scope="module")
def real() -> ModuleType:
    """The installed CuPy, whose names and signatures are available without a GPU."""
    cupy: ModuleType = pytest.importorskip("cupy")
    assert cupy is not module
    return cupy


def public(thing: Any) -> list[str]:
    return [name for name in vars(thing) if not name.startswith("_")]


def parameters(function: Any) -> dict[str, Any]:
    """Return the parameters of a function by name; for Cython functions, from the first line of the docstring."""
    try:
        found = dict(inspect.signature(function).parameters)
    except ValueError:
        text = re.search(r"\((.*)\)", (function.__doc__ or "").partition("\n")[0])
        assert text is not None
        return {p.split("=")[0].split(" ")[-1].strip("*"): p for p in text[1].split(", ")}
    return found


# --- against CuPy ---------------------------------------------------------------------------------------------


def test_every_name_is_one_of_cupys(real):
    assert len(public(module)) > 80
    assert [name for name in public(module) if not hasattr(real, name)] == []
    assert [name for name in public(module.ndarray) if not hasattr(real.ndarray, name)] == []
    operators = [name for name in vars(module.ndarray) if name.startswith("__") and name != "__weakref__"]
    assert [name for name in operators if not hasattr(real.ndarray, name)] == []
    for name in public(module.cuda):
        assert [n for n in public(getattr(module.cuda, name)) if not hasattr(getattr(real.cuda, name), n)] == [], name
    assert [name for name in public(module.RawModule) if not hasattr(real.RawModule, name)] == []
    array = module.zeros(3)
    assert [name for name in public(array.flags) if not hasattr(real._core.flags.Flags, name)] == []
    assert [name for name in public(array.data) if not hasattr(real.cuda.MemoryPointer, name)] == []


METHODS = [f"ndarray.{name}" for name in public(module.ndarray) if callable(getattr(module.ndarray, name))]


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS, "RawModule"])
def test_every_parameter_is_one_of_cupys(real, name):
    ours, cupys = operator.attrgetter(name)(module), operator.attrgetter(name)(real)
    known = parameters(cupys)
    open_ended = {"kwargs", "operands", "args"} & known.keys()
    listed = [p for p in parameters(ours).values() if p.kind is not p.VAR_POSITIONAL and p.name != "self"]
    unknown = [p.name for p in listed if p.name not in known]
    assert not unknown or open_ended
    by_position = [p.name for p in listed if p.kind is p.POSITIONAL_OR_KEYWORD and p.name in known]
    assert by_position == [n for n in known if n != "self"][: len(by_position)]


@pytest.mark.parametrize("name", UFUNCS)
@pytest.mark.parametrize("kind", "?BilfdFD")
def test_every_result_has_the_type_of_cupys(real, name, kind):
    ours, cupys = getattr(module, name), getattr(real, name)
    known = (e for e in cupys.types if "E" not in e)  # complex numbers of two halves: NumPy has none
    fits = (e for e in known if all(np.can_cast(np.dtype(kind), c) for c in e.partition("->")[0]))
    expected = next(fits, None)
    inputs = [module.ones(2, kind)] * cupys.nin
    try:
        got = ours(*inputs).dtype
    except TypeError:
        return  # the stand-in may reject more than CuPy
    assert expected is not None
    assert got == np.dtype(expected.partition("->")[2])


def test_what_becomes_numpys_only_when_asked_is_said_in_cupys_words(real):
    memory = np.zeros(16, np.uint8)
    theirs = real.cuda.UnownedMemory(memory.ctypes.data, memory.nbytes, memory, 0)  # never read
    for array in (real.ndarray((2,), "f4", real.cuda.MemoryPointer(theirs, 0)), module.zeros(2)):
        with pytest.raises(TypeError, match=r"^Implicit conversion to a NumPy array is not allowed. Please use `.get"):
            np.asarray(array)


# --- what it refuses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mixed",
    [
        lambda m, x, n: x + n,
        lambda m, x, n: n + x,
        lambda m, x, n: m.add(x, n),
        lambda m, x, n: np.add(x, x),
        lambda m, x, n: np.sum(x),
        lambda m, x, n: np.concatenate([x, x]),
        lambda m, x, n: m.concatenate([x, n]),
        lambda m, x, n: m.where(x > 0, x, n),
        lambda m, x, n: m.where(n > 0, x, x),
        lambda m, x, n: m.matmul(x, n),
        lambda m, x, n: m.add(x, x, out=n),
        lambda m, x, n: m.multiply(x, [1.0, 2.0]),
        lambda m, x, n: np.asarray(x),
        lambda m, x, n: operator.index(x[0]),
        lambda m, x, n: hash(x),
    ],
)
def test_the_two_modules_are_not_mixed(mixed):
    with pytest.raises(TypeError):
        mixed(module, module.ones(2), np.ones(2))


def test_other_refusals():
    x = module.ones(3)
    with pytest.raises(ValueError, match=r"non-scalar numpy\.ndarray cannot be used for fill"):
        x[:] = np.ones(3)
    with pytest.raises(ValueError, match="Unsupported dtype object"):
        module.asarray([object()])
    with pytest.raises(TypeError, match=r"add\.at does not take int64"):
        module.add.at(module.zeros(3, "q"), module.zeros(1, "q"), 1)
    with pytest.raises(TypeError, match="same_kind"):
        module.add(x, x, out=module.zeros(3, int))
    with pytest.raises(NotImplementedError, match="integers beside arrays"):
        module.ones((3, 3))[0, module.zeros(1, int)]
    with pytest.raises(AttributeError):
        x.writeable = False
    with pytest.raises(AttributeError):
        _ = x.flags.writeable


# --- where it differs from NumPy ------------------------------------------------------------------------------


def test_results_are_arrays():
    x = module.ones((2, 3))
    assert all(type(y) is module.ndarray and y.shape == () for y in (x.sum(), x.max(), x[0, 0], x.sum() + 1, x.any()))
    assert type(np.float32(2) * x) is module.ndarray
    assert (np.float64(2) * x.astype("f")).dtype == np.float64
    assert (2.0 * x.astype("f")).dtype == np.float32
    view = x[0, 0]
    view[...] = 5
    assert x.tolist()[0][0] == 5
    assert view.base is x


def test_indices_wrap_and_repeated_broadcast_memory_is_written():
    x = module.arange(3)
    assert x[module.asarray([4, -1])].tolist() == [1, 2]
    x[module.asarray([0, 0])] = module.asarray([7, 8])
    assert x.tolist() == [7, 1, 2]
    wide = module.broadcast_to(x, (2, 3))
    wide[0, 0] = 9
    assert (wide.tolist(), x.tolist()) == ([[9, 1, 2]] * 2, [9, 1, 2])


def test_new_memory_is_nan():
    assert np.isnan(module.empty(3).get()).all()
    assert np.isnan(module.empty_like(module.zeros(2)).get()).all()


def test_it_comes_and_goes():
    before = sys.modules.get("cupy")
    with installed() as m:
        assert sys.modules["cupy"] is m is module
    assert sys.modules.get("cupy") is before


# --- what it counts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wait",
    [
        bool,
        int,
        float,
        repr,
        lambda x: x.item(),
        lambda x: x.get(),
        lambda x: x.tolist(),
        module.asnumpy,
        lambda x: x.reshape(1)[x.reshape(1) > 0],
        lambda x: module.cuda.Device().synchronize(),
        lambda x: module.cuda.Stream.null.synchronize(),
        lambda x: module.cuda.Event().synchronize(),
    ],
)
def test_waiting_is_counted_where_it_happens(wait):
    with counting() as counts:
        wait(module.ones(()))
    ((_, place),) = counts.waits
    assert not place.startswith(standin_cupy.__file__)


def test_arithmetic_and_scalar_writes_do_not_wait():
    with counting() as counts:
        x = module.asarray(np.ones(3)) * 2 + 1
        x[x > 2] = 0.0
        x.sum()
        x += x
    assert counts.waits == []
    assert [what for what, _ in counts.uploads] == ["float64 (3,)"]
    event = module.cuda.Event()
    event.record()
    later = module.cuda.Event()
    later.record()
    assert module.cuda.get_elapsed_time(event, later) > 0


# --- kernels --------------------------------------------------------------------------------------------------

CODE = """
struct Pair { int first, second; };

extern "C" __global__ void scale(const Real* x, Real* y, Real factor, int n, Pair offsets) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * factor + Real(offsets.first - offsets.second);
}
"""


def scale_arguments(**changes: Any) -> tuple[Any, ...]:
    x = module.arange(5, dtype="f")
    offsets = np.array([7, 4], np.int32).view("V8").reshape(())
    given = {"x": x, "y": module.empty_like(x), "factor": np.float32(2), "n": np.int32(5), "offsets": offsets}
    return tuple({**given, **changes}.values())


@needs_compiler
def test_a_kernel_runs_in_the_simulator():
    kernels = module.RawModule(code=CODE, options=("-DReal=float",))
    kernels.compile()
    arguments = scale_arguments()
    with counting() as counts:
        kernels.get_function("scale")((2,), (4,), arguments)
    assert arguments[1].tolist() == [3, 5, 7, 9, 11]
    assert [name for name, _ in counts.launches] == ["scale"]


@pytest.mark.parametrize(
    "changes",
    [
        {"factor": 2.0},
        {"factor": np.float64(2)},
        {"n": 5},
        {"n": np.int64(5)},
        {"x": np.arange(5, dtype="f")},
        {"x": module.arange(5, dtype="d")},
        {"x": module.ones((), "f")},
        {"offsets": (7, 4)},
        {"offsets": np.array([7, 4], np.int32)},
        {"one": "more"},
    ],
)
def test_a_kernel_refuses_what_is_not_exactly_right(changes):
    scale = module.RawModule(code=CODE, options=("-DReal=float",)).get_function("scale")
    with pytest.raises(TypeError, match=r"expected a|a struct is|takes 5 arguments, got 6"):
        scale((2,), (4,), scale_arguments(**changes))


def test_launches_are_tuples():
    kernels = module.RawModule(code=CODE, options=("-DReal=float",))
    with pytest.raises(TypeError, match="grid, block and args are tuples"):
        kernels.get_function("scale")((2.0,), (4,), scale_arguments())
    with pytest.raises(TypeError, match="grid, block and args are tuples"):
        kernels.get_function("scale")((2,), (4,), list(scale_arguments()))
    with pytest.raises(TypeError, match="options is a tuple"):
        module.RawModule(code=CODE, options=["-DReal=float"])
