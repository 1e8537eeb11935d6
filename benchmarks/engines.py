"""Run benchmark cases in minicnn and in PyTorch, with one class, because both have the same names.

`Engine.prepare` returns two functions. The first runs the case once and is timed. The second returns the arrays that
the case computes, by name, to check them.
"""

import sys
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.cases import Case, Net, Op
from benchmarks.networks import NETWORKS, inputs, parameters

__all__ = ["Engine", "Prepared", "minicnn_engine", "minicnn_kernels", "operands", "torch_engine"]

Arrays = dict[str, np.ndarray]
Prepared = tuple[Callable[[], Any], Callable[[], Arrays]]


def operands(case: Op) -> tuple[Arrays, np.ndarray]:
    """Draw the inputs of an operation and the gradient of its output."""
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal(shape, np.float32) for name, shape in case.shapes.items()}
    if "weight" in arrays and arrays["weight"].ndim > 1:
        arrays["weight"] /= np.float32(np.sqrt(np.prod(case.shapes["weight"][1:])))
    if "running_var" in arrays:
        arrays["running_var"] = arrays["running_var"] ** 2 + 1
    if case.function == "cross_entropy":
        arrays["target"] = rng.integers(0, case.shapes["input"][1], case.shapes["target"])
    return arrays, np.asarray(rng.standard_normal(case.output, np.float32))


@dataclass
class Engine:
    """An engine with PyTorch's names, and the options of a contender."""

    lib: Any
    dtype: str = "float32"
    options: dict[str, Any] = field(default_factory=dict)  # of the optimizers
    inference: Callable[[], Any] = nullcontext

    def tensor(self, array: np.ndarray) -> Any:
        if array.dtype.kind == "f":
            array = array.astype(self.dtype)
        return self.lib.from_numpy(np.array(array))

    def prepare(self, case: Case) -> Prepared:
        if isinstance(case, Op):
            return self._operation(case)
        return self._training(case) if case.training else self._inference(case)

    def _operation(self, case: Op) -> Prepared:
        arrays, g = operands(case)
        tensors = [self.tensor(a) for a in arrays.values()]
        function = getattr(self.lib.nn.functional, case.function, None) or getattr(self.lib, case.function)
        params = case.params

        if not case.backward:

            def forward() -> Any:
                with self.inference():
                    return function(*tensors, **params)

            return forward, lambda: {"output": _numpy(forward())}

        gradient = self.tensor(g)
        named = dict(zip(arrays, tensors, strict=True))
        wanted = {name: named[name].requires_grad_() for name in case.differentiated}
        leaves = list(wanted.values())

        def both() -> Any:
            for t in leaves:
                t.grad = None
            y = function(*tensors, **params)
            y.backward(gradient if y.shape == gradient.shape else None)
            return y

        def results() -> Arrays:
            y = both()
            return {"output": _numpy(y), **{f"gradient of {name}": _numpy(t.grad) for name, t in wanted.items()}}

        return both, results

    def _model(self, case: Net) -> Any:
        model = NETWORKS[case.network].build(self.lib)
        state = model.state_dict()
        state.update({name: self.lib.from_numpy(a) for name, a in parameters(model).items()})
        model.load_state_dict(state)
        return model.to(getattr(self.lib, self.dtype))

    def _training(self, case: Net) -> Prepared:
        recipe, model = NETWORKS[case.network], self._model(case)
        x, target = map(self.tensor, inputs(case))
        loss_function = getattr(self.lib.nn.functional, recipe.loss) if recipe.loss else lambda loss, target: loss
        choice = {"lr": 1e-3, **({"momentum": 0.9} if recipe.optimizer == "SGD" else {})}
        optimizer = getattr(self.lib.optim, recipe.optimizer)(model.parameters(), **choice, **self.options)

        def step() -> Any:
            optimizer.zero_grad()
            loss = loss_function(model(x), target)
            loss.backward()
            optimizer.step()
            return loss

        def results() -> Arrays:
            loss = step()
            gradients = np.concatenate([_numpy(p.grad).ravel() for p in model.parameters()])
            return {"loss": _numpy(loss), "gradients": gradients, "loss after a step": _numpy(step())}

        return step, results

    def _inference(self, case: Net) -> Prepared:
        model = self._model(case).eval()
        x = self.tensor(inputs(case)[0])

        def forward() -> Any:
            with self.inference():
                return model(x)

        return forward, lambda: {"output": _numpy(forward())}


def _numpy(tensor: Any) -> np.ndarray:
    return np.array(tensor.detach().numpy())


_until_the_end = ExitStack()


def minicnn_engine(backends: tuple[str, ...] | None, threads: int) -> Engine:
    """Return minicnn with all kernels of the CPU, or only with the kernels of `backends` until this process ends."""
    import minicnn

    minicnn.set_num_threads(threads)
    if backends is not None:
        _until_the_end.enter_context(minicnn.use_backends(*backends))
    return Engine(minicnn, inference=minicnn.no_grad)


def minicnn_kernels(call: Callable[[], Any]) -> dict[str, str]:
    """Run `call`; return the kernel that each operation used."""
    import minicnn
    from minicnn.runtime import dispatch

    original, taken = dispatch.select, {}

    def watched(operation: str, device: Any, arrays: Any, params: Any) -> Any:
        function = original(operation, device, arrays, params)
        found = next(k for k in dispatch.kernels(operation, device) if k.function is function)
        taken[operation] = f"{found.backend}/{found.name}"
        return function

    users = [m for name, m in sys.modules.items() if name.startswith(minicnn.__name__) and vars(m).get("select")]
    with ExitStack() as stack:
        for module in users:
            if module.select is original:
                stack.enter_context(patch.object(module, "select", watched))
        call()
    return taken


def torch_engine(tuned: bool, threads: int, dtype: str = "float32") -> Engine:
    """Return PyTorch with its defaults, or tuned: with fused optimizers and `inference_mode`."""
    import torch

    torch.set_num_threads(threads)
    inference = torch.inference_mode if tuned else torch.no_grad
    return Engine(torch, dtype=dtype, options={"fused": True} if tuned else {}, inference=inference)
