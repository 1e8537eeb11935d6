"""Measure a case: check the result of every contender, then time the contenders in turns.

A turn is a call without timing, which fills the caches and wakes the threads, and then enough timed calls for a few
milliseconds. The order of the contenders changes in each round. The ratio of two contenders is the median over the
rounds of the ratio of their turns. Turns of a round are close in time, so a change of the clock rate slows both. If
other processes used the CPU in a round, the round is repeated.
"""

import math
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cases import Case, Net
from benchmarks.contenders import PEERS, Process

__all__ = ["FULL", "QUICK", "SLOW", "TOLERANCE", "Budget", "measure", "tolerance"]

TOLERANCE = 1e-5  # relative error of an operation's result, in the norm
DISTURBED = 0.4  # CPUs that other processes may use in a round; CPU time is counted in ticks of 10 ms
SLOW = 1.0  # seconds: a contender whose first call takes longer gets no other turn
PATIENCE = 10.0  # seconds for a peer to build a case and run it
FEW = 3  # turns of the slow contenders; minicnn and PyTorch have as many as the budget allows
NETWORK_TOLERANCE = 1e-2  # a rounding error can change the winner of a max pooling, which moves a gradient


@dataclass(frozen=True)
class Budget:
    """Seconds of a turn, seconds of all turns of a contender in a case, and the maximum number of rounds."""

    turn: float
    case: float
    rounds: int


QUICK, FULL = Budget(0.01, 0.25, 7), Budget(0.02, 0.5, 11)


def tolerance(case: Case) -> float:
    """Return the largest relative error of a correct result."""
    return NETWORK_TOLERANCE if isinstance(case, Net) else TOLERANCE


def measure(case: Case, contenders: list[Process], judge: Process, budget: Budget) -> dict[str, dict[str, Any]]:
    """Return for each contender its errors and its seconds per call in each turn, or the reason why it was not timed.

    Parameters
    ----------
    case : Case
    contenders : list of Process
    judge : Process
        Computes the exact results, in float64.
    budget : Budget
    """
    found = _checked(case, contenders, judge)
    running = [p for p in contenders if _warmed_up(p, found[p.name], budget)]
    neighbours = Neighbours([*contenders, judge])
    done, disturbed, patience = 0, 0, budget.rounds
    while done < budget.rounds:
        shift = done % max(len(running), 1)
        order = running[shift:] + running[:shift]
        took_part = [p for p in order if _turn(p, found[p.name], budget, done)]
        if not took_part:
            break
        alone = neighbours.busy() <= DISTURBED
        if alone or patience == 0:
            done, disturbed = done + 1, disturbed + (not alone)
            continue
        patience -= 1
        for process in took_part:
            found[process.name]["turns"].pop()
        time.sleep(0.5)
        neighbours.busy()
    for result in found.values():
        result.pop("estimate", None)
        if disturbed:
            result["disturbed"] = disturbed
    return found


def _checked(case: Case, contenders: list[Process], judge: Process) -> dict[str, dict[str, Any]]:
    """Run the case once in every contender, and compare the results with the exact results."""
    with tempfile.TemporaryDirectory() as folder:
        exact = str(Path(folder) / "exact.npz")
        answer = judge.ask("exact", case=case.key, exact=exact)
        if answer:
            raise RuntimeError(f"{case.key}: no exact result: {answer}")
        found = {}
        for process in contenders:
            patience = PATIENCE if process.name in PEERS else None
            found[process.name] = process.ask("prepare", patience, case=case.key, exact=exact)
    for result in found.values():
        worst = max(result.get("errors", {"": 0.0}).values(), key=lambda e: math.inf if math.isnan(e) else e)
        if not worst <= tolerance(case):
            result["failed"] = f"wrong by {worst:.1e}"
    return found


def _warmed_up(process: Process, result: dict[str, Any], budget: Budget) -> bool:
    """Return whether a contender takes turns: it ran, its result is correct, and its first call was not too slow."""
    first = result.pop("first", 0.0)
    if {"failed", "skipped", "longer"} & result.keys():
        return False
    result["turns"], result["estimate"] = [], first
    if first > SLOW:
        result["turns"].append(_rounded(first))
        return False
    _turn(process, result, budget, 0)  # not kept: memory and caches are still cold
    result["turns"].clear()
    return True


class Neighbours:
    """The CPU time of all other processes on this machine, and of other virtual machines on its CPUs (steal)."""

    def __init__(self, own: list[Process]) -> None:
        self._own = own
        self._before = self._read()

    def _read(self) -> tuple[float, float]:
        user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
        me = os.times()
        own = sum(p.ticks() for p in self._own) + (me.user + me.system) * os.sysconf("SC_CLK_TCK")
        return user + nice + system + irq + softirq + steal - own, time.monotonic() * os.sysconf("SC_CLK_TCK")

    def busy(self) -> float:
        """Return the average number of CPUs that they used since the last call."""
        before, self._before = self._before, self._read()
        used, passed = (b - a for a, b in zip(before, self._before, strict=True))
        return used / max(passed, 1.0)


def _turn(process: Process, result: dict[str, Any], budget: Budget, i: int) -> bool:
    """Run a turn, unless the budget is spent. A contender gets at least three turns, a slow contender one or two."""
    estimate, turns = result["estimate"], result["turns"]
    least = 3 if estimate < budget.case else 2 if estimate < 3 * budget.case else 1
    most = FEW if process.name in (*PEERS, "reference") else budget.rounds
    spent = i >= least and (i + 1) * 2 * max(estimate, budget.turn) > budget.case
    if "failed" in result or spent or i >= most:
        return False
    calls = max(1, math.ceil(budget.turn / estimate))
    answer = process.ask("time", calls=calls, warm=estimate < budget.case)
    if "failed" in answer:
        result["failed"] = answer["failed"]
        return False
    turns.append(_rounded(answer["seconds"]))
    result["estimate"] = min(estimate, turns[-1])
    return True


def _rounded(seconds: float) -> float:
    return float(f"{seconds:.4g}")
