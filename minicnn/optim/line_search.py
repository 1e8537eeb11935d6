"""A line search for the strong Wolfe conditions, as LBFGS uses it.

Along a direction d with slope f'(0) < 0, a step t is good enough if

    f(t) <= f(0) + c₁ t f'(0)    (the function has fallen)        |f'(t)| <= c₂ |f'(0)|    (the slope has become flat)

First t grows until an interval must contain such a step; then the interval shrinks. The next t is the minimum of the
cubic polynomial through two points and their slopes.

Nocedal, Wright: Numerical optimization, 2nd edition, algorithms 3.5 and 3.6.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Point", "cubic_minimum", "strong_wolfe"]

C1, C2 = 1e-4, 0.9


class Point(NamedTuple):
    """A point on the line: the step, the value of the function, its gradient, and the slope along the direction."""

    t: float
    f: float
    gradient: Any
    slope: float


def cubic_minimum(a: Point, b: Point, low: float, high: float) -> float:
    """Return the minimum, within [low, high], of the cubic with the values and slopes of two points."""
    if a.t > b.t:
        a, b = b, a
    middle = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = middle**2 - a.slope * b.slope
    if square < 0:
        return (low + high) / 2
    root: float = square**0.5
    bottom = b.slope - a.slope + 2 * root
    if bottom == 0:
        return (low + high) / 2
    return min(max(b.t - (b.t - a.t) * (b.slope + root - middle) / bottom, low), high)


def strong_wolfe(
    evaluate: Callable[[float], Point], start: Point, t: float, length: float, tolerance: float, evaluations: int
) -> tuple[Point, int]:
    """Return a point that satisfies the conditions, or the best one, and the number of evaluations.

    Parameters
    ----------
    evaluate : callable
        Returns the Point of a step.
    start : Point
        The point of step 0.
    t : float
        The first step to try.
    length : float
        The largest element of the direction.
    tolerance : float
        Stop when the interval, times `length`, is smaller.
    evaluations : int
        The largest number of points to try.
    """

    def too_high(point: Point) -> bool:
        return point.f > start.f + C1 * point.t * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -C2 * start.slope

    before, now, count = start, evaluate(t), 0
    while count < evaluations:
        if too_high(now) or (count > 1 and now.f >= before.f):
            break
        if is_flat(now):
            return now, count + 1
        if now.slope >= 0:
            break
        further = cubic_minimum(before, now, now.t + 0.01 * (now.t - before.t), 10 * now.t)
        before, now, count = now, evaluate(further), count + 1
    else:
        before = start
    ends, stuck = [before, now], False
    while count < evaluations and abs(ends[1].t - ends[0].t) * length >= tolerance:
        low, high = sorted(point.t for point in ends)
        t = cubic_minimum(ends[0], ends[1], low, high)
        margin = 0.1 * (high - low)
        close = min(high - t, t - low) < margin  # to an end: the second time, or at the end itself, move away from it
        if close and (stuck or t >= high or t <= low):
            t, close = (high - margin if high - t < t - low else low + margin), False
        stuck = close
        now, count = evaluate(t), count + 1
        best = ends[0].f > ends[1].f
        if too_high(now) or now.f >= ends[best].f:
            ends[not best] = now
            continue
        if is_flat(now):
            return now, count + 1
        if now.slope * (ends[not best].t - ends[best].t) >= 0:
            ends[not best] = ends[best]
        ends[best] = now
    return min(ends, key=lambda point: point.f), count + 1
