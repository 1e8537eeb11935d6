"""Tests of a benchmark run: contenders per case, records and repeated cases."""

from benchmarks import suite
from benchmarks.cases import Net, cases
from benchmarks.contenders import CONTENDERS, PEERS
from benchmarks.suite import disturbed, machine, run, wanted

ALL = list(CONTENDERS)
KEY = "one element: mul, forward + backward"


def test_peers_compete_in_convolution_forward_and_backward():
    found = {key: wanted(case, ALL) for key, case in cases().items()}
    for key, names in found.items():
        assert bool(set(names) & set(PEERS)) == (key.startswith("conv:") and key.endswith("forward + backward")), key
        assert {"minicnn", "numpy", "torch"} <= set(names)
        assert ("reference" in names) == (not key.startswith("growth"))


def test_the_machine_is_described():
    found = machine()
    assert found["cores"] >= 1
    assert found["gigabytes"] >= 1
    assert all(found[name] for name in ("cpu", "simd", "system", "compiler", "commit", "date"))


def test_what_is_not_there_is_none():
    assert suite._output("no-such-program-anywhere") == "none"


def test_a_run_is_a_record_of_every_case(monkeypatch, capsys):
    class Silent(suite.Process):
        def ask(self, do, patience=None, **request):
            return {"library": "1"} if do == "versions" else {"flop_per_s": 1.0, "bytes_per_s": 1.0, "bytes": 5}

    told = []
    monkeypatch.setattr(suite, "Process", Silent)
    monkeypatch.setattr(suite, "missing", lambda name: "it is away" if name == "dezero" else "")
    monkeypatch.setattr(suite, "measure", lambda case, found, *_: {p.name: {"turns": [1.0]} for p in found})
    found = run([": mul, forward", "memory"], ["minicnn", "torch", "dezero"], False, told.append)
    assert "DeZero does not compete: it is away" in capsys.readouterr().out
    assert found["about"]["absent"] == {"dezero": "it is away"}
    assert found["cases"] == told
    assert told[0]["key"] == KEY
    assert told[0]["results"] == {"minicnn": {"turns": [1.0]}, "torch": {"turns": [1.0]}}
    trained = [c for c in cases().values() if isinstance(c, Net) and c.group == "training"]
    assert [r["key"] for r in told[1:]] == [f"memory: {c.name}" for c in trained]
    assert [told[1]["results"][name]["bytes"] for name in ("minicnn", "torch")] == [5, 5]


def test_a_disturbed_case_has_a_second_chance(monkeypatch):
    class Silent(suite.Process):
        def ask(self, do, patience=None, **request):
            return {}

    results = [{"minicnn": {"turns": [9.0], "disturbed": 3}}, {"minicnn": {"turns": [1.0]}}]
    monkeypatch.setattr(suite, "Process", Silent)
    monkeypatch.setattr(suite, "measure", lambda *_: results.pop(0))
    monkeypatch.setattr(suite, "find", lambda *_: [cases()[KEY]])
    told = []
    found = run([], ["minicnn"], True, told.append)["cases"]
    assert [disturbed(r) for r in told] == [True, False]
    assert found == told[1:]


def test_imports_are_timed(monkeypatch):
    commands = []
    monkeypatch.setattr(suite.subprocess, "run", lambda command, **_: commands.append(command[-1]))
    found = suite._imports(["minicnn", "torch", "mygrad"], rounds=2)["results"]
    assert set(commands) == {"import minicnn", "import torch", "import mygrad", "import numpy", "import sys"}
    assert all(len(result["turns"]) == 2 for result in found.values())
