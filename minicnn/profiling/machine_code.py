"""Analysis of a kernel's machine code (SASS): registers, spills, memory, and the inner loop.

NVIDIA's cuobjdump and nvdisasm print a CUBIN as text, and the functions of this file parse it. The inner loop is the
loop with the most fused multiply-adds (FFMA; DFMA for double). The fraction of FFMA among its instructions limits the
arithmetic rate, independently of memory, because a scheduler issues 1 instruction per cycle. On sm_90 (and sm_89) its
32 lanes finish an FFMA in each cycle, so the rate is at most this fraction of the peak. On sm_75 and sm_80 its 16 lanes
need 2 cycles for an FFMA, and in the second cycle another instruction is issued at no cost.
"""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import metadata
from pathlib import Path

from minicnn.backends.build import cached
from minicnn.errors import KernelError
from minicnn.profiling.wheels import wheel_file

__all__ = ["Entry", "Instruction", "Loop", "loops", "parse_resources", "parse_sass", "read_cubin"]

FUSED = ("FFMA", "DFMA")
LINE = re.compile(r"^\s*/\*([0-9a-f]{4,})\*/\s+(?:@(!?U?P[0-9T]+)\s+)?([A-Z][A-Z0-9_.]*)\s*([^;]*?)\s*;", re.MULTILINE)
ENDS = ("EXIT", "RET", "BRX", "JMX", "KILL", "BPT")  # without a predicate, the next instruction does not follow
RESERVED = 1024  # bytes of shared memory of a block that the system uses; from sm_90 on the listing includes them


@dataclass(frozen=True)
class Instruction:
    """A machine instruction. `name` is the operation with its modifiers, for example "LDS.U.128"."""

    address: int
    name: str
    operands: str = ""
    predicate: str = ""

    @property
    def operation(self) -> str:
        """The name without modifiers."""
        return self.name.partition(".")[0]

    @property
    def target(self) -> int | None:
        """The address that a branch jumps to, or None."""
        found = re.search(r"0x[0-9a-f]+$", self.operands) if self.operation == "BRA" else None
        return int(found[0], 16) if found else None

    @property
    def falls_through(self) -> bool:
        """Whether the next instruction can be executed after this instruction."""
        if self.predicate:
            return True
        if self.operation == "BRA":  # BRA P0, 0x... and BRA.DIV R1, 0x... carry their condition as an operand
            return not self.operands.startswith("0x")
        return self.operation not in ENDS

    @property
    def bits(self) -> int:
        """The number of bits that a load or store moves for each thread."""
        widths = {"128": 128, "64": 64, "U16": 16, "S16": 16, "U8": 8, "S8": 8}
        return next((widths[m] for m in self.name.split(".") if m in widths), 32)


@dataclass(frozen=True)
class Loop:
    """The instructions of a loop, sorted by address."""

    instructions: tuple[Instruction, ...]

    @cached_property
    def fused(self) -> int:
        """The number of fused multiply-adds."""
        return sum(i.operation in FUSED for i in self.instructions)

    @property
    def share(self) -> float:
        """The fraction of fused multiply-adds among all instructions."""
        return self.fused / len(self.instructions)

    def widths(self, *operations: str) -> Counter[str]:
        """Count loads and stores by operation and width, for example {"LDS.128": 32}, without disabled instructions."""
        moves = (i for i in self.instructions if i.operation in operations and i.predicate != "!PT")
        return Counter(f"{i.operation}.{i.bits}" for i in moves)


@dataclass(frozen=True)
class Entry:
    """A compiled kernel. `stack` is in bytes per thread, `shared` in bytes per block."""

    name: str
    registers: int
    stack: int
    shared: int
    constant: int
    instructions: tuple[Instruction, ...]

    @property
    def spill_stores(self) -> int:
        """The number of stores to local memory: spilled registers, or arrays with indices unknown to the compiler."""
        return sum(i.operation == "STL" for i in self.instructions)

    @property
    def spill_loads(self) -> int:
        """The number of loads from local memory."""
        return sum(i.operation == "LDL" for i in self.instructions)

    @cached_property
    def inner_loop(self) -> Loop | None:
        """The loop with the most fused multiply-adds, not counting its inner loops; None if no loop has any."""
        best, max_fused, seen = None, 0, set[int]()
        for loop in sorted(loops(self.instructions), key=lambda loop: len(loop.instructions)):  # inner loops first
            addresses = {i.address for i in loop.instructions if i.operation in FUSED}
            if len(addresses - seen) > max_fused:
                best, max_fused = loop, len(addresses - seen)
            seen |= addresses
        return best


