"""Tests of the launcher: it reads signatures from the source, and rejects every argument that does not match."""

from pathlib import Path

import numpy as np
import pytest

from minicnn.backends.build import kernel_folder
from minicnn.backends.cuda import launch as module
from minicnn.backends.cuda.launch import Parameter, Source, contiguous, empty, floats, int3
from minicnn.errors import KernelError

planted = Source(Path(__file__).with_name("planted.cu"))
X = np.arange(64, dtype=np.float32)


def out(dtype=np.float32):
    return np.empty(64, dtype)


def test_signatures():
    entry = planted.entries["right_sum"]
    assert (entry.name, entry.threads) == ("right_sum", 64)
    assert entry.parameters == (
        Parameter("x", "array", "Real", True),
        Parameter("y", "array", "Real", False),
        Parameter("scale", "number", "Real", False),
        Parameter("t", "struct", "Three", False),
    )
    table, others, n = planted.entries["right_table"].parameters
    assert table == Parameter("tables", "table", "Real", False)
    assert others == Parameter("others", "table", "Real", True)
    assert n == Parameter("n", "number", "int", False)
    assert planted.entries["right_table"].threads == 1024
    assert [p.type for p in planted.entries["right_types"].parameters] == [
        "Real", "int", "unsigned char", "long long", "long long"
    ]  # fmt: skip


def test_structs_are_measured():
    assert planted.structs["Three"] == 3
    assert planted.structs["Conv"] == 4 + 6 * 3
    assert planted.structs["Pool"] == 1 + 7 * 3 + 2


@pytest.mark.parametrize("path", sorted((kernel_folder() / "cuda").glob("*.cu")), ids=lambda p: p.name)
def test_every_kernel_of_every_file_is_found(path):
    source = Source(path.name)
    assert list(source.entries)
    assert len(source.entries) == source.text.count('extern "C"')


def test_no_two_kernels_have_one_name():
    names = [name for path in (kernel_folder() / "cuda").glob("*.cu") for name in Source(path.name).entries]
    assert len(names) == len(set(names)) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X,), "right_rotate: takes 3 arguments, got 1"),
        ((X, out(), 64, 1), "right_rotate: takes 3 arguments, got 4"),
        (
            (X, out(np.float64), 64),
            "right_rotate: needs Real arrays that are all float32 or all float64, got float32, float64",
        ),
        ((X.astype(int), out(int), 64), "right_rotate: needs Real arrays .*, got int64"),
        ((3.0, 4.0, 64), "right_rotate: needs Real arrays .*, got none"),
        ((X, [out()], 64), "right_rotate: y: must be an array, got list"),
        ((X[::2], out(), 64), r"right_rotate: x: must be contiguous and aligned to 16 bytes; pass contiguous\(array\)"),
        ((X[::-1], out(), 64), "right_rotate: x: must be contiguous"),
        ((X[1:], out(), 64), "right_rotate: x: must be contiguous and aligned"),
        ((X, out(), 64.0), "right_rotate: n: must be an integer, got 64.0"),
        ((X, out(), True), "right_rotate: n: must be an integer, got True"),
        ((X, out(), 2**31), "right_rotate: n: 2147483648 does not fit into 32 bits"),
        ((X, np.broadcast_to(np.float32(0), 64), 64), "right_rotate: y: must be contiguous"),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(KernelError, match=f"^{message}"):
        planted.launch("right_rotate", 1, 64, *arguments)


def test_an_output_must_be_writable():
    y = out()
    y.flags.writeable = False
    with pytest.raises(KernelError, match="right_rotate: y: is an output, but the array is read-only"):
        planted.launch("right_rotate", 1, 64, X, y, 64)
    planted.launch("right_rotate", 1, 64, y, out(), 64)  # valid as an input


