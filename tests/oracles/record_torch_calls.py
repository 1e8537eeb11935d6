"""Record PyTorch's results of the calls in calls.py. Run by hand with PyTorch 2.13, from the root of the repository:

    python -m tests.oracles.record_torch_calls

It writes torch_calls.json in this folder: call -> result.
"""

import json
import warnings
from pathlib import Path

from tests.oracles.calls import CALLS, run


def main() -> None:
    import torch

    warnings.simplefilter("ignore")
    lines = [f" {json.dumps(call)}: {json.dumps(run(call, torch))}" for call in CALLS]
    path = Path(__file__).with_name("torch_calls.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
