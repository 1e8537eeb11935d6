"""Tests of `python -m benchmarks`: options, files and exit codes."""

import json
import sys

import pytest

from benchmarks import __main__ as command
from benchmarks import contenders
from tests.benchmarks import made_up


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Run the command with invented results, in a temporary folder."""
    asked = []

    def run(words, names, quick, tell):
        asked.append((words, names, quick))
        found = made_up.run()
        if words == ["nothing"]:
            found["cases"] = []
        elif words != ["failing"]:
            del found["cases"][1]
        return found

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
        command.main()
        return asked

    (tmp_path / "benchmarks").mkdir()
    for page in ("README.md", "benchmarks/README.md"):
        (tmp_path / page).write_text("<!-- made by: make bench -->\n<!-- end of what was made -->\n")
    monkeypatch.setattr(command, "HERE", tmp_path / "benchmarks")
    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    return call


def test_a_complete_run_is_published(call, tmp_path, capsys):
    ((words, names, quick),) = call()
    assert (words, quick) == ([], False)
    assert names == list(command.CONTENDERS)
    folder = tmp_path / "benchmarks"
    assert json.loads((folder / "results.json").read_text())["cases"][0]["key"] == "conv: a, forward"
    assert "### Convolution" in (folder / "README.md").read_text()
    assert "| convolution, forward | **0.50** | 0.25 | – |" in (tmp_path / "README.md").read_text()
    assert (folder / "plots" / "ratios.png").exists()
    assert "| convolution, forward |" in capsys.readouterr().out


@pytest.mark.parametrize("part", [["--quick"], ["--only", "conv"], ["--contenders", "minicnn,torch"]])
def test_a_part_is_not_published_but_kept_where_asked(call, tmp_path, part):
    call(*part, "--out", str(tmp_path / "kept.json"))
    assert (tmp_path / "kept.json").exists()
    assert not (tmp_path / "benchmarks" / "results.json").exists()
    assert "convolution" not in (tmp_path / "README.md").read_text()


def test_another_checkout_competes(call, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "CONTENDERS", dict(command.CONTENDERS))
    monkeypatch.setattr(contenders, "CONTENDERS", command.CONTENDERS)
    ((_, names, _),) = call("--against", str(tmp_path / "older"), "--quick")
    assert names == ["minicnn", "numpy", "before: minicnn", "before: numpy"]
    assert command.CONTENDERS["before: numpy"].root == tmp_path / "older"
    assert not (tmp_path / "benchmarks" / "results.json").exists()


def test_the_quick_run_has_few_contenders(call):
    assert call("--quick") == [([], ["minicnn", "numpy", "torch"], True)]


def test_tables_are_made_again_from_a_kept_run(call, tmp_path):
    kept = tmp_path / "kept.json"
    call("--quick", "--out", str(kept))
    assert call("--report", str(kept)) == [([], ["minicnn", "numpy", "torch"], True)]  # --report times nothing
    assert "| convolution, forward |" in (tmp_path / "README.md").read_text()


def test_cases_are_listed(call, capsys):
    assert call("--list", "--only", "U-Net") == []
    assert capsys.readouterr().out.splitlines()[0] == "training: U-Net, 4 of 64², step"


def test_mistakes_are_explained(call, capsys):
    with pytest.raises(SystemExit):
        call("--contenders", "jax")
    assert "there is no contender 'jax'; there are minicnn, numpy" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        call("--only", "nothing")
    assert "no case has any of ['nothing'] in its name; --list names them" in capsys.readouterr().err


def test_a_failure_of_minicnn_fails_the_command(call):
    with pytest.raises(SystemExit, match="minicnn failed in: conv: b, forward"):
        call("--only", "failing")
