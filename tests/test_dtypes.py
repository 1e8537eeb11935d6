"""Tests of type promotion, against tables recorded from PyTorch 2.13."""

import copy
import pickle

import numpy as np
import pytest

import minicnn as mc
from minicnn.dtypes import (
    bool_,
    category,
    default_dtype,
    float32,
    float64,
    int32,
    int64,
    result_type,
    scalar_dtype,
    uint8,
)
from minicnn.errors import DTypeError

NAMES = ["bool", "uint8", "int32", "int64", "float32", "float64"]
TYPES = [bool_, uint8, int32, int64, float32, float64]

WITH_AXES = """
bool    uint8   int32   int64   float32 float64
uint8   uint8   int32   int64   float32 float64
int32   int32   int32   int64   float32 float64
int64   int64   int64   int64   float32 float64
float32 float32 float32 float32 float32 float64
float64 float64 float64 float64 float64 float64
"""
WITH_A_NUMBER_TENSOR = """
bool    uint8   int32   int64   float32 float64
uint8   uint8   uint8   uint8   float32 float64
int32   int32   int32   int32   float32 float64
int64   int64   int64   int64   float32 float64
float32 float32 float32 float32 float32 float32
float64 float64 float64 float64 float64 float64
"""
WITH_A_PYTHON_NUMBER = """
bool    int64   float32
uint8   uint8   float32
int32   int32   float32
int64   int64   float32
float32 float32 float32
float64 float64 float64
"""
QUOTIENT = """
float32 float32 float32 float32 float32 float64
float32 float32 float32 float32 float32 float64
float32 float32 float32 float32 float32 float64
float32 float32 float32 float32 float32 float64
float32 float32 float32 float32 float32 float64
float64 float64 float64 float64 float64 float64
"""
REDUCED = {
    "sum": "int64 int64 int64 int64 float32 float64",
    "prod": "int64 int64 int64 int64 float32 float64",
    "exp": "float32 float32 float32 float32 float32 float64",
    "sqrt": "float32 float32 float32 float32 float32 float64",
    "sigmoid": "float32 float32 float32 float32 float32 float64",
}


def table(text):
    return [row.split() for row in text.split("\n") if row]


KINDS = [mc.bool, mc.uint8, mc.int8, mc.int16, mc.int32, mc.int64, mc.float16, mc.float32, mc.float64, mc.bfloat16]
KINDS += [mc.complex64, mc.complex128]


def ones(dtype, *shape):
    return mc.ones(shape, dtype=dtype)


@pytest.mark.parametrize(
    ("text", "combine"),
    [
        (WITH_AXES, lambda a, b: ones(a, 1) + ones(b, 1)),
        (WITH_AXES, lambda a, b: ones(a) * ones(b)),
        (WITH_AXES, lambda a, b: mc.where(mc.tensor([True]), ones(a, 1), ones(b, 1))),
        (WITH_AXES, lambda a, b: mc.cat([ones(a, 1), ones(b, 1)])),
        (WITH_A_NUMBER_TENSOR, lambda a, b: ones(a, 1) + ones(b)),
        (WITH_A_NUMBER_TENSOR, lambda a, b: ones(b) + ones(a, 1)),
        (QUOTIENT, lambda a, b: ones(a, 1) / ones(b, 1)),
    ],
)
def test_two_tensors(text, combine):
    assert [[str(combine(a, b).dtype) for b in TYPES] for a in TYPES] == table(text)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_tensor_and_a_number(shape):
    rows = [[str((ones(a, *shape) + number).dtype) for number in (True, 1, 1.0)] for a in TYPES]
    assert rows == table(WITH_A_PYTHON_NUMBER)
    rows = [[str((number + ones(a, *shape)).dtype) for number in (True, 1, 1.0)] for a in TYPES]
    assert rows == table(WITH_A_PYTHON_NUMBER)


@pytest.mark.parametrize("name", REDUCED)
def test_functions_of_one_tensor(name):
    assert [str(getattr(mc, name)(ones(a, 2)).dtype) for a in TYPES] == REDUCED[name].split()