@lru_cache(maxsize=256)
def read_cubin(cubin: Path) -> dict[str, Entry]:
    """Return the kernels of a CUBIN by name. The listing of the disassembler is cached.

    Raises
    ------
    KernelError
        If the file is not a CUBIN.
    MissingPackageError
        If the wheels with cuobjdump and nvdisasm are not installed.
    """
    program = wheel_file("nvidia-cuda-cuobjdump", r"cuobjdump(\.exe)?")
    disassembler = wheel_file("nvidia-cuda-nvdisasm", r"nvdisasm(\.exe)?")

    def make(path: Path) -> None:
        search_path = os.pathsep.join([str(disassembler.parent), os.environ.get("PATH", "")])
        command, environment = [str(program), "-res-usage", "-sass", str(cubin)], {**os.environ, "PATH": search_path}
        result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if result.returncode or "Function : " not in result.stdout:
            raise KernelError(f"kernels: cuobjdump cannot read {cubin}: {result.stderr.strip() or 'it has no kernel'}")
        path.write_text(result.stdout, encoding="utf-8")

    version = metadata.version("nvidia-cuda-nvdisasm")
    listing = cached(["cuobjdump", version, cubin.read_bytes()], ".sass", make).read_text(encoding="utf-8")
    resources, code = parse_resources(listing), parse_sass(listing)
    architecture = re.search(r"code for sm_(\d+)", listing)
    reserved = RESERVED if architecture and int(architecture[1]) >= 90 else 0
    return {name: _entry(name, resources[name], code[name], reserved) for name in sorted(code)}


def _entry(name: str, resources: dict[str, int], code: tuple[Instruction, ...], reserved: int) -> Entry:
    constant = sum(size for bank, size in resources.items() if bank.startswith("CONSTANT"))
    shared = max(resources["SHARED"] - reserved, 0)
    return Entry(name, resources["REG"], resources["STACK"] + resources["LOCAL"], shared, constant, code)


def parse_resources(listing: str) -> dict[str, dict[str, int]]:
    """Return the resources of each kernel from `cuobjdump -res-usage`: {"gemm": {"REG": 40, "SHARED": 2048}}."""
    found = re.findall(r"^ Function (\w+):\s*\n\s*(.*)$", listing, re.MULTILINE)
    return {name: {key: int(size) for key, size in re.findall(r"(\S+?):(\d+)", line)} for name, line in found}


def parse_sass(listing: str) -> dict[str, tuple[Instruction, ...]]:
    """Return the instructions of each kernel from `cuobjdump -sass`."""
    names_and_bodies = re.split(r"^\s*Function : (\w+)$", listing, flags=re.MULTILINE)[1:]
    return {
        name: tuple(Instruction(int(m[1], 16), m[3], m[4], m[2] or "") for m in LINE.finditer(body))
        for name, body in zip(names_and_bodies[::2], names_and_bodies[1::2], strict=True)
    }


def loops(code: tuple[Instruction, ...]) -> list[Loop]:
    """Return the natural loops of a kernel, a loop for each header.

    An edge u → h closes a loop with the header h if every path from the start to u passes h. The loop consists of h and
    all blocks from which u can be reached without passing h (Aho, Lam, Sethi, Ullman: Compilers, section 9.6.6). Code
    that is reached only by an indirect branch (BRX) is ignored.
    """
    blocks = list(_blocks(code))
    number = {block[0].address: n for n, block in enumerate(blocks)}
    following: list[list[int]] = []
    for n, block in enumerate(blocks):
        target = block[-1].target
        nexts = [n + 1] if block[-1].falls_through and n + 1 < len(blocks) else []
        following.append(nexts + ([number[target]] if target in number else []))
    preceding: list[list[int]] = [[] for _ in blocks]
    for n, nexts in enumerate(following):
        for other in nexts:
            preceding[other].append(n)

    reached = _reach(0, following)
    found = []
    for header in sorted(reached):
        not_dominated = _reach(0, following, avoid=header)
        latches = [n for n in preceding[header] if n in reached and n not in not_dominated]
        if latches:
            body = {header}.union(*(_reach(n, preceding, avoid=header) for n in latches))
            found.append(Loop(tuple(i for n in sorted(body & reached) for i in blocks[n])))
    return found


def _blocks(code: tuple[Instruction, ...]) -> Iterator[tuple[Instruction, ...]]:
    """Yield the basic blocks: sequences of instructions, entered only at the first and left only at the last."""
    targets = {i.target for i in code}
    start = 0
    for n, i in enumerate(code, 1):
        if n == len(code) or code[n].address in targets or i.target is not None or not i.falls_through:
            yield code[start:n]
            start = n


def _reach(start: int, edges: list[list[int]], avoid: int = -1) -> set[int]:
    """Return the blocks that can be reached from the block `start` without entering the block `avoid`."""
    seen = {start} - {avoid}
    stack = list(seen)
    while stack:
        for n in edges[stack.pop()]:
            if n not in seen and n != avoid:
                seen.add(n)
                stack.append(n)
    return seen
