"""Data of GPUs: peak arithmetic and bandwidth as published by NVIDIA, the roofline, and occupancy.

The roofline (Williams, Waterman, Patterson: Roofline, CACM 2009) is a lower bound of the time that a GPU needs for a
given number of floating-point operations and bytes.
"""

from dataclasses import dataclass

from minicnn.errors import ArgumentError

__all__ = ["GPUS", "LIMITS", "Gpu", "Limits", "Occupancy", "occupancy"]


@dataclass(frozen=True)
class Gpu:
    """A GPU's peak rates: arithmetic in TFLOP/s (a fused multiply-add counts 2; no tensor cores), memory in GB/s."""

    name: str
    reported: tuple[str, ...]  # the driver's names of the cards with these peak rates
    architecture: str
    processors: int  # SMs
    float32: float
    float64: float
    bandwidth: float
    source: str

    def peak(self, dtype: str) -> float:
        """Return the peak rate for float32 or float64, in TFLOP/s."""
        return self.float32 if dtype == "float32" else self.float64

    def ridge(self, dtype: str) -> float:
        """Return the arithmetic intensity, in FLOP per byte, above which arithmetic is the limit and not memory."""
        return self.peak(dtype) * 1e3 / self.bandwidth

    def bound(self, flops: float, moved: float, dtype: str) -> float:
        """Return the lower bound of the time for `flops` operations and `moved` bytes, in milliseconds."""
        return max(flops / (self.peak(dtype) * 1e9), moved / (self.bandwidth * 1e6))


GPUS = (
    Gpu(
        "T4",
        ("Tesla T4",),
        "sm_75",
        40,
        8.1,
        8.1 / 32,
        320,
        "NVIDIA T4 data sheet, 2019; float64 at 1/32, Turing whitepaper",
    ),
    Gpu(
        "A100",
        ("NVIDIA A100-SXM4-80GB",),
        "sm_80",
        108,
        19.5,
        9.7,
        2039,
        "NVIDIA A100 data sheet, 2021, the column of the 80 GB SXM",
    ),
    Gpu(
        "H100",
        ("NVIDIA H100 80GB HBM3",),
        "sm_90",
        132,
        67,
        34,
        3350,
        "NVIDIA H100 data sheet, 2023, the column of the SXM",
    ),
    Gpu(
        "RTX 4090",
        ("NVIDIA GeForce RTX 4090",),
        "sm_89",
        128,
        82.6,
        82.6 / 64,
        1008,
        "NVIDIA Ada architecture whitepaper, 2023; float64 at 1/64",
    ),
)


@dataclass(frozen=True)
class Limits:
    """The resources of an SM of an architecture."""

    warps: int
    blocks: int
    shared: int  # bytes of shared memory
    shared_unit: int  # shared memory is allocated in multiples of this number of bytes
    shared_reserved: int = 1024  # bytes of shared memory that the system uses for each block
    registers: int = 65536
    register_unit: int = 256  # registers of a warp are allocated in multiples of this number
    partitions: int = 4  # an SM has 4 partitions; a warp uses the registers of its partition


# NVIDIA, CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability". The units are from
# cuda_occupancy.h in the CUDA toolkit.
LIMITS = {
    "sm_75": Limits(warps=32, blocks=16, shared=64 * 1024, shared_unit=256, shared_reserved=0),
    "sm_80": Limits(warps=64, blocks=32, shared=164 * 1024, shared_unit=128),
    "sm_89": Limits(warps=48, blocks=24, shared=100 * 1024, shared_unit=128),
    "sm_90": Limits(warps=64, blocks=32, shared=228 * 1024, shared_unit=128),
}


@dataclass(frozen=True)
class Occupancy:
    """The number of blocks of a kernel that run on an SM at once, their fraction of its warps, and the limit."""

    blocks: int
    share: float
    limit: str


def occupancy(architecture: str, registers: int, shared: int, threads: int) -> Occupancy:
    """Return the maximum occupancy of a kernel.

    Parameters
    ----------
    architecture : str
        For example "sm_80".
    registers : int
        Registers of a thread.
    shared : int
        Shared memory of a block, in bytes.
    threads : int
        Threads of a block.

    Raises
    ------
    ArgumentError
        If `LIMITS` lacks the architecture.

    Examples
    --------
    >>> occupancy("sm_80", registers=121, shared=16384, threads=256)
    Occupancy(blocks=2, share=0.25, limit='registers')
    """
    if architecture not in LIMITS:
        raise ArgumentError(f"occupancy: the limits of {architecture} are not known; known are {', '.join(LIMITS)}")
    sm = LIMITS[architecture]
    warps = -(-threads // 32)
    warp_registers = -(-registers * 32 // sm.register_unit) * sm.register_unit
    by_registers = sm.registers // sm.partitions // max(warp_registers, 1) * sm.partitions // warps
    block_shared = -(-(shared + sm.shared_reserved) // sm.shared_unit) * sm.shared_unit
    limits = {
        "warps": sm.warps // warps,
        "blocks": sm.blocks,
        "registers": by_registers,
        "shared memory": sm.shared // max(block_shared, 1),
    }
    limit = min(limits, key=lambda name: limits[name])
    return Occupancy(limits[limit], limits[limit] * warps / sm.warps, limit)