@pytest.mark.parametrize("number", [np.float64(2), np.float32(2), np.int64(2), np.bool_(True)])
@pytest.mark.parametrize("dtype", [float32, float64])
def test_numpy_numbers_do_not_change_a_float_tensor(number, dtype):
    x = ones(dtype, 2)
    results = [
        x + number,
        number + x,
        x * number,
        number - x,
        x / number,
        number / x,
        x**number,
        number**x,
        x == number,
    ]
    results += [mc.maximum(x, number), mc.where(x > 0, x, number)]
    assert {r.dtype for r in results} == {dtype, bool_}
    if isinstance(number, float):
        assert {x.clamp(number, None).dtype, x.clamp(None, number).dtype, (x**number).dtype} == {dtype}


@pytest.mark.parametrize("dtype", [float32, float64])
def test_no_function_leaves_the_type_of_its_input(dtype):
    x = mc.rand(3, 4, dtype=dtype) + 0.5
    made = [
        *(
            x.mean(),
            x.var(),
            x.std(0),
            x.norm(),
            x.norm(3.0),
            x.norm(1),
            x.softmax(0),
            x.log_softmax(1),
            x.logsumexp(0),
        ),
        *(x**2, x**0.5, x**-1, 2**x, x % 0.3, x // 0.3, 1 / x, x.clamp(0.6, 1), x.masked_fill(x > 1, 0.0), x.cumsum(0)),
        *(x.prod(), x.amax(), x.max(0).values, x.erf(), x.rsqrt(), x.sigmoid(), x.round(), x.abs(), x @ x.T, x.sum()),
        *(mc.rand_like(x), mc.randn_like(x), mc.zeros_like(x), mc.full_like(x, 2), x.new_ones(2), mc.stack([x, x])),
    ]
    assert {t.dtype for t in made} == {dtype}


def test_a_type_is_one_object_with_pytorchs_attributes():
    assert mc.dtype("float32") is mc.dtype(np.float32) is mc.dtype(mc.float32) is mc.float32 is mc.zeros(1).dtype
    assert isinstance(mc.zeros(1).dtype, mc.dtype)
    assert (repr(mc.int8), str(mc.int8)) == ("minicnn.int8", "int8")
    floating = [t for t in KINDS if t.is_floating_point]
    assert floating == [mc.float16, mc.float32, mc.float64, mc.bfloat16]
    assert [t for t in KINDS if t.is_complex] == [mc.complex64, mc.complex128]
    assert [t for t in KINDS if not t.is_signed] == [mc.bool, mc.uint8]
    assert [t.itemsize for t in KINDS] == [1, 1, 1, 2, 4, 8, 2, 4, 8, 2, 8, 16]
    assert mc.float64.to_complex() is mc.complex128
    assert mc.float32.to_complex() is mc.complex64
    assert mc.complex64.to_real() is mc.float32.to_real() is mc.float32
    assert all(pickle.loads(pickle.dumps(t)) is copy.deepcopy(t) is t for t in KINDS)


@pytest.mark.parametrize("name", ["float32", "float64", "int64", "uint8", "bool", "complex64"])
def test_numpy_takes_the_types_and_finds_them_equal(name):
    ours, theirs = mc.dtype(name), np.dtype(name)
    assert ours == theirs
    assert theirs == ours
    assert ours == name
    assert ours == theirs.type
    assert hash(ours) == hash(theirs)
    assert {theirs: 1}[ours] == 1
    assert ours != mc.int8
    assert ours != "nothing"
    assert ours != None  # noqa: E711
    assert np.zeros(2, ours).astype(ours).dtype == np.result_type(ours, ours) == theirs
    assert mc.zeros(2, dtype=theirs).dtype is ours


def test_unknown_types():
    with pytest.raises(TypeError, match="not understood"):
        mc.dtype("float31")
    with pytest.raises(TypeError, match="None is no element type"):
        mc.dtype(None)


def test_numbers_and_categories():
    assert [scalar_dtype(v) for v in (True, 1, 1.0)] == [bool_, int64, default_dtype]
    assert [category(t) for t in TYPES] == [0, 1, 1, 1, 2, 2]
    assert result_type([], [], []) == default_dtype
    assert result_type([], [float64], [float32]) == float64
    assert [str(t) for t in TYPES] == NAMES


@pytest.mark.parametrize("dtype", ["clongdouble", "S3", "O", "M8[s]"])
def test_types_that_no_tensor_holds(dtype):
    with pytest.raises(DTypeError, match=r"tensor: element type .* is not supported; use bool, an integer, float or"):
        category(np.dtype(dtype))