def test_refused_numbers_and_structs():
    def launch(scale, struct):
        planted.launch("right_sum", 1, 64, X, out(), scale, struct)

    launch(2, (1, 2, 3))
    launch(np.float64(0.5), (1, 2, np.int64(3)))
    with pytest.raises(KernelError, match="right_sum: scale: must be a number, got '2'"):
        launch("2", (1, 2, 3))
    with pytest.raises(KernelError, match="right_sum: scale: must be a number, got True"):
        launch(True, (1, 2, 3))
    with pytest.raises(KernelError, match="right_sum: t: a Three is a tuple of 3 ints, got 2"):
        launch(2, (1, 2))
    with pytest.raises(KernelError, match="right_sum: t: a Three is a tuple of 3 ints, got list"):
        launch(2, [1, 2, 3])
    with pytest.raises(KernelError, match=r"right_sum: t: must be an integer, got 0\.5"):
        launch(2, (1, 2, 0.5))


def test_refused_tables():
    with pytest.raises(KernelError, match="right_table: tables: must be a list of arrays, got ndarray"):
        planted.launch("right_table", 1, 1, X, [X], 1)
    with pytest.raises(KernelError, match="right_table: others: must be a list of arrays, got list"):
        planted.launch("right_table", 1, 1, [out()], [], 0)
    with pytest.raises(KernelError, match=r"right_table: tables\[1\]: must be contiguous"):
        planted.launch("right_table", 1, 1, [out(), out()[::2]], [X, X], 2)


def test_refused_grids_and_blocks():
    for block in (0, 65, (8, 8, 2)):
        with pytest.raises(KernelError, match=r"right_rotate: a block has 1 to 64 threads, .*got"):
            planted.launch("right_rotate", 1, block, X, out(), 64)
    for grid in (-1, 2**31, (1, 65536), (1, 1, 65536)):
        with pytest.raises(KernelError, match=r"right_rotate: a grid has at most \(2147483647, 65535, 65535\) blocks"):
            planted.launch("right_rotate", grid, 64, X, out(), 64)


def test_a_grid_without_blocks_runs_nothing():
    y = np.ones(64, np.float32)
    planted.launch("right_rotate", (3, 0), 64, X, y, 64)
    np.testing.assert_array_equal(y, 1)


def test_arrays_that_32_bits_cannot_count():
    large = np.lib.stride_tricks.as_strided(X, (2**31,), (4,))  # has no memory, so no code may read it
    with pytest.raises(
        KernelError, match=r"x: 2147483648 elements; CUDA kernels count to 2147418111: use smaller batch"
    ):
        planted.launch("right_rotate", 1, 64, large, out(), 64)
    assert not floats(large)


def test_an_unknown_kernel():
    with pytest.raises(KernelError, match=r"launch: planted\.cu has no kernel 'left'; it has right_rotate, "):
        planted.launch("left", 1, 1)


@pytest.mark.parametrize("parameter", ["float x", "const double* x", "char* x", "unsigned char x", "Real** x"])
def test_unknown_types(parameter, tmp_path):
    (tmp_path / "odd.cu").write_text(f'extern "C" __global__ void odd_kernel({parameter}, Real* y) {{}}\n')
    with pytest.raises(KernelError, match=r"unsupported parameter|there is no struct"):
        Source(tmp_path / "odd.cu").launch("odd_kernel", 1, 1, 1, X)


def test_compiling_ahead():
    planted.compile(X, "double")


# --- what wrappers use --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [X[::2], X[::-1], X[1:], X.reshape(8, 8).T, X[:0], np.full((), 3.0)])
def test_contiguous(view):
    a = contiguous(view)
    assert a.flags.c_contiguous
    np.testing.assert_array_equal(a, view)
    assert not a.size or a.ctypes.data % 16 == 0
    assert contiguous(X) is X


def test_empty_shows_what_nobody_wrote():
    for dtype in (np.float32, np.float64):
        assert np.isnan(empty(X, (3, 2), dtype)).all()
    assert empty(X, (2,), np.uint8)[0] == 255
    assert empty(X, ()).shape == ()


