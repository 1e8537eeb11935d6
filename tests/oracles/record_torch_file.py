"""Write a file with PyTorch that holds every kind of value that `minicnn.load` reads. Run by hand with PyTorch 2.13:

    python -m tests.oracles.record_torch_file

It writes torch_file.pth in this folder; tests/serialization/test_torch_files.py knows the values.
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np


def main() -> None:
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    for parameter in net.parameters():
        parameter.data.fill_(0.5)
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    base = torch.arange(12.0)
    values = {
        "net": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "plain": [1, 2.5, None, True, "é", 2**40, -5, (1, 2), {1, 2}, b"ab"],
        "number": np.float64(0.25),
        "ordered": OrderedDict(a=1),
        3: "a key",
        "types": (torch.float32, torch.int64, torch.bool),
        "size": torch.Size([1, 2]),
        "device": torch.device("cpu"),
        "half": torch.tensor([1.0, -0.5]).half(),
        "bfloat16": torch.tensor([1.5, -2.25]).bfloat16(),
        "double": torch.tensor([0.1], dtype=torch.float64),
        "int8": torch.tensor([-3], dtype=torch.int8),
        "int16": torch.tensor([-300], dtype=torch.int16),
        "int32": torch.tensor([70000], dtype=torch.int32),
        "uint8": torch.tensor([200], dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0, 3),
        "base": base,
        "view": base[2:8].view(2, 3).t(),
        "expanded": torch.ones(1).expand(3),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "complex": torch.tensor([1 + 2j]),
        "complex number": 1.5 - 2j,
        "conjugate": torch.tensor([1 + 2j], dtype=torch.complex128).conj(),
        "imaginary": torch.tensor([1 + 2j]).conj().imag,
        "complex type": torch.complex64,
        "leaf": torch.ones(2, requires_grad=True),
    }
    torch.save(values, Path(__file__).with_name("torch_file.pth"))


if __name__ == "__main__":
    main()
