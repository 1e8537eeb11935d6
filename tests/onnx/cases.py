"""ONNX's own test cases of operators and networks, and those of them that minicnn leaves out, with reasons.

`python -m tests.onnx.cases` runs them and prints the numbers.
"""

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx.backend.test.loader import DATA_DIR, load_model_tests

import minicnn as mc
from minicnn.errors import DataError

# What a model has that `load` refuses: an element type, a kind of value, or an operator.
LEFT_OUT = {
    "there are no tensors of this type": {
        *("bfloat16", "float4e2m1", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "float8e8m0"),
        *("int2", "int4", "uint2", "uint4", "string"),
    },
    "all values are tensors": {
        *("optional", "sequence", "OptionalGetElement", "OptionalHasElement", "ConcatFromSequence", "SplitToSequence"),
        *(f"Sequence{name}" for name in ("At", "Construct", "Empty", "Erase", "Insert", "Length")),
    },
    "networks are not quantized": {
        *("ConvInteger", "DequantizeLinear", "MatMulInteger", "QLinearConv", "QLinearMatMul", "QuantizeLinear"),
    },
    "minicnn trains in its own way": {
        f"ai.onnx.preview.training.{name}" for name in ("Adagrad", "Adam", "Gradient", "Momentum")
    },
    "not a part of image networks": {
        *("TfIdfVectorizer", "ai.onnx.ml.ArrayFeatureExtractor", "ai.onnx.ml.Binarizer", "ai.onnx.ml.TreeEnsemble"),
    },
    "files of pictures are read by minicnn.data": {"ImageDecoder"},
    "version 8 alone had a batch axis": {"Scan"},
}
REFUSED = re.compile(r"has the operators? (.*), which|of the kind (\w+), and|element type (\w+), which")

# Cases whose values are random: types and shapes are compared alone.
RANDOM_OPERATORS = {"Bernoulli", "RandomUniformLike"}
RANDOM_CASES = {f"test_training_dropout{name}" for name in ("", "_default", "_mask", "_default_mask")}

# Operators whose results have no gradient, although an input is floating point.
NO_GRADIENT = {"Bernoulli", "Hardmax", "MelWeightMatrix", "Range", "Unique"}

ATOL = 1e-6  # of sums that are 0, where ONNX's results in float32 have rounding errors of their own


@dataclass
class Case:
    """A model with inputs and the results that ONNX expects."""

    name: str
    model: onnx.ModelProto
    inputs: list[Any]
    expected: list[Any]
    rtol: float = 1e-3


def cases() -> Iterator[Case]:
    """Yield all cases; making the results of the operators takes ONNX about 12 seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy, in the formulas of the cases
        operators = load_model_tests(kind="node")
    for case in operators:
        ((inputs, expected),) = case.data_sets
        yield Case(case.name, case.model, inputs, expected, case.rtol)
    for kind in ("pytorch-converted", "pytorch-operator", "simple"):  # files of old versions
        for case in load_model_tests(kind=kind):
            for folder in sorted(Path(case.model_dir).glob("test_data_set_*")):
                values = ([onnx.load_tensor(p) for p in sorted(folder.glob(f"{k}_*.pb"))] for k in ("input", "output"))
                yield Case(case.name, onnx.load(Path(case.model_dir, "model.onnx")), *values, case.rtol)
    for path in sorted(Path(DATA_DIR, "light").glob("*.onnx")):  # well-known networks with weights of constants
        model = onnx.load(path)
        weights = {tensor.name for tensor in model.graph.initializer}
        (image,) = (value for value in model.graph.input if value.name not in weights)
        shape = [axis.dim_value for axis in image.type.tensor_type.shape.dim]
        ramp = (np.arange(np.prod(shape)) / np.prod(shape)).reshape(shape).astype(np.float32)
        yield Case(path.stem, model, [ramp], [onnx.load_tensor(path.with_name(f"{path.stem}_output_0.pb"))])


def array(value: Any) -> np.ndarray:
    """Return an input or output of a case as an array."""
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.array(value)


def is_random(case: Case) -> bool:
    """Return whether the values of a case are random."""
    return case.name in RANDOM_CASES or any(node.op_type in RANDOM_OPERATORS for node in case.model.graph.node)


def run(case: Case) -> bool:
    """Run a case and compare all results. Return whether a result has a gradient, or can have none."""
    model = mc.onnx.load(case.model)
    tensors = [mc.tensor(array(value)) for value in case.inputs]
    floating = [tensor.requires_grad_() for tensor in tensors if tensor.dtype.kind == "f"]
    outputs = model(*tensors)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    for output, wanted in zip(outputs, map(array, case.expected), strict=True):
        assert (output.dtype, output.shape) == (wanted.dtype, wanted.shape)
        if not is_random(case):
            np.testing.assert_allclose(output.detach().numpy(), wanted, rtol=case.rtol, atol=ATOL)
    results = [output for output in outputs if output.dtype.kind == "f" and output.numel()]
    if not floating or not results or not sum(tensor.numel() for tensor in floating):
        return True
    if not any(output.requires_grad for output in results):
        return False
    sum(output.sum() for output in results if output.requires_grad).backward()
    return any(tensor.grad is not None for tensor in floating)


def refused(error: DataError) -> set[str]:
    """Return what `load` refuses, by the message."""
    found = REFUSED.search(str(error))
    assert found is not None, error
    return set(next(filter(None, found.groups())).split(", "))


@dataclass
class Report:
    """What came of cases: numbers, failures by case, what `load` refused, operators without gradient, all operators."""

    numbers: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    without_gradient: set[str] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)


def run_all(found: Iterable[Case]) -> Report:
    """Run cases."""
    report = Report()
    for case in found:
        report.numbers["cases"] += 1
        report.operators |= {node.op_type for node in case.model.graph.node}
        try:
            has_gradient = run(case)
        except DataError as error:
            report.numbers["left out"] += 1
            report.refused |= refused(error)
        except Exception as error:
            report.failures[case.name] = f"{type(error).__name__}: {error}"
        else:
            report.numbers["passed"] += 1
            if not has_gradient and not case.name.endswith("_expanded"):
                report.without_gradient.add(case.model.graph.node[0].op_type)
    report.numbers["applicable"] = report.numbers["cases"] - report.numbers["left out"]
    return report


if __name__ == "__main__":
    report = run_all(cases())
    print(*(f"{name}: {number}" for name, number in report.numbers.items()), sep="\n")
    print(*(f"{name}: {failure}" for name, failure in report.failures.items()), sep="\n")
