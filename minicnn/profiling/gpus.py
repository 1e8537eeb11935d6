"""What GPUs can do at most: NVIDIA's published figures, the roofline that they give, and occupancy.

The roofline (Williams, Waterman, Patterson: Roofline, CACM 2009) is the least time that a GPU needs for so many
floating-point operations and so many bytes: it can be slower than that, never faster.
"""

from dataclasses import dataclass

from minicnn.errors import ArgumentError

__all__ = ["GPUS", "LIMITS", "Gpu", "Limits", "Occupancy", "occupancy"]


@dataclass(frozen=True)
class Gpu:
    """A GPU's peaks: arithmetic in TFLOP/s (a fused multiply-add is two, no tensor cores), memory in GB/s."""

    name: str
    reported: tuple[str, ...]  # the driver's names of the cards with exactly these peaks
    architecture: str
    processors: int  # SMs
    float32: float
    float64: float
    bandwidth: float
    source: str

    def peak(self, dtype: str) -> float:
        """Return the peak for float32 or float64, in TFLOP/s."""
        return self.float32 if dtype == "float32" else self.float64

    def ridge(self, dtype: str) -> float:
        """Return how many operations a byte are needed for arithmetic, and not memory, to be the limit."""
        return self.peak(dtype) * 1e3 / self.bandwidth

    def bound(self, flops: float, moved: float, dtype: str) -> float:
        """Return the least time in milliseconds for so many operations and bytes."""
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
    """What one SM of an architecture holds at once; shared memory in bytes."""

    warps: int
    blocks: int
    shared: int
    shared_unit: int  # shared memory is given out in pieces of so many bytes,
    shared_reserved: int = 1024  # and the system takes so many of each block
    registers: int = 65536
    register_unit: int = 256  # registers are given to a warp in pieces of so many,
    partitions: int = 4  # from the quarter of the SM that runs it


# NVIDIA, CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability"; the units are those of
# cuda_occupancy.h in the CUDA toolkit.
LIMITS = {
    "sm_75": Limits(warps=32, blocks=16, shared=64 * 1024, shared_unit=256, shared_reserved=0),
    "sm_80": Limits(warps=64, blocks=32, shared=164 * 1024, shared_unit=128),
    "sm_89": Limits(warps=48, blocks=24, shared=100 * 1024, shared_unit=128),
    "sm_90": Limits(warps=64, blocks=32, shared=228 * 1024, shared_unit=128),
}


@dataclass(frozen=True)
class Occupancy:
    """How many blocks of a kernel run on one SM at once, the share of its warps they fill, and what limits them."""

    blocks: int
    share: float
    limit: str


def occupancy(architecture: str, registers: int, shared: int, threads: int) -> Occupancy:
    """Return the occupancy that a kernel can reach.

    Parameters
    ----------
    architecture : str
        As in "sm_80".
    registers : int
        For each thread.
    shared : int
        Bytes for each block.
    threads : int
        Of a block.

    Raises
    ------
    ArgumentError
        If the limits of the architecture are not known here.

    Examples
    --------
    >>> occupancy("sm_80", registers=121, shared=16384, threads=256)
    Occupancy(blocks=2, share=0.25, limit='registers')
    """
    if architecture not in LIMITS:
        raise ArgumentError(f"occupancy: the limits of {architecture} are not known; there are {', '.join(LIMITS)}")
    sm = LIMITS[architecture]
    warps = -(-threads // 32)
    a_warp = -(-registers * 32 // sm.register_unit) * sm.register_unit
    by_registers = sm.registers // sm.partitions // max(a_warp, 1) * sm.partitions // warps
    a_block = -(-(shared + sm.shared_reserved) // sm.shared_unit) * sm.shared_unit
    limits = {
        "warps": sm.warps // warps,
        "blocks": sm.blocks,
        "registers": by_registers,
        "shared memory": sm.shared // max(a_block, 1),
    }
    limit = min(limits, key=lambda name: limits[name])
    return Occupancy(limits[limit], limits[limit] * warps / sm.warps, limit)
