"""Tests of the benchmark report: ratios, goals, tables and errors."""

import json
from pathlib import Path

import pytest

import benchmarks
from benchmarks import report
from benchmarks.cases import cases
from tests.benchmarks.made_up import record, run

FOLDER = Path(benchmarks.__file__).parent


def test_a_ratio_is_the_median_of_neighbouring_turns():
    r = record(minicnn=[1.0, 4.0, 2.0, 9.0], torch=[2.0, 2.0, 2.0])
    assert report.ratio(r, "minicnn", "torch") == 1.0  # the median of 0.5, 2 and 1; the fourth turn has no partner
    assert report.ratio(r, "minicnn", "numpy") is None
    assert report.seconds(r, "minicnn") == 3.0


def test_who_failed_has_no_ratio_and_no_time():
    r = record(minicnn=[1.0], torch=[2.0])
    r["results"]["minicnn"]["failed"] = "wrong by 1e-3"
    assert report.ratio(r, "minicnn", "torch") is None
    assert report.seconds(r, "minicnn") is None


def test_another_checkout_is_compared_by_groups():
    found = run()
    for case, seconds in zip(found["cases"][2:4], (0.5, 5.0), strict=True):
        case["results"]["before: minicnn"] = {"turns": [seconds]}
    text = report.summary(found)
    assert "time (memory) over that of the other checkout" in text
    assert "| convolution, forward + backward | **1.26** | 2.00 (a, forward + backward) |" in text
    assert "other checkout" not in report.summary(run())


def test_memory_is_compared_with_the_leaner_pytorch():
    results = {"minicnn": {"bytes": 30}, "torch": {"bytes": 60}, "torch-default": {"bytes": 20}}
    assert report.to_torch({"group": "memory", "results": results}) == 1.5


def test_geometric_mean():
    assert report.geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2.0)
    assert report.geometric_mean([]) is None


def test_a_line_tells_time_ratio_rate_error_kernels_and_trouble():
    r = record(minicnn=[0.001], torch=[0.002], flops=10**8)
    r["results"]["minicnn"].update(errors={"output": 2e-7}, kernels={"conv": "native/x"}, disturbed=2)
    r["results"]["mygrad"] = {"skipped": "no groups"}
    line = report.line(r)
    assert "minicnn 1 ms = 0.50, 100 GFLOP/s, error 2e-7" in line
    assert "mygrad no groups" in line
    assert "DISTURBED" in line
    assert "conv native/x" in line


def test_the_summary_says_what_is_reached_and_what_not():
    rows = report.summary(run()).splitlines()
    forward = next(row for row in rows if row.startswith("| convolution, forward |"))
    both = next(row for row in rows if row.startswith("| convolution, forward + backward |"))
    assert "**0.50** ✓" in forward
    assert "**0.71** ✗" in both  # 0.25 and 2: the mean is good enough, but a case exceeds 1.5
    assert "2.00 (b, forward + backward)" in both
    assert "1 without a result" in forward  # failed, but counted


def test_peers_are_judged_by_their_best_case():
    rows = report.summary(run()).splitlines()
    assert any("| MyGrad | ≥ 5 | **20** | 20 ✓ (a) | 1 |" in row for row in rows)


def test_a_disturbed_run_is_not_to_be_quoted():
    found = run()
    assert "Do not quote" not in report.tables(found)
    found["cases"][0]["results"]["torch"]["disturbed"] = 3
    text = report.tables(found)
    assert "**Do not quote this run**: in 1 cases (marked †)" in text
    assert "| a, forward † |" in text


def test_who_was_not_waited_for_has_a_lower_bound():
    found = run()
    found["cases"][2]["results"]["mygrad"] = {"longer": 30.0}
    text = report.tables(found)
    assert "| MyGrad | ≥ 5 | **30** | 30 ✓ (a) | 1 |" in text
    assert "| a | 1e+03 | > 30 |" in text
    assert "mygrad more than 30 s" in report.line(found["cases"][2])


def test_no_case_is_hidden():
    text = report.tables(run())
    for r in run()["cases"]:
        assert r["key"].partition(": ")[2] in text, r["key"]
    assert "wrong by 1e-3" in text
    assert "no stride" in text
    assert "tinygrad did not compete: no clang" in text
    assert "`conv` native/x | 3e-7" in text


def test_errors_belong_to_the_kernel_that_made_them():
    kernels = {"conv": "numpy/x", "conv_bias": "reference/reference", "conv_input_grad": "native/y"}
    assert report._kernel("output", False, kernels) == ("conv", "numpy/x")
    fused = {**kernels, "conv": "native/w", "conv_bias": "native/z"}  # conv_bias calls conv
    assert report._kernel("output", False, fused) == ("conv", "native/w")
    assert report._kernel("output", True, kernels) == ("conv_input_grad", "native/y")
    assert report._kernel("gradient of input", True, kernels) == ("conv", "numpy/x")
    assert report._kernel("gradient of bias", False, kernels) is None
    assert report._kernel("output", False, {"conv": "reference/reference"}) == ("conv", "reference/reference")


def test_tables_go_between_the_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.replace_table(page, "new\n")
    assert page.read_text() == f"before\n{report.BEGIN}\nnew\n\n{report.END}\nafter\n"
    page.write_text("no markers")
    with pytest.raises(ValueError, match=r"page\.md has no lines '<!-- made by: make bench -->' and "):
        report.replace_table(page, "new")


def test_the_page_shows_the_kept_run_and_the_run_is_complete():
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    if not (FOLDER / "results.json").exists():
        assert f"{report.BEGIN}\n{report.END}\n" in page
        pytest.skip("no run is kept yet, and the page shows none")
    found = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
    assert report.tables(found) in page
    assert report.headline(found) in (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert {r["key"] for r in found["cases"]} >= cases().keys()
