"""Record PyTorch's results for the cases. Run by hand with torch 2.13, from the root of the repository:

    python -m tests.oracles.record_torch

The file torch_layers.npz contains for case number i the inputs "i/<name>", the results "i/=<name>", and as text the
case, its state-dict keys and its repr; and for each model of `models` its state-dict keys and repr.
"""

from functools import partial
from pathlib import Path

import numpy as np

from tests.oracles.cases import CASES, Draw, build, models, run

RECORD = Path(__file__).with_name("torch_layers.npz")


def draw_into(given: dict[str, np.ndarray], rng: np.random.Generator, name: str, draw: Draw) -> np.ndarray:
    given[name] = np.asarray(draw(rng))
    return given[name]


def main() -> None:
    import torch

    record: dict[str, np.ndarray] = {"torch": np.array(torch.__version__)}
    for i, case in enumerate(CASES):
        given: dict[str, np.ndarray] = {}
        draw_and_keep = partial(draw_into, given, np.random.default_rng(i))
        results = run(case, torch, draw_and_keep)
        record |= {f"{i}/{name}": array for name, array in given.items()}
        record |= {f"{i}/={name}": array.copy() for name, array in results.items()}
        record[f"{i}/case"] = np.array(str(case))
        if case.call[0].isupper():
            arrays = {k: torch.tensor(record[f"{i}/{k}"]) for k, v in case.kwargs.items() if isinstance(v, Draw)}
            module = build(case, torch, case.kwargs | arrays)
            record[f"{i}/keys"] = np.array(list(module.state_dict()), dtype=str)
            record[f"{i}/repr"] = np.array(repr(module))
    for name, model in models(torch).items():
        record[f"{name}/keys"] = np.array(list(model.state_dict()), dtype=str)
        record[f"{name}/parameters"] = np.array([n for n, _ in model.named_parameters()], dtype=str)
        record[f"{name}/buffers"] = np.array([n for n, _ in model.named_buffers()], dtype=str)
        record[f"{name}/modules"] = np.array([n for n, _ in model.named_modules()], dtype=str)
        record[f"{name}/repr"] = np.array(repr(model))
    np.savez_compressed(RECORD, **record)
    print(f"{len(CASES)} cases, {len(record)} arrays, {RECORD.stat().st_size / 1e6:.2f} MB in {RECORD}")


if __name__ == "__main__":
    main()
