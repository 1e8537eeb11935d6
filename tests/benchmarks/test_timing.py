"""Tests of the measurement, with scripted contenders that return invented times at once."""

import numpy as np
import pytest

from benchmarks import timing
from benchmarks.cases import Net, Op
from benchmarks.timing import Budget, measure, tolerance

CASE = Op(group="conv", name="n", function="conv2d", shapes={"input": (1, 1, 3, 3), "weight": (1, 1, 3, 3)})


class Script:
    """A process that reports a fixed time for each call, and logs its requests."""

    def __init__(self, name, log, seconds=0.001, error=0.0, **answers):
        self.name, self.log, self.seconds, self.error, self.answers = name, log, seconds, error, answers

    def ask(self, do, patience=None, **request):
        self.log.append((self.name, do, request.get("calls")))
        if do in self.answers:
            return self.answers[do]
        if do == "exact":
            np.savez(request["exact"], output=np.zeros(1))
            return {}
        if do == "prepare":
            return {"first": self.seconds, "errors": {"output": self.error}}
        return {"seconds": self.seconds}

    def ticks(self):
        return 0


@pytest.fixture
def log():
    return []


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Replace the CPU use of other processes by 0. A test may append the values of the next rounds to this list."""
    shares = []
    monkeypatch.setattr(timing.Neighbours, "busy", lambda self: shares.pop(0) if shares else 0.0)
    monkeypatch.setattr(timing.time, "sleep", lambda seconds: None)
    return shares


def run(log, *contenders, rounds=4):
    return measure(CASE, list(contenders), Script("judge", log), Budget(turn=0.01, case=1.0, rounds=rounds))


def test_turns_alternate_in_changing_order(log):
    found = run(log, Script("a", log), Script("b", log))
    assert [len(result["turns"]) for result in found.values()] == [4, 4]
    timed = [name for name, do, _ in log if do == "time"]
    assert timed[:2] == ["a", "b"]  # warm-up
    assert timed[2:] == ["a", "b", "b", "a", "a", "b", "b", "a"]


def test_a_turn_is_as_many_calls_as_fill_it(log):
    run(log, Script("fast", log, seconds=0.001), Script("slow", log, seconds=0.02))
    calls = {(name, n) for name, do, n in log if do == "time"}
    assert calls == {("fast", 10), ("slow", 1)}


def test_who_is_wrong_is_not_timed(log):
    wrong, nan = Script("wrong", log, error=2e-5), Script("nan", log, error=float("nan"))
    found = run(log, wrong, nan, Script("right", log, error=9e-6))
    assert found["wrong"]["failed"] == "wrong by 2.0e-05"
    assert found["nan"]["failed"] == "wrong by nan"
    assert "turns" not in found["wrong"]
    hidden = Script("hidden", log, prepare={"first": 0.1, "errors": {"output": 1e-9, "gradient": float("nan")}})
    assert run(log, hidden)["hidden"]["failed"] == "wrong by nan"
    assert len(found["right"]["turns"]) == 4
    assert not any(name in ("wrong", "nan") and do == "time" for name, do, _ in log)


def test_whole_networks_may_differ_more():
    net = Net(group="training", network="U-Net", batch=1, size=32, training=True)
    assert tolerance(CASE) == 1e-5
    assert tolerance(net) == 1e-2


def test_who_cannot_run_a_case_says_why_and_the_others_go_on(log):
    found = run(log, Script("a", log), Script("b", log, prepare={"skipped": "no groups"}))
    assert found["b"] == {"skipped": "no groups"}
    assert len(found["a"]["turns"]) == 4


def test_who_fails_on_the_way_keeps_no_time(log):
    found = run(log, Script("a", log), Script("b", log, time={"failed": "the process ended"}))
    assert found["b"]["failed"] == "the process ended"
    assert found["b"]["turns"] == []
    assert len(found["a"]["turns"]) == 4


def test_the_slow_get_fewer_turns_and_the_slowest_keeps_its_first(log):
    found = run(log, Script("a", log), Script("slow", log, seconds=0.7), Script("slowest", log, seconds=9.0))
    assert len(found["a"]["turns"]) == 4
    assert len(found["slow"]["turns"]) == 3
    assert found["slowest"]["turns"] == [9.0]
    assert ("slowest", "time", 1) not in log


def test_a_peer_is_not_waited_for_long_and_not_asked_often(log):
    found = run(log, Script("mygrad", log), Script("autograd", log, prepare={"longer": 10.0}), Script("a", log))
    assert [len(found[name].get("turns", [])) for name in ("mygrad", "autograd", "a")] == [3, 0, 4]
    assert found["autograd"] == {"longer": 10.0}


def test_a_disturbed_round_is_repeated(log, alone):
    alone += [0.0, 1.0, 0.0]  # other processes disturb the second round only
    found = run(log, Script("a", log))
    assert len(found["a"]["turns"]) == 4
    assert sum(do == "time" for _, do, _ in log) == 1 + 5
    assert "disturbed" not in found["a"]


def test_after_too_many_disturbed_rounds_the_result_says_so(log, alone):
    alone += [1.0] * 100
    found = run(log, Script("a", log))
    assert len(found["a"]["turns"]) == 4
    assert found["a"]["disturbed"] == 4


def test_without_an_exact_result_nothing_is_measured(log):
    judge = Script("judge", log, exact={"failed": "no memory"})
    with pytest.raises(RuntimeError, match=r"conv: n, forward: no exact result: .*no memory"):
        measure(CASE, [], judge, Budget(0.01, 1.0, 4))


def test_neighbours_use_what_is_not_ours(monkeypatch, log):
    monkeypatch.undo()
    monkeypatch.setattr(timing.Neighbours, "_read", lambda self: readings.pop(0))
    readings = [(1000.0, 5000.0), (1030.0, 5100.0), (1030.0, 5200.0)]
    neighbours = timing.Neighbours([])
    assert neighbours.busy() == pytest.approx(0.3)
    assert neighbours.busy() == 0.0


def test_neighbours_are_read_from_the_kernel(monkeypatch):
    monkeypatch.undo()
    used, clock = timing.Neighbours([])._read()
    assert used >= 0
    assert clock > 0
