"""The measurement: every result is checked, then the contenders take turns.

A turn is one call that is not timed, after which the caches and the threads are the contender's own, and then as many
calls as fill some milliseconds. The order changes from round to round. What is kept is a number for each turn: a ratio
is the median over the rounds of two neighbouring turns' ratio, so that a machine whose clock changes by the minute
slows both sides of it down. A round in which somebody else used the processors is repeated.
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

TOLERANCE = 1e-5  # of an operation's result, relative to the exact one, in the norm
DISTURBED = 0.4  # processors that others may keep busy in a round; its clock ticks a hundred times a second
SLOW = 1.0  # seconds: who takes longer is not asked again
PATIENCE = 10.0  # seconds that a peer gets to build a case and run it
FEW = 3  # turns, which do for those who are far behind; minicnn and PyTorch have as many as the budget allows
NETWORK_TOLERANCE = 1e-2  # a rounding error that decides which of two pixels is the larger one moves a whole gradient


@dataclass(frozen=True)
class Budget:
    """Seconds of a turn, and of all turns of one contender in one case; how many turns it gets at most."""

    turn: float
    case: float
    rounds: int


QUICK, FULL = Budget(0.01, 0.25, 7), Budget(0.02, 0.5, 11)


def tolerance(case: Case) -> float:
    """Return the error from which on a result counts as wrong."""
    return NETWORK_TOLERANCE if isinstance(case, Net) else TOLERANCE


def measure(case: Case, contenders: list[Process], judge: Process, budget: Budget) -> dict[str, dict[str, Any]]:
    """Return for each contender its errors and the seconds of a call in each turn, or why there are none.

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
    """Let everybody build the case and run it once, and compare what comes out with the exact results."""
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
    """Return whether a contender takes turns: it can, is right, and is not so slow that its first call has to do."""
    first = result.pop("first", 0.0)
    if {"failed", "skipped", "longer"} & result.keys():
        return False
    result["turns"], result["estimate"] = [], first
    if first > SLOW:
        result["turns"].append(_rounded(first))
        return False
    _turn(process, result, budget, 0)  # not kept: memory and caches are not what they will be
    result["turns"].clear()
    return True


class Neighbours:
    """What everybody else on this machine uses, other virtual machines on the same processors included."""

    def __init__(self, own: list[Process]) -> None:
        self._own = own
        self._before = self._read()

    def _read(self) -> tuple[float, float]:
        user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
        me = os.times()
        own = sum(p.ticks() for p in self._own) + (me.user + me.system) * os.sysconf("SC_CLK_TCK")
        return user + nice + system + irq + softirq + steal - own, time.monotonic() * os.sysconf("SC_CLK_TCK")

    def busy(self) -> float:
        """Return how many processors they kept busy since they were last asked for."""
        before, self._before = self._before, self._read()
        used, passed = (b - a for a, b in zip(before, self._before, strict=True))
        return used / max(passed, 1.0)


def _turn(process: Process, result: dict[str, Any], budget: Budget, i: int) -> bool:
    """Let a contender run, unless its budget is spent; three turns are everybody's, of whoever is slow one or two."""
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
