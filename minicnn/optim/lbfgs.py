"""LBFGS, a quasi-Newton method: it estimates the curvature from the last steps. It suits smooth losses of all data."""

from collections.abc import Callable
from math import inf
from typing import Any, ClassVar

from minicnn.autograd.tape import enable_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.ops.create import tensor
from minicnn.optim.line_search import Point, strong_wolfe
from minicnn.optim.optimizer import Optimizer, Parameters, real_array
from minicnn.runtime.devices import Array, xp

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Limited-memory BFGS, with PyTorch's arguments and steps. `step` takes a function that computes the loss.

    With the gradient g of all parameters, s the last steps and y the changes of g in them, the direction is -H g. H
    estimates the inverse Hessian: the update H ← (1 - ρ s yᵀ) H (1 - ρ y sᵀ) + ρ s sᵀ with ρ = 1 / yᵀs, for the last
    `history_size` pairs, starting from (yᵀs / yᵀy) 1. The two-loop recursion computes H g without the matrix.

    Parameters
    ----------
    params : iterable of Tensor
        One group of parameters.
    lr : float
        The length of steps; with a line search, the first length to try.
    max_iter : int
        The number of iterations in a call of `step`.
    max_eval : int, optional
        The number of evaluations in a call; default 1.25 max_iter.
    tolerance_grad, tolerance_change : float
        Stop when no element of the gradient, or of a step, is larger, or the loss changes less.
    history_size : int
        The number of pairs (s, y) to keep.
    line_search_fn : None or "strong_wolfe"

    Raises
    ------
    ArgumentError
        If an option is out of range, or there are several groups.
    DTypeError
        If an option has a wrong type.

    References
    ----------
    Liu, Nocedal: On the limited memory BFGS method for large scale optimization. Mathematical Programming, 1989.

    Examples
    --------
    >>> import minicnn
    >>> p = minicnn.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((p - 1) ** 4).sum()
    ...     loss.backward()
    ...     return loss
    >>> round(optimizer.step(closure).item())
    97
    >>> [round(v) for v in p.tolist()]
    [1, 1]
    """

    limits: ClassVar = dict.fromkeys(("lr", "tolerance_grad", "tolerance_change"), (0, inf)) | dict.fromkeys(
        ("max_iter", "max_eval", "history_size"), (1, inf)
    )

    def __init__(
        self,
        params: Parameters,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "max_iter": max_iter, "history_size": history_size}
        options |= {"max_eval": max_iter * 5 // 4 if max_eval is None else max_eval, "line_search_fn": line_search_fn}
        super().__init__(params, options | {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change})

    def check_options(self, options: dict[str, Any]) -> None:
        """Check the options of the group.

        Raises
        ------
        ArgumentError
            If an option is out of range.
        """
        super().check_options(options)
        if options["line_search_fn"] not in (None, "strong_wolfe"):
            raise ArgumentError(
                f"LBFGS: line_search_fn must be None or 'strong_wolfe', got {options['line_search_fn']!r}"
            )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add the first group of parameters; further errors as in `Optimizer.add_param_group`.

        Raises
        ------
        ArgumentError
            If there is a group already.
        """
        if self.param_groups:
            raise ArgumentError("LBFGS: there can be one group of parameters; pass all of them in one list")
        super().add_param_group(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to `max_iter` steps.

        Parameters
        ----------
        closure : callable
            Clears the gradients, computes the loss, calls backward and returns the loss. It is called many times.

        Returns
        -------
        The first loss.

        Raises
        ------
        ArgumentError
            If there is no closure.
        """
        if closure is None:
            raise ArgumentError("LBFGS: step needs a closure, because it evaluates the loss several times")
        (group,) = self.param_groups
        state = self.state[group["params"][0]]
        evaluate = enable_grad()(closure)
        first = evaluate()
        loss, gradient, evaluations = float(first), self._gradient(), 1
        state.setdefault("n_iter", 0)
        state["func_evals"] = state.get("func_evals", 0) + 1
        searches = group["line_search_fn"] is not None
        for iteration in range(1, group["max_iter"] + 1):
            if _largest(gradient) <= group["tolerance_grad"]:
                break
            direction = self._direction(state, gradient, group["history_size"])
            t = group["lr"] * (min(1.0, 1 / float(abs(gradient).sum())) if state["n_iter"] == 1 else 1.0)
            slope, before, tried = float(gradient @ direction), loss, 0
            state |= {"d": tensor(direction), "t": t, "prev_flat_grad": tensor(gradient), "prev_loss": before}
            if slope > -group["tolerance_change"]:
                break
            if searches:
                start = Point(0.0, loss, gradient, slope)
                origin = [real_array(p).copy() for p in group["params"]]

                def at(t: float, origin: list[Array] = origin, direction: Array = direction) -> Point:
                    self._move(origin, t, direction)
                    value = float(evaluate())
                    found = self._gradient()
                    return Point(t, value, found, float(found @ direction))

                length, left = _largest(direction), group["max_eval"] - evaluations
                point, tried = strong_wolfe(at, start, t, length, group["tolerance_change"], left)
                t, loss, gradient = point.t, point.f, point.gradient
                self._move(origin, t, direction)
            else:
                self._move([real_array(p) for p in group["params"]], t, direction)
                if iteration < group["max_iter"]:
                    loss, gradient, tried = float(evaluate()), self._gradient(), 1
            state["t"] = t
            evaluations += tried
            state["func_evals"] += tried
            small = _largest(direction) * abs(t) <= group["tolerance_change"]
            if evaluations >= group["max_eval"] or small or abs(loss - before) < group["tolerance_change"]:
                break
        return first

    def _direction(self, state: dict[str, Any], gradient: Array, history: int) -> Array:
        """Return -H g, after taking the last step into H."""
        state["n_iter"] += 1
        if state["n_iter"] == 1:
            state |= {"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1.0}
            return -gradient
        y = gradient - state["prev_flat_grad"].array
        s = state["d"].array * state["t"]
        product = float(y @ s)
        if product > 1e-10:  # otherwise the function is not convex here
            state["old_dirs"] = [*state["old_dirs"], tensor(y)][-history:]
            state["old_stps"] = [*state["old_stps"], tensor(s)][-history:]
            state["ro"] = [*state["ro"], 1 / product][-history:]
            state["H_diag"] = product / float(y @ y)
        pairs = [
            (y.array, s.array, r) for y, s, r in zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True)
        ]
        direction, shares = -gradient, []
        for y, s, r in reversed(pairs):
            shares.append(r * float(s @ direction))
            direction = direction - shares[-1] * y
        direction = direction * state["H_diag"]
        for (y, s, r), share in zip(pairs, reversed(shares), strict=True):
            direction = direction + (share - r * float(y @ direction)) * s
        return direction

    def _gradient(self) -> Array:
        """Return the gradients of all parameters as one vector; 0 where there is none."""
        parts = [real_array(p) * 0 if p.grad is None else real_array(p.grad) for p in self.param_groups[0]["params"]]
        return xp(parts[0]).concatenate([part.reshape(-1) for part in parts])

    def _move(self, origin: list[Array], t: float, direction: Array) -> None:
        """Set the parameters to origin + t · direction."""
        start = 0
        for p, array in zip(self.param_groups[0]["params"], origin, strict=True):
            part = direction[start : start + array.size].reshape(array.shape)
            real_array(p)[...] = array + t * part
            p.mark_modified()
            start += array.size

    def _saved_entries(self, call: str, entries: dict[str, Any], parameter: Tensor) -> dict[str, Any]:
        return dict(entries)


def _largest(vector: Array) -> float:
    return float(abs(vector).max())
