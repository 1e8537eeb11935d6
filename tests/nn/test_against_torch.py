"""Tests of layers and functions against PyTorch's records: outputs, gradients, running statistics, names, repr."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import minicnn
from minicnn.nn import functional
from tests.oracles.calls import TOPICS
from tests.oracles.cases import CASES, Case, Draw, build, models, run

RECORD = Path(__file__).parents[1] / "oracles" / "torch_layers.npz"
TEXT_DIFFERS = {"AvgPool1d"}  # only PyTorch prints its sizes as tuples
NUMBERED = [pytest.param(i, case, id=f"{i}-{case}") for i, case in enumerate(CASES)]
LAYERS = [p for p in NUMBERED if p.values[1].call[0].isupper()]


@pytest.fixture(scope="module")
def record() -> Iterator[dict[str, np.ndarray]]:
    with np.load(RECORD, allow_pickle=False) as file:
        yield {name: file[name] for name in file.files}


def answers(record: dict[str, np.ndarray], i: int, case: Case, dtype: str, device: Any = "cpu") -> tuple[dict, dict]:
    assert str(record[f"{i}/case"]) == str(case), "cases.py changed: run tests/oracles/record_torch.py again"
    start = f"{i}/="
    expected = {name.removeprefix(start): array for name, array in record.items() if name.startswith(start)}
    there = ModuleType("minicnn on a device")
    vars(there).update(vars(minicnn), tensor=partial(minicnn.tensor, device=device))
    return expected, run(case, there, lambda name, draw: record[f"{i}/{name}"], dtype)


def assert_close(expected: dict[str, np.ndarray], results: dict[str, np.ndarray], tolerance: float) -> None:
    assert results.keys() == expected.keys()
    for name, array in expected.items():
        assert results[name].shape == array.shape, name
        scale = max(1.0, np.abs(array[np.isfinite(array)]).max(initial=0))
        np.testing.assert_allclose(results[name], array, rtol=tolerance, atol=tolerance * scale, err_msg=name)


@pytest.mark.parametrize(("i", "case"), NUMBERED)
def test_float64_equals_torch(record, i, case):
    expected, results = answers(record, i, case, "float64")
    assert_close(expected, results, 1e-10)


@pytest.mark.parametrize(("i", "case"), NUMBERED)
def test_float32_is_close_and_stays_float32(record, i, case, device):
    expected, results = answers(record, i, case, "float32", device)
    assert_close(expected, results, 1e-5)
    assert {str(array.dtype) for array in results.values()} <= {"float32", "int64"}


@pytest.mark.parametrize(("i", "case"), LAYERS)
def test_state_keys_and_text_are_torchs(record, i, case):
    arrays = {k: minicnn.tensor(record[f"{i}/{k}"]) for k, v in case.kwargs.items() if isinstance(v, Draw)}
    module = build(case, minicnn, case.kwargs | arrays)
    assert list(module.state_dict()) == record[f"{i}/keys"].tolist()
    if case.call not in TEXT_DIFFERS:
        assert repr(module) == str(record[f"{i}/repr"])


@pytest.mark.parametrize("name", models(minicnn))
def test_models_have_torchs_names_and_text(record, name):
    model = models(minicnn)[name]
    assert list(model.state_dict()) == record[f"{name}/keys"].tolist()
    assert [n for n, _ in model.named_parameters()] == record[f"{name}/parameters"].tolist()
    assert [n for n, _ in model.named_buffers()] == record[f"{name}/buffers"].tolist()
    assert [n for n, _ in model.named_modules()] == record[f"{name}/modules"].tolist()
    assert repr(model) == str(record[f"{name}/repr"])


def test_every_layer_and_loss_has_a_case():
    asked = {case.call for case in CASES}
    others = {"Module", "Parameter", "ModuleDict", "ModuleList", "Sequential", "DataParallel"}
    others |= {"functional", "init", "parallel", "utils"}
    asked |= {
        name for topic in TOPICS.values() for call in topic.CALLS for name in re.findall(r"\b(?:nn|F)\.(\w+)", call)
    }
    assert set(minicnn.nn.__all__) - others <= asked
    from_losses = set(functional.loss.__all__) | set(functional.resize.__all__) | {"pad", "normalize"}
    through_layers = {"one_hot", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"}
    assert from_losses - through_layers <= asked
