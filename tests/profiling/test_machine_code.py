"""Tests of the machine-code reader: hand-written listings in the format of cuobjdump, and compiled kernels."""

import pytest

from minicnn.backends.build import flattened
from minicnn.errors import KernelError
from minicnn.profiling.machine_code import Entry, Instruction, loops, parse_resources, parse_sass, read_cubin
from minicnn.profiling.nvrtc import ARCHITECTURES, compile_cuda

RESOURCES = """
Resource usage:
 Common:
  GLOBAL:0
 Function first:
  REG:10 STACK:0 SHARED:0 LOCAL:0 CONSTANT[0]:372 TEXTURE:0 SURFACE:0 SAMPLER:0
 Function second:
  REG:38 STACK:16 SHARED:2048 LOCAL:8 CONSTANT[2]:8 CONSTANT[0]:380 TEXTURE:0 SURFACE:0 SAMPLER:0
"""

SASS = """
	code for sm_80
		Function : first
	.headerflags	@"EF_CUDA_SM80"
        /*0000*/                   MOV R1, c[0x0][0x28] ;                /* 0x00000a0000017a02 */
                                                                         /* 0x000fe40000000f00 */
        /*0010*/              @!P0 LDG.E.128.CONSTANT R4, [R2.64] ;      /* 0x0000000000047919 */
        /*0020*/              @!PT LDS RZ, [RZ] ;                        /* 0x0000000000047919 */
        /*0030*/                   EXIT ;                                /* 0x0000000000047919 */
        /*0040*/                   BRA 0x40;                             /* 0xfffffff000007947 */
		..........
		Function : second
        /*0000*/             @!UP0 LDS.U.64 R8, [R4+0x10] ;              /* 0x0000000000047919 */
        /*0010*/                   EXIT ;                                /* 0x0000000000047919 */
"""


def code(*lines: str) -> tuple[Instruction, ...]:
    """Return instructions with addresses as in a listing, from lines like "@P0 BRA 0x20"."""
    text = "".join(f"        /*{n * 16:04x}*/   {line} ;   /* 0x0 */\n" for n, line in enumerate(lines))
    return parse_sass(f"\t\tFunction : f\n{text}")["f"]


def spans(*lines: str) -> list[tuple[int, ...]]:
    """Return the instruction numbers of each loop."""
    return [tuple(i.address // 16 for i in loop.instructions) for loop in loops(code(*lines))]


def test_resources():
    found = parse_resources(RESOURCES)
    assert list(found) == ["first", "second"]
    assert found["second"].pop("CONSTANT[2]") == 8
    assert found["second"].pop("TEXTURE") == 0
    assert {name: size for name, size in found["second"].items() if size} == {
        "REG": 38,
        "STACK": 16,
        "SHARED": 2048,
        "LOCAL": 8,
        "CONSTANT[0]": 380,
    }


def test_instructions():
    found = parse_sass(SASS)
    assert [i.operation for i in found["first"]] == ["MOV", "LDG", "LDS", "EXIT", "BRA"]
    _, load, never, end, last = found["first"]
    assert load == Instruction(0x10, "LDG.E.128.CONSTANT", "R4, [R2.64]", "!P0")
    assert (load.bits, load.falls_through, load.target) == (128, True, None)
    assert (never.bits, never.predicate) == (32, "!PT")
    assert not end.falls_through
    assert (last.target, last.falls_through) == (0x40, False)
    assert (found["second"][0].bits, found["second"][0].predicate) == (64, "!UP0")


@pytest.mark.parametrize(
    ("line", "falls_through"),
    [
        ("BRA 0x20", False),
        ("@P0 BRA 0x20", True),
        ("BRA P1, 0x20", True),
        ("BRA.DIV UR4, 0x20", True),
        ("BRA.U UP0, 0x20", True),
        ("RET.REL.NODEC R4 0x0", False),
        ("@!P3 EXIT", True),
        ("CALL.REL.NOINC 0x20", True),
        ("BSYNC B0", True),
    ],
)
def test_where_control_goes_on(line, falls_through):
    (instruction,) = code(line)
    assert instruction.falls_through is falls_through
    assert instruction.target == (0x20 if instruction.operation == "BRA" else None)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["MOV", "EXIT", "BRA 0x20", "NOP"], []),  # code after EXIT is not a loop
        (["MOV", "FFMA", "@P0 BRA 0x10", "EXIT"], [(1, 2)]),
        (["MOV", "BRA 0x30", "FFMA", "ISETP", "@P0 BRA 0x20", "EXIT"], [(2, 3, 4)]),  # the test ends the loop
        (["MOV", "FADD", "FFMA", "@P0 BRA 0x20", "@P1 BRA 0x10", "EXIT"], [(1, 2, 3, 4), (2, 3)]),
        (["FFMA", "@P0 BRA 0x0", "@P1 BRA 0x0", "EXIT"], [(0, 1, 2)]),  # two backward branches to one header
        (["FFMA", "@P0 BRA 0x40", "@P1 BRA 0x0", "EXIT", "FADD", "BRA 0x20"], [(0, 1, 2, 4, 5)]),  # a part after EXIT
        (["@P0 BRA 0x40", "FFMA", "FADD", "EXIT", "MUFU", "BRA 0x20"], []),  # a backward branch without a loop
        (["MOV", "CALL.REL.NOINC 0x40", "@P0 BRA 0x0", "EXIT", "MUFU", "RET.REL.NODEC R4"], [(0, 1, 2)]),
    ],
)
def test_loops(lines, expected):
    assert sorted(spans(*lines)) == sorted(expected)


