"""Analysis of the CUDA kernels: machine code, memory traffic, rooflines, checks, and times on a GPU.

Start with `workloads.py`, the typical calls, and `ladder.py`, the kernels. `report.py` puts the results together. Only
`timing.py` needs a GPU.
"""

__all__: list[str] = []
