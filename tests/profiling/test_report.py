"""Tests of the report: the choice of kernels, the counts, and the text."""

import pytest

from minicnn.backends.cuda.launch import Source
from minicnn.errors import ArgumentError, DeviceError
from minicnn.profiling import report as module
from minicnn.profiling.ladder import rungs, sources
from minicnn.profiling.report import choose, compiled, count, report, sized, widths
from minicnn.profiling.workloads import workloads
from minicnn.runtime.devices import CUDASIM


@pytest.fixture
def simulator() -> None:
    """Skip the test if the simulator cannot be built."""
    if module.no_simulator():
        pytest.skip(module.no_simulator())


def names(choice):
    return {entry for _, entry in choice.entries}, {f"{r.kernel.operation}/{r.kernel.name}" for r in choice.rungs}


def test_everything_is_chosen_by_no_name():
    entries, kernels = names(choose())
    assert entries == {entry for source in sources().values() for entry in source.entries}
    assert kernels == {f"{r.kernel.operation}/{r.kernel.name}" for r in rungs()}


def test_an_operation_a_kernel_a_file_and_an_entry_are_chosen():
    assert names(choose(["relu"])) == ({"relu_vec4", "relu_direct"}, {"relu/vec4", "relu/direct"})
    assert names(choose(["relu/direct"])) == ({"relu_direct"}, {"relu/direct"})
    assert names(choose(["relu_direct"])) == ({"relu_direct"}, {"relu/direct"})
    entries, kernels = names(choose(["elementwise.cu"]))
    assert entries == set(sources()["elementwise.cu"].entries)
    assert {"relu/vec4", "relu/direct", "bias_act/vec4"} <= kernels
    assert names(choose(["relu/vec4", "relu_direct"])) == names(choose(["relu"]))
    assert not any(operation.startswith("conv") for operation in kernels)


def test_a_file_of_ones_own_is_chosen(toy):
    choice = choose([str(toy)])
    assert [(source.name, entry) for source, entry in choice.entries] == [
        ("toy.cu", "toy_double"),
        ("toy.cu", "toy_tiled"),
    ]
    assert choice.rungs == ()


def test_what_has_no_such_name():
    with pytest.raises(ArgumentError, match=r"no operation, kernel, file or entry 'paint'; the operations .*conv, .*"):
        choose(["relu", "paint"])


@pytest.mark.usefixtures("simulator")
def test_counts_are_those_of_the_simulator():
    found = count(choose(["relu/direct", "matmul/shared"]).rungs)
    assert found.keys() == {"relu_direct", "gemm_shared"}
    relu, product = found["relu_direct"], found["gemm_shared"]
    assert (relu.requested, relu.moved, relu.banks) == (1, 1, None)
    assert relu.figures == ["1.00", "1.00", "-"]
    assert relu.call == workloads("relu")[0].call(**workloads("relu")[0].small).text
    assert product.requested >= product.moved > 1  # neighbouring blocks load the same tiles again
    assert product.banks is not None
    assert product.banks >= 1


@pytest.mark.usefixtures("simulator")
def test_an_entry_is_counted_once(monkeypatch):
    run = []
    monkeypatch.setattr(module, "counting", lambda counting=module.counting: run.append(1) or counting())
    count(choose(["relu/direct"]).rungs * 3)
    assert run == [1]


def test_without_a_compiler_nothing_is_counted(monkeypatch):
    def refuse(self):
        raise DeviceError("device: cudasim needs a compiler")

    monkeypatch.setattr(type(CUDASIM), "check", refuse)
    assert module.no_simulator() == "not counted here: cudasim needs a compiler\n"
    with pytest.raises(DeviceError, match="needs a compiler"):
        count(choose(["relu"]).rungs)


def test_sizes_go_to_the_workloads_that_have_them():
    chosen = choose(["relu", "matmul"]).rungs
    found = {workload.name: sizes for workload, sizes in sized(chosen, {"batch": 2, "n": 5}).items()}
    assert found["relu"] == {"batch": 2}
    assert found["matmul"] == {"n": 5}
    assert found["matmul, batch"] == {"batch": 2, "n": 5}
    with pytest.raises(ArgumentError, match=r"^there is no size depth, width; the sizes are batch, channels, size$"):
        sized(choose(["relu"]).rungs, {"width": 2, "depth": 1, "batch": 1})
    with pytest.raises(ArgumentError, match="there is no size n; the sizes are none"):
        sized([], {"n": 1})


@pytest.mark.usefixtures("wheels")
def test_widths_of_loads_and_stores(toy):
    found = compiled(Source(toy), "sm_80", "float32")
    assert widths(found["toy_tiled"]) == "2 LDG.32, 4 LDS.128, 16 LDS.32, 2 STS.32"
    assert widths(found["toy_double"]) == "1 LDG.32, 1 STG.32"  # without a loop, the widths of the whole kernel


@pytest.mark.usefixtures("wheels")
def test_the_report_of_a_file_of_ones_own(toy):
    text = "".join(report(choose([str(toy)]), ["sm_80", "sm_90"], "float64"))
    assert text.startswith("Machine code, float64, compiled by NVRTC 12.")
    lines = [line.split() for line in text.splitlines() if line.startswith("toy_")]
    assert [line[:2] for line in lines] == [
        ["toy_double", "sm_80"],
        ["toy_double", "sm_90"],
        ["toy_tiled", "sm_80"],
        ["toy_tiled", "sm_90"],
    ]
    registers, spills, stack, shared, occupancy, limit, share, loop = lines[2][2:10]
    assert int(registers) > 16
    assert (spills, stack, shared) == ("0", "0", "4096")
    assert (occupancy, limit) == ("100%", "warps")
    assert (share, loop) == ("25.0%", "64") or float(share.rstrip("%")) > 15
    assert "counted" not in text
    assert "FLOP" not in text


@pytest.mark.usefixtures("wheels", "simulator")
def test_the_report_of_an_operation():
    text = "".join(report(choose(["relu"]), ["sm_80"], sizes={"batch": 1, "channels": 1, "size": 32}))
    assert "Memory, counted by the simulator in small calls" in text
    assert "relu_vec4         1.00   1.00      -  2 x 8 x 32 x 32\n" in text
    assert "\nrelu: 1 x 1 x 32 x 32\n1.02e-06 GFLOP, at least 0.00819 MB, 0.125 FLOP/byte\n" in text
    assert "lower bounds of the time without Winograd: T4 2.56e-05 ms, A100 4.02e-06 ms, H100 2.45e-06 ms" in text
    assert [line.split() for line in text.splitlines()[-2:]] == [
        ["vec4", "relu_vec4", "1", "256"],
        ["direct", "relu_direct", "4", "256"],
    ]


@pytest.mark.usefixtures("wheels")
def test_the_report_without_counting(monkeypatch):
    monkeypatch.setattr(module, "count", lambda *arguments: pytest.fail("counted"))
    assert "counted" not in "".join(report(choose(["relu"]), ["sm_80"], counted=False))
    monkeypatch.setattr(module, "no_simulator", lambda: "not counted here: no compiler\n")
    assert "not counted here: no compiler\n" in "".join(report(choose(["relu"]), ["sm_80"]))


@pytest.mark.usefixtures("wheels")
def test_a_kernel_that_does_not_take_the_size_says_what_it_needs():
    text = "".join(report(choose(["max_pool/warp"]), ["sm_80"], sizes={"kernel": 2, "stride": 2}, counted=False))
    assert "not supported: requires" in text
