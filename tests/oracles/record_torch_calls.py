"""Record PyTorch's results of the calls. Run by hand with PyTorch 2.13, from the root of the repository:

    python -m tests.oracles.record_torch_calls [topic ...]

It writes a file for each topic in the folder calls/: call -> result.
"""

import json
import sys
import warnings
from pathlib import Path

from tests.oracles.calls import TOPICS, run


def main(topics: list[str]) -> None:
    import torch

    warnings.simplefilter("ignore")
    for topic in topics or TOPICS:
        lines = [f" {json.dumps(call)}: {json.dumps(run(topic, call, torch))}" for call in TOPICS[topic].CALLS]
        path = Path(__file__).parent / "calls" / f"{topic}.json"
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