def entry(*lines: str) -> Entry:
    return Entry("f", 32, 0, 0, 0, code(*lines))


def test_the_inner_loop_is_the_one_that_itself_holds_most_multiply_adds():
    nested = entry(*["MOV", "FFMA", "FFMA", "LDS.128 R0, [R1]", "FFMA", "@P0 BRA 0x30", "@P1 BRA 0x10", "EXIT"])
    assert nested.inner_loop.fused == 3  # two of its own and one of the nested loop
    assert nested.inner_loop.share == pytest.approx(3 / 6)
    loading = entry(*["FFMA", "LDG.E R2, [R4]", "@P0 BRA 0x10", "FFMA", "FFMA", "@P1 BRA 0x0", "EXIT"])
    assert loading.inner_loop.fused == 3
    double = entry("DFMA", "LDS.64 R2, [R4]", "@P0 BRA 0x0", "EXIT")
    assert double.inner_loop.share == pytest.approx(1 / 3)
    assert double.inner_loop.widths("LDS", "LDG") == {"LDS.64": 1}


def test_without_multiply_adds_in_a_loop_there_is_no_inner_loop():
    assert entry("FADD", "@P0 BRA 0x0", "FFMA", "EXIT").inner_loop is None


def test_widths_leave_out_what_is_never_executed():
    loop = entry("FFMA", "@!PT LDS RZ, [RZ]", "LDS.U.128 R0, [R1]", "LDG.E.U8 R0, [R2]", "@P0 BRA 0x0").inner_loop
    assert loop.widths("LDS") == {"LDS.128": 1}
    assert loop.widths("LDG") == {"LDG.8": 1}


def test_spills_are_counted():
    spilled = entry("STL [R1], R2", "STL.64 [R1+0x8], R2", "LDL R2, [R1]", "EXIT")
    assert (spilled.spill_stores, spilled.spill_loads) == (2, 1)


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_compiled_kernel(toy, architecture):
    found = read_cubin(compile_cuda(toy.name, flattened(toy), architecture, "float32"))
    assert list(found) == ["toy_double", "toy_tiled"]
    tiled = found["toy_tiled"]
    assert 16 <= tiled.registers <= 64
    assert (tiled.stack, tiled.spill_loads, tiled.spill_stores) == (0, 0, 0)
    assert tiled.shared == 2 * 16 * 16 * 4  # also on sm_90, where the listing includes the system's part
    assert tiled.constant >= 28
    assert tiled.inner_loop.fused == 16
    assert 0.2 < tiled.inner_loop.share < 0.6
    assert tiled.inner_loop.widths("LDS")["LDS.128"] == 4
    assert tiled.inner_loop.widths("LDG", "STS") == {"LDG.32": 2, "STS.32": 2}
    assert found["toy_double"].inner_loop is None
    assert found["toy_double"].shared == 0


@pytest.mark.usefixtures("wheels")
def test_a_compiled_kernel_in_double(toy):
    tiled = read_cubin(compile_cuda(toy.name, flattened(toy), "sm_80", "float64"))["toy_tiled"]
    assert tiled.shared == 2 * 16 * 16 * 8
    assert tiled.inner_loop.fused == 16
    assert tiled.inner_loop.widths("LDG") == {"LDG.64": 2}


@pytest.mark.usefixtures("wheels")
def test_what_spills_is_seen(toy):
    toy.write_text(
        '#include "common.cuh"\n'
        'extern "C" __global__ void __launch_bounds__(256) spilled(const Real* x, Real* y, int n) {\n'
        "    Real kept[64];\n"
        "    for (int i = 0; i < 64; i++) kept[(i + n) % 64] = x[i];\n"
        "    y[threadIdx.x] = kept[n];\n"
        "}\n"
    )
    spilled = read_cubin(compile_cuda(toy.name, flattened(toy), "sm_80", "float32"))["spilled"]
    assert spilled.stack >= 256
    assert spilled.spill_stores > 0
    assert spilled.spill_loads > 0


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize("content", [b"no machine code", b""])
def test_what_is_no_machine_code_is_refused(tmp_path, content):
    (tmp_path / "x.cubin").write_bytes(content)
    with pytest.raises(KernelError, match=r"^kernels: cuobjdump cannot read .*x\.cubin: "):
        read_cubin(tmp_path / "x.cubin")