def test_floats():
    assert floats(X, X)
    assert floats(X.astype(np.float64))
    assert not floats(X, X.astype(np.float64))
    assert not floats(X.astype(np.float16))
    assert not floats(X.astype(np.int32))


def test_three():
    assert int3((5,), 1) == (1, 1, 5)
    assert int3((4, 5), 0) == (0, 4, 5)
    assert int3((3, 4, 5), 0) == (3, 4, 5)
    assert module._three((2, 3)) == (2, 3, 1)


# --- refused before anything is read or written -----------------------------------------------------------------------


@pytest.mark.parametrize("block", [(-8, -8), (1, 1, 65), (64, 1, 0)])
def test_refused_blocks(block):
    with pytest.raises(KernelError, match=r"a block has 1 to 64 threads, at most 64 on the third axis, got"):
        planted.launch("right_rotate", 1, block, X, out(), 64)


@pytest.mark.parametrize("grid", [(1, 1, 1, 1), (1.9,), ()])
def test_grids_are_one_to_three_integers(grid):
    with pytest.raises(KernelError, match="launch: a grid or block must be 1 to 3 integers, got "):
        planted.launch("right_rotate", grid, 64, X, out(), 64)


def test_numpys_integers_are_integers():
    planted.launch("right_rotate", np.int64(1), (np.int32(64),), X, out(), np.int64(64))


def test_an_array_is_no_integer():
    with pytest.raises(KernelError, match=r"right_rotate: n: must be an integer, got array\(\[64\]\)"):
        planted.launch("right_rotate", 1, 64, X, out(), np.array([64]))


def test_a_read_only_number_is_no_output():
    y = np.zeros((), np.float32)
    y.flags.writeable = False
    with pytest.raises(KernelError, match="right_rotate: y: is an output, but the array is read-only"):
        planted.launch("right_rotate", 1, 1, X, y, 1)


@pytest.mark.parametrize("body", ["int n; Real scale;", "long long n;", "int n; __device__ int twice() { return n; }"])
def test_structs_hold_ints_alone(tmp_path, body):
    path = tmp_path / "odd.cu"
    path.write_text(
        f'struct Odd {{\n{body}\n}};\nextern "C" __global__ void odd_kernel(const Real* x, Real* y, Odd s) {{}}\n'
    )
    with pytest.raises(KernelError, match=r"odd_kernel: s: there is no struct Odd of ints in odd\.cu"):
        Source(path).launch("odd_kernel", 1, 1, X, out(), (5, 2))


def test_bounds_are_numbers(tmp_path):
    path = tmp_path / "odd.cu"
    path.write_text('extern "C" __global__ void __launch_bounds__(THREADS) odd_kernel(const Real* x) {}\n')
    with pytest.raises(KernelError, match="odd_kernel: write __launch_bounds__ with a number, not 'THREADS'"):
        Source(path).launch("odd_kernel", 1, 1, X)


def test_a_file_without_kernels(tmp_path):
    path = tmp_path / "odd.cu"
    path.write_text("__global__ void odd_kernel(const Real* x) {}\n")
    with pytest.raises(
        KernelError, match="has no kernel 'odd_kernel'; it has none: a kernel starts with a line: extern \"C\""
    ):
        Source(path).launch("odd_kernel", 1, 1, X)


def test_an_output_that_is_too_large_is_refused_before_it_is_made():
    with pytest.raises(KernelError, match=f"empty: {2**31} elements; CUDA kernels count to {module.LIMIT - 1}"):
        empty(X, (2**21, 2**10))


def test_a_compiler_error_of_cupy_is_a_kernel_error():
    class Broken:
        def RawModule(self, **_):  # noqa: N802 (CuPy's name)
            return self

        def compile(self):
            raise OSError("libnvrtc.so.12: not found")

    with pytest.raises(
        KernelError, match=r"k\.cu: CuPy cannot compile it \(OSError: libnvrtc.*pip install 'minicnn\[cuda\]'"
    ):
        module._module(Broken(), "k.cu", "", "float")
